"""What a sibling extension needs to find dominators in an integer graph."""

from libc.stdint cimport int32_t

from goflow._core.topology cimport Topology


cdef int immediate_dominators(
    const Topology *graph, int32_t start, int32_t *parents
) noexcept nogil

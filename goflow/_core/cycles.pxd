"""What a sibling extension needs to find cycles in an integer graph."""

from libc.stdint cimport int32_t

from goflow._core.topology cimport Topology


cdef int list_components(
    Topology *graph, int32_t edge,
    const int32_t *begin, const int32_t *out, const int32_t *waiting,
) noexcept nogil
cdef int32_t shortest_cycle(const Topology *graph, int32_t **cycle) noexcept nogil

"""What a sibling extension needs to take integer arrays in and give them out."""

from libc.stdint cimport int32_t

from goflow._core.topology cimport Edge


cdef object array_of(const int32_t *values, Py_ssize_t count)
cdef int read_edges(
    object sources, object targets, Py_ssize_t nodes, Edge **edges, Py_ssize_t *count
) except -1

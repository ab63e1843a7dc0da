"""What a sibling extension needs to take integer arrays in and give them out."""

from libc.stdint cimport int32_t


cdef object array_of(const int32_t *values, Py_ssize_t count)
cdef int read_nodes(
    object values, str end, Py_ssize_t nodes, int32_t **read, Py_ssize_t *count
) except -1

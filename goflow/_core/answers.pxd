"""What a sibling extension needs to say in Python's containers which ids it found."""

from libc.stdint cimport int32_t


cdef list list_of(tuple ids, const int32_t *nodes, Py_ssize_t count)
cdef set set_of(tuple ids, const int32_t *nodes, Py_ssize_t count)
cdef dict dict_of(tuple ids, const int32_t *parents, int32_t start)

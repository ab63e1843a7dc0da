"""What a sibling extension needs to read pairs of strings as pairs of integers."""

from libc.stdint cimport int32_t

from goflow._core.intern cimport Table


cdef int read_pairs(
    const Table *table, object pairs, int32_t **firsts, int32_t **seconds, Py_ssize_t *count
) except -1

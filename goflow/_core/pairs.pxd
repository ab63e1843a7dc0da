"""What a sibling extension needs to read pairs of strings as edges between integers."""

from goflow._core.intern cimport Table
from goflow._core.topology cimport Edge


cdef int read_pairs(
    const Table *table, object pairs, Edge **edges, Py_ssize_t *count
) except -1

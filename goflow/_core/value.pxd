"""Structural hash and equality of JSON values, for sibling extensions."""

from cpython.object cimport PyObject
from libc.stdint cimport uint64_t

cdef enum:
    NO_HASH = 0  # of what is no JSON value; see copies.raise_not_json

cdef enum Sameness:
    DIFFERENT
    SAME
    UNCLEAR  # no JSON values, or with keys of a subclass of str


# Neither runs Python code, nor makes anything that the garbage collector would count.
cdef uint64_t hash_of(PyObject *value, int depth) noexcept
cdef Sameness same_at(PyObject *a, PyObject *b, int depth) noexcept

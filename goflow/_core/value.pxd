"""Structural hash and equality of JSON values, for sibling extensions."""

from cpython.object cimport PyObject
from libc.stdint cimport uint64_t

cdef enum:
    NO_HASH = 0  # of what is no JSON value; see raise_not_json


cdef uint64_t hash_of(PyObject *value, int depth) noexcept
cdef bint same_value(PyObject *a, PyObject *b) noexcept

"""Copies of JSON values, for sibling extensions."""

from cpython.object cimport PyObject


cdef PyObject *copy_of(PyObject *value, int depth) except? NULL
cdef PyObject *copy_of_map(PyObject *value, int depth, bint *flat) except? NULL
cdef object copied(object value)
cdef Py_ssize_t size_of(PyObject *value, int depth) noexcept
cdef int raise_not_json(object value, bint strictly) except -1

"""How values are isolated from callers: what is shared, and what is copied how; a header.

What has no insides is shared, JSON values are copied in and out, anything else goes through
`copy.deepcopy`.
"""

from cpython.dict cimport PyDict_Copy
from cpython.object cimport PyObject
from libc.stdint cimport int64_t, uint8_t

from goflow._core.copies cimport copied, copy_of, copy_of_map, size_of
from goflow._core.objects cimport is_leaf

cdef extern from "Python.h":
    void Py_XDECREF(PyObject *item) noexcept

cdef enum Isolation:  # how a value is given out
    SHARED
    COPIED_FLAT  # a map that holds nothing with insides
    COPIED
    DEEPLY_COPIED


cdef inline object taken(object value, object deepcopy, uint8_t *isolation):
    """The cache's own copy of what has insides or is of no type of JSON's."""
    cdef PyObject *own
    cdef bint flat = False
    if type(value) is bytes:
        return value
    if type(value) is dict:
        own = copy_of_map(<PyObject *> value, 0, &flat)
    else:
        own = copy_of(<PyObject *> value, 0)
    if own == NULL:
        result = deepcopy(value)
        isolation[0] = SHARED if result is value else DEEPLY_COPIED
        return result
    result = <object> own
    Py_XDECREF(own)
    isolation[0] = COPIED_FLAT if flat else SHARED if is_leaf(own) else COPIED
    return result


cdef inline object given(object value, uint8_t isolation, object deepcopy):
    """What the caller may keep and change."""
    if isolation == COPIED_FLAT:
        return PyDict_Copy(value)
    if isolation == SHARED:
        return value
    return copied(value) if isolation == COPIED else deepcopy(value)


cdef inline int64_t measured(object part, object getsizeof) except -1:
    """The bytes of a key or a value of ours."""
    cdef Py_ssize_t size
    if type(part) is tuple:
        return 48 + 8 * len(part) + sum([measured(each, getsizeof) for each in part])
    size = size_of(<PyObject *> part, 0)
    return size if size or part is None or isinstance(part, bool) else getsizeof(part)

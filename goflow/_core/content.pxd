"""Content keys of a cache: a node's id and its inputs, compared part by part; a header.

The inputs of most nodes are small maps. One flat tuple of id, keys and values costs a third of what
a copied map does, to make and to compare. No text is made of anything.
"""

from cpython.object cimport PyObject, PyTypeObject
from libc.stdint cimport uint64_t

from goflow._core.copies cimport copied, raise_not_json
from goflow._core.intern cimport goflow_fold, same_string
from goflow._core.objects cimport (
    Py_TYPE, PyDict_Check, PyDict_Next, PyDict_Size, PyUnicode_Type, goflow_string_hash, is_leaf,
)
from goflow._core.value cimport DIFFERENT, NO_HASH, SAME, UNCLEAR, Sameness, hash_of, same_at

cdef extern from "Python.h":
    void Py_INCREF(PyObject *item) noexcept
    PyObject *PyTuple_GET_ITEM(PyObject *item, Py_ssize_t index) noexcept
    Py_ssize_t PyTuple_GET_SIZE(PyObject *item) noexcept
    tuple PyTuple_New(Py_ssize_t size)
    void PyTuple_SET_ITEM(tuple items, Py_ssize_t index, PyObject *item) noexcept

cdef enum:
    FLAT = 16  # keys of a map that is small enough for a flat content key


cdef inline uint64_t content_hash(PyObject *node_id, object inputs) except? NO_HASH:
    cdef uint64_t hashed = hash_of(<PyObject *> inputs, 0)
    if hashed == NO_HASH:
        raise_not_json(inputs, False)
    return goflow_fold(
        hashed ^ <uint64_t> 0x9E3779B97F4A7C15U, goflow_string_hash(node_id) ^ hashed
    )


cdef inline tuple flat_key(str node_id, object inputs, bint ours):
    """The node's id, then keys and values of a map in turn; None if these have to be copied."""
    cdef PyObject *key
    cdef PyObject *item
    cdef Py_ssize_t at = 0, to = 1, size = 1 + 2 * PyDict_Size(<PyObject *> inputs)
    result = PyTuple_New(size)
    Py_INCREF(<PyObject *> node_id)
    PyTuple_SET_ITEM(result, 0, <PyObject *> node_id)
    while to < size and PyDict_Next(<PyObject *> inputs, &at, &key, &item):
        if not ours and (not is_leaf(item) or Py_TYPE(key) != &PyUnicode_Type):
            return None
        Py_INCREF(key)
        Py_INCREF(item)
        PyTuple_SET_ITEM(result, to, key)
        PyTuple_SET_ITEM(result, to + 1, item)
        to += 2
    return result


cdef inline tuple content_key(str node_id, object inputs):
    """A flat tuple for a small map; or else the node's id and a copy of the inputs."""
    if type(inputs) is not dict or PyDict_Size(<PyObject *> inputs) > FLAT:
        return node_id, copied(inputs)
    key = flat_key(node_id, inputs, False)
    return key if key is not None else flat_key(node_id, copied(inputs), True)


cdef inline Sameness same_part(
    PyObject *name, PyObject *item, PyObject *key, Py_ssize_t place
) noexcept:
    """Whether a flat content key has this item under this name, which is mostly at this place."""
    cdef Py_ssize_t size = PyTuple_GET_SIZE(key), there = place
    if Py_TYPE(name) != &PyUnicode_Type:
        return UNCLEAR
    while PyTuple_GET_ITEM(key, there) != name and (
        not same_string(PyTuple_GET_ITEM(key, there), name)
    ):
        there = there + 2 if there + 2 < size else 1
        if there == place:
            return DIFFERENT
    if item == PyTuple_GET_ITEM(key, there + 1) and is_leaf(item):
        return SAME
    return same_at(item, PyTuple_GET_ITEM(key, there + 1), 1)


cdef inline Sameness same_content(PyObject *inputs, PyObject *key) noexcept:
    """Whether a content key is that of these inputs."""
    cdef Py_ssize_t size = PyTuple_GET_SIZE(key), at = 0, place = 1
    cdef PyObject *name
    cdef PyObject *item
    cdef inline Sameness sameness = SAME
    if size == 2:
        return same_at(inputs, PyTuple_GET_ITEM(key, 1), 0)
    if not PyDict_Check(inputs) or 1 + 2 * PyDict_Size(inputs) != size:
        return DIFFERENT
    while sameness == SAME and place < size and PyDict_Next(inputs, &at, &name, &item):
        sameness = same_part(name, item, key, place)
        place += 2
    return sameness


cdef inline Sameness same_keys(PyObject *ours, PyObject *key) noexcept:
    """Whether two content keys are those of the same inputs."""
    cdef Py_ssize_t size = PyTuple_GET_SIZE(key), place
    cdef inline Sameness sameness = SAME
    if size != PyTuple_GET_SIZE(ours):
        return DIFFERENT
    if size == 2:
        return same_at(PyTuple_GET_ITEM(ours, 1), PyTuple_GET_ITEM(key, 1), 0)
    for place in range(1, size, 2):
        if sameness == SAME:
            sameness = same_part(
                PyTuple_GET_ITEM(ours, place), PyTuple_GET_ITEM(ours, place + 1), key, place
            )
    return sameness

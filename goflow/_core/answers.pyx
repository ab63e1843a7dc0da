"""Numbers of ids to ids: the lists, sets and dicts that a graph answers in.

Compiled because most of an answer's cost is writing to scattered memory (every id counts its
references), which waits much less for what was asked for in time.

O(ids). New containers that nothing else can see yet, so threads do not matter.
"""

from cpython.list cimport PyList_New, PyList_SET_ITEM
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF
from libc.stdint cimport int32_t

from goflow._core.memory cimport goflow_prefetch
from goflow._core.roomy cimport goflow_dict_for, goflow_prefetch_in_set, goflow_set_for

cdef extern from "Python.h":
    PyObject **PySequence_Fast_ITEMS(object sequence) noexcept
    int PySet_Add(object answer, PyObject *item) except -1
    int PyDict_SetItem(object answer, PyObject *key, PyObject *value) except -1
    PyObject *Py_None

cdef enum:
    AHEAD = 16  # how many ids ahead memory is asked for
    FEW = 8  # so many fit into a set as it comes


cdef list list_of(tuple ids, const int32_t *nodes, Py_ssize_t count):
    """The ids of these nodes, in this order."""
    cdef PyObject **items = PySequence_Fast_ITEMS(ids)
    cdef Py_ssize_t at
    answer = PyList_New(count)
    for at in range(count):
        if at + 2 * AHEAD < count:
            goflow_prefetch(&items[nodes[at + 2 * AHEAD]])
            goflow_prefetch(items[nodes[at + AHEAD]])
        name = <object> items[nodes[at]]
        Py_INCREF(name)
        PyList_SET_ITEM(answer, at, name)
    return answer


cdef set set_of(tuple ids, const int32_t *nodes, Py_ssize_t count):
    """The ids of these nodes; they must be ascending for memory to be asked for in time."""
    cdef PyObject **items = PySequence_Fast_ITEMS(ids)
    cdef set answer = goflow_set_for(count) if count > FEW else set()
    cdef Py_ssize_t at
    for at in range(count):
        if at + 2 * AHEAD < count:
            goflow_prefetch(items[nodes[at + 2 * AHEAD]])
            goflow_prefetch_in_set(answer, items[nodes[at + AHEAD]])
        PySet_Add(answer, items[nodes[at]])
    return answer


cdef dict dict_of(tuple ids, const int32_t *parents, int32_t start):
    """From every id that has a parent to its parent's, in the ids' order; the start's is None."""
    cdef PyObject **items = PySequence_Fast_ITEMS(ids)
    cdef Py_ssize_t count = len(ids), found = 1, node
    for node in range(count):
        found += parents[node] >= 0
    cdef dict answer = goflow_dict_for(found)
    for node in range(count):
        if node + 2 * AHEAD < count:
            goflow_prefetch(items[node + AHEAD])
            goflow_prefetch(&items[max(0, parents[node + 2 * AHEAD])])
            goflow_prefetch(items[max(0, parents[node + AHEAD])])
        if parents[node] >= 0:
            PyDict_SetItem(answer, items[node], items[parents[node]])
        elif node == start:
            PyDict_SetItem(answer, items[node], Py_None)
    return answer

"""Integer arrays in and out: any buffer of node numbers, checked; NumPy arrays for answers.

Compiled because a million numbers pass through without becoming Python objects. The buffer
protocol is all that is needed to read; NumPy is imported when an answer is an array, not before.

O(items). Each item is read once, checked, and kept as a copy: whoever changes the buffer at the
same time changes the answer, and nothing worse.
"""

from cpython.buffer cimport (
    PyBUF_FORMAT, PyBUF_STRIDES, PyBUF_WRITABLE, PyBuffer_Release, PyObject_CheckBuffer,
    PyObject_GetBuffer,
)
from libc.stdint cimport INT32_MAX, int32_t, int64_t
from libc.string cimport memcpy

from goflow._core.memory cimport numbers
from goflow._core.topology cimport Edge

import sys
from operator import index

from goflow.errors import GraphError

# What the struct module calls a native signed integer, in front of its letter.
cdef str NATIVE = "@=<" if sys.byteorder == "little" else "@=>!"


cdef object array_of(const int32_t *values, Py_ssize_t count):
    """The values as a new NumPy int32 array."""
    from numpy import empty, int32

    cdef Py_buffer view
    array = empty(count, dtype=int32)
    PyObject_GetBuffer(array, &view, PyBUF_WRITABLE)
    memcpy(view.buf, values, count * sizeof(int32_t))
    PyBuffer_Release(&view)
    return array


cdef int refuse(Py_ssize_t edge, str end, object node, Py_ssize_t nodes) except -1:
    raise GraphError(f"edge {edge} has a {end} that is no node: {node} of {nodes} nodes")


cdef int read_edges(
    object sources, object targets, Py_ssize_t nodes, Edge **edges, Py_ssize_t *count
) except -1:
    """The edges between them, as a new C array, which the caller frees, come what may.

    Raises GraphError for an end outside ``range(nodes)`` and for unequal lengths, TypeError for
    what is no one-dimensional buffer of int32 or int64 and no iterable of integers.
    """
    cdef Py_ssize_t more = read_ends(sources, "source", nodes, edges, -1)
    count[0] = more
    more = read_ends(targets, "target", nodes, edges, count[0])
    if count[0] != more:
        raise GraphError(f"{count[0]} sources and {more} targets are no edges")
    return 0


cdef Py_ssize_t read_ends(
    object values, str end, Py_ssize_t nodes, Edge **edges, Py_ssize_t expected
) except -1:
    """Read sources into new edges, or targets into as many as expected; how many there are."""
    cdef Py_buffer view
    cdef int32_t *ends
    cdef list items
    if PyObject_CheckBuffer(values):
        PyObject_GetBuffer(values, &view, PyBUF_FORMAT | PyBUF_STRIDES)
        try:
            check_format(&view, end)
            ends = room_for(view.shape[0], end, edges, expected)
            if ends != NULL:
                read_view(&view, end, nodes, ends)
            return view.shape[0]
        finally:
            PyBuffer_Release(&view)
    items = [index(value) for value in values]
    ends = room_for(len(items), end, edges, expected)
    if ends != NULL:
        for at, value in enumerate(items):
            if not 0 <= value < nodes:
                refuse(at, end, value, nodes)
            ends[2 * at] = value
    return len(items)


cdef int32_t *room_for(
    Py_ssize_t size, str end, Edge **edges, Py_ssize_t expected
) except? NULL:
    """Where the first end goes; each has its place two on. NULL if too many or too few come."""
    if expected >= 0:
        return &edges[0].target if size == expected else NULL
    if size >= INT32_MAX:
        raise GraphError(f"{size} {end}s are too many: at most {INT32_MAX - 1} fit")
    edges[0] = <Edge *> numbers(2 * size + 1)
    if edges[0] == NULL:
        raise MemoryError
    return &edges[0].source


cdef int check_format(Py_buffer *view, str end) except -1:
    code = "B" if view.format == NULL else view.format.decode()
    if view.ndim != 1:
        raise TypeError(f"{end}s have {view.ndim} dimensions, not one")
    if code.lstrip(NATIVE) not in ("i", "l", "q") or view.itemsize not in (4, 8):
        raise TypeError(f"{end}s have items of format {code!r}, not int32 or int64")
    return 0


cdef int read_view(Py_buffer *view, str end, Py_ssize_t nodes, int32_t *ends) except -1:
    cdef const char *item = <const char *> view.buf
    cdef bint wide = view.itemsize == 8
    cdef int32_t narrow
    cdef int64_t value
    cdef Py_ssize_t at
    for at in range(view.shape[0]):
        if wide:
            memcpy(&value, item, 8)
        else:
            memcpy(&narrow, item, 4)
            value = narrow
        if value < 0 or value >= nodes:
            refuse(at, end, value, nodes)
        ends[2 * at] = <int32_t> value
        item += view.strides[0]
    return 0

"""Integer arrays in and out: any buffer of node numbers, checked; NumPy arrays for answers.

Compiled because a million numbers pass through without becoming Python objects. The buffer
protocol is all that is needed to read; NumPy is imported when an answer is an array, not before.

O(items). Each item is read once, checked, and kept as a copy: whoever changes the buffer at the
same time changes the answer, and nothing worse.
"""

from cpython.buffer cimport (
    PyBUF_WRITABLE, PyBuffer_Release, PyObject_CheckBuffer, PyObject_GetBuffer,
)
from cpython.memoryview cimport PyMemoryView_FromObject, PyMemoryView_GET_BUFFER
from libc.stdint cimport INT32_MAX, int32_t, int64_t, uint64_t
from libc.string cimport memcpy

from goflow._core.memory cimport numbers
from goflow._core.topology cimport Edge

import sys
from operator import index

from goflow.errors import GraphError

# What the struct module calls a native signed integer, in front of its letter.
cdef str NATIVE = "@=<" if sys.byteorder == "little" else "@=>!"

cdef struct Column:
    const char *item  # the next one
    Py_ssize_t stride
    Py_ssize_t size
    bint wide  # int64, not int32


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


cdef object buffer_of(object values, str end, Py_ssize_t nodes):
    """A memoryview of them, which is that of a new array for what is no buffer."""
    if not PyObject_CheckBuffer(values):
        from array import array

        values = [index(value) for value in values]
        for at, value in enumerate(values):
            if not 0 <= value < nodes:
                refuse(at, end, value, nodes)
        values = array("i", values)
    return PyMemoryView_FromObject(values)


cdef int column_of(Column *column, object memory, str end) except -1:
    cdef const Py_buffer *view = PyMemoryView_GET_BUFFER(memory)
    code = "B" if view.format == NULL else view.format.decode()
    if view.ndim != 1:
        raise TypeError(f"{end}s have {view.ndim} dimensions, not one")
    if code.lstrip(NATIVE) not in ("i", "l", "q") or view.itemsize not in (4, 8):
        raise TypeError(f"{end}s have items of format {code!r}, not int32 or int64")
    if view.shape[0] >= INT32_MAX:
        raise GraphError(f"{view.shape[0]} {end}s are too many: at most {INT32_MAX - 1} fit")
    if view.suboffsets != NULL:
        raise TypeError(f"{end}s have pointers to their items")
    column.item = <const char *> view.buf
    column.stride = view.strides[0]
    column.size = view.shape[0]
    column.wide = view.itemsize == 8
    return 0


cdef inline int64_t next_of(Column *column) noexcept:
    cdef int64_t wide
    cdef int32_t narrow
    if column.wide:
        memcpy(&wide, column.item, 8)
    else:
        memcpy(&narrow, column.item, 4)
        wide = narrow
    column.item += column.stride
    return wide


cdef int read_edges(
    object sources, object targets, Py_ssize_t nodes, Edge **edges, Py_ssize_t *count
) except -1:
    """The edges between them, as a new C array, which the caller frees, come what may.

    Raises GraphError for an end outside ``range(nodes)`` and for unequal lengths, TypeError for
    what is no one-dimensional buffer of int32 or int64 and no iterable of integers.
    """
    cdef Column first, second
    cdef int64_t source, target
    cdef Py_ssize_t at
    cdef Edge *edge
    memory = buffer_of(sources, "source", nodes), buffer_of(targets, "target", nodes)
    column_of(&first, memory[0], "source")
    column_of(&second, memory[1], "target")
    if first.size != second.size:
        raise GraphError(f"{first.size} sources and {second.size} targets are no edges")
    count[0] = first.size
    edges[0] = edge = <Edge *> numbers(2 * first.size + 1)
    if edge == NULL:
        raise MemoryError
    for at in range(first.size):
        source = next_of(&first)
        target = next_of(&second)
        if <uint64_t> source >= <uint64_t> nodes:
            refuse(at, "source", source, nodes)
        if <uint64_t> target >= <uint64_t> nodes:
            refuse(at, "target", target, nodes)
        edge[at].source = <int32_t> source
        edge[at].target = <int32_t> target
    return 0

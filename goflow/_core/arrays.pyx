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
from cpython.mem cimport PyMem_RawMalloc
from libc.stdint cimport INT32_MAX, int32_t, int64_t
from libc.string cimport memcpy

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


cdef int read_nodes(
    object values, str end, Py_ssize_t nodes, int32_t **read, Py_ssize_t *count
) except -1:
    """The values, all in ``range(nodes)``, as a new C array, which the caller frees, come what may.

    ``end`` is what an error calls them. Raises GraphError for a value that is no node, TypeError
    for what is no one-dimensional buffer of int32 or int64 and no iterable of integers.
    """
    cdef Py_buffer view
    if PyObject_CheckBuffer(values):
        PyObject_GetBuffer(values, &view, PyBUF_FORMAT | PyBUF_STRIDES)
        try:
            return read_view(&view, end, nodes, read, count)
        finally:
            PyBuffer_Release(&view)
    cdef list items = [index(value) for value in values]
    reserve(len(items), end, read, count)
    for at, value in enumerate(items):
        if not 0 <= value < nodes:
            refuse(at, end, value, nodes)
        read[0][at] = value
    return 0


cdef int reserve(Py_ssize_t size, str end, int32_t **read, Py_ssize_t *count) except -1:
    if size >= INT32_MAX:
        raise GraphError(f"{size} {end}s are too many: at most {INT32_MAX - 1} fit")
    count[0] = size
    read[0] = <int32_t *> PyMem_RawMalloc((size + 1) * sizeof(int32_t))
    if read[0] == NULL:
        raise MemoryError
    return 0


cdef int read_view(
    Py_buffer *view, str end, Py_ssize_t nodes, int32_t **read, Py_ssize_t *count
) except -1:
    code = "B" if view.format == NULL else view.format.decode()
    if view.ndim != 1:
        raise TypeError(f"{end}s have {view.ndim} dimensions, not one")
    if code.lstrip(NATIVE) not in ("i", "l", "q") or view.itemsize not in (4, 8):
        raise TypeError(f"{end}s have items of format {code!r}, not int32 or int64")
    reserve(view.shape[0], end, read, count)
    cdef const char *item = <const char *> view.buf
    cdef bint wide = view.itemsize == 8
    cdef int32_t narrow
    cdef int64_t value
    cdef Py_ssize_t at
    for at in range(count[0]):
        if wide:
            memcpy(&value, item, 8)
        else:
            memcpy(&narrow, item, 4)
            value = narrow
        if value < 0 or value >= nodes:
            refuse(at, end, value, nodes)
        read[0][at] = <int32_t> value
        item += view.strides[0]
    return 0

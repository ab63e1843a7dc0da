"""C arrays, and asking for memory before it is needed; a header, with nothing to import."""

from cpython.mem cimport PyMem_RawCalloc, PyMem_RawMalloc
from libc.stdint cimport int32_t

cdef extern from *:
    """
    #if defined(_MSC_VER)
      #define goflow_prefetch(address) ((void)(address))
    #else
      #define goflow_prefetch(address) __builtin_prefetch(address)
    #endif
    """
    void goflow_prefetch(const void *address) noexcept nogil


cdef inline int32_t *numbers(Py_ssize_t count) noexcept nogil:
    """Room for so many, and one more; NULL when memory ran out. The caller frees it."""
    return <int32_t *> PyMem_RawMalloc((count + 1) * sizeof(int32_t))


cdef inline int32_t *zeros(Py_ssize_t count) noexcept nogil:
    """As ``numbers``, all zero."""
    return <int32_t *> PyMem_RawCalloc(count + 1, sizeof(int32_t))

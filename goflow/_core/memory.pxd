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
    #if defined(__linux__)
      #include <stdint.h>
      #include <sys/mman.h>
      /* Read all over, a large array misses in the page tables before it misses in the cache. */
      static inline void *goflow_on_large_pages(void *memory, size_t size) {
          const uintptr_t page = (uintptr_t)1 << 21;
          uintptr_t begin = ((uintptr_t)memory + page - 1) & ~(page - 1);
          uintptr_t end = ((uintptr_t)memory + size) & ~(page - 1);
          if (memory != NULL && size >= 2 * page)
              madvise((void *)begin, end - begin, MADV_HUGEPAGE);  /* no harm if refused */
          return memory;
      }
    #else
      #define goflow_on_large_pages(memory, size) (memory)
    #endif
    """
    void goflow_prefetch(const void *address) noexcept nogil
    void *goflow_on_large_pages(void *memory, size_t size) noexcept nogil


cdef inline int32_t *numbers(Py_ssize_t count) noexcept nogil:
    """Room for so many, and one more; NULL when memory ran out. The caller frees it."""
    cdef size_t size = (count + 1) * sizeof(int32_t)
    return <int32_t *> goflow_on_large_pages(PyMem_RawMalloc(size), size)


cdef inline int32_t *zeros(Py_ssize_t count) noexcept nogil:
    """As ``numbers``, all zero."""
    cdef size_t size = (count + 1) * sizeof(int32_t)
    return <int32_t *> goflow_on_large_pages(PyMem_RawCalloc(size, 1), size)

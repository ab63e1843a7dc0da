"""Strings to small integers: what look-ups are made of, for sibling extensions to inline."""

from cpython.object cimport PyObject
from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy

from goflow._core.memory cimport goflow_prefetch

cdef extern from *:
    """
    #if defined(_MSC_VER)
      #include <intrin.h>
      static __inline uint64_t goflow_fold(uint64_t a, uint64_t b) {
          uint64_t high, low = _umul128(a, b, &high);
          return low ^ high;
      }
    #else
      static inline uint64_t goflow_fold(uint64_t a, uint64_t b) {
          unsigned __int128 product = (unsigned __int128)a * b;
          return (uint64_t)product ^ (uint64_t)(product >> 64);
      }
    #endif
    #if PY_VERSION_HEX < 0x030C0000  /* strings could still be waiting for their final form */
      #define goflow_string_ready(string) PyUnicode_READY(string)
    #else
      #define goflow_string_ready(string) 0
    #endif
    """
    uint64_t goflow_fold(uint64_t a, uint64_t b) noexcept nogil
    int goflow_string_ready(PyObject *string) noexcept  # not 0: an error is set

# Declared over PyObject*: what is read here is kept alive by its container, and counting
# references would cost more than the look-up.
cdef extern from "Python.h":
    bint PyUnicode_Check(PyObject *item) noexcept
    Py_ssize_t PyUnicode_GET_LENGTH(PyObject *string) noexcept
    int PyUnicode_KIND(PyObject *string) noexcept
    void *PyUnicode_DATA(PyObject *string) noexcept
    PyObject **PySequence_Fast_ITEMS(object sequence) noexcept

# A slot is 0 when empty; else its low bits are a key's number plus one, its high bits the key's
# tag: as many of the hash's bits as the numbers leave room for.
ctypedef uint32_t Slot

cdef struct Table:
    Slot *slots
    uint64_t mask  # slots - 1; slots are a power of two, at most two thirds of them in use
    uint32_t entries  # the low bits of a slot
    uint64_t secrets[2]
    Py_ssize_t count
    PyObject **keys  # borrowed: the items of the tuple the table was filled from


cdef int table_fill(Table *table, tuple keys) except -1
cdef void table_free(Table *table) noexcept nogil
cdef int32_t table_find(const Table *table, object key) except -2


cdef inline uint64_t load8(const uint8_t *data) noexcept nogil:
    cdef uint64_t word
    memcpy(&word, data, 8)
    return word


cdef inline uint64_t load4(const uint8_t *data) noexcept nogil:
    cdef uint32_t word
    memcpy(&word, data, 4)
    return word


cdef inline uint64_t hash_string(const Table *table, PyObject *string) noexcept:
    """Of the characters' bytes, their width and their number."""
    cdef int width = PyUnicode_KIND(string)
    cdef Py_ssize_t size = PyUnicode_GET_LENGTH(string) * width
    cdef const uint8_t *data = <const uint8_t *> PyUnicode_DATA(string)
    cdef uint64_t state = table.secrets[0] ^ (<uint64_t> size << 3) ^ <uint64_t> width
    cdef uint64_t low = 0, high = 0
    while size > 16:
        state = goflow_fold(load8(data) ^ table.secrets[1], load8(data + 8) ^ state)
        data += 16
        size -= 16
    if size >= 8:
        low = load8(data)
        high = load8(data + size - 8)
    elif size >= 4:
        low = load4(data)
        high = load4(data + size - 4)
    elif size > 0:
        low = data[0] | (<uint64_t> data[size >> 1] << 8) | (<uint64_t> data[size - 1] << 16)
    state = goflow_fold(low ^ table.secrets[1], high ^ state)
    return goflow_fold(state ^ table.secrets[0], table.secrets[1])


cdef inline bint same_string(PyObject *a, PyObject *b) noexcept:
    if a == b:
        return True
    cdef Py_ssize_t length = PyUnicode_GET_LENGTH(a)
    cdef int width = PyUnicode_KIND(a)
    return (
        length == PyUnicode_GET_LENGTH(b)
        and width == PyUnicode_KIND(b)
        and memcmp(PyUnicode_DATA(a), PyUnicode_DATA(b), length * width) == 0
    )


cdef inline void prefetch_string(PyObject *string) noexcept nogil:
    # Its type stands in the first cache line, its characters often begin in the next.
    goflow_prefetch(<char *> string + 8)
    goflow_prefetch(<char *> string + 56)


cdef inline uint32_t tag_of(const Table *table, uint64_t hashed) noexcept nogil:
    return <uint32_t> (hashed >> 32) & ~table.entries


cdef inline int32_t entry_of(const Table *table, Slot slot) noexcept nogil:
    """The number of the slot's key; -1 for an empty slot."""
    return <int32_t> (slot & table.entries) - 1


cdef inline Slot *probe(const Table *table, uint64_t hashed) noexcept nogil:
    """The first slot from the hash on that has its tag or is empty."""
    cdef uint64_t at = hashed & table.mask
    cdef uint32_t tag = tag_of(table, hashed)
    while table.slots[at] != 0 and (table.slots[at] & ~table.entries) != tag:
        at = (at + 1) & table.mask
    return &table.slots[at]


cdef inline Slot *settle(const Table *table, Slot *slot, uint64_t hashed, PyObject *key) noexcept:
    """The key's own slot, or the empty one where it belongs, from a slot that ``probe`` gave."""
    cdef uint64_t at = slot - table.slots
    cdef uint32_t tag = tag_of(table, hashed)
    while table.slots[at] != 0:
        if (table.slots[at] & ~table.entries) == tag and same_string(
            table.keys[entry_of(table, table.slots[at])], key
        ):
            break
        at = (at + 1) & table.mask
    return &table.slots[at]

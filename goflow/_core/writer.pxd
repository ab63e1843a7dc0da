"""Canonical bytes being written: lengths, strings and integers, and the order of keys; a header.

The form is described in ``canonical``. A small value is written without asking for memory.
"""

from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc, PyMem_RawRealloc
from cpython.object cimport PyObject
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy

from goflow._core.intern cimport (
    PyUnicode_DATA, PyUnicode_GET_LENGTH, PyUnicode_KIND, load8,
)
from goflow._core.objects cimport PyLong_AsLongLongAndOverflow

cdef extern from *:
    """
    #if defined(_MSC_VER)
      #include <stdlib.h>
      #define goflow_swap8(word) _byteswap_uint64(word)
    #else
      #define goflow_swap8(word) __builtin_bswap64(word)
    #endif
    #if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
      #define goflow_from_big8(word) (word)
      #define goflow_to_little8(word) goflow_swap8(word)
    #else
      #define goflow_from_big8(word) goflow_swap8(word)
      #define goflow_to_little8(word) (word)
    #endif
    """
    uint64_t goflow_from_big8(uint64_t word) noexcept
    uint64_t goflow_to_little8(uint64_t word) noexcept

cdef extern from "Python.h":
    bint PyUnicode_IS_ASCII(PyObject *string) noexcept
    uint32_t PyUnicode_READ(int kind, const void *data, Py_ssize_t at) noexcept

cdef enum:
    SMALL = 1024  # bytes that a value may have before memory is asked for
    FEW = 32  # keys of all maps that one is inside of, likewise
    SORTED_BY_HAND = 48  # keys from which on qsort is the better one

cdef enum Outcome:
    WRITTEN
    NOT_JSON  # see raise_not_json
    NO_MEMORY
    RAISED  # an error is set

cdef struct Pair:
    PyObject *key
    PyObject *value
    uint64_t prefix  # the key's first eight bytes of UTF-8 as a big-endian number, zeros behind

cdef extern from "stdlib.h":
    void qsort(
        void *items, size_t count, size_t size, int (*compare)(const void *, const void *) noexcept
    ) noexcept

cdef struct Writer:
    uint8_t *data
    Py_ssize_t size, room
    Pair *pairs  # a stack: those of the innermost map on top
    Py_ssize_t depth, pair_room
    uint8_t small[SMALL]
    Pair few[FEW]


cdef inline void begin(Writer *writer) noexcept:
    writer.data = writer.small
    writer.size = 0
    writer.room = SMALL
    writer.pairs = writer.few
    writer.depth = 0
    writer.pair_room = FEW


cdef inline void finish(Writer *writer) noexcept:
    if writer.data != writer.small:
        PyMem_RawFree(writer.data)
    if writer.pairs != writer.few:
        PyMem_RawFree(writer.pairs)


cdef inline Outcome grow(Writer *writer, Py_ssize_t more) noexcept:
    """Room for so many bytes more."""
    cdef Py_ssize_t room = 2 * writer.room
    cdef uint8_t *data
    while room < writer.size + more:
        room *= 2
    if writer.data == writer.small:
        data = <uint8_t *> PyMem_RawMalloc(room)
        if data != NULL:
            memcpy(data, writer.small, writer.size)
    else:
        data = <uint8_t *> PyMem_RawRealloc(writer.data, room)
    if data == NULL:
        return NO_MEMORY
    writer.data = data
    writer.room = room
    return WRITTEN


cdef inline Outcome grow_pairs(Writer *writer, Py_ssize_t more) noexcept:
    cdef Py_ssize_t room = 2 * (writer.pair_room + more)
    cdef Pair *pairs
    if writer.pairs == writer.few:
        pairs = <Pair *> PyMem_RawMalloc(room * sizeof(Pair))
        if pairs != NULL:
            memcpy(pairs, writer.few, writer.depth * sizeof(Pair))
    else:
        pairs = <Pair *> PyMem_RawRealloc(writer.pairs, room * sizeof(Pair))
    if pairs == NULL:
        return NO_MEMORY
    writer.pairs = pairs
    writer.pair_room = room
    return WRITTEN


cdef inline void put_length(Writer *writer, Py_ssize_t length) noexcept:
    """At most ten bytes, for which there is room."""
    while length > 127:
        writer.data[writer.size] = <uint8_t> (length & 127 | 128)
        writer.size += 1
        length >>= 7
    writer.data[writer.size] = <uint8_t> length
    writer.size += 1


cdef inline int put_utf8(uint8_t *to, uint32_t character) noexcept:
    """How many bytes it took; 0 for half of a surrogate pair, which has no UTF-8."""
    if character < 0x80:
        to[0] = <uint8_t> character
        return 1
    if character < 0x800:
        to[0] = <uint8_t> (0xC0 | character >> 6)
        to[1] = <uint8_t> (0x80 | character & 63)
        return 2
    if character < 0x10000:
        if 0xD800 <= character < 0xE000:
            return 0
        to[0] = <uint8_t> (0xE0 | character >> 12)
        to[1] = <uint8_t> (0x80 | character >> 6 & 63)
        to[2] = <uint8_t> (0x80 | character & 63)
        return 3
    to[0] = <uint8_t> (0xF0 | character >> 18)
    to[1] = <uint8_t> (0x80 | character >> 12 & 63)
    to[2] = <uint8_t> (0x80 | character >> 6 & 63)
    to[3] = <uint8_t> (0x80 | character & 63)
    return 4


cdef inline Outcome put_wide_string(Writer *writer, PyObject *string) noexcept:
    """Length and UTF-8 of a string that is not all ASCII."""
    cdef int kind = PyUnicode_KIND(string), width
    cdef const void *data = PyUnicode_DATA(string)
    cdef Py_ssize_t length = PyUnicode_GET_LENGTH(string), at, size = 0
    cdef uint32_t character
    for at in range(length):
        character = PyUnicode_READ(kind, data, at)
        size += 1 + (character >= 0x80) + (character >= 0x800) + (character >= 0x10000)
    if writer.size + size + 10 > writer.room and grow(writer, size + 10) != WRITTEN:
        return NO_MEMORY
    put_length(writer, size)
    for at in range(length):
        width = put_utf8(writer.data + writer.size, PyUnicode_READ(kind, data, at))
        if width == 0:
            return NOT_JSON
        writer.size += width
    return WRITTEN


cdef inline Outcome put_string(Writer *writer, PyObject *string) noexcept:
    cdef Py_ssize_t length = PyUnicode_GET_LENGTH(string)
    if not PyUnicode_IS_ASCII(string):
        return put_wide_string(writer, string)
    if writer.size + length + 10 > writer.room and grow(writer, length + 10) != WRITTEN:
        return NO_MEMORY
    put_length(writer, length)
    memcpy(writer.data + writer.size, PyUnicode_DATA(string), length)
    writer.size += length
    return WRITTEN


cdef inline Outcome put_big_integer(Writer *writer, object number) noexcept:
    cdef bytes data
    try:
        data = int.to_bytes(number, int.bit_length(number) // 8 + 1, "little", signed=True)
    except Exception:
        return NO_MEMORY
    cdef Py_ssize_t size = len(data)
    if writer.size + size + 10 > writer.room and grow(writer, size + 10) != WRITTEN:
        return NO_MEMORY
    put_length(writer, size)
    memcpy(writer.data + writer.size, <const char *> data, size)
    writer.size += size
    return WRITTEN


cdef inline Outcome put_integer(Writer *writer, PyObject *number) noexcept:
    cdef int overflow = 0, size = 1
    cdef long long small = PyLong_AsLongLongAndOverflow(number, &overflow)
    if overflow != 0:
        return put_big_integer(writer, <object> number)
    cdef uint64_t rest = <uint64_t> small
    cdef uint64_t magnitude = 0 - rest if small < 0 else rest
    while size < 9 and magnitude >> (8 * size - 1):
        size += 1
    cdef uint64_t word = goflow_to_little8(rest)
    put_length(writer, size)
    memcpy(writer.data + writer.size, &word, 8)
    writer.data[writer.size + 8] = 255 if small < 0 else 0
    writer.size += size
    return WRITTEN


cdef inline uint64_t prefix_of(PyObject *key) noexcept:
    cdef Py_ssize_t length = PyUnicode_GET_LENGTH(key), at
    cdef const uint8_t *data = <const uint8_t *> PyUnicode_DATA(key)
    cdef uint8_t first[32]
    cdef int size = 0
    cdef uint64_t word = 0
    if PyUnicode_IS_ASCII(key):
        if length >= 8:
            return goflow_from_big8(load8(data))
        for at in range(length):
            word = word << 8 | data[at]
        return word << 8 * (8 - length) if length else 0
    for at in range(min(length, 8)):
        size += put_utf8(first + size, PyUnicode_READ(PyUnicode_KIND(key), data, at))
    while size < 8:
        first[size] = 0
        size += 1
    return goflow_from_big8(load8(first))


cdef inline int compare_keys(PyObject *a, PyObject *b) noexcept:
    cdef Py_ssize_t ours = PyUnicode_GET_LENGTH(a), theirs = PyUnicode_GET_LENGTH(b), at
    cdef int kind_a = PyUnicode_KIND(a), kind_b = PyUnicode_KIND(b)
    cdef uint32_t left, right
    cdef int order = 0
    if kind_a == 1 and kind_b == 1:
        order = memcmp(PyUnicode_DATA(a), PyUnicode_DATA(b), min(ours, theirs))
    else:
        for at in range(min(ours, theirs)):
            left = PyUnicode_READ(kind_a, PyUnicode_DATA(a), at)
            right = PyUnicode_READ(kind_b, PyUnicode_DATA(b), at)
            if left != right:
                order = -1 if left < right else 1
                break
    return order if order != 0 else (ours > theirs) - (ours < theirs)


cdef inline int compare(const void *first, const void *second) noexcept:
    """Keys by their UTF-8, which is by their code points."""
    cdef const Pair *a = <const Pair *> first
    cdef const Pair *b = <const Pair *> second
    if a.prefix != b.prefix:
        return -1 if a.prefix < b.prefix else 1
    return compare_keys(a.key, b.key)


cdef inline void sort(Pair *pairs, Py_ssize_t count) noexcept:
    cdef Py_ssize_t at, to
    cdef Pair pair
    if count >= SORTED_BY_HAND:
        qsort(pairs, count, sizeof(Pair), compare)
        return
    for at in range(1, count):
        pair = pairs[at]
        to = at
        while to > 0 and compare(&pairs[to - 1], &pair) > 0:
            pairs[to] = pairs[to - 1]
            to -= 1
        pairs[to] = pair

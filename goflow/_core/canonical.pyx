"""The canonical bytes of a JSON value, and their 256-bit digest: keys that outlive the process.

Compiled because a node's key is computed before every node that may be cached. Two values have the
same bytes exactly when they are the same by ``value.same``: types count (``1``, ``1.0`` and
``true`` differ), the order of keys does not. No JSON text is made. The form is, by the first byte:

    n, t, f     null, true, false
    i           an integer: its length, then little-endian two's complement of n // 8 + 1 bytes,
                n being the bits of its magnitude
    d           a float: 8 bytes, little-endian IEEE 754 (so that 0.0 and -0.0 differ)
    s           a string: its length in bytes, then UTF-8
    l           a list: its length, then its items
    m           a map: its length, then key (length, UTF-8) and value of each, by the keys' UTF-8

Lengths are LEB128. No form is the beginning of another. The digest is BLAKE2b of 256 bits over it,
personalised by ``goflow value v1``: hashlib computes the same.

O(size), and O(keys * log keys) for a map. The value must not change meanwhile: with the GIL it
cannot, as no Python code runs; without it, this is memory-safe, and the bytes are those of some
mixture of the states it went through.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc, PyMem_RawRealloc
from cpython.object cimport PyObject
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy

from goflow._core.blake2b cimport goflow_blake2b
from goflow._core.copies cimport raise_not_json
from goflow._core.intern cimport (
    PyUnicode_DATA, PyUnicode_GET_LENGTH, PyUnicode_KIND, goflow_string_ready, load8,
)
from goflow._core.objects cimport (
    DEEPEST, FALSE, FLOAT, INTEGER, LIST, MAP, NO_VALUE, STRING, TRUE, Kind, PyDict_Next,
    PyFloat_AS_DOUBLE, PyList_GET_SIZE, PyLong_AsLongLongAndOverflow, PyUnicode_Check,
    goflow_hold, goflow_list_item, goflow_release, kind_of,
)

cimport cython

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

cdef bytes PERSON = b"goflow value v1\0"

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


cdef Outcome grow(Writer *writer, Py_ssize_t more) noexcept:
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


cdef Outcome grow_pairs(Writer *writer, Py_ssize_t more) noexcept:
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


cdef Outcome put_wide_string(Writer *writer, PyObject *string) noexcept:
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


cdef Outcome put_big_integer(Writer *writer, object number) noexcept:
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


cdef int compare_keys(PyObject *a, PyObject *b) noexcept:
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


cdef int compare(const void *first, const void *second) noexcept:
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


cdef Outcome put_list(Writer *writer, PyObject *items, int depth) noexcept:
    cdef Py_ssize_t count = PyList_GET_SIZE(items), at
    cdef Outcome outcome = WRITTEN
    cdef PyObject *item
    put_length(writer, count)
    for at in range(count):
        item = goflow_list_item(items, at)
        if item == NULL:
            return NOT_JSON
        outcome = put(writer, item, depth + 1)
        goflow_release(item)
        if outcome != WRITTEN:
            return outcome
    return WRITTEN


cdef Outcome read_pairs(Writer *writer, PyObject *map_) noexcept:
    """Push the pairs of a map, held, in its own order."""
    cdef Py_ssize_t at = 0
    cdef PyObject *key
    cdef PyObject *value
    cdef Pair *pair
    with cython.critical_section(<object> map_):
        while PyDict_Next(map_, &at, &key, &value):
            if not PyUnicode_Check(key):
                return NOT_JSON
            if goflow_string_ready(key) != 0:
                return RAISED
            if writer.depth == writer.pair_room and grow_pairs(writer, 0) != WRITTEN:
                return NO_MEMORY
            goflow_hold(key)
            goflow_hold(value)
            pair = &writer.pairs[writer.depth]
            pair.key = key
            pair.value = value
            pair.prefix = prefix_of(key)
            writer.depth += 1
    return WRITTEN


cdef Outcome put_map(Writer *writer, PyObject *map_, int depth) noexcept:
    cdef Py_ssize_t base = writer.depth, at
    cdef Outcome outcome = read_pairs(writer, map_)
    if outcome == WRITTEN:
        put_length(writer, writer.depth - base)
        sort(writer.pairs + base, writer.depth - base)
        for at in range(base, writer.depth):
            outcome = put_string(writer, writer.pairs[at].key)
            if outcome == WRITTEN:  # the pairs may move while a value is written
                outcome = put(writer, writer.pairs[at].value, depth + 1)
            if outcome != WRITTEN:
                break
    while writer.depth > base:
        writer.depth -= 1
        goflow_release(writer.pairs[writer.depth].key)
        goflow_release(writer.pairs[writer.depth].value)
    return outcome


cdef Outcome put(Writer *writer, PyObject *value, int depth) noexcept:
    """Write one value; ``depth`` is how many lists and maps it is inside of."""
    cdef Kind kind = kind_of(value)
    cdef uint8_t *to
    cdef double number
    cdef uint64_t word
    if writer.size + 32 > writer.room and grow(writer, 32) != WRITTEN:
        return NO_MEMORY
    to = writer.data + writer.size
    writer.size += 1
    if kind == STRING:
        if goflow_string_ready(value) != 0:
            return RAISED
        to[0] = b"s"
        return put_string(writer, value)
    if kind == INTEGER:
        to[0] = b"i"
        return put_integer(writer, value)
    if kind == MAP or kind == LIST:
        if depth >= DEEPEST:
            return NOT_JSON
        to[0] = b"m" if kind == MAP else b"l"
        return put_map(writer, value, depth) if kind == MAP else put_list(writer, value, depth)
    if kind == FLOAT:
        number = PyFloat_AS_DOUBLE(value)
        if number - number != 0:  # neither infinities nor NaN are JSON
            return NOT_JSON
        memcpy(&word, &number, 8)
        word = goflow_to_little8(word)
        to[0] = b"d"
        memcpy(to + 1, &word, 8)
        writer.size += 8
        return WRITTEN
    to[0] = b"t" if kind == TRUE else b"f" if kind == FALSE else b"n"
    return WRITTEN if kind != NO_VALUE else NOT_JSON


cdef int raise_for(Outcome outcome, object value) except -1:
    if outcome == NO_MEMORY:
        raise MemoryError
    if outcome == NOT_JSON:
        raise_not_json(value, True)
    return -1  # somebody has set an error


@cython.binding(False)
def canonical(value):
    """The canonical bytes of a JSON value; see the module for their form.

    Raises NotJson for what has none: NaN, infinities, keys that are no strings, strings with half
    a surrogate pair, cycles, more than 500 levels, and what is no JSON value.
    """
    cdef Writer writer
    begin(&writer)
    cdef Outcome outcome = put(&writer, <PyObject *> value, 0)
    try:
        if outcome != WRITTEN:
            raise_for(outcome, value)
        return PyBytes_FromStringAndSize(<char *> writer.data, writer.size)
    finally:
        finish(&writer)


@cython.binding(False)
def digest(value):
    """BLAKE2b-256 of the canonical bytes, as 32 bytes. Raises NotJson as `canonical` does."""
    cdef Writer writer
    cdef uint8_t result[32]
    begin(&writer)
    cdef Outcome outcome = put(&writer, <PyObject *> value, 0)
    if outcome == WRITTEN:
        goflow_blake2b(writer.data, writer.size, <const uint8_t *> <const char *> PERSON, result)
    finish(&writer)
    if outcome != WRITTEN:
        raise_for(outcome, value)
    return PyBytes_FromStringAndSize(<char *> result, 32)

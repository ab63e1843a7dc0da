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
from cpython.object cimport PyObject
from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memcpy

from goflow._core.blake2b cimport goflow_blake2b
from goflow._core.copies cimport raise_not_json
from goflow._core.intern cimport goflow_string_ready
from goflow._core.objects cimport (
    DEEPEST, FALSE, FLOAT, INTEGER, LIST, MAP, NO_VALUE, STRING, TRUE, Kind, PyDict_Next,
    PyFloat_AS_DOUBLE, PyList_GET_SIZE, PyUnicode_Check, goflow_hold, goflow_list_item,
    goflow_release, kind_of,
)
from goflow._core.writer cimport (
    NO_MEMORY, NOT_JSON, RAISED, WRITTEN, Outcome, Pair, Writer, begin, finish,
    goflow_to_little8, grow, grow_pairs, prefix_of, put_integer, put_length, put_string, sort,
)

cimport cython

cdef bytes PERSON = b"goflow value v1\0"


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

"""JSON values: structural hash and equality, for keys within a process.

Compiled because the cache needs both at every look-up. Values are what JSON has: ``dict`` with
string keys, ``list``, ``str``, ``int``, ``float``, ``bool`` and ``None``; a subclass counts as what
it is one of. Equality is strict: ``1``, ``1.0`` and ``True`` are three values, ``0.0`` and ``-0.0``
two, NaN is itself when its bits are, the order of keys is nothing. The hash is seeded by the
interpreter's own string hash, so that ``PYTHONHASHSEED`` rules here too.

All are O(size), at most 500 levels deep. Safe to call from any thread; a value that another thread
changes meanwhile is seen in some mixture of its states.
"""

from cpython.object cimport PyObject
from libc.stdint cimport uint64_t
from libc.string cimport memcmp, memcpy

from goflow._core.copies cimport copied, raise_not_json
from goflow._core.intern cimport goflow_fold, goflow_string_ready, same_string
from goflow._core.objects cimport (
    DEEPEST, FLOAT, INTEGER, LIST, MAP, NO_VALUE, STRING, Kind, Py_TYPE, PyDict_Next, PyDict_Size,
    PyFloat_AS_DOUBLE, PyList_GET_SIZE, PyLong_AsLongLongAndOverflow, PyUnicode_Check,
    PyUnicode_Type, goflow_hold, goflow_list_item, goflow_map_item, goflow_release,
    goflow_string_hash, is_leaf, kind_of,
)

cimport cython

# Declared over PyObject*: NULL is an answer here.
cdef extern from *:
    """
    static inline uint64_t goflow_integer_hash(PyObject *integer) {
        return (uint64_t)PyLong_Type.tp_hash(integer);
    }
    static inline int goflow_same_integers(PyObject *a, PyObject *b) {
        PyObject *answer = PyLong_Type.tp_richcompare(a, b, Py_EQ);
        Py_XDECREF(answer);
        return answer == Py_True;
    }
    """
    bint goflow_same_integers(PyObject *a, PyObject *b) noexcept
    uint64_t goflow_integer_hash(PyObject *integer) noexcept

cdef extern from "Python.h":
    void Py_DECREF(PyObject *item) noexcept
    PyObject *PyUnicode_FromObject(PyObject *string) except NULL

# What each kind of value begins with, so that equal bits of two kinds differ.
cdef uint64_t OF_STRING = 0x9E3779B97F4A7C15
cdef uint64_t OF_INTEGER = 0xC2B2AE3D27D4EB4F
cdef uint64_t OF_FLOAT = 0x165667B19E3779F9
cdef uint64_t OF_CONSTANT = 0x27D4EB2F165667C5
cdef uint64_t OF_LIST = 0x85EBCA77C2B2AE63
cdef uint64_t OF_MAP = 0xD6E8FEB86659FD93
cdef uint64_t SECRET = <uint64_t> <Py_ssize_t> hash("goflow.value")
cdef uint64_t SECRET_TOO = <uint64_t> <Py_ssize_t> hash("goflow.value, again")


cdef inline uint64_t mixed(uint64_t a, uint64_t b) noexcept:
    return goflow_fold(a ^ SECRET, b ^ SECRET_TOO)


cdef inline uint64_t told(uint64_t hashed) noexcept:
    """A hash that cannot be taken for NO_HASH."""
    return hashed + (hashed == NO_HASH)


cdef inline uint64_t hash_of_string(PyObject *string) noexcept:
    """The interpreter's own; that of the content where a subclass may have another one."""
    cdef uint64_t result
    cdef PyObject *exact
    if Py_TYPE(string) == &PyUnicode_Type:
        return goflow_string_hash(string)
    exact = PyUnicode_FromObject(string)
    result = goflow_string_hash(exact)
    Py_DECREF(exact)
    return result


cdef uint64_t hash_of(PyObject *value, int depth) noexcept:
    """The structural hash, or NO_HASH; ``depth`` is how many lists and maps it is inside of."""
    cdef Kind kind = kind_of(value)
    cdef uint64_t result = 0, part
    cdef Py_ssize_t at = 0, count
    cdef PyObject *key
    cdef PyObject *item
    cdef double number
    cdef int overflow = 0
    if kind == STRING:
        return told(mixed(hash_of_string(value), OF_STRING))
    if kind == INTEGER:
        result = <uint64_t> PyLong_AsLongLongAndOverflow(value, &overflow)
        if overflow != 0:
            result = goflow_integer_hash(value) ^ OF_LIST
        return told(mixed(result, OF_INTEGER))
    if kind == MAP:
        if depth >= DEEPEST:
            return NO_HASH
        with cython.critical_section(<object> value):
            count = PyDict_Size(value)
            while count and PyDict_Next(value, &at, &key, &item):
                count -= 1  # to ask once more, only to hear that there is nothing, would cost 5 ns
                if not PyUnicode_Check(key):
                    return NO_HASH
                goflow_hold(key)
                goflow_hold(item)
                part = hash_of(item, depth + 1)
                result += mixed(hash_of_string(key), part)
                goflow_release(key)
                goflow_release(item)
                if part == NO_HASH:
                    return NO_HASH
        return told(mixed(result, OF_MAP + <uint64_t> PyDict_Size(value)))
    if kind == LIST:
        if depth >= DEEPEST:
            return NO_HASH
        count = PyList_GET_SIZE(value)
        result = OF_LIST + <uint64_t> count
        for at in range(count):
            item = goflow_list_item(value, at)
            part = NO_HASH if item == NULL else hash_of(item, depth + 1)
            if item != NULL:
                goflow_release(item)
            if part == NO_HASH:
                return NO_HASH
            result = mixed(result, part)
        return told(result)
    if kind == FLOAT:
        number = PyFloat_AS_DOUBLE(value)
        memcpy(&result, &number, 8)
        return told(mixed(result, OF_FLOAT))
    if kind == NO_VALUE:
        return NO_HASH
    return told(mixed(<uint64_t> kind, OF_CONSTANT))


cdef Sameness same_maps(PyObject *a, PyObject *b, int depth) noexcept:
    """Side by side while the keys come in the same order, by look-up if they do not."""
    cdef Py_ssize_t at = 0, there = 0, count = PyDict_Size(a)
    cdef PyObject *key
    cdef PyObject *item
    cdef PyObject *other_key
    cdef PyObject *other
    cdef Sameness sameness = SAME
    if count != PyDict_Size(b):
        return DIFFERENT
    if depth >= DEEPEST:
        return UNCLEAR
    with cython.critical_section(<object> a, <object> b):
        while count and sameness == SAME:
            count -= 1
            if (
                not PyDict_Next(a, &at, &key, &item)
                or not PyDict_Next(b, &there, &other_key, &other)
            ):
                return DIFFERENT
            if not is_plain(key) or (
                key != other_key and (not is_plain(other_key) or not same_string(key, other_key))
            ):
                return same_in_any_order(a, b, depth)
            if item == other and is_leaf(item):
                continue
            goflow_hold(item)
            goflow_hold(other)
            sameness = same_at(item, other, depth + 1)
            goflow_release(item)
            goflow_release(other)
    return sameness


cdef Sameness same_in_any_order(PyObject *a, PyObject *b, int depth) noexcept:
    cdef Py_ssize_t at = 0
    cdef PyObject *key
    cdef PyObject *item
    cdef PyObject *other
    cdef Sameness sameness = SAME
    if not has_plain_keys(a) or not has_plain_keys(b):
        return UNCLEAR
    while sameness == SAME and PyDict_Next(a, &at, &key, &item):
        other = goflow_map_item(b, key)
        if other == NULL:
            return DIFFERENT
        goflow_hold(item)
        sameness = same_at(item, other, depth + 1)
        goflow_release(item)
        goflow_release(other)
    return sameness


cdef inline bint is_plain(PyObject *key) noexcept:
    return Py_TYPE(key) == &PyUnicode_Type and goflow_string_ready(key) == 0


cdef bint has_plain_keys(PyObject *map_) noexcept:
    cdef Py_ssize_t at = 0
    cdef PyObject *key
    cdef PyObject *item
    while PyDict_Next(map_, &at, &key, &item):
        if not is_plain(key):
            return False
    return True


cdef Sameness same_lists(PyObject *a, PyObject *b, int depth) noexcept:
    cdef Py_ssize_t count = PyList_GET_SIZE(a), at
    cdef PyObject *item
    cdef PyObject *other
    cdef Sameness sameness = SAME
    if count != PyList_GET_SIZE(b):
        return DIFFERENT
    if depth >= DEEPEST:
        return UNCLEAR
    for at in range(count):
        item = goflow_list_item(a, at)
        other = goflow_list_item(b, at)
        if item == NULL or other == NULL:
            sameness = DIFFERENT
        else:
            sameness = same_at(item, other, depth + 1)
        if item != NULL:
            goflow_release(item)
        if other != NULL:
            goflow_release(other)
        if sameness != SAME:
            break
    return sameness


cdef Sameness same_at(PyObject *a, PyObject *b, int depth) noexcept:
    cdef Kind kind
    cdef double number, other
    if a == b and is_leaf(a):
        return SAME
    kind = kind_of(a)
    if kind == NO_VALUE or kind_of(b) == NO_VALUE:
        return UNCLEAR
    if kind != kind_of(b):
        return DIFFERENT
    if kind == STRING:
        if goflow_string_ready(a) != 0 or goflow_string_ready(b) != 0:
            return UNCLEAR
        return SAME if same_string(a, b) else DIFFERENT
    if kind == INTEGER:
        return SAME if same_integers(a, b) else DIFFERENT
    if kind == MAP:
        return same_maps(a, b, depth)
    if kind == LIST:
        return same_lists(a, b, depth)
    if kind == FLOAT:
        number = PyFloat_AS_DOUBLE(a)
        other = PyFloat_AS_DOUBLE(b)
        return SAME if memcmp(&number, &other, sizeof(double)) == 0 else DIFFERENT
    return SAME


cdef inline bint same_integers(PyObject *a, PyObject *b) noexcept:
    cdef int first = 0, second = 0
    cdef long long left = PyLong_AsLongLongAndOverflow(a, &first)
    cdef long long right = PyLong_AsLongLongAndOverflow(b, &second)
    if first == 0 and second == 0:
        return left == right
    return first == second and goflow_same_integers(a, b)


cdef bint same_copies(object a, object b):
    a, b = copied(a), copied(b)
    return same_at(<PyObject *> a, <PyObject *> b, 0) == SAME


def structural_hash(value):
    """A hash such that values that are `same` have the same, within one process.

    Raises NotJson for what is no JSON value, for cycles and for more than 500 levels.
    """
    cdef uint64_t result = hash_of(<PyObject *> value, 0)
    if result == NO_HASH:
        raise_not_json(value, False)
    return result >> 1  # as Python's hashes, within a machine word


def same(a, b):
    """Whether two JSON values are the same: types count, the order of keys does not.

    Raises NotJson as `structural_hash` does.
    """
    cdef Sameness sameness = same_at(<PyObject *> a, <PyObject *> b, 0)
    if sameness == UNCLEAR:
        return same_copies(a, b)
    return sameness == SAME

"""Copies of JSON values that share nothing that can change, frozen forms, sizes, depth, and faults.

Compiled because the cache copies a value whenever it takes one in or gives one out, and a run looks
how deep each value nests that it has computed. What JSON
values are stands in ``value``. All are O(size), at most 500 levels deep, and safe to call from any
thread.
"""

from cpython.object cimport PyObject

from goflow._core.intern cimport PyUnicode_GET_LENGTH, PyUnicode_KIND
from goflow._core.objects cimport (
    DEEPEST, FLOAT, INTEGER, LIST, MAP, NO_VALUE, STRING, Kind, Py_TYPE, PyDict_Next, PyDict_Size,
    PyFloat_AS_DOUBLE, PyList_GET_SIZE, PyUnicode_Check, PyUnicode_Type, goflow_list_item,
    goflow_release, is_leaf, kind_of,
)

cimport cython

from types import MappingProxyType

from goflow.errors import NotJson

# Declared over PyObject*: NULL is an answer here.
cdef extern from "Python.h":
    void Py_INCREF(PyObject *item) noexcept
    void Py_DECREF(PyObject *item) noexcept
    PyObject *PyDict_Copy(PyObject *map) except NULL
    int PyDict_SetItem(PyObject *map, PyObject *key, PyObject *value) except -1
    PyObject *PyList_GetSlice(PyObject *list, Py_ssize_t begin, Py_ssize_t end) except NULL
    int PyList_SetItem(PyObject *list, Py_ssize_t at, PyObject *item) except -1
    PyObject *PyUnicode_FromObject(PyObject *string) except NULL
    PyObject *PyFloat_FromDouble(double number) except NULL


cdef PyObject *exact_leaf(PyObject *value, Kind kind) except? NULL:
    """A value of a subclass as one of the class itself."""
    if kind == STRING:
        return PyUnicode_FromObject(value)
    if kind == FLOAT:
        return PyFloat_FromDouble(PyFloat_AS_DOUBLE(value))
    number = int.__int__(<object> value)
    Py_INCREF(<PyObject *> number)
    return <PyObject *> number


cdef object exact_text(object string):
    return str.__str__(string)


cdef PyObject *copy_of_map(PyObject *value, int depth, bint *flat) except? NULL:
    cdef PyObject *result = PyDict_Copy(value)
    cdef PyObject *key
    cdef PyObject *item
    cdef PyObject *own
    cdef Py_ssize_t at = 0, count = PyDict_Size(result)
    cdef bint plain = True
    flat[0] = True
    try:
        while count and PyDict_Next(result, &at, &key, &item):
            count -= 1
            if Py_TYPE(key) != &PyUnicode_Type:
                if not PyUnicode_Check(key):
                    Py_DECREF(result)
                    return NULL
                plain = False
            if not is_leaf(item):
                flat[0] = False
                own = copy_of(item, depth + 1)
                if own == NULL:
                    Py_DECREF(result)
                    return NULL
                PyDict_SetItem(result, key, own)  # of a key that is there: nothing moves
                Py_DECREF(own)
        if not plain:
            exact = {exact_text(name): part for name, part in (<object> result).items()}
            Py_DECREF(result)
            Py_INCREF(<PyObject *> exact)
            return <PyObject *> exact
    except BaseException:
        Py_DECREF(result)
        raise
    return result


cdef PyObject *copy_of_list(PyObject *value, int depth) except? NULL:
    # A slice of a list of a subclass is a list too.
    cdef PyObject *result = PyList_GetSlice(value, 0, PyList_GET_SIZE(value))
    cdef PyObject *item
    cdef PyObject *own
    cdef Py_ssize_t at
    try:
        for at in range(PyList_GET_SIZE(result)):
            item = goflow_list_item(result, at)
            goflow_release(item)  # the list holds it
            if not is_leaf(item):
                own = copy_of(item, depth + 1)
                if own == NULL:
                    Py_DECREF(result)
                    return NULL
                PyList_SetItem(result, at, own)  # takes the copy
    except BaseException:
        Py_DECREF(result)
        raise
    return result


cdef PyObject *copy_of(PyObject *value, int depth) except? NULL:
    """A new reference to a copy that shares only what cannot change; NULL, no error: not JSON."""
    cdef Kind kind
    cdef bint flat
    if is_leaf(value):
        Py_INCREF(value)
        return value
    kind = kind_of(value)
    if kind == NO_VALUE or depth >= DEEPEST:
        return NULL
    if kind == MAP:
        return copy_of_map(value, depth, &flat)
    if kind == LIST:
        return copy_of_list(value, depth)
    return exact_leaf(value, kind)


cdef Py_ssize_t size_of(PyObject *value, int depth) noexcept:
    """An estimate of the bytes it takes; strings count each time they occur."""
    cdef Kind kind = kind_of(value)
    cdef Py_ssize_t at = 0, result
    cdef PyObject *key
    cdef PyObject *item
    if kind == STRING:
        return 56 + PyUnicode_GET_LENGTH(value) * PyUnicode_KIND(value)
    if kind == MAP:
        result = 72 + 32 * PyDict_Size(value)
        with cython.critical_section(<object> value):
            while depth < DEEPEST and PyDict_Next(value, &at, &key, &item):
                result += size_of(key, depth + 1) + size_of(item, depth + 1)
        return result
    if kind == LIST:
        result = 64 + 8 * PyList_GET_SIZE(value)
        if depth < DEEPEST:
            for at in range(PyList_GET_SIZE(value)):
                item = goflow_list_item(value, at)
                if item != NULL:
                    result += size_of(item, depth + 1)
                    goflow_release(item)
        return result
    return 32 if kind == INTEGER or kind == FLOAT else 0


cdef bint is_deeper(PyObject *value, int levels) noexcept:
    """Whether more lists and maps than ``levels`` are inside of each other."""
    cdef Kind kind = kind_of(value)
    cdef Py_ssize_t at = 0
    cdef PyObject *key
    cdef PyObject *item
    cdef bint deeper = False
    if kind != MAP and kind != LIST:
        return False
    if levels == 0:
        return True
    if kind == MAP:
        with cython.critical_section(<object> value):
            while not deeper and PyDict_Next(value, &at, &key, &item):
                deeper = not is_leaf(item) and is_deeper(item, levels - 1)
        return deeper
    for at in range(PyList_GET_SIZE(value)):
        item = goflow_list_item(value, at)
        if item != NULL:
            deeper = not is_leaf(item) and is_deeper(item, levels - 1)
            goflow_release(item)
        if deeper:
            break
    return deeper


cdef object copied(object value):
    """As `copy`, for sibling extensions."""
    cdef PyObject *result = copy_of(<PyObject *> value, 0)
    if result == NULL:
        raise_not_json(value, False)
    answer = <object> result
    Py_DECREF(result)
    return answer


cdef int raise_not_json(object value, bint strictly) except -1:
    """Raise NotJson saying what is wrong, and where; ``strictly`` is with what digests refuse."""
    find_fault(value, "$", [], strictly)
    raise NotJson("the value changed while it was read")


cdef int find_fault(object value, str path, list inside, bint strictly) except -1:
    cdef Kind kind = kind_of(<PyObject *> value)
    if kind == NO_VALUE:
        raise NotJson(f"{path} is of type {type(value).__name__}, which JSON has not", path=path)
    if kind == STRING and strictly:
        refuse_half_pairs(exact_text(value), path)
    elif kind == FLOAT and strictly and value - value != 0:
        raise NotJson(f"{path} is {value!r}, which is no JSON number", path=path)
    elif kind == MAP or kind == LIST:
        if any(value is outer for outer in inside):
            raise NotJson(f"{path} contains itself", path=path)
        if len(inside) >= DEEPEST:
            raise NotJson(f"{path[:60]}… nests deeper than {DEEPEST} levels", path=path)
        inside.append(value)
        if kind == LIST:
            for at, item in enumerate(value):
                find_fault(item, f"{path}[{at}]", inside, strictly)
        else:
            for key, item in value.items():
                if not isinstance(key, str):
                    raise NotJson(f"{path} has a key that is no string: {key!r}", path=path)
                name = exact_text(key)
                if strictly:
                    refuse_half_pairs(name, path)
                step = f".{name}" if name.isidentifier() else f"[{name!r}]"
                find_fault(item, path + step, inside, strictly)
        inside.pop()
    return 0


cdef int refuse_half_pairs(str text, str path) except -1:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise NotJson(
            f"{path} has a string with half a surrogate pair: {text[:40]!a}", path=path
        ) from None
    return 0


def copy(value):
    """A copy that shares only what cannot change; subclasses become what they are one of.

    Raises NotJson for what is no JSON value, for cycles and for more than 500 levels.
    """
    return copied(value)


def freeze(value):
    """A copy that cannot be changed: maps as ``MappingProxyType``, lists as tuples.

    Raises NotJson as `copy` does.
    """
    return frozen(copied(value))


cdef object frozen(object own):
    if type(own) is dict:
        return MappingProxyType({key: frozen(item) for key, item in own.items()})
    if type(own) is list:
        return tuple([frozen(item) for item in own])
    return own


def size(value):
    """An estimate of the bytes that a JSON value takes in memory, within a factor of two."""
    return size_of(<PyObject *> value, 0)


def nests_deeper(value, int levels):
    """Whether a JSON value has more lists and maps inside of each other than ``levels``.

    ``levels`` is 500 at most: beyond them nothing is looked at, so that cycles end too.
    """
    if not 0 <= levels <= DEEPEST:
        raise ValueError(f"levels must be between 0 and {DEEPEST}")
    return is_deeper(<PyObject *> value, levels)

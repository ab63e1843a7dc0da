"""JSON values by their pointers: what kind each is, and what is inside; a header.

Counting references to everything that is looked at would cost more than looking. While the GIL is
held and no Python code runs, an item cannot go away, so that its pointer is enough. Without the GIL
another thread may drop it at any time: there, and only there, hold and release count.
"""

from cpython.object cimport PyObject, PyTypeObject
from libc.stdint cimport uint64_t

cdef extern from *:
    """
    #ifdef Py_GIL_DISABLED
      #define goflow_hold(item) Py_INCREF(item)
      #define goflow_release(item) Py_DECREF(item)
      static inline PyObject *goflow_list_item(PyObject *list, Py_ssize_t at) {
          PyObject *item = PyList_GetItemRef(list, at);
          if (item == NULL) PyErr_Clear();
          return item;
      }
      static inline PyObject *goflow_map_item(PyObject *map, PyObject *key) {
          PyObject *item = NULL;
          if (PyDict_GetItemRef(map, key, &item) < 0) PyErr_Clear();
          return item;
      }
    #else
      #define goflow_hold(item) ((void)(item))
      #define goflow_release(item) ((void)(item))
      static inline PyObject *goflow_list_item(PyObject *list, Py_ssize_t at) {
          return at < PyList_GET_SIZE(list) ? PyList_GET_ITEM(list, at) : NULL;
      }
      static inline PyObject *goflow_map_item(PyObject *map, PyObject *key) {
          PyObject *item = PyDict_GetItemWithError(map, key);
          if (item == NULL) PyErr_Clear();
          return item;
      }
    #endif
    /* Computed once a string; exact strings' hashing cannot fail. */
    static inline uint64_t goflow_string_hash(PyObject *string) {
        Py_hash_t known = ((PyASCIIObject *)string)->hash;
        return (uint64_t)(known != -1 ? known : PyUnicode_Type.tp_hash(string));
    }
    """
    void goflow_hold(PyObject *item) noexcept
    void goflow_release(PyObject *item) noexcept
    PyObject *goflow_list_item(PyObject *list, Py_ssize_t at) noexcept  # held; NULL past the end
    PyObject *goflow_map_item(PyObject *map, PyObject *key) noexcept  # held; NULL if none
    uint64_t goflow_string_hash(PyObject *string) noexcept

cdef extern from "Python.h":
    PyTypeObject *Py_TYPE(PyObject *item) noexcept
    PyTypeObject PyUnicode_Type, PyLong_Type, PyFloat_Type, PyDict_Type, PyList_Type
    bint PyUnicode_Check(PyObject *item) noexcept
    bint PyLong_Check(PyObject *item) noexcept
    bint PyFloat_Check(PyObject *item) noexcept
    bint PyDict_Check(PyObject *item) noexcept
    bint PyList_Check(PyObject *item) noexcept
    PyObject *Py_None
    PyObject *Py_True
    PyObject *Py_False
    double PyFloat_AS_DOUBLE(PyObject *number) noexcept
    Py_ssize_t PyDict_Size(PyObject *dictionary) noexcept
    Py_ssize_t PyList_GET_SIZE(PyObject *list) noexcept
    bint PyDict_Next(
        PyObject *dictionary, Py_ssize_t *at, PyObject **key, PyObject **value
    ) noexcept
    long long PyLong_AsLongLongAndOverflow(PyObject *number, int *overflow) noexcept

cdef enum:
    DEEPEST = 500  # levels of lists and maps; more would need more stack than threads may have


cdef enum Kind:
    STRING
    INTEGER
    FLOAT
    MAP
    LIST
    TRUE
    FALSE
    NULL_VALUE
    NO_VALUE  # no JSON value


cdef inline bint is_leaf(PyObject *value) noexcept:
    """Whether a value holds no others and is of no subclass: sharing it is copying it."""
    cdef PyTypeObject *type = Py_TYPE(value)
    return (
        type == &PyUnicode_Type or type == &PyLong_Type or value == Py_None
        or type == &PyFloat_Type or value == Py_True or value == Py_False
    )


cdef inline Kind kind_of(PyObject *value) noexcept:
    """A value's kind; a subclass counts as what it is one of."""
    cdef PyTypeObject *type = Py_TYPE(value)
    if type == &PyUnicode_Type:
        return STRING
    if type == &PyLong_Type:
        return INTEGER
    if type == &PyDict_Type:
        return MAP
    if type == &PyList_Type:
        return LIST
    if type == &PyFloat_Type:
        return FLOAT
    if value == Py_None:
        return NULL_VALUE
    if value == Py_True:
        return TRUE
    if value == Py_False:
        return FALSE
    if PyUnicode_Check(value):
        return STRING
    if PyLong_Check(value):
        return INTEGER
    if PyDict_Check(value):
        return MAP
    if PyList_Check(value):
        return LIST
    if PyFloat_Check(value):
        return FLOAT
    return NO_VALUE

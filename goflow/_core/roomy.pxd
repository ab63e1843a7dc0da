"""Sets and dicts made with room for what they will hold; a header, with nothing to import.

A set of a million strings that grows from empty is rebuilt eleven times and touches twice the
memory. CPython makes room for as many items as an exact dict, or for a dict's keys an exact set,
says it has, but has no call for making room alone. So an empty one, which nothing else can see,
says so. Interpreters whose source was not read for this get containers that grow; so does 3.10,
where an empty dict has values to iterate.
"""

from cpython.object cimport PyObject

cdef extern from *:
    """
    #if CYTHON_COMPILING_IN_CPYTHON && !defined(Py_DEBUG) && !defined(Py_GIL_DISABLED) \\
        && 0x030B0000 <= PY_VERSION_HEX && PY_VERSION_HEX < 0x030F0000
      static PyObject *goflow_set_for(Py_ssize_t count) {
          PyObject *claim = PyDict_New(), *made;
          if (claim == NULL) return NULL;
          PyObject_GC_UnTrack(claim);  /* or else gc.get_objects() would show it */
          ((PyDictObject *)claim)->ma_used = count;
          made = PySet_New(claim);
          ((PyDictObject *)claim)->ma_used = 0;
          Py_DECREF(claim);
          return made;
      }
      static PyObject *goflow_dict_for(Py_ssize_t count) {
          PyObject *claim, *made;
          if (count <= 1 << 16)  /* this way stops at 2**17 * 2 / 3 */
              return __Pyx_PyDict_NewPresized(count);
          claim = PySet_New(NULL);
          if (claim == NULL) return NULL;
          PyObject_GC_UnTrack(claim);
          ((PySetObject *)claim)->used = count;
          made = PyObject_CallMethod((PyObject *)&PyDict_Type, "fromkeys", "O", claim);
          ((PySetObject *)claim)->used = 0;
          Py_DECREF(claim);
          return made;
      }
      /* Where the set will look first for a string whose hash is known. */
      #define goflow_prefetch_in_set(set, string) goflow_prefetch( \\
          &((PySetObject *)(set))->table[ \\
              ((PyASCIIObject *)(string))->hash & ((PySetObject *)(set))->mask])
    #else
      #define goflow_set_for(count) PySet_New(NULL)
      #define goflow_dict_for(count) __Pyx_PyDict_NewPresized(count)
      #define goflow_prefetch_in_set(set, string) ((void)(set), (void)(string))
    #endif
    """
    set goflow_set_for(Py_ssize_t count)
    dict goflow_dict_for(Py_ssize_t count)
    void goflow_prefetch_in_set(set answer, PyObject *string) noexcept

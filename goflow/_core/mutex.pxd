"""A lock for short sections that run no Python code, free where the interpreter has a GIL.

A section between ``mutex_lock`` and ``mutex_unlock`` must not give up the GIL: it calls no Python
code and allocates nothing that the collector tracks. Then the GIL is the lock, and only
interpreters without one need another (cython.pymutex would cost two semaphores a call on the
others).
"""

cdef extern from *:
    """
    #ifdef Py_GIL_DISABLED
      typedef PyMutex goflow_mutex;
      #define goflow_mutex_lock(mutex) PyMutex_Lock(mutex)
      #define goflow_mutex_unlock(mutex) PyMutex_Unlock(mutex)
    #else
      typedef char goflow_mutex;
      #define goflow_mutex_lock(mutex) ((void)(mutex))
      #define goflow_mutex_unlock(mutex) ((void)(mutex))
    #endif
    """
    ctypedef struct Mutex "goflow_mutex":  # zero is unlocked
        pass
    void mutex_lock "goflow_mutex_lock"(Mutex *mutex) noexcept
    void mutex_unlock "goflow_mutex_unlock"(Mutex *mutex) noexcept

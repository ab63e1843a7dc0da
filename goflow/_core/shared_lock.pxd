"""A lock that readers share without sharing memory; a header. Free where there is a GIL.

Each reader locks a stripe: a cache line that other threads leave alone, and where it counts what it
did. A writer takes the mutex, says that it writes, and waits until no stripe is locked (distributed
readers and one writer: Calciu and others, PPoPP 2013). Readers that meet a writer, or another
reader on their stripe, take the mutex too, whose stripe is the last.

The rules of ``mutex`` hold: between locking and unlocking no Python code runs. Reading is one
atomic exchange; writing looks at each stripe. Interpreters with a GIL have the counters alone.
"""

from libc.stdint cimport uint8_t, uint64_t

cdef extern from *:
    """
    #ifdef Py_GIL_DISABLED
      #if defined(_MSC_VER)
        #include <windows.h>
        #define GOFLOW_THREAD_LOCAL __declspec(thread)
        #define goflow_yield() SwitchToThread()
      #else
        #include <sched.h>
        #define GOFLOW_THREAD_LOCAL _Thread_local
        #define goflow_yield() sched_yield()
      #endif
      #define GOFLOW_STRIPES 8
      typedef struct {
          uint64_t hits, misses;
          int locked;
          char apart[108];  /* two cache lines, as processors fetch them in pairs */
      } goflow_stripe;
      typedef struct {
          PyMutex mutex;
          uint8_t writing;
          goflow_stripe stripes[GOFLOW_STRIPES + 1];
      } goflow_shared_lock;

      static int goflow_threads;
      static GOFLOW_THREAD_LOCAL int goflow_thread;  /* its number; 0 is none yet */

      static inline goflow_stripe *goflow_lock_shared(goflow_shared_lock *lock) {
          if (goflow_thread == 0)
              goflow_thread = (_Py_atomic_add_int(&goflow_threads, 1) & 0xFFFFFF) + 1;
          goflow_stripe *stripe = &lock->stripes[goflow_thread % GOFLOW_STRIPES];
          if (_Py_atomic_exchange_int(&stripe->locked, 1) == 0) {
              if (!_Py_atomic_load_uint8(&lock->writing)) return stripe;
              _Py_atomic_store_int_release(&stripe->locked, 0);
          }
          PyMutex_Lock(&lock->mutex);
          return &lock->stripes[GOFLOW_STRIPES];
      }
      static inline goflow_stripe *goflow_lock_alone(goflow_shared_lock *lock) {
          PyMutex_Lock(&lock->mutex);
          _Py_atomic_store_uint8(&lock->writing, 1);
          for (int at = 0; at < GOFLOW_STRIPES; at++)
              for (int tries = 1; _Py_atomic_load_int(&lock->stripes[at].locked); tries++)
                  if (tries % 1000 == 0) {
                      /* The reader may have lost its core, or have been stopped for the collector,
                         which also waits for us. */
                      Py_BEGIN_ALLOW_THREADS
                      goflow_yield();
                      Py_END_ALLOW_THREADS
                  }
          return &lock->stripes[GOFLOW_STRIPES];
      }
      static inline void goflow_unlock(goflow_shared_lock *lock, goflow_stripe *stripe) {
          if (stripe != &lock->stripes[GOFLOW_STRIPES]) {
              _Py_atomic_store_int_release(&stripe->locked, 0);
              return;
          }
          if (lock->writing) _Py_atomic_store_uint8(&lock->writing, 0);
          PyMutex_Unlock(&lock->mutex);
      }
      #define goflow_unlock_alone(lock) goflow_unlock(lock, &(lock)->stripes[GOFLOW_STRIPES])
      #define goflow_load(byte) _Py_atomic_load_uint8_relaxed(byte)
      #define goflow_store(byte, value) _Py_atomic_store_uint8_relaxed(byte, value)
    #else
      #define GOFLOW_STRIPES 0
      typedef struct { uint64_t hits, misses; } goflow_stripe;
      typedef struct { goflow_stripe stripes[1]; } goflow_shared_lock;
      #define goflow_lock_shared(lock) ((lock)->stripes)
      #define goflow_lock_alone(lock) ((lock)->stripes)
      #define goflow_unlock(lock, stripe) ((void)(stripe))
      #define goflow_unlock_alone(lock) ((void)(lock))
      #define goflow_load(byte) (*(byte))
      #define goflow_store(byte, value) (*(byte) = (value))
    #endif
    """
    enum:
        STRIPES "GOFLOW_STRIPES"  # the last one's number
    ctypedef struct Stripe "goflow_stripe":
        uint64_t hits, misses  # of who has it locked
    ctypedef struct SharedLock "goflow_shared_lock":  # zero is unlocked
        Stripe stripes[1]
    Stripe *lock_shared "goflow_lock_shared"(SharedLock *lock) noexcept
    Stripe *lock_alone "goflow_lock_alone"(SharedLock *lock) noexcept
    void unlock "goflow_unlock"(SharedLock *lock, Stripe *stripe) noexcept
    void unlock_alone "goflow_unlock_alone"(SharedLock *lock) noexcept
    # What readers change where others read; what two of them write at once may be lost.
    uint8_t load_byte "goflow_load"(const uint8_t *byte) noexcept nogil
    void store_byte "goflow_store"(uint8_t *byte, uint8_t value) noexcept nogil

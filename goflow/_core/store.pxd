"""What is in a cache, whatever finds it, for `Cache` to look it up in."""

cimport cython
from cpython.object cimport PyObject
from libc.stdint cimport INT64_MAX, int64_t, uint8_t, uint64_t

from goflow._core.clock cimport goflow_nanoseconds
from goflow._core.entries cimport NEVER
from goflow._core.records cimport Records
from goflow._core.shared_lock cimport SharedLock, Stripe, lock_alone, lock_shared


cdef int64_t nanoseconds(object ttl) except -1


cdef class Store:
    # Never changed after __cinit__, as are the records' bounds.
    cdef object timer
    cdef int64_t lifetime  # nanoseconds; NEVER
    # Its stripes count hits and misses. It guards all records.
    cdef SharedLock lock
    cdef Records records

    # What the caller's clock says.
    cdef int64_t timed(self) except -1
    # Store a value of ours under an exact string or a content key.
    cdef int put(
        self, object key, uint64_t hashed, object value, uint8_t isolation, int64_t expires,
        int64_t now,
    ) except -1
    # Remove what a look-up found to be over, if it still is: of a string, or of a node's inputs.
    cdef int expire(
        self, PyObject *key, PyObject *inputs, uint64_t hashed, int64_t now
    ) except -1

    @cython.final
    cdef inline Stripe *lock_to_look(self) noexcept:
        return lock_alone(&self.lock) if self.records.order.lru else lock_shared(&self.lock)

    @cython.final
    cdef inline int64_t now(self) except -1:
        """Nanoseconds of the cache's clock, never below 0."""
        return goflow_nanoseconds() if self.timer is None else self.timed()

    @cython.final
    cdef inline int64_t expiry(self, object ttl, int64_t *now) except -1:
        """When what is stored now expires, for so many seconds, or None for the cache's own.

        ``now`` becomes what the clock says, if it had to be read.
        """
        cdef int64_t lifetime = self.lifetime if ttl is None else nanoseconds(ttl)
        if lifetime == NEVER:
            return NEVER
        now[0] = self.now()
        return now[0] + lifetime if lifetime < INT64_MAX - now[0] else NEVER

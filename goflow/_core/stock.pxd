"""What a pool knows of its connections, for its layers to inline."""

from libc.stdint cimport int32_t, int64_t

cimport cython

from goflow._core.clock cimport goflow_clock
from goflow._core.counts cimport Counts
from goflow._core.lane cimport Lane, Slot
from goflow._core.shared_lock cimport SharedLock


cdef class Stock:
    cdef dict lanes  # key -> Lane
    cdef Counts past  # of lanes that are gone
    cdef object notify, clock
    cdef object identity  # in its lanes; a reference to the pool would be a cycle
    cdef list to_connect, to_close, to_settle
    cdef dict held  # turn -> Lease, in the order of their checkout; only when looking for leaks
    cdef SharedLock lock  # protects everything here, and the lanes, slots and leases
    cdef bint due  # there are decisions
    cdef bint closed
    cdef int32_t max_size, max_in_flight  # of lanes to come
    cdef double idle_timeout, check_after, leak_after
    cdef int64_t turns  # leases put into held

    cdef Lane lane(self, object key)
    cdef list some(self, object key)
    cdef int end(self, Lane lane, Slot slot, int reason) except -1
    cdef int finish(self, Lane lane, Slot slot) except -1
    cdef int tell(self) except -1

    @cython.final
    cdef inline double now(self) except? -1.0:
        return goflow_clock() if self.clock is None else self.clock()

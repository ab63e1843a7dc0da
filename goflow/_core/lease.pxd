"""What a lease is made of, for the pool to hand it out and take it back."""

from libc.stdint cimport int64_t

from goflow._core.lane cimport Lane, Slot

cdef enum Standing:
    WAITING
    HELD
    RELEASED
    FAILED


cdef class Lease:
    cdef readonly object key
    cdef readonly object token
    cdef readonly object error  # what it failed with, instead of getting a connection
    cdef readonly str where
    cdef readonly double waited
    cdef readonly bint unchecked  # idle for so long that its health should be checked first
    cdef Lane lane
    # What the pool knows the connection by; set once, so that reading it needs no lock.
    cdef readonly Slot slot
    cdef Standing standing
    cdef int64_t turn  # in the queue, then among what is held
    cdef double since  # when it began to wait, or to be held
    cdef bint reported


cdef str caller(str internal)

"""How a pool's connections come, for the layers above."""

from libc.stdint cimport int32_t, int64_t

from goflow._core.breaker cimport BreakerOptions
from goflow._core.lane cimport Lane
from goflow._core.stock cimport Stock


cdef class Connector(Stock):
    cdef BreakerOptions patience
    cdef int32_t connect_attempts  # failures in a row that waiters sit out
    cdef int64_t numbers  # slots made

    cdef int follow(self, Lane lane) except -1
    cdef int grow(self, Lane lane, int32_t least) except -1
    cdef bint wanting(self, Lane lane, int32_t least)

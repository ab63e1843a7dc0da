"""How a pool's connections go, for the layer above."""

from goflow._core.connector cimport Connector
from goflow._core.lane cimport Lane


cdef class Reaper(Connector):
    cdef int retire_all(self, Lane lane, int reason) except -1
    cdef int shut(self, Lane lane, object error) except -1

"""Limits and times as callers give them, None for none, as numbers; a header."""

from libc.math cimport INFINITY
from libc.stdint cimport int32_t

cdef enum:
    UNBOUNDED = 0x7FFFFFFF


cdef inline int32_t limit(str name, object value) except -1:
    """A limit as a number; None is no limit."""
    if value is None:
        return UNBOUNDED
    if not 1 <= value < UNBOUNDED:
        raise ValueError(f"{name} must be at least 1, or None, not {value!r}")
    return value


cdef inline double seconds(str name, object value) except -1.0:
    """A time as a number; None is for ever."""
    if value is None:
        return INFINITY
    if not value >= 0.0:
        raise ValueError(f"{name} must be a number of seconds, or None, not {value!r}")
    return value

"""What a pool counts for each of its keys, since the beginning; a header."""

from libc.stdint cimport int64_t

cdef enum Reason:  # why a connection was retired, in the order of REASONS
    IDLE
    LIFETIME
    BROKEN
    UNHEALTHY
    DRAINED
    RESIZED
    POOL_CLOSED
    REASON_COUNT

cdef struct Counts:
    int64_t hits  # first, as each checkout counts one: beside what else it touches of its lane
    int64_t served, misses, waits, timeouts, connects, connect_failures, leaks
    int64_t retirements[REASON_COUNT]
    double wait_time, connect_time, connect_waited  # seconds


cdef inline void counts_add(Counts *total, const Counts *counts) noexcept:
    cdef int at
    total.hits += counts.hits
    total.served += counts.served
    total.misses += counts.misses
    total.waits += counts.waits
    total.timeouts += counts.timeouts
    total.connects += counts.connects
    total.connect_failures += counts.connect_failures
    total.leaks += counts.leaks
    total.wait_time += counts.wait_time
    total.connect_time += counts.connect_time
    total.connect_waited += counts.connect_waited
    for at in range(<int> REASON_COUNT):
        total.retirements[at] += counts.retirements[at]

"""When to connect again after failures, and when to fail at once instead; a header.

Connecting is put off by a time that doubles with each failure in a row; after so many of them the
circuit is open for a while (the circuit breaker of Nygard, Release It!, 2007). Times are in
seconds, of the pool's clock.
"""

from libc.math cimport fmax, fmin, ldexp
from libc.stdint cimport int32_t

cdef struct BreakerOptions:  # a pool's
    double backoff, max_backoff
    int32_t failures  # in a row that open it
    double reset  # how long it is open

cdef struct Breaker:  # a key's; zero is closed
    int32_t failures  # in a row
    double retry_at, open_until


cdef inline void breaker_failed(
    Breaker *breaker, const BreakerOptions *options, double now
) noexcept:
    breaker.failures += 1
    breaker.retry_at = now + fmin(
        options.max_backoff, ldexp(options.backoff, breaker.failures - 1)
    )
    if breaker.failures >= options.failures:
        breaker.open_until = now + options.reset


cdef inline void breaker_close(Breaker *breaker) noexcept:
    breaker.failures = 0
    breaker.retry_at = breaker.open_until = 0.0


cdef inline double breaker_delay(const Breaker *breaker, double now) noexcept:
    """How long to put off the next attempt."""
    return fmax(0.0, fmax(breaker.retry_at, breaker.open_until) - now)

"""How a pool's connections come: how many are needed, and what becomes of connecting.

Compiled because it stands in the way of whoever waits; a layer of ``pool``. As many connections are
decided on as there are waiters for, within ``max_size``; after a failure one at a time tries
whether it works again, when the ``breaker`` says so.

``connected``, ``failed`` and each connection decided on take O(1).

Thread-safety: see ``pool``. ``grow`` locks for itself: what is connected is made outside the lock.
"""

from libc.math cimport fmax
from libc.stdint cimport int32_t, int64_t

from goflow._core.breaker cimport breaker_close, breaker_delay, breaker_failed
from goflow._core.counts cimport DRAINED
from goflow._core.lane cimport (
    CLOSED, CONNECTING, LIVE, Lane, Slot, lane_add, lane_drop, lane_keep,
)
from goflow._core.lease cimport Lease
from goflow._core.lending cimport fail_waiters, serve
from goflow._core.limits cimport seconds
from goflow._core.queue cimport queue_first
from goflow._core.shared_lock cimport lock_alone, unlock_alone


cdef class Connector(Stock):
    """The connections of a pool, with those to come."""

    def warm(self, key, size=1):
        """Decide to connect until ``size`` connections are there or on their way; how many more.

        Not beyond ``max_size``; none while asking would fail at once.
        """
        cdef double now = self.now()
        cdef Lane lane = self.lane(key)
        cdef int64_t before = self.numbers
        if now >= lane.breaker.open_until:
            self.grow(lane, size)
        if self.due:
            self.tell()
        return self.numbers - before

    def connected(self, Slot slot not None, connection, lifetime=None):
        """Connecting has succeeded; ``lifetime`` is how long the connection may be used."""
        cdef Lane lane = slot.lane
        cdef Lease waiter
        cdef double now = self.now()
        cdef double life = seconds("lifetime", lifetime)
        cdef bint hungry = False
        lock_alone(&self.lock)
        try:
            slot.connection = connection
            if slot.state != CONNECTING:
                return
            lane.counts.connect_time += now - slot.since
            waiter = queue_first(lane)
            if waiter is not None:
                lane.counts.connect_waited += now - fmax(slot.since, waiter.since)
            slot.state = LIVE
            slot.since = now
            slot.deadline = now + life
            lane.connecting -= 1
            lane.live += 1
            lane.counts.connects += 1
            breaker_close(&lane.breaker)
            lane.error = None
            lane_add(lane, &slot.node)
            if slot.generation != lane.generation:
                self.end(lane, slot, DRAINED)
            serve(self, lane, now)
            hungry = lane.waiting is not None
        finally:
            unlock_alone(&self.lock)
        if hungry:
            self.grow(lane, 0)
        if self.due:
            self.tell()

    def failed(self, Slot slot not None, error):
        """Connecting has failed: it is put off; waiters fail when nothing else can serve them."""
        cdef Lane lane = slot.lane
        cdef double now = self.now()
        lock_alone(&self.lock)
        try:
            if slot.state != CONNECTING:
                return
            slot.state = CLOSED
            lane_drop(lane, slot)
            lane.connecting -= 1
            lane.counts.connect_failures += 1
            lane.error = error
            breaker_failed(&lane.breaker, &self.patience, now)
            if (
                not lane.live and not lane.connecting
                and lane.breaker.failures >= self.connect_attempts
            ):
                fail_waiters(self, lane, error, now)
        finally:
            unlock_alone(&self.lock)
        self.follow(lane)

    cdef int follow(self, Lane lane) except -1:
        """What follows a change, not under the lock: connect for who waits, and say what is due."""
        if lane.waiting is not None:
            self.grow(lane, 0)
        if self.due:
            self.tell()
        return 0

    cdef int grow(self, Lane lane, int32_t least) except -1:
        """Decide to connect as often as the waiters need it, or to have ``least`` connections."""
        cdef Slot slot
        cdef double now = self.now()
        while True:
            slot = Slot.__new__(Slot)
            lock_alone(&self.lock)
            try:
                if not self.wanting(lane, least):
                    return 0
                slot.lane = lane
                slot.number = self.numbers
                slot.generation = lane.generation
                slot.deadline = breaker_delay(&lane.breaker, now)
                slot.since = now + slot.deadline
                self.numbers += 1
                lane_keep(lane, slot)
                lane.connecting += 1
                self.to_connect.append(slot)
                self.due = True
            finally:
                unlock_alone(&self.lock)

    cdef bint wanting(self, Lane lane, int32_t least):
        cdef int64_t size = lane.live + lane.connecting
        if self.closed or lane.gone or size + lane.retired >= lane.max_size:
            return False
        if lane.breaker.failures and lane.connecting:
            return False  # one at a time tries whether it works again
        return size < least or (
            lane.waiting is not None
            and <int64_t> lane.connecting * lane.max_in_flight < <int64_t> len(lane.waiting)
        )

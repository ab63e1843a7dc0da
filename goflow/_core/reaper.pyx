"""How a pool's connections go: what is given to nobody any more, and is closed when nobody has it.

Compiled as a layer of ``pool``. ``retire`` takes O(1); ``sweep``, ``drain``, ``resize``,
``discard`` and ``close`` look at each connection of their keys.

Thread-safety: see ``pool``. The lock is held for one key at a time.
"""

from libc.math cimport INFINITY, fmin
from libc.stdint cimport int32_t

from goflow._core.counts cimport DRAINED, IDLE, LIFETIME, POOL_CLOSED, RESIZED, counts_add
from goflow._core.lane cimport CLOSED, CONNECTING, LIVE, RETIRED, Lane, Slot, lane_drop
from goflow._core.lease cimport Lease
from goflow._core.lending cimport fail_waiters, serve
from goflow._core.limits cimport limit
from goflow._core.shared_lock cimport lock_alone, unlock_alone

from goflow._core.stock import REASONS
from goflow.errors import PoolClosed


cdef inline Slot oldest(Lane lane):
    """The slot that has been idle longest, where one is idle."""
    return <Slot> lane.rings[0].before.slot


cdef class Reaper(Connector):
    """The connections of a pool, with the ends of them."""

    def retire(self, Slot slot not None, reason="broken", at_once=False):
        """Give a connection to nobody any more; ``reason`` is one of REASONS.

        It is closed when its last lease comes back, or ``at_once``, and its place is free then.
        False when that was decided before.
        """
        cdef Lane lane = slot.lane
        cdef int why = REASONS.index(reason)
        cdef bint done = False
        lock_alone(&self.lock)
        try:
            if slot.state == LIVE:
                self.end(lane, slot, why)
                done = True
            if slot.state == RETIRED and at_once:
                self.finish(lane, slot)
                done = True
        finally:
            unlock_alone(&self.lock)
        self.follow(lane)
        return done

    def sweep(self):
        """Retire what is idle for too long or too old: ``(seconds until the next, leaks)``.

        The seconds are None when nothing is there to wait for. ``leaks`` are the leases that were
        held for ``leak_after``, each reported once.
        """
        cdef Lane lane
        cdef Slot slot
        cdef Lease lease
        cdef double now = self.now(), next_due = INFINITY
        cdef list leaks = [], lanes = list(self.lanes.values()), old
        for lane in lanes:
            old = []
            lock_alone(&self.lock)
            try:
                while lane.least == 0 and now - oldest(lane).since >= self.idle_timeout:
                    self.end(lane, oldest(lane), IDLE)
                for slot in lane.slots:
                    if slot.state == LIVE:
                        if slot.deadline <= now:
                            old.append(slot)
                        else:
                            next_due = fmin(next_due, slot.deadline - now)
                for slot in old:
                    self.end(lane, slot, LIFETIME)
                if lane.least == 0:
                    next_due = fmin(next_due, oldest(lane).since + self.idle_timeout - now)
                elif lane.live:
                    next_due = fmin(next_due, self.idle_timeout)
                if lane.live:
                    next_due = fmin(next_due, self.leak_after)
            finally:
                unlock_alone(&self.lock)
            if lane.waiting is not None:
                self.grow(lane, 0)
        lock_alone(&self.lock)
        try:
            for lease in self.held.values():
                if now - lease.since < self.leak_after:
                    next_due = fmin(next_due, lease.since + self.leak_after - now)
                    break
                if not lease.reported:
                    lease.reported = True
                    lease.lane.counts.leaks += 1
                    leaks.append(lease)
        finally:
            unlock_alone(&self.lock)
        if self.due:
            self.tell()
        return None if next_due == INFINITY else next_due, leaks

    def drain(self, key=None):
        """Retire every connection of a key, or of all: who asks from now on gets a new one."""
        cdef Lane lane
        for lane in self.some(key):
            self.retire_all(lane, DRAINED)
            if lane.waiting is not None:
                self.grow(lane, 0)
        if self.due:
            self.tell()

    def resize(self, max_size=None, max_in_flight=None, key=None):
        """Change the limits of a key, or of all and of those to come; None leaves one as it is.

        Idle connections above ``max_size`` are closed now, the others as they come back.
        """
        cdef int32_t size = 0 if max_size is None else limit("max_size", max_size)
        cdef int32_t load = 0 if max_in_flight is None else limit("max_in_flight", max_in_flight)
        cdef Lane lane
        cdef double now = self.now()
        if key is None:
            self.max_size = size or self.max_size
            self.max_in_flight = load or self.max_in_flight
            lanes = list(self.lanes.values())
        else:
            lanes = [self.lane(key)]
        for lane in lanes:
            lock_alone(&self.lock)
            try:
                lane.max_size = size or lane.max_size
                lane.max_in_flight = load or lane.max_in_flight
                while lane.least == 0 and lane.live + lane.retired > lane.max_size:
                    self.end(lane, oldest(lane), RESIZED)
                serve(self, lane, now)
            finally:
                unlock_alone(&self.lock)
            self.grow(lane, 0)
        if self.due:
            self.tell()

    def discard(self, key):
        """Forget a key: its waiters fail, its connections are closed as they come back."""
        cdef Lane lane = self.lanes.pop(key, None)
        if lane is None:
            return
        self.shut(lane, PoolClosed(f"{key!r} was discarded", key=key))
        lock_alone(&self.lock)
        try:
            counts_add(&self.past, &lane.counts)
        finally:
            unlock_alone(&self.lock)
        if self.due:
            self.tell()

    def close(self):
        """Give out nothing more: waiters fail, connections are closed as they come back."""
        cdef Lane lane
        self.closed = True
        for lane in list(self.lanes.values()):
            self.shut(lane, PoolClosed(f"the pool was closed: {lane.key!r}", key=lane.key))
        if self.due:
            self.tell()

    cdef int retire_all(self, Lane lane, int reason) except -1:
        cdef list live = []
        cdef Slot slot
        lock_alone(&self.lock)
        try:
            lane.generation += 1
            for slot in lane.slots:
                if slot.state == LIVE:
                    live.append(slot)
            for slot in live:
                self.end(lane, slot, reason)
        finally:
            unlock_alone(&self.lock)
        return 0

    cdef int shut(self, Lane lane, object error) except -1:
        """Use a lane no more: its waiters fail, what is connecting is given up."""
        cdef list early = []
        cdef Slot slot
        cdef double now = self.now()
        self.retire_all(lane, POOL_CLOSED)
        lock_alone(&self.lock)
        try:
            lane.gone = True
            fail_waiters(self, lane, error, now)
            for slot in lane.slots:
                if slot.state == CONNECTING:
                    early.append(slot)
            for slot in early:
                slot.state = CLOSED
                lane.connecting -= 1
                lane_drop(lane, slot)
                self.to_close.append(slot)
                self.due = True
        finally:
            unlock_alone(&self.lock)
        return 0

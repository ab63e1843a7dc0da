"""What a connection pool decides: who gets what, who waits, what to connect and close.

Compiled because every call checks a connection out and in again. Nothing here connects, closes or
awaits: the pool decides, under its lock, and what is to be done stands in ``decisions`` until the
owner collects it (the division of labour of httpcore). ``notify`` tells the owner, outside the
lock, that something is there.

``checkout``, ``checkin``, ``wait``, ``forget``, ``connected``, ``failed`` and ``retire`` take O(1),
whatever the number of keys, connections and waiters; ``sweep``, ``drain``, ``resize``, ``close``
and ``stats`` look at each connection.

Thread-safety: any method from any thread, with or without the GIL. Checkouts and checkins that
decide nothing share the lock (``shared_lock``) and lock only their key's lane, so that those of
different keys do not wait for each other. Under the lock no key is hashed and nothing is allocated
that the collector tracks: hashing and finalizers run foreign code,
which may come back here and would wait for the lock for ever. What a lock protects is dropped
after it was released, for the same reason.
"""

from libc.math cimport INFINITY, fmax, fmin, ldexp
from libc.stdint cimport int32_t, int64_t

from goflow._core.clock cimport goflow_clock
from goflow._core.lane cimport (
    CLOSED, CONNECTING, DRAINED, IDLE, LIFETIME, LIVE, POOL_CLOSED, REASON_COUNT, RESIZED,
    RETIRED, Lane, Node, Slot, lane_add, lane_drop, lane_keep, lane_move,
    lane_remove, lane_reserve,
)
from goflow._core.lease cimport FAILED, HELD, RELEASED, WAITING, Lease
from goflow._core.mutex cimport mutex_lock, mutex_unlock
from goflow._core.shared_lock cimport (
    STRIPES, SharedLock, Stripe, lock_alone, lock_shared, unlock, unlock_alone,
)

cimport cython

import sys
from types import GenericAlias

from goflow.errors import CircuitOpen, PoolClosed

REASONS = ("idle", "lifetime", "broken", "unhealthy", "drained", "resized", "closed")

cdef enum:
    UNBOUNDED = 0x7FFFFFFF


cdef class Pool:
    """Connections by key, at most ``max_size`` of each, with ``max_in_flight`` leases at once.

    Times are in seconds, None switches off what they bound. ``idle_timeout`` closes what was not
    used for so long. A lease is ``unchecked`` when its connection was idle for ``check_after``;
    ``sweep`` reports leases that are held for ``leak_after``. After a failure, connecting is put
    off by ``backoff``, doubled each time up to ``max_backoff``. Waiters fail after
    ``connect_attempts`` failures in a row, if no connection is there to wait for; after
    ``breaker_failures`` asking fails at once, for ``breaker_reset``.

    ``notify()`` is called when there are decisions; ``clock()`` replaces the monotonic clock;
    ``internal`` is a module whose code is not shown as the place of a checkout.
    Thread-safety: all methods may be called from any thread (see the module).
    """

    cdef dict lanes  # key -> Lane
    cdef Lane past  # the statistics of lanes that are gone
    cdef object notify, clock
    cdef object identity  # in its lanes; a reference to the pool would be a cycle
    cdef str internal
    cdef list to_connect, to_close, to_settle
    cdef dict held  # turn -> Lease, in the order of their checkout; only when looking for leaks
    cdef SharedLock lock  # protects everything here, and the lanes, slots and leases
    cdef bint due  # there are decisions
    cdef bint closed
    cdef int32_t max_size, max_in_flight, connect_attempts, breaker_failures
    cdef double idle_timeout, check_after, leak_after, backoff, max_backoff, breaker_reset
    cdef int64_t numbers  # slots made
    cdef int64_t turns  # leases put into held

    def __init__(
        self, *, max_size=10, max_in_flight=1, idle_timeout=None, check_after=None,
        leak_after=None, backoff=0.1, max_backoff=10.0, connect_attempts=1, breaker_failures=5,
        breaker_reset=30.0, notify=None, clock=None, internal="",
    ):
        self.identity = object()
        self.lanes = {}
        self.held = {}
        self.to_connect = []
        self.to_close = []
        self.to_settle = []
        self.max_size = limit("max_size", max_size)
        self.max_in_flight = limit("max_in_flight", max_in_flight)
        self.connect_attempts = limit("connect_attempts", connect_attempts)
        self.breaker_failures = limit("breaker_failures", breaker_failures)
        self.idle_timeout = seconds("idle_timeout", idle_timeout)
        self.check_after = seconds("check_after", check_after)
        self.leak_after = seconds("leak_after", leak_after)
        self.backoff = seconds("backoff", backoff or 0.0)
        self.max_backoff = seconds("max_backoff", max_backoff)
        self.breaker_reset = seconds("breaker_reset", breaker_reset)
        self.notify = notify
        self.clock = clock
        self.internal = internal
        self.past = Lane(None, None, 1, 1)

    @classmethod
    def __class_getitem__(cls, item):
        return GenericAlias(cls, item)

    # -- the hot path --------------------------------------------------------------------------

    @cython.binding(False)
    def checkout(self, key):
        """A lease on a connection that is ready now, or None. Never waits, never connects.

        None too when the connection was idle for so long that it should be checked before.
        """
        return self.lease_now(key, False)

    @cython.binding(False)
    def take(self, key):
        """As ``checkout``, but gives what should be checked before, as ``unchecked``."""
        return self.lease_now(key, True)

    @cython.binding(False)
    def checkin(self, Lease lease not None):
        """Give a lease back; the longest waiter gets its place.

        False, and nothing happens, when it was given back before or never held. Raises
        ValueError for a lease of another pool.
        """
        cdef Lane lane = lease.lane
        cdef Node *node
        cdef double now = self.now()
        cdef bint hungry = False
        if lane.pool is not self.identity:
            raise ValueError(f"{lease!r} is of another pool")
        cdef bint alone = self.leak_after != INFINITY
        cdef Stripe *stripe = self.enter(lane, alone)
        if STRIPES and not alone and not (
            lease.slot is not None and lease.slot.state == LIVE and not lane.waiting
            and lane.live + lane.retired <= lane.max_size
        ):
            self.leave(lane, stripe)
            stripe = self.enter(lane, True)
        try:
            if lease.standing != HELD:
                return False
            lease.standing = RELEASED
            if self.leak_after != INFINITY:
                self.held.pop(lease.turn, None)
            lane.in_use -= 1
            node = &lease.slot.node
            lease.slot.since = now
            if lease.slot.state == LIVE:
                lane_move(lane, node, -1)
                if lane.waiting is not None:
                    self.serve(lane, now)
                    hungry = lane.waiting is not None  # it may be too old to be given out again
                if node.load == 0 and lane.live + lane.retired > lane.max_size:
                    self.end(lane, lease.slot, RESIZED)
            else:
                node.load -= 1
                if lease.slot.state == RETIRED and node.load == 0:
                    self.finish(lane, lease.slot)
                    hungry = lane.waiting is not None
        finally:
            self.leave(lane, stripe)
        if hungry:
            self.grow(lane, 0)
        if self.due:
            self.tell()
        return True

    cdef Lease lease_now(self, object key, bint unchecked):
        cdef Lane lane = self.lanes.get(key)
        cdef Lease lease
        cdef Slot slot = None
        cdef double now
        if lane is None:
            lock_alone(&self.lock)
            try:
                self.past.misses += 1
            finally:
                unlock_alone(&self.lock)
            return None
        now = self.now()
        lease = self.new_lease(lane, None, now)
        cdef bint alone = self.leak_after != INFINITY
        cdef Stripe *stripe = self.enter(lane, alone)
        if STRIPES and not alone and self.outdated(lane, now):
            self.leave(lane, stripe)
            stripe = self.enter(lane, True)
        try:
            if not self.closed:
                slot = self.pick(lane, now, unchecked)
            if slot is None:
                lane.misses += 1
            else:
                self.hold(lease, slot, now)
                lane.hits += 1
        finally:
            self.leave(lane, stripe)
        if self.due:
            self.tell()
        return None if slot is None else lease

    @cython.final
    cdef inline Stripe *enter(self, Lane lane, bint alone) noexcept:
        """Lock a lane; alone, everything: to change what is not the lane's."""
        cdef Stripe *stripe = lock_alone(&self.lock) if alone else lock_shared(&self.lock)
        mutex_lock(&lane.lock)
        return stripe

    @cython.final
    cdef inline void leave(self, Lane lane, Stripe *stripe) noexcept:
        mutex_unlock(&lane.lock)
        unlock(&self.lock, stripe)

    @cython.final
    cdef inline bint outdated(self, Lane lane, double now) noexcept:
        """Whether the next connection is past its time, for ``pick`` to retire."""
        if lane.least >= lane.max_in_flight or lane.least >= lane.levels:
            return False
        cdef Node *node = lane.rings[lane.least]
        return (<Slot> node.slot).deadline <= now or (
            node.load == 0 and now - (<Slot> node.slot).since >= self.idle_timeout
        )

    cdef Lease new_lease(self, Lane lane, object token, double now):
        cdef Lease lease = Lease.__new__(Lease)
        lease.key = lane.key
        lease.lane = lane
        lease.token = token
        lease.since = now
        if self.leak_after != INFINITY:
            lease.where = self.caller()
        return lease

    cdef Slot pick(self, Lane lane, double now, bint unchecked):
        """The least loaded connection, one lease heavier; retires what is past its time."""
        cdef Node *node
        cdef Slot slot
        while lane.least < lane.max_in_flight and lane.least < lane.levels:
            node = lane.rings[lane.least]
            slot = <Slot> node.slot
            if slot.deadline <= now:
                self.end(lane, slot, LIFETIME)
            elif node.load == 0 and now - slot.since >= self.idle_timeout:
                self.end(lane, slot, IDLE)
            else:
                if not unchecked and node.load == 0 and now - slot.since >= self.check_after:
                    return None
                lane_reserve(lane, node.load + 1)
                lane_move(lane, node, 1)
                return slot
        return None

    cdef int hold(self, Lease lease, Slot slot, double now) except -1:
        lease.slot = slot
        lease.unchecked = slot.node.load == 1 and now - slot.since >= self.check_after
        lease.standing = HELD
        lease.waited = now - lease.since
        lease.since = now
        lease.lane.in_use += 1
        if self.leak_after != INFINITY:
            lease.turn = self.turns
            self.turns += 1
            self.held[lease.turn] = lease
        return 0

    # -- waiting -------------------------------------------------------------------------------

    def wait(self, key, token):
        """A lease that is held at once, or waits in the queue of its key.

        A waiting lease is settled by a later decision, in the order of the calls; connections are
        decided on as the queue needs them. Raises CircuitOpen, PoolClosed.
        """
        cdef double now = self.now()
        cdef Lane lane = self.lane(key)
        cdef Lease lease = self.new_lease(lane, token, now)
        cdef Slot slot = None
        cdef dict queue = {}  # made before the lock is taken
        cdef bint closed, gone, refused = False
        lock_alone(&self.lock)
        try:
            closed = self.closed
            gone = lane.gone
            if not closed and not gone:
                slot = self.pick(lane, now, True)
                if slot is not None:
                    self.hold(lease, slot, now)
                    lane.hits += 1
                elif now < lane.open_until and not lane.live and not lane.connecting:
                    refused = True
                else:
                    lease.turn = lane.turns
                    lane.turns += 1
                    if lane.waiting is None:
                        lane.waiting = queue
                    lane.waiting[lease.turn] = lease
                    lane.waits += 1
        finally:
            unlock_alone(&self.lock)
        if closed:
            raise PoolClosed(f"the pool is closed: it has no connection to {key!r}", key=key)
        if gone:
            return self.wait(key, token)
        if refused:
            raise self.refusal(lane, now)
        if slot is None:
            self.grow(lane, 0)
        if self.due:
            self.tell()
        return lease

    def forget(self, Lease lease not None, timed_out=False):
        """Stop waiting. False when the lease was settled before: who got it must give it back."""
        cdef Lane lane = lease.lane
        cdef bint late = timed_out
        cdef double now = self.now()
        lock_alone(&self.lock)
        try:
            if lease.standing != WAITING:
                return False
            leave(lane, lease)
            lease.standing = FAILED
            lane.timeouts += late
            lane.wait_time += now - lease.since
        finally:
            unlock_alone(&self.lock)
        return True

    cdef Lease first(self, Lane lane):
        """Who waits longest; amortized O(1), as no turn is looked at twice."""
        while lane.waiting is not None:
            found = lane.waiting.get(lane.turn)
            if found is not None:
                return <Lease> found
            lane.turn += 1
        return None

    cdef int serve(self, Lane lane, double now) except -1:
        """Give what is free to those who wait, in order."""
        cdef Lease lease
        cdef Slot slot
        while lane.waiting is not None:
            lease = self.first(lane)
            slot = self.pick(lane, now, True)
            if slot is None:
                break
            self.to_settle.append(lease)
            leave(lane, lease)
            self.hold(lease, slot, now)
            lane.served += 1
            lane.wait_time += lease.waited
            self.due = True
        return 0

    # -- connecting ----------------------------------------------------------------------------

    def warm(self, key, size=1):
        """Decide to connect until ``size`` connections are there or on their way; how many more.

        Not beyond ``max_size``; none while asking would fail at once.
        """
        cdef double now = self.now()
        cdef Lane lane = self.lane(key)
        cdef int64_t before = self.numbers
        if now >= lane.open_until:
            self.grow(lane, size)
        if self.due:
            self.tell()
        return self.numbers - before

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
                slot.deadline = fmax(0.0, fmax(lane.retry_at, lane.open_until) - now)
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
        if lane.failures and lane.connecting:
            return False  # one at a time tries whether it works again
        return size < least or (
            lane.waiting is not None
            and <int64_t> lane.connecting * lane.max_in_flight < <int64_t> len(lane.waiting)
        )

    def connected(self, Slot slot not None, connection, lifetime=None):
        """Connecting has succeeded; ``lifetime`` is how long the connection may be used."""
        cdef Lane lane = slot.lane
        cdef double now = self.now()
        cdef double life = seconds("lifetime", lifetime)
        cdef bint hungry = False
        lock_alone(&self.lock)
        try:
            slot.connection = connection
            if slot.state != CONNECTING:
                return
            lane.connect_time += now - slot.since
            waiter = self.first(lane)
            if waiter is not None:
                lane.connect_waited += now - fmax(slot.since, (<Lease> waiter).since)
            slot.state = LIVE
            slot.since = now
            slot.deadline = now + life
            lane.connecting -= 1
            lane.live += 1
            lane.connects += 1
            lane.failures = 0
            lane.retry_at = lane.open_until = 0.0
            lane.error = None
            lane_add(lane, &slot.node)
            if slot.generation != lane.generation:
                self.end(lane, slot, DRAINED)
            self.serve(lane, now)
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
            lane.connect_failures += 1
            lane.failures += 1
            lane.error = error
            lane.retry_at = now + fmin(self.max_backoff, ldexp(self.backoff, lane.failures - 1))
            if lane.failures >= self.breaker_failures:
                lane.open_until = now + self.breaker_reset
            if not lane.live and not lane.connecting and lane.failures >= self.connect_attempts:
                self.fail_waiters(lane, error, now)
        finally:
            unlock_alone(&self.lock)
        if lane.waiting is not None:
            self.grow(lane, 0)
        if self.due:
            self.tell()

    cdef int fail_waiters(self, Lane lane, object error, double now) except -1:
        cdef Lease lease
        while lane.waiting is not None:
            lease = self.first(lane)
            self.to_settle.append(lease)
            leave(lane, lease)
            lease.standing = FAILED
            lease.error = error
            lane.wait_time += now - lease.since
            self.due = True
        return 0

    cdef object refusal(self, Lane lane, double now):
        error = lane.error
        text = f"{type(error).__name__}: {error}"
        left = lane.open_until - now
        return CircuitOpen(
            f"connecting to {lane.key!r} failed {lane.failures} times in a row (the last time: "
            f"{text}); it is tried again in {left:.3g} s",
            key=lane.key, seconds=left, cause=error,
        )

    # -- retiring ------------------------------------------------------------------------------

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
        if lane.waiting is not None:
            self.grow(lane, 0)
        if self.due:
            self.tell()
        return done

    cdef int end(self, Lane lane, Slot slot, int reason) except -1:
        """Take a live slot out of use: close it, now or when its last lease comes back."""
        lane_remove(lane, &slot.node)
        lane.live -= 1
        lane.retired += 1
        lane.retirements[reason] += 1
        slot.state = RETIRED
        if slot.node.load == 0:
            self.finish(lane, slot)
        return 0

    cdef int finish(self, Lane lane, Slot slot) except -1:
        """Decide to close a retired slot."""
        slot.state = CLOSED
        lane.retired -= 1
        self.to_close.append(slot)
        lane_drop(lane, slot)
        self.due = True
        return 0

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
                    lease.lane.leaks += 1
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
                self.serve(lane, now)
            finally:
                unlock_alone(&self.lock)
            self.grow(lane, 0)
        if self.due:
            self.tell()

    def discard(self, key):
        """Forget a key: its waiters fail, its connections are closed as they come back."""
        lane = self.lanes.pop(key, None)
        if lane is not None:
            self.shut(<Lane> lane, PoolClosed(f"{key!r} was discarded", key=key))
            lock_alone(&self.lock)
            try:
                merge(self.past, <Lane> lane)
            finally:
                unlock_alone(&self.lock)
            if self.due:
                self.tell()

    def close(self):
        """Give out nothing more: waiters fail, connections are closed as they come back."""
        self.closed = True
        for lane in list(self.lanes.values()):
            key = (<Lane> lane).key
            self.shut(<Lane> lane, PoolClosed(f"the pool was closed: {key!r}", key=key))
        if self.due:
            self.tell()

    cdef int shut(self, Lane lane, object error) except -1:
        cdef list early = []
        cdef Slot slot
        cdef double now = self.now()
        self.retire_all(lane, POOL_CLOSED)
        lock_alone(&self.lock)
        try:
            lane.gone = True
            self.fail_waiters(lane, error, now)
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

    # -- what stands ---------------------------------------------------------------------------

    def decisions(self):
        """What is to be done since the last call: ``(slots to connect, to close, leases settled)``.

        A slot to connect is answered by ``connected`` or ``failed``; one to close may still be
        connecting, and is given up then. A settled lease is held, or has an ``error``.
        """
        cdef list connect = [], close = [], settle = []
        lock_alone(&self.lock)
        try:
            connect, self.to_connect = self.to_connect, connect
            close, self.to_close = self.to_close, close
            settle, self.to_settle = self.to_settle, settle
            self.due = False
        finally:
            unlock_alone(&self.lock)
        return connect, close, settle

    @cython.binding(False)
    def is_warm(self, key):
        """Whether a connection of the key is there."""
        cdef Lane lane = self.lanes.get(key)
        return lane is not None and lane.live > 0

    def keys(self):
        """The keys that were asked for, but for those that were discarded."""
        return list(self.lanes)

    def slots(self, key=None):
        """The slots of a key, or of all, but for those that ``decisions`` gave to be closed."""
        cdef list found = []
        cdef Lane lane
        cdef Slot slot
        for lane in self.some(key):
            lock_alone(&self.lock)
            try:
                found += lane.slots
                for slot in self.to_close:
                    if slot.lane is lane:
                        found.append(slot)
            finally:
                unlock_alone(&self.lock)
        return found

    def holders(self, key):
        """The leases of a key that are held, longest first; only when looking for leaks."""
        return [lease for lease in list(self.held.values()) if lease.key == key]

    def stats(self, key=None):
        """Counts since the beginning and sizes of now, of one key or of all together."""
        cdef Lane total = Lane(key, None, 1, 1), lane
        cdef Py_ssize_t waiting = 0, idle = 0
        cdef Slot slot
        for lane in [self.past, *self.some(None)] if key is None else self.some(key):
            lock_alone(&self.lock)
            try:
                merge(total, lane)
                total.live += lane.live
                total.connecting += lane.connecting
                total.retired += lane.retired
                total.in_use += lane.in_use
                waiting += 0 if lane.waiting is None else len(lane.waiting)
                for slot in lane.slots:
                    idle += slot.state == LIVE and slot.node.load == 0
            finally:
                unlock_alone(&self.lock)
        return {
            "leases": total.hits + total.served,
            "hits": total.hits,
            "misses": total.misses,
            "waits": total.waits,
            "wait_time": total.wait_time,
            "timeouts": total.timeouts,
            "connects": total.connects,
            "connect_failures": total.connect_failures,
            "connect_time": total.connect_time,
            "connect_waited": total.connect_waited,
            "leaks": total.leaks,
            "retired": {
                reason: total.retirements[<int> at]
                for at, reason in enumerate(REASONS) if total.retirements[<int> at]
            },
            "open": total.live + total.retired,
            "idle": idle,
            "in_use": total.in_use,
            "connecting": total.connecting,
            "waiting": waiting,
        }

    @property
    def is_closed(self):
        """Whether ``close`` was called."""
        return self.closed

    def __repr__(self):
        return f"<{type(self).__name__} {self.describe()}>"

    # -- odds and ends -------------------------------------------------------------------------

    cdef double now(self) except? -1.0:
        return goflow_clock() if self.clock is None else self.clock()

    cdef Lane lane(self, object key):
        """The lane of a key, made if there is none."""
        lane = self.lanes.get(key)
        if lane is None:
            lane = Lane(key, self.identity, self.max_size, self.max_in_flight)
            lane = self.lanes.setdefault(key, lane)
        return <Lane> lane

    cdef list some(self, object key):
        """The lanes of a key, or all."""
        if key is None:
            return list(self.lanes.values())
        lane = self.lanes.get(key)
        return [] if lane is None else [lane]

    cdef int tell(self) except -1:
        if self.notify is not None:
            self.notify()
        return 0

    cdef str caller(self):
        """Where the code stands that asks for a connection."""
        frame = sys._getframe()
        while frame.f_back is not None and frame.f_globals.get("__name__") == self.internal:
            frame = frame.f_back
        return f"{frame.f_code.co_filename}:{frame.f_lineno}"

    def describe(self, key=None):
        """Its state in words, for reprs and messages."""
        now = self.stats(key)
        keys = len(self.lanes)
        parts = ["closed"] if self.closed else []
        if key is None:
            parts.append(f"{keys} key{'' if keys == 1 else 's'}")
        parts.append(f"{now['open']} open ({now['idle']} idle)")
        for what in ("in_use", "connecting", "waiting"):
            if now[what]:
                parts.append(f"{now[what]} {what.replace('_', ' ')}")
        return ", ".join(parts)


cdef inline Slot oldest(Lane lane):
    """The slot that has been idle longest, where one is idle."""
    return <Slot> lane.rings[0].before.slot


cdef int leave(Lane lane, Lease lease) except -1:
    """Take a lease out of the queue."""
    lane.waiting.pop(lease.turn)
    if not lane.waiting:
        lane.waiting = None
    return 0


cdef int merge(Lane total, Lane lane) except -1:
    """Add up the counts since the beginning."""
    cdef int at
    total.hits += lane.hits
    total.served += lane.served
    total.misses += lane.misses
    total.waits += lane.waits
    total.timeouts += lane.timeouts
    total.connects += lane.connects
    total.connect_failures += lane.connect_failures
    total.leaks += lane.leaks
    total.wait_time += lane.wait_time
    total.connect_time += lane.connect_time
    total.connect_waited += lane.connect_waited
    for at in range(<int> REASON_COUNT):
        total.retirements[at] += lane.retirements[at]
    return 0


cdef int32_t limit(str name, object value) except -1:
    """A limit as a number; None is no limit."""
    if value is None:
        return UNBOUNDED
    if not 1 <= value < UNBOUNDED:
        raise ValueError(f"{name} must be at least 1, or None, not {value!r}")
    return value


cdef double seconds(str name, object value) except -1.0:
    """A time as a number; None is for ever."""
    if value is None:
        return INFINITY
    if not value >= 0.0:
        raise ValueError(f"{name} must be a number of seconds, or None, not {value!r}")
    return value

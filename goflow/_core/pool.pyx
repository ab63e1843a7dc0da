"""What a connection pool decides: who gets what, who waits, what to connect and close.

Compiled because every call checks a connection out and in again. Nothing here connects, closes or
awaits: the pool decides, under its lock, and what is to be done stands in ``decisions`` until the
owner collects it (the division of labour of httpcore). ``notify`` tells the owner, outside the
lock, that something is there.

This is the topmost of the pool's layers: ``stock`` is what it knows, ``connector`` how connections
come, ``reaper`` how they go. ``lending`` says who gets which, here and there.

All that is here takes O(1), whatever the number of keys, connections and waiters.

Thread-safety: any method of any layer from any thread, with or without the GIL. Checkouts and
checkins that decide nothing share the lock (``shared_lock``) and lock only their key's lane, so
that those of different keys do not wait for each other. Under the lock no key is hashed and nothing
is allocated that the collector tracks: hashing and finalizers run foreign code, which may come back
here and would wait for the lock for ever. What a lock protects is dropped after it was released,
for the same reason.
"""

from libc.math cimport INFINITY

from goflow._core.counts cimport RESIZED
from goflow._core.lane cimport LIVE, RETIRED, Lane, Node, Slot, lane_move
from goflow._core.lease cimport FAILED, HELD, RELEASED, WAITING, Lease, caller
from goflow._core.lending cimport hold, pick, serve
from goflow._core.limits cimport limit, seconds
from goflow._core.mutex cimport mutex_lock, mutex_unlock
from goflow._core.queue cimport queue_join, queue_leave
from goflow._core.reaper cimport Reaper
from goflow._core.shared_lock cimport (
    STRIPES, Stripe, lock_alone, lock_shared, unlock, unlock_alone,
)

cimport cython

from goflow.errors import CircuitOpen, PoolClosed


cdef inline Stripe *enter(Pool pool, Lane lane, bint alone) noexcept:
    """Lock a lane; alone, everything: to change what is not the lane's."""
    cdef Stripe *stripe = lock_alone(&pool.lock) if alone else lock_shared(&pool.lock)
    mutex_lock(&lane.lock)
    return stripe


cdef inline void leave(Pool pool, Lane lane, Stripe *stripe) noexcept:
    mutex_unlock(&lane.lock)
    unlock(&pool.lock, stripe)


cdef inline bint outdated(Pool pool, Lane lane, double now) noexcept:
    """Whether the next connection is past its time, for ``pick`` to retire."""
    if lane.least >= lane.max_in_flight or lane.least >= lane.levels:
        return False
    cdef Node *node = lane.rings[lane.least]
    return (<Slot> node.slot).deadline <= now or (
        node.load == 0 and now - (<Slot> node.slot).since >= pool.idle_timeout
    )


cdef inline Lease new_lease(Pool pool, Lane lane, object token, double now):
    cdef Lease lease = Lease.__new__(Lease)
    lease.key = lane.key
    lease.lane = lane
    lease.token = token
    lease.since = now
    if pool.leak_after != INFINITY:
        lease.where = caller(pool.internal)
    return lease


cdef Lease lease_now(Pool pool, object key, bint unchecked):
    cdef Lane lane = pool.lanes.get(key)
    cdef Lease lease
    cdef Slot slot = None
    cdef double now
    if lane is None:
        lock_alone(&pool.lock)
        try:
            pool.past.misses += 1
        finally:
            unlock_alone(&pool.lock)
        return None
    now = pool.now()
    lease = new_lease(pool, lane, None, now)
    cdef bint alone = pool.leak_after != INFINITY
    cdef Stripe *stripe = enter(pool, lane, alone)
    if STRIPES and not alone and outdated(pool, lane, now):
        leave(pool, lane, stripe)
        stripe = enter(pool, lane, True)
    try:
        if not pool.closed:
            slot = pick(pool, lane, now, unchecked)
        if slot is None:
            lane.counts.misses += 1
        else:
            hold(pool, lease, slot, now)
            lane.counts.hits += 1
    finally:
        leave(pool, lane, stripe)
    if pool.due:
        pool.tell()
    return None if slot is None else lease


cdef object refusal(Lane lane, double now):
    error = lane.error
    text = f"{type(error).__name__}: {error}"
    left = lane.breaker.open_until - now
    return CircuitOpen(
        f"connecting to {lane.key!r} failed {lane.breaker.failures} times in a row (the last time: "
        f"{text}); it is tried again in {left:.3g} s",
        key=lane.key, seconds=left, cause=error,
    )


cdef class Pool(Reaper):
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

    cdef str internal

    def __init__(
        self, *, max_size=10, max_in_flight=1, idle_timeout=None, check_after=None,
        leak_after=None, backoff=0.1, max_backoff=10.0, connect_attempts=1, breaker_failures=5,
        breaker_reset=30.0, notify=None, clock=None, internal="",
    ):
        self.max_size = limit("max_size", max_size)
        self.max_in_flight = limit("max_in_flight", max_in_flight)
        self.connect_attempts = limit("connect_attempts", connect_attempts)
        self.patience.failures = limit("breaker_failures", breaker_failures)
        self.patience.reset = seconds("breaker_reset", breaker_reset)
        self.patience.backoff = seconds("backoff", backoff or 0.0)
        self.patience.max_backoff = seconds("max_backoff", max_backoff)
        self.idle_timeout = seconds("idle_timeout", idle_timeout)
        self.check_after = seconds("check_after", check_after)
        self.leak_after = seconds("leak_after", leak_after)
        self.notify = notify
        self.clock = clock
        self.internal = internal

    @cython.binding(False)
    def checkout(self, key):
        """A lease on a connection that is ready now, or None. Never waits, never connects.

        None too when the connection was idle for so long that it should be checked before.
        """
        return lease_now(self, key, False)

    @cython.binding(False)
    def take(self, key):
        """As ``checkout``, but gives what should be checked before, as ``unchecked``."""
        return lease_now(self, key, True)

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
        cdef Stripe *stripe = enter(self, lane, alone)
        if STRIPES and not alone and not (
            lease.slot is not None and lease.slot.state == LIVE and not lane.waiting
            and lane.live + lane.retired <= lane.max_size
        ):
            leave(self, lane, stripe)
            stripe = enter(self, lane, True)
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
                    serve(self, lane, now)
                    hungry = lane.waiting is not None  # it may be too old to be given out again
                if node.load == 0 and lane.live + lane.retired > lane.max_size:
                    self.end(lane, lease.slot, RESIZED)
            else:
                node.load -= 1
                if lease.slot.state == RETIRED and node.load == 0:
                    self.finish(lane, lease.slot)
                    hungry = lane.waiting is not None
        finally:
            leave(self, lane, stripe)
        if hungry:
            self.grow(lane, 0)
        if self.due:
            self.tell()
        return True

    def wait(self, key, token):
        """A lease that is held at once, or waits in the queue of its key.

        A waiting lease is settled by a later decision, in the order of the calls; connections are
        decided on as the queue needs them. Raises CircuitOpen, PoolClosed.
        """
        cdef double now = self.now()
        cdef Lane lane = self.lane(key)
        cdef Lease lease = new_lease(self, lane, token, now)
        cdef Slot slot = None
        cdef dict empty = {}
        cdef bint closed, gone, refused = False
        lock_alone(&self.lock)
        try:
            closed = self.closed
            gone = lane.gone
            if not closed and not gone:
                slot = pick(self, lane, now, True)
                if slot is not None:
                    hold(self, lease, slot, now)
                    lane.counts.hits += 1
                elif now < lane.breaker.open_until and not lane.live and not lane.connecting:
                    refused = True
                else:
                    queue_join(lane, lease, empty)
                    lane.counts.waits += 1
        finally:
            unlock_alone(&self.lock)
        if closed:
            raise PoolClosed(f"the pool is closed: it has no connection to {key!r}", key=key)
        if gone:
            return self.wait(key, token)
        if refused:
            raise refusal(lane, now)
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
            queue_leave(lane, lease)
            lease.standing = FAILED
            lane.counts.timeouts += late
            lane.counts.wait_time += now - lease.since
        finally:
            unlock_alone(&self.lock)
        return True

    @cython.binding(False)
    def is_warm(self, key):
        """Whether a connection of the key is there."""
        cdef Lane lane = self.lanes.get(key)
        return lane is not None and lane.live > 0

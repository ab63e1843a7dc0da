"""What a pool knows: its connections by key, and what is to be connected, closed and settled.

Compiled as the lowest layer of the pool: ``connector`` says how connections come, ``reaper`` how
they go, ``pool`` who gets them. Each layer is a class that knows those below, so that all of them
share one lock and one state, and calling from one to another costs no more than within one.

``decisions`` and the steps inside take O(1); ``slots`` and ``stats`` look at each connection,
``holders`` at each lease that is out.

Thread-safety: see ``pool``. ``end`` and ``finish`` are called under the lock, the others not.
"""

from libc.math cimport INFINITY
from libc.string cimport memset

from goflow._core.counts cimport Counts, counts_add
from goflow._core.lane cimport CLOSED, LIVE, RETIRED, Lane, Slot, lane_drop, lane_remove
from goflow._core.shared_lock cimport lock_alone, unlock_alone

from types import GenericAlias

REASONS = ("idle", "lifetime", "broken", "unhealthy", "drained", "resized", "closed")


cdef class Stock:
    """The connections of a pool, and what was decided on them."""

    def __cinit__(self):
        self.identity = object()
        self.lanes = {}
        self.held = {}
        self.to_connect = []
        self.to_close = []
        self.to_settle = []
        self.idle_timeout = self.check_after = self.leak_after = INFINITY

    @classmethod
    def __class_getitem__(cls, item):
        return GenericAlias(cls, item)

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
        cdef Counts total
        cdef Py_ssize_t opened = 0, idle = 0, in_use = 0, connecting = 0, waiting = 0
        cdef Lane lane
        cdef Slot slot
        memset(&total, 0, sizeof(total))
        if key is None:
            lock_alone(&self.lock)
            total = self.past
            unlock_alone(&self.lock)
        for lane in self.some(key):
            lock_alone(&self.lock)
            try:
                counts_add(&total, &lane.counts)
                opened += lane.live + lane.retired
                in_use += lane.in_use
                connecting += lane.connecting
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
            "open": opened,
            "idle": idle,
            "in_use": in_use,
            "connecting": connecting,
            "waiting": waiting,
        }

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

    def __repr__(self):
        return f"<{type(self).__name__} {self.describe()}>"

    @property
    def is_closed(self):
        """Whether ``close`` was called."""
        return self.closed

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

    cdef int end(self, Lane lane, Slot slot, int reason) except -1:
        """Take a live slot out of use: close it, now or when its last lease comes back."""
        lane_remove(lane, &slot.node)
        lane.live -= 1
        lane.retired += 1
        lane.counts.retirements[reason] += 1
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

    cdef int tell(self) except -1:
        """Say that there are decisions; not under the lock."""
        if self.notify is not None:
            self.notify()
        return 0

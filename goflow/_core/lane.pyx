"""One key of a pool: its connections, listed by load so that the least loaded is found at once.

Compiled because every checkout and checkin moves a connection between two lists. The live slots
of one load form a ring, most recently used first, and ``least`` is the lowest load that has any.
Loads change by one at a time, which keeps both true in O(1) (the frequency lists of the LFU of
Shah, Mitra and Matani, 2010). The last of ring 0 is the one that has been idle longest.

Thread-safety: none of its own; a pool holds its lock around all of this, alone, or shared and the
lane's ``lock`` beside.
"""

from cpython.mem cimport PyMem_RawFree, PyMem_RawRealloc
from libc.stdint cimport int32_t

from types import GenericAlias


cdef int lane_reserve(Lane lane, int32_t load) except -1:
    """Make room for the ring of a load."""
    if load < lane.levels:
        return 0
    cdef int32_t levels = 2 * load + 2, at
    cdef bint inside = lane.rings == lane.few
    cdef Node **rings = <Node **> PyMem_RawRealloc(
        NULL if inside else lane.rings, levels * sizeof(Node *)
    )
    if rings == NULL:
        raise MemoryError
    for at in range(FEW if inside else 0):
        rings[at] = lane.few[at]
    for at in range(lane.levels, levels):
        rings[at] = NULL
    lane.rings = rings
    lane.levels = levels
    return 0


cdef int lane_keep(Lane lane, Slot slot) except -1:
    """Add a slot."""
    slot.place = <int32_t> len(lane.slots)
    lane.slots.append(slot)
    return 0


cdef int lane_drop(Lane lane, Slot slot) except -1:
    """Remove a slot, which the caller holds; the last one takes its place."""
    cdef Slot last = lane.slots[len(lane.slots) - 1]
    lane.slots[slot.place] = last
    last.place = slot.place
    lane.slots.pop()
    return 0


cdef class Slot:
    """One connection of a pool, from the decision to connect to that to close.

    Made by its pool. ``delay`` is how many seconds connecting is to be put off, ``connection``
    None until it has succeeded; ``owner`` is for who connects and closes it. ``number`` is unique
    in its pool and never used again, so that a lease of a connection that is gone cannot touch the
    one that took its place.
    """

    def __cinit__(self):
        self.node.slot = <void *> self

    @classmethod
    def __class_getitem__(cls, item):
        return GenericAlias(cls, item)

    @property
    def key(self):
        """What it is a connection to."""
        return self.lane.key

    @property
    def delay(self):
        """How long to put off connecting, in seconds, until it is connected."""
        return self.deadline if self.state == CONNECTING else 0.0

    @property
    def closed(self):
        """Whether the pool has decided to close it."""
        return self.state == CLOSED

    def __repr__(self):
        state = ("connecting", "live", "retired", "closed")[self.state]
        in_flight = f", {self.node.load} in flight" if self.node.load else ""
        return f"<Slot {self.lane.key!r} #{self.number} {state}{in_flight}>"


cdef class Lane:
    """What a pool knows of one key; made by its pool."""

    def __cinit__(self, key, pool, int32_t max_size, int32_t max_in_flight):
        self.key = key
        self.pool = pool
        self.slots = []
        self.max_size = max_size
        self.max_in_flight = max_in_flight
        self.least = NOWHERE
        self.rings = self.few
        self.levels = FEW

    def __dealloc__(self):
        if self.rings != self.few:
            PyMem_RawFree(self.rings)

    def __repr__(self):
        return (
            f"<Lane {self.key!r} {self.live} live, {self.connecting} connecting, "
            f"{self.in_use} in use, {len(self.waiting or ())} waiting>"
        )

"""One key's connections in lists by load, for the pool to inline."""

from libc.stdint cimport int32_t, int64_t

from goflow._core.breaker cimport Breaker
from goflow._core.counts cimport Counts
from goflow._core.mutex cimport Mutex

cdef enum State:
    CONNECTING
    LIVE
    RETIRED  # no longer given out, but leases of it are
    CLOSED  # for its owner to close

cdef enum:
    NOWHERE = 0x7FFFFFFF  # the least load of a lane without a live connection
    FEW = 2  # rings that lie in the lane itself

cdef struct Node:  # a slot's place in a ring
    Node *before
    Node *after
    void *slot  # borrowed: the slot that it is a part of, which its lane keeps alive
    int32_t load  # leases of the slot that are out


cdef class Slot:
    # First what each checkout and checkin touches.
    cdef Node node
    cdef double since  # when it was last given back, or connected; before, when connecting began
    cdef double deadline  # the end of its lifetime; before it is connected, the delay
    cdef State state
    cdef int32_t place  # in its lane's slots
    cdef readonly object connection
    cdef Lane lane
    cdef public object owner
    cdef readonly int64_t number
    cdef int64_t generation


cdef class Lane:
    # First what each checkout and checkin touches: among 100,000 keys, every cache line that lies
    # apart costs as much as finding the lane.
    cdef readonly object key
    cdef object pool  # what tells its pool from others
    cdef Mutex lock  # for who shares the pool's
    cdef bint gone  # no longer the pool's lane of its key
    cdef Node **rings  # load -> the most recently used of the live slots with that load, or NULL
    cdef Node *few[FEW]  # room for the rings of the first loads
    cdef int32_t levels  # how many rings there is room for
    cdef int32_t least  # the lowest load that has a slot, or NOWHERE
    cdef int32_t max_in_flight, max_size
    cdef int32_t live, retired
    cdef int32_t in_use, connecting
    # Leases that wait, by turn; None when there are none. All of the turns before `turn` have been
    # served or given up.
    cdef dict waiting
    cdef Counts counts
    # What is connecting, live, or retired and still leased, at its place: keeps the nodes alive.
    cdef list slots
    cdef int64_t turn, turns
    cdef int64_t generation  # slots of an older one are not given out any more
    cdef Breaker breaker
    cdef object error  # the last failure to connect


cdef int lane_reserve(Lane lane, int32_t load) except -1
cdef int lane_keep(Lane lane, Slot slot) except -1
cdef int lane_drop(Lane lane, Slot slot) except -1


cdef inline void ring_remove(Lane lane, Node *node) noexcept:
    """Take a node out of the ring of its load; the caller sees to ``least``."""
    if node.after == node:
        lane.rings[node.load] = NULL
        return
    node.before.after = node.after
    node.after.before = node.before
    if lane.rings[node.load] == node:
        lane.rings[node.load] = node.after


cdef inline void lane_add(Lane lane, Node *node) noexcept:
    """Put a node first in the ring of its load, for which there is room."""
    cdef Node *first = lane.rings[node.load]
    if first == NULL:
        node.before = node.after = node
    else:
        node.after = first
        node.before = first.before
        first.before.after = node
        first.before = node
    lane.rings[node.load] = node
    if node.load < lane.least:
        lane.least = node.load


cdef inline void lane_move(Lane lane, Node *node, int32_t step) noexcept:
    """Change a listed node's load by ``step``, 1 or -1."""
    cdef int32_t load = node.load
    ring_remove(lane, node)
    node.load = load + step
    lane_add(lane, node)
    if lane.least == load and lane.rings[load] == NULL:
        lane.least = load + 1  # where it went: a lower one would be the least by now


cdef inline void lane_remove(Lane lane, Node *node) noexcept:
    """Take a node out of the lists. O(loads), when it was the only one of the least load."""
    ring_remove(lane, node)
    while lane.least < lane.levels and lane.rings[lane.least] == NULL:
        lane.least += 1
    if lane.least >= lane.levels:
        lane.least = NOWHERE

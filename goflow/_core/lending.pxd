"""Who gets which connection of a key; a header.

The least loaded one goes to who asks, the one that was used last among equals; what is free goes to
those who wait, in order. All of it takes O(1) for each lease that it settles.

Thread-safety: none of its own; under the pool's lock, ``pick`` and ``hold`` under the lane's if the
pool's is shared and ``pick`` finds nothing to retire.
"""

from libc.math cimport INFINITY

from goflow._core.counts cimport IDLE, LIFETIME
from goflow._core.lane cimport Lane, Node, Slot, lane_move, lane_reserve
from goflow._core.lease cimport FAILED, HELD, Lease
from goflow._core.queue cimport queue_first, queue_leave
from goflow._core.stock cimport Stock


cdef inline Slot pick(Stock stock, Lane lane, double now, bint unchecked):
    """The least loaded connection, one lease heavier; retires what is past its time."""
    cdef Node *node
    cdef Slot slot
    while lane.least < lane.max_in_flight and lane.least < lane.levels:
        node = lane.rings[lane.least]
        slot = <Slot> node.slot
        if slot.deadline <= now:
            stock.end(lane, slot, LIFETIME)
        elif node.load == 0 and now - slot.since >= stock.idle_timeout:
            stock.end(lane, slot, IDLE)
        else:
            if not unchecked and node.load == 0 and now - slot.since >= stock.check_after:
                return None
            lane_reserve(lane, node.load + 1)
            lane_move(lane, node, 1)
            return slot
    return None


cdef inline int hold(Stock stock, Lease lease, Slot slot, double now) except -1:
    """Let a lease have what was picked for it."""
    lease.slot = slot
    lease.unchecked = slot.node.load == 1 and now - slot.since >= stock.check_after
    lease.standing = HELD
    lease.waited = now - lease.since
    lease.since = now
    lease.lane.in_use += 1
    if stock.leak_after != INFINITY:
        lease.turn = stock.turns
        stock.turns += 1
        stock.held[lease.turn] = lease
    return 0


cdef inline int serve(Stock stock, Lane lane, double now) except -1:
    """Give what is free to those who wait."""
    cdef Lease lease
    cdef Slot slot
    while lane.waiting is not None:
        lease = queue_first(lane)
        slot = pick(stock, lane, now, True)
        if slot is None:
            break
        stock.to_settle.append(lease)
        queue_leave(lane, lease)
        hold(stock, lease, slot, now)
        lane.counts.served += 1
        lane.counts.wait_time += lease.waited
        stock.due = True
    return 0


cdef inline int fail_waiters(Stock stock, Lane lane, object error, double now) except -1:
    cdef Lease lease
    while lane.waiting is not None:
        lease = queue_first(lane)
        stock.to_settle.append(lease)
        queue_leave(lane, lease)
        lease.standing = FAILED
        lease.error = error
        lane.counts.wait_time += now - lease.since
        stock.due = True
    return 0

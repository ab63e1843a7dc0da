"""Who waits for a connection of a key, in the order of asking; a header.

A lease waits under its turn in the lane's dict, which is there while somebody waits. Joining and
leaving take O(1), finding the first amortized O(1), as no turn is looked at twice.

Thread-safety: none of its own; under the pool's lock.
"""

from goflow._core.lane cimport Lane
from goflow._core.lease cimport Lease


cdef inline int queue_join(Lane lane, Lease lease, dict empty) except -1:
    """Take the next turn; ``empty`` is a dict that was made before the lock was taken."""
    lease.turn = lane.turns
    lane.turns += 1
    if lane.waiting is None:
        lane.waiting = empty
    lane.waiting[lease.turn] = lease
    return 0


cdef inline Lease queue_first(Lane lane):
    """Who waits longest, or None."""
    while lane.waiting is not None:
        found = lane.waiting.get(lane.turn)
        if found is not None:
            return <Lease> found
        lane.turn += 1
    return None


cdef inline int queue_leave(Lane lane, Lease lease) except -1:
    lane.waiting.pop(lease.turn)
    if not lane.waiting:
        lane.waiting = None
    return 0

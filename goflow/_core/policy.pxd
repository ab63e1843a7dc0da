"""Which entry goes when there is no room: S3-FIFO or LRU; a header.

S3-FIFO (Yang et al., SOSP 2023): new entries queue in a small queue of a tenth of all; those used
while they were in it move on to the main queue, the others are evicted and remembered as ghosts; an
entry that comes back as a ghost enters the main queue at once. The main queue is a FIFO in which
what was used goes round again, once for each of at most three uses. Unlike in the paper one use is
enough to move on: measured better on every trace in the tests. A hit moves nothing.

LRU is the main queue alone, in which a hit moves its entry to the front.

O(1) amortised: an entry goes round at most once a hit.
"""

from libc.stdint cimport int32_t, uint8_t

from goflow._core.entries cimport NONE, Entry, Table
from goflow._core.ghosts cimport Ghosts, ghosts_add, ghosts_begin, ghosts_take
from goflow._core.shared_lock cimport load_byte, store_byte

cdef enum:
    SMALL_QUEUE = 0
    MAIN_QUEUE = 1
    MOST_USES = 3


cdef struct Queue:
    int32_t newest
    int32_t oldest
    int32_t count


cdef struct Policy:
    bint lru
    Queue queues[2]
    Ghosts ghosts


cdef inline void policy_begin(Policy *policy) noexcept nogil:
    cdef int queue
    for queue in range(2):
        policy.queues[queue].newest = policy.queues[queue].oldest = NONE
        policy.queues[queue].count = 0


cdef inline void enqueue(Policy *policy, Table *table, int32_t number, uint8_t to) noexcept nogil:
    cdef Entry *entry = &table.entries[number]
    cdef Queue *queue = &policy.queues[to]
    entry.queue = to
    entry.newer = NONE
    entry.older = queue.newest
    if queue.newest != NONE:
        table.entries[queue.newest].newer = number
    else:
        queue.oldest = number
    queue.newest = number
    queue.count += 1


cdef inline void policy_remove(Policy *policy, Table *table, int32_t number) noexcept nogil:
    cdef Entry *entry = &table.entries[number]
    cdef Queue *queue = &policy.queues[entry.queue]
    if entry.newer != NONE:
        table.entries[entry.newer].older = entry.older
    else:
        queue.newest = entry.older
    if entry.older != NONE:
        table.entries[entry.older].newer = entry.newer
    else:
        queue.oldest = entry.newer
    queue.count -= 1


cdef inline void policy_add(Policy *policy, Table *table, int32_t number) noexcept nogil:
    table.entries[number].uses = 0
    if policy.lru or ghosts_take(&policy.ghosts, table.entries[number].hashed):
        enqueue(policy, table, number, MAIN_QUEUE)
    else:
        enqueue(policy, table, number, SMALL_QUEUE)


cdef inline void policy_use(Policy *policy, Table *table, int32_t number) noexcept nogil:
    """Under S3-FIFO, readers may do this at once."""
    cdef Entry *entry = &table.entries[number]
    cdef uint8_t uses
    if policy.lru:
        if entry.newer != NONE:
            policy_remove(policy, table, number)
            enqueue(policy, table, number, MAIN_QUEUE)
        return
    uses = load_byte(&entry.uses)
    if uses < MOST_USES:
        store_byte(&entry.uses, uses + 1)


cdef inline int32_t policy_victim(Policy *policy, Table *table) noexcept nogil:
    """The entry to evict, of at least one; it is remembered, but still in its queue."""
    cdef Queue *small = &policy.queues[SMALL_QUEUE]
    cdef Queue *main = &policy.queues[MAIN_QUEUE]
    cdef int32_t number
    cdef Entry *entry
    if policy.lru:
        return main.oldest
    if policy.ghosts.buckets == NULL or table.count > 2 * policy.ghosts.remembered:
        ghosts_begin(&policy.ghosts, table.count)
    while True:
        if small.count > 0 and (10 * <long long> small.count >= table.count or main.count == 0):
            number = small.oldest
            entry = &table.entries[number]
            if entry.uses == 0:
                ghosts_add(&policy.ghosts, entry.hashed)
                return number
            policy_remove(policy, table, number)
            entry.uses = 0
            enqueue(policy, table, number, MAIN_QUEUE)
        else:
            number = main.oldest
            entry = &table.entries[number]
            if entry.uses == 0:
                return number
            entry.uses -= 1
            policy_remove(policy, table, number)
            enqueue(policy, table, number, MAIN_QUEUE)

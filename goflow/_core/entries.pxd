"""The entries of a cache and the table that finds them by hash; a header.

Entries are records in one array, found through open addressing with linear probing: a bucket holds
the low half of the hash, from which its place follows, and the entry's number. Removing shifts the
buckets behind back, so that nothing is left to skip. O(1); no reference is counted here.
"""

from cpython.mem cimport PyMem_RawCalloc, PyMem_RawFree, PyMem_RawRealloc
from cpython.object cimport PyObject
from libc.stdint cimport INT32_MAX, int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memset

cdef enum:
    NONE = -1  # no entry
    NEVER = 0  # the expiry of what does not expire


cdef struct Entry:  # 64 bytes, as a cache line
    # First what a hit touches.
    PyObject *key  # a str, or a tuple (node id, inputs); NULL in a free entry
    PyObject *value
    int64_t expires  # nanoseconds of the cache's clock
    uint64_t hashed
    uint8_t uses  # since it was last looked at by the policy, at most 3
    uint8_t isolation  # how the value is given out
    uint8_t queue
    uint32_t size  # bytes of key and value, when bytes are bounded
    int32_t newer  # neighbours in the policy's queue; free entries are chained by newer
    int32_t older
    int32_t next_due  # neighbours in a slot of the wheel, if it expires
    int32_t prev_due  # of the first one: the slot, see wheel
    char apart[8]  # from the next: a hit touches one line of the entries, not two


cdef struct Bucket:
    uint32_t tag
    uint32_t entry  # its number plus one; 0 in an empty bucket


cdef struct Table:
    Entry *entries
    Bucket *buckets
    uint32_t mask  # buckets - 1; they are a power of two, at most two thirds of them in use
    int32_t room  # entries that there is memory for
    int32_t used  # entries that were ever taken
    int32_t free  # first of those given back
    int32_t count


cdef inline void table_begin(Table *table) noexcept nogil:
    memset(table, 0, sizeof(Table))
    table.free = NONE


cdef inline void table_end(Table *table) noexcept nogil:
    PyMem_RawFree(table.entries)
    PyMem_RawFree(table.buckets)


cdef inline bint grow_buckets(Table *table) noexcept nogil:
    cdef uint64_t size = 2 * (<uint64_t> table.mask + 1) if table.buckets != NULL else 8
    cdef Bucket *buckets = <Bucket *> PyMem_RawCalloc(size, sizeof(Bucket))
    cdef uint32_t mask = <uint32_t> (size - 1), to
    cdef uint64_t at
    if buckets == NULL:
        return False
    if table.buckets != NULL:
        for at in range(<uint64_t> table.mask + 1):
            if table.buckets[at].entry != 0:
                to = table.buckets[at].tag & mask
                while buckets[to].entry != 0:
                    to = (to + 1) & mask
                buckets[to] = table.buckets[at]
        PyMem_RawFree(table.buckets)
    table.buckets = buckets
    table.mask = mask
    return True


cdef inline bint table_make_room(Table *table, int32_t most) noexcept nogil:
    """Memory for one entry more, of ``most`` at all; False when it ran out."""
    cdef int64_t room
    cdef Entry *entries
    if table.free == NONE and table.used == table.room:
        room = min(<int64_t> most, max(<int64_t> 4, 2 * <int64_t> table.room))
        entries = <Entry *> PyMem_RawRealloc(table.entries, room * sizeof(Entry))
        if entries == NULL:
            return False
        table.entries = entries
        table.room = <int32_t> room
    if table.buckets == NULL or 3 * <int64_t> (table.count + 1) > 2 * (<int64_t> table.mask + 1):
        return grow_buckets(table)
    return True


cdef inline int32_t table_add(Table *table, uint64_t hashed) noexcept nogil:
    """A blank entry under a hash; there must be room."""
    cdef int32_t number = table.free
    cdef uint32_t at = <uint32_t> hashed & table.mask
    if number == NONE:
        number = table.used
        table.used += 1
    else:
        table.free = table.entries[number].newer
    while table.buckets[at].entry != 0:
        at = (at + 1) & table.mask
    table.buckets[at].tag = <uint32_t> hashed
    table.buckets[at].entry = <uint32_t> number + 1
    table.count += 1
    table.entries[number].hashed = hashed
    return number


cdef inline void table_remove(Table *table, int32_t number) noexcept nogil:
    """Give an entry back; its key and value are the caller's."""
    cdef uint32_t mask = table.mask
    cdef uint32_t hole = <uint32_t> table.entries[number].hashed & mask, at
    while table.buckets[hole].entry != <uint32_t> number + 1:
        hole = (hole + 1) & mask
    at = (hole + 1) & mask
    while table.buckets[at].entry != 0:
        # It may fill the hole unless its home lies behind that.
        if ((at - table.buckets[at].tag) & mask) >= ((at - hole) & mask):
            table.buckets[hole] = table.buckets[at]
            hole = at
        at = (at + 1) & mask
    table.buckets[hole].entry = 0
    table.entries[number].key = NULL
    table.entries[number].newer = table.free
    table.free = number
    table.count -= 1

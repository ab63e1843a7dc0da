"""What was evicted not long ago, as 16 bits of each hash; a header.

S3-FIFO asks whether a key that comes in was here a short while ago. A wrong yes costs a place in
the wrong queue, so that tags and a coarse age are enough: eight of these ways make a bucket, and
the oldest gives way. O(1), 4 bytes a way. The loops over a bucket have no branches, and tags and
ages lie apart, so that C compilers make vector instructions of them.
"""

from cpython.mem cimport PyMem_RawCalloc, PyMem_RawFree
from libc.stdint cimport int16_t, int32_t, uint16_t, uint32_t, uint64_t

cdef enum:
    WAYS = 8
    MOST_AGES = 64  # steps in which an age is measured, at most
    LONG_AGO = 4095  # steps beyond which all are as old; a rank fits 15 bits


cdef struct GhostBucket:
    uint16_t tags[WAYS]
    uint16_t born[WAYS]  # the step; 0 is long ago


cdef struct Ghosts:
    GhostBucket *buckets
    uint32_t mask  # buckets - 1
    int32_t remembered
    uint32_t grain  # evictions in a step
    uint32_t in_step
    uint16_t step
    uint16_t ages  # steps after which one is forgotten


cdef inline void ghosts_end(Ghosts *ghosts) noexcept nogil:
    PyMem_RawFree(ghosts.buckets)
    ghosts.buckets = NULL


cdef inline void ghosts_begin(Ghosts *ghosts, int32_t remembered) noexcept nogil:
    """Remember so many evictions; when memory runs out, none."""
    cdef uint64_t buckets = 1
    ghosts_end(ghosts)
    while 3 * WAYS * buckets < 4 * <uint64_t> remembered:
        buckets *= 2
    ghosts.buckets = <GhostBucket *> PyMem_RawCalloc(buckets, sizeof(GhostBucket))
    ghosts.mask = <uint32_t> (buckets - 1)
    ghosts.remembered = remembered
    ghosts.ages = <uint16_t> min(remembered, MOST_AGES)
    ghosts.grain = <uint32_t> ((remembered + ghosts.ages - 1) // ghosts.ages)
    ghosts.in_step = 0
    ghosts.step = ghosts.ages + 2


cdef inline GhostBucket *bucket_of(const Ghosts *ghosts, uint64_t hashed) noexcept nogil:
    return &ghosts.buckets[<uint32_t> (hashed >> 16) & ghosts.mask]


cdef inline void ghosts_add(Ghosts *ghosts, uint64_t hashed) noexcept nogil:
    cdef GhostBucket *bucket
    cdef uint16_t age
    cdef int16_t rank, best = 0
    cdef int way
    if ghosts.buckets == NULL:
        return
    bucket = bucket_of(ghosts, hashed)
    for way in range(WAYS):  # the first of the oldest
        age = <uint16_t> (ghosts.step - bucket.born[way])
        age = min(age, <uint16_t> LONG_AGO)
        rank = <int16_t> (age * WAYS + (WAYS - 1 - way))
        best = max(best, rank)
    way = WAYS - 1 - best % WAYS
    bucket.tags[way] = <uint16_t> (hashed >> 48)
    bucket.born[way] = ghosts.step
    ghosts.in_step += 1
    if ghosts.in_step >= ghosts.grain:
        ghosts.in_step = 0
        ghosts.step += 1


cdef inline bint ghosts_take(Ghosts *ghosts, uint64_t hashed) noexcept nogil:
    """Whether it was evicted not long ago; it is forgotten then."""
    cdef GhostBucket *bucket
    cdef uint16_t tag = <uint16_t> (hashed >> 48), age, found, any_found = 0
    cdef int way
    if ghosts.buckets == NULL:
        return False
    bucket = bucket_of(ghosts, hashed)
    for way in range(WAYS):
        age = <uint16_t> (ghosts.step - bucket.born[way])
        found = (bucket.tags[way] == tag) & (age <= ghosts.ages)
        any_found |= found
    if not any_found:
        return False
    for way in range(WAYS):
        age = <uint16_t> (ghosts.step - bucket.born[way])
        if bucket.tags[way] == tag and age <= ghosts.ages:
            bucket.born[way] = <uint16_t> (ghosts.step - ghosts.ages - 1)
            break
    return True

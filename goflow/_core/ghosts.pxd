"""What was evicted not long ago, as 16 bits of each hash; a header.

S3-FIFO asks whether a key that comes in was here a short while ago. A wrong yes costs a place in
the wrong queue, so that tags and a coarse age are enough: eight of these ways make a bucket, and
the oldest gives way. O(1), 4 bytes a way.
"""

from cpython.mem cimport PyMem_RawCalloc, PyMem_RawFree
from libc.stdint cimport int32_t, uint16_t, uint32_t, uint64_t

cdef enum:
    WAYS = 8
    MOST_AGES = 64  # steps in which an age is measured, at most


cdef struct Ghost:
    uint16_t tag
    uint16_t born  # the step; 0 is long ago


cdef struct Ghosts:
    Ghost *ways
    uint32_t mask  # buckets - 1
    int32_t remembered
    uint32_t grain  # evictions in a step
    uint32_t in_step
    uint16_t step
    uint16_t ages  # steps after which one is forgotten


cdef inline void ghosts_end(Ghosts *ghosts) noexcept nogil:
    PyMem_RawFree(ghosts.ways)
    ghosts.ways = NULL


cdef inline void ghosts_begin(Ghosts *ghosts, int32_t remembered) noexcept nogil:
    """Remember so many evictions; when memory runs out, none."""
    cdef uint64_t buckets = 1
    ghosts_end(ghosts)
    while 3 * WAYS * buckets < 4 * <uint64_t> remembered:
        buckets *= 2
    ghosts.ways = <Ghost *> PyMem_RawCalloc(WAYS * buckets, sizeof(Ghost))
    ghosts.mask = <uint32_t> (buckets - 1)
    ghosts.remembered = remembered
    ghosts.ages = <uint16_t> min(remembered, MOST_AGES)
    ghosts.grain = <uint32_t> ((remembered + ghosts.ages - 1) // ghosts.ages)
    ghosts.in_step = 0
    ghosts.step = ghosts.ages + 2


cdef inline bint is_young(const Ghosts *ghosts, const Ghost *ghost) noexcept nogil:
    return <uint16_t> (ghosts.step - ghost.born) <= ghosts.ages


cdef inline Ghost *ghosts_bucket(const Ghosts *ghosts, uint64_t hashed) noexcept nogil:
    return &ghosts.ways[WAYS * (<uint32_t> (hashed >> 16) & ghosts.mask)]


cdef inline void ghosts_add(Ghosts *ghosts, uint64_t hashed) noexcept nogil:
    cdef Ghost *bucket
    cdef uint16_t age, oldest = 0
    cdef int way, to = 0
    if ghosts.ways == NULL:
        return
    bucket = ghosts_bucket(ghosts, hashed)
    for way in range(WAYS):
        age = <uint16_t> (ghosts.step - bucket[way].born)
        if age > oldest:
            oldest = age
            to = way
    bucket[to].tag = <uint16_t> (hashed >> 48)
    bucket[to].born = ghosts.step
    ghosts.in_step += 1
    if ghosts.in_step >= ghosts.grain:
        ghosts.in_step = 0
        ghosts.step += 1


cdef inline bint ghosts_take(Ghosts *ghosts, uint64_t hashed) noexcept nogil:
    """Whether it was evicted not long ago; it is forgotten then."""
    cdef Ghost *bucket
    cdef int way
    if ghosts.ways == NULL:
        return False
    bucket = ghosts_bucket(ghosts, hashed)
    for way in range(WAYS):
        if bucket[way].tag == <uint16_t> (hashed >> 48) and is_young(ghosts, &bucket[way]):
            bucket[way].born = <uint16_t> (ghosts.step - ghosts.ages - 1)
            return True
    return False

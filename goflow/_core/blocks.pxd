from libc.stdint cimport int64_t, uint32_t, uint64_t

cdef union Block:  # which of the two follows from its height, so that both may share a place
    uint64_t words[4]
    uint32_t below[8]

cdef enum:
    EMPTY = 0  # the block that is all zero, at every height

cdef enum Operation:
    UNION
    INTERSECTION
    DIFFERENCE

cdef class Blocks:
    cdef Block *blocks  # block 0 is empty; nothing is changed once it is in
    cdef uint32_t count
    cdef uint32_t *table  # hash -> block, open addressing; 0 where there is none
    cdef uint32_t slots  # a power of two, more than twice the count
    cdef uint64_t size  # numbers are below it
    cdef int height  # of every root: how many inner blocks are above a leaf

    cdef int grow(self) except -1
    cdef uint32_t keep(self, const Block *block) except? -1
    cdef uint32_t added(self, uint32_t block, uint64_t number, int height) except? -1
    cdef bint has(self, uint32_t block, uint64_t number) noexcept
    cdef uint32_t combined(
        self, uint32_t one, uint32_t other, Operation operation, int height
    ) except? -1
    cdef bint meet(self, uint32_t one, uint32_t other, int height) noexcept
    cdef bint opposed(self, uint32_t one, uint32_t other, int height) noexcept
    cdef int64_t following(self, uint32_t block, uint64_t number, int height) noexcept

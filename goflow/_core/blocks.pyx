"""Trees of blocks of which none is kept twice: what sets of small numbers are made of.

Compiled because every set that ``bitset`` makes is a walk through such trees. A leaf has 256 bits,
an inner block eight children, and a block has one place however many trees it is part of (hash
consing, Ershov 1958): equal parts are known by their place and not looked at. A tree of one number
more has a new block for each level; combining two looks at the blocks in which they differ.

O(log of the largest number) to add and to ask for one. Nothing is freed before the whole family is.
The caller sees to it that one thread at a time is at work; MemoryError leaves everything as it was.
"""

cimport cython

from cpython.mem cimport PyMem_RawCalloc, PyMem_RawFree, PyMem_RawRealloc
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.string cimport memcmp

cdef enum:
    LEAF = 8  # a leaf has 1 << LEAF bits
    SPREAD = 3  # an inner block has 1 << SPREAD children
    FIRST = 64  # blocks there is room for at first

cdef uint64_t EVEN = 0x5555555555555555ULL


cdef inline uint32_t hash_of(const Block *block) noexcept nogil:
    cdef uint64_t mixed = 0
    cdef int at
    for at in range(4):
        mixed = (mixed ^ (mixed >> 32) ^ block.words[at]) * 0x9E3779B97F4A7C15ULL
    return <uint32_t> (mixed >> 32)


@cython.final
@cython.no_gc
cdef class Blocks:
    """A family of sets; a block's number is its place, and a set is the number of its root."""

    def __cinit__(self, uint64_t size):
        if size > <uint64_t> 1 << 40:
            raise ValueError(f"{size} is too large a size")
        self.size = size
        self.slots = 2 * FIRST
        while (<uint64_t> 1 << (LEAF + SPREAD * self.height)) < size:
            self.height += 1
        self.blocks = <Block *> PyMem_RawCalloc(FIRST, sizeof(Block))
        self.table = <uint32_t *> PyMem_RawCalloc(self.slots, sizeof(uint32_t))
        if self.blocks == NULL or self.table == NULL:
            raise MemoryError
        self.count = 1

    def __dealloc__(self):
        PyMem_RawFree(self.blocks)
        PyMem_RawFree(self.table)

    cdef int grow(self) except -1:
        """Twice the room; the old one stays when there is none."""
        cdef uint32_t *table
        cdef Block *blocks
        cdef uint32_t block, slot, slots = 2 * self.slots
        if slots == 0:
            raise MemoryError
        blocks = <Block *> PyMem_RawRealloc(self.blocks, <size_t> self.slots * sizeof(Block))
        if blocks == NULL:
            raise MemoryError
        self.blocks = blocks
        table = <uint32_t *> PyMem_RawCalloc(slots, sizeof(uint32_t))
        if table == NULL:
            raise MemoryError
        for block in range(1, self.count):
            slot = hash_of(&blocks[block]) & (slots - 1)
            while table[slot]:
                slot = (slot + 1) & (slots - 1)
            table[slot] = block
        PyMem_RawFree(self.table)
        self.table = table
        self.slots = slots
        return 0

    cdef uint32_t keep(self, const Block *block) except? -1:
        """The number of the block with this content."""
        cdef uint32_t slot, found
        if not (block.words[0] | block.words[1] | block.words[2] | block.words[3]):
            return EMPTY
        if self.count == self.slots / 2:
            self.grow()
        slot = hash_of(block) & (self.slots - 1)
        while True:
            found = self.table[slot]
            if found == 0:
                break
            if memcmp(&self.blocks[found], block, sizeof(Block)) == 0:
                return found
            slot = (slot + 1) & (self.slots - 1)
        self.table[slot] = self.count
        self.blocks[self.count] = block[0]
        self.count += 1
        return self.count - 1

    cdef uint32_t added(self, uint32_t block, uint64_t number, int height) except? -1:
        cdef Block new = self.blocks[block]
        cdef int at
        if height == 0:
            new.words[(number >> 6) & 3] |= <uint64_t> 1 << (number & 63)
        else:
            at = (number >> (LEAF + SPREAD * (height - 1))) & 7
            new.below[at] = self.added(new.below[at], number, height - 1)
        return self.keep(&new)

    cdef bint has(self, uint32_t block, uint64_t number) noexcept:
        cdef int height = self.height
        while height:
            height -= 1
            block = self.blocks[block].below[(number >> (LEAF + SPREAD * height)) & 7]
        return self.blocks[block].words[(number >> 6) & 3] >> (number & 63) & 1

    cdef uint32_t combined(
        self, uint32_t one, uint32_t other, Operation operation, int height
    ) except? -1:
        cdef Block new, second
        cdef int at
        if one == other:
            return EMPTY if operation == DIFFERENCE else one
        if other == EMPTY:
            return EMPTY if operation == INTERSECTION else one
        if one == EMPTY:
            return other if operation == UNION else EMPTY
        new = self.blocks[one]
        second = self.blocks[other]
        for at in range(8 if height else 4):
            if height:
                if new.below[at] != second.below[at] or operation == DIFFERENCE:
                    new.below[at] = self.combined(
                        new.below[at], second.below[at], operation, height - 1
                    )
            elif operation == UNION:
                new.words[at] |= second.words[at]
            elif operation == INTERSECTION:
                new.words[at] &= second.words[at]
            else:
                new.words[at] &= ~second.words[at]
        return self.keep(&new)

    cdef bint meet(self, uint32_t one, uint32_t other, int height) noexcept:
        """Whether a number is in both."""
        cdef Block *a = &self.blocks[one]
        cdef Block *b = &self.blocks[other]
        cdef int at
        if one == EMPTY or other == EMPTY:
            return False
        if one == other:
            return True
        for at in range(8 if height else 4):
            if height:
                if self.meet(a.below[at], b.below[at], height - 1):
                    return True
            elif a.words[at] & b.words[at]:
                return True
        return False

    cdef bint opposed(self, uint32_t one, uint32_t other, int height) noexcept:
        """Whether one has an even number and the other the odd one after it."""
        cdef Block *a = &self.blocks[one]
        cdef Block *b = &self.blocks[other]
        cdef int at
        if one == other or one == EMPTY or other == EMPTY:
            return False
        for at in range(8 if height else 4):
            if height:
                if self.opposed(a.below[at], b.below[at], height - 1):
                    return True
            elif ((a.words[at] & EVEN) << 1 & b.words[at]
                  or (b.words[at] & EVEN) << 1 & a.words[at]):
                return True
        return False

    cdef int64_t following(self, uint32_t block, uint64_t number, int height) noexcept:
        """The first number that is at least so large; -1 when there is none."""
        cdef Block *parts = &self.blocks[block]
        cdef int shift = LEAF + SPREAD * (height - 1)
        cdef uint64_t at
        cdef int64_t found
        if block == EMPTY:
            return -1
        if height == 0:
            for at in range(number, <uint64_t> 1 << LEAF):
                if parts.words[at >> 6] >> (at & 63) & 1:
                    return at
            return -1
        for at in range(number >> shift, 8):
            found = self.following(parts.below[at], number - (at << shift), height - 1)
            if found >= 0:
                return found + (at << shift)
            number = (at + 1) << shift  # all of the next child
        return -1

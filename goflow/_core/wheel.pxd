"""A hierarchical timer wheel (Varghese and Lauck, 1987) over a cache's entries; a header.

Level 0 has a slot for each of 64 ticks of 4 ms, each next level slots 64 times as long; seven
levels hold any time. An entry lies on the level of the highest digit, to base 64, in which its time
and now differ, so that time moving on finds what is due without looking at what is not: whole slots
below that digit, and one slot that is spread over the levels below it. Each entry moves down at
most six times. What is due waits in a list of its own until somebody removes it.
"""

from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.string cimport memset

from goflow._core.entries cimport NONE, Entry, Table

cdef extern from *:
    """
    #if defined(_MSC_VER)
      #include <intrin.h>
      static __inline int goflow_highest(uint64_t word) {
          unsigned long at; _BitScanReverse64(&at, word); return (int)at;
      }
      static __inline int goflow_lowest(uint64_t word) {
          unsigned long at; _BitScanForward64(&at, word); return (int)at;
      }
    #else
      #define goflow_highest(word) (63 - __builtin_clzll(word))
      #define goflow_lowest(word) __builtin_ctzll(word)
    #endif
    """
    int goflow_highest(uint64_t word) noexcept nogil  # of a word that is not 0
    int goflow_lowest(uint64_t word) noexcept nogil

cdef enum:
    TICK = 22  # bits of nanoseconds
    LEVELS = 7
    DUE = 64 * LEVELS  # the slot of what is due


cdef struct Wheel:
    int64_t now  # in ticks
    int32_t count
    uint64_t filled[LEVELS]  # one bit a slot
    int32_t slots[DUE + 1]


cdef inline void wheel_begin(Wheel *wheel) noexcept nogil:
    memset(wheel, 0, sizeof(Wheel))
    cdef int slot
    for slot in range(DUE + 1):
        wheel.slots[slot] = NONE


cdef inline void wheel_link(Wheel *wheel, Table *table, int32_t number, int slot) noexcept nogil:
    cdef Entry *entry = &table.entries[number]
    cdef int32_t first = wheel.slots[slot]
    entry.next_due = first
    entry.prev_due = -2 - slot
    if first != NONE:
        table.entries[first].prev_due = number
    wheel.slots[slot] = number
    if slot != DUE:
        wheel.filled[slot >> 6] |= <uint64_t> 1 << (slot & 63)


cdef inline void wheel_add(Wheel *wheel, Table *table, int32_t number) noexcept nogil:
    """An entry that is in no slot, by its ``expires``."""
    cdef int64_t due = max(table.entries[number].expires >> TICK, wheel.now)
    cdef uint64_t differing = <uint64_t> (due ^ wheel.now)
    cdef int level = 0 if differing < 64 else goflow_highest(differing) // 6
    wheel_link(wheel, table, number, 64 * level + <int> (due >> 6 * level & 63))
    wheel.count += 1


cdef inline void wheel_remove(Wheel *wheel, Table *table, int32_t number) noexcept nogil:
    cdef Entry *entry = &table.entries[number]
    cdef int slot
    if entry.next_due != NONE:
        table.entries[entry.next_due].prev_due = entry.prev_due
    if entry.prev_due >= 0:
        table.entries[entry.prev_due].next_due = entry.next_due
    else:
        slot = -2 - entry.prev_due
        wheel.slots[slot] = entry.next_due
        if entry.next_due == NONE and slot != DUE:
            wheel.filled[slot >> 6] &= ~(<uint64_t> 1 << (slot & 63))
    wheel.count -= 1


cdef inline void wheel_move(Wheel *wheel, Table *table, int slot) noexcept nogil:
    """All of one slot to what is due."""
    cdef int32_t first = wheel.slots[slot], last = first
    while table.entries[last].next_due != NONE:
        last = table.entries[last].next_due
    table.entries[last].next_due = wheel.slots[DUE]
    if wheel.slots[DUE] != NONE:
        table.entries[wheel.slots[DUE]].prev_due = last
    table.entries[first].prev_due = -2 - DUE
    wheel.slots[DUE] = first
    wheel.slots[slot] = NONE


cdef inline void wheel_turn(Wheel *wheel, Table *table, int64_t now) noexcept nogil:
    """Let it be ``now``, in nanoseconds: what has expired is in the slot DUE afterwards."""
    cdef int64_t tick = now >> TICK
    cdef uint64_t differing, passed
    cdef int32_t number, after
    cdef int level, top, begin, end
    if tick > wheel.now:
        differing = <uint64_t> (tick ^ wheel.now)
        top = 0 if differing < 64 else goflow_highest(differing) // 6
        begin = <int> (wheel.now >> 6 * top & 63)
        end = <int> (tick >> 6 * top & 63)
        for level in range(top + 1):
            passed = wheel.filled[level]
            if level == top:
                passed &= ((<uint64_t> 1 << end) - 1) & ~((<uint64_t> 1 << begin) - 1)
            wheel.filled[level] &= ~passed
            while passed:
                wheel_move(wheel, table, 64 * level + goflow_lowest(passed))
                passed &= passed - 1
        wheel.now = tick
        if top > 0 and wheel.filled[top] >> end & 1:
            number = wheel.slots[64 * top + end]
            wheel.slots[64 * top + end] = NONE
            wheel.filled[top] &= ~(<uint64_t> 1 << end)
            while number != NONE:
                after = table.entries[number].next_due
                wheel.count -= 1
                wheel_add(wheel, table, number)
                number = after
    # Of this tick, some may have passed.
    number = wheel.slots[wheel.now & 63]
    while number != NONE:
        after = table.entries[number].next_due
        if table.entries[number].expires <= now:
            wheel_remove(wheel, table, number)
            wheel_link(wheel, table, number, DUE)
            wheel.count += 1
        number = after

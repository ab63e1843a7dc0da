"""Which object is which key, by its address alone; a header, with nothing to import.

When an edge holds the very string that ``nodes`` holds, as it does in graphs made by programs, its
address is enough and the string is never touched.

A direct-mapped cache. Objects made together stand together, so an address chooses its entry with
little more than its low bits, and hardly two choose the same; where they do, the later is not
known, and whoever asks must find out another way. What chose follows from the entry's place and
the address's high bits. Storing those tells addresses apart exactly, and leaves room in the same
32 bits for the key's number.
"""

from cpython.object cimport PyObject
from libc.stdint cimport int32_t, uint32_t, uint64_t, uintptr_t

from goflow._core.memory cimport zeros

cdef enum:
    REACH_BITS = 33  # of the bytes that names tell apart: 8 GiB, half below the first key
    MOST_BITS = 29  # of places: the low bits of a name have two more, and fit into 32
    SMALL = 1 << 14  # keys up to which four to eight entries each, not two to four, are no waste

# A *name* is an address's distance from the origin, halved: objects begin at multiples of 8, so
# that it is one of 4, and an entry's place is its distance in bytes. 0 is no name.
cdef struct Addresses:
    char *entries  # int32: a name's high bits, the key's number plus one in the low ones; or 0
    uint64_t origin
    uint32_t low  # which bits are low: all that places have, and the two under them
    int place_bits


cdef inline uint32_t address_name(Addresses known, PyObject *string) noexcept nogil:
    cdef uint64_t distance = <uint64_t> <uintptr_t> string - known.origin
    return <uint32_t> (distance >> 1) if distance >> REACH_BITS == 0 else 0


cdef inline int32_t *address_entry(Addresses known, uint32_t name) noexcept nogil:
    # Where memory is as large as the entries all over again, places are one on, so that strings a
    # power of two apart do not meet.
    cdef uint32_t place = name + (name >> known.place_bits)
    return <int32_t *> (known.entries + (place & known.low & ~<uint32_t> 3))


cdef inline int32_t address_find(Addresses known, uint32_t name) noexcept nogil:
    """The number of the key with this name, or -1."""
    cdef uint32_t entry = <uint32_t> address_entry(known, name)[0] ^ (name & ~known.low)
    return <int32_t> entry - 1 if entry <= known.low else -1


cdef inline int addresses_fill(
    Addresses *known, PyObject **keys, Py_ssize_t count
) noexcept nogil:
    """Know the keys, unless there are none or too many; -1 when memory ran out."""
    cdef Py_ssize_t at
    cdef uint32_t name
    cdef int32_t *entry
    known.place_bits = 1
    while (count * (4 if count < SMALL else 2)) >> known.place_bits != 0:
        known.place_bits += 1
    if count == 0 or known.place_bits > MOST_BITS:
        return 0
    known.low = (<uint32_t> 4 << known.place_bits) - 1
    known.origin = <uint64_t> <uintptr_t> keys[0] - (<uint64_t> 1 << (REACH_BITS - 1))
    known.entries = <char *> zeros(<Py_ssize_t> 1 << known.place_bits)
    if known.entries == NULL:
        return -1
    for at in range(count):
        name = address_name(known[0], keys[at])
        entry = address_entry(known[0], name)
        if entry[0] == 0 and name != 0:
            entry[0] = <int32_t> (name & ~known.low | <uint32_t> (at + 1))
    return 0

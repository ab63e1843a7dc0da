"""Pairs of strings to pairs of integers: the edges of a graph made from node ids.

Compiled because it is most of what such a graph costs: a pair leads to nine places in scattered
memory. Batches of pairs go through the stages together (pair, strings, slots, keys), and each
stage prefetches what the next one reads. In front stands a memo of objects: when an edge holds
the very string that ``nodes`` holds, as it does in graphs made by programs, its address is enough
and the string is never touched. When the first batch shows that it does not, the memo is dropped.

O(pairs + keys + length of the strings). Several threads may read with one table.
"""

cimport cython
from cpython.list cimport PyList_CheckExact
from cpython.mem cimport PyMem_RawCalloc, PyMem_RawFree
from cpython.object cimport PyObject
from cpython.tuple cimport PyTuple_CheckExact
from libc.stdint cimport int32_t, uint32_t, uint64_t, uintptr_t

from goflow._core.intern cimport (
    PySequence_Fast_ITEMS, PyUnicode_Check, Slot, Table, goflow_string_ready, hash_string,
    prefetch_string, probe, settle,
)
from goflow._core.memory cimport goflow_prefetch, numbers

from goflow.errors import GraphError

cdef extern from *:
    """
    #ifdef Py_GIL_DISABLED  /* another thread may change a list while it is read */
      #define goflow_is_list(item) 0
    #else
      #define goflow_is_list(item) PyList_Check(item)
    #endif
    """
    bint goflow_is_list(PyObject *item) noexcept

cdef extern from "Python.h":
    bint PyTuple_Check(PyObject *item) noexcept
    Py_ssize_t Py_SIZE(PyObject *item) noexcept
    PyObject *PyTuple_GET_ITEM(PyObject *item, Py_ssize_t index) noexcept
    PyObject *PyList_GET_ITEM(PyObject *item, Py_ssize_t index) noexcept

cdef enum:
    BATCH = 32  # pairs in flight; more gain nothing, fewer wait for memory

    LINE = 64  # bytes in a cache line
    WAYS = 4  # as many as one vector register compares at once

cdef uint32_t SPREAD = 0x9E3779B9  # 2**32 divided by the golden ratio

cdef struct Bucket:  # half a cache line of the memo
    uint32_t names[WAYS]
    uint32_t entries[WAYS]  # as in a Slot

cdef struct Memo:  # which objects were seen to be which keys; a cache, so forgetting is fine
    Bucket *buckets
    int shift
    uint64_t origin
    Py_ssize_t misses

cdef enum Problem:  # why reading pairs stopped
    NONE
    NOT_A_PAIR
    NOT_A_STRING
    NOT_A_KEY
    RAISED


cdef Memo *memo_new(const Table *table) noexcept:
    """Remember the keys' own objects; NULL when memory ran out."""
    cdef Py_ssize_t buckets = 1, number
    cdef int bits = 0
    while WAYS * buckets < 2 * table.count:
        buckets *= 2
        bits += 1
    # A cache line for the header, and room for beginning at one.
    cdef char *block = <char *> PyMem_RawCalloc(buckets * sizeof(Bucket) + 2 * LINE, 1)
    if block == NULL:
        return NULL
    cdef Memo *memo = <Memo *> block
    memo.buckets = <Bucket *> (<uintptr_t> (block + 2 * LINE - 1) & ~<uintptr_t> (LINE - 1))
    memo.shift = 32 - bits
    memo.origin = 0
    if table.count > 0:  # far enough below the first key that all others are above
        memo.origin = (<uint64_t> <uintptr_t> table.keys[0] - (<uint64_t> 1 << 35)) & ~<uint64_t> 15
    for number in range(table.count):
        if number + BATCH < table.count:
            goflow_prefetch(memo_bucket(memo, memo_name(memo, table.keys[number + BATCH])))
        memo_add(memo, table.keys[number], <int32_t> number)
    return memo


cdef inline uint32_t memo_name(const Memo *memo, PyObject *string) noexcept:
    """What stands for an object's address: 32 bits for any within 32 GiB of the first key.

    0 is for all others, among them, by the rotation, those at no multiple of 16.
    """
    cdef uint64_t offset = <uint64_t> <uintptr_t> string - memo.origin
    offset = offset >> 4 | offset << 60
    return <uint32_t> offset if offset >> 32 == 0 else 0


cdef inline Bucket *memo_bucket(const Memo *memo, uint32_t name) noexcept:
    return &memo.buckets[<uint64_t> <uint32_t> (name * SPREAD) >> memo.shift]


cdef inline void memo_add(Memo *memo, PyObject *string, int32_t number) noexcept:
    """Into a free way of the bucket, or else into its first."""
    cdef uint32_t name = memo_name(memo, string)
    cdef Bucket *bucket = memo_bucket(memo, name)
    cdef uint32_t used = 0
    cdef int way
    if name == 0:
        return
    for way in range(WAYS):
        used += bucket.entries[way] != 0
    bucket.names[used & (WAYS - 1)] = name
    bucket.entries[used & (WAYS - 1)] = <uint32_t> number + 1


cdef inline int32_t memo_find(const Memo *memo, uint32_t name) noexcept:
    cdef Bucket *bucket = memo_bucket(memo, name)
    cdef uint32_t entry = 0
    cdef int way
    for way in range(WAYS):  # all of them: which one it is, no branch predictor can know
        entry |= bucket.entries[way] & -<uint32_t> (bucket.names[way] == name)
    return <int32_t> entry - 1


cdef Problem read_batch(
    const Table *table, Memo *memo, PyObject **pairs, Py_ssize_t count,
    int32_t *firsts, int32_t *seconds, Py_ssize_t *stop,
) noexcept:
    """Number up to BATCH pairs; on a problem ``stop`` is where: twice the pair, plus the side."""
    cdef PyObject *strings[2 * BATCH]
    cdef uint32_t names[2 * BATCH]
    cdef int32_t known[2 * BATCH]
    cdef uint64_t hashes[2 * BATCH]
    cdef Slot *slots[2 * BATCH]
    cdef int32_t asked[2 * BATCH]  # the ends that the memo does not know
    cdef PyObject *pair
    cdef PyObject *key
    cdef Py_ssize_t at
    cdef int32_t number, end, ask, missing = 0
    for at in range(count):
        pair = pairs[at]
        stop[0] = 2 * at
        if PyTuple_Check(pair):
            if Py_SIZE(pair) != 2:
                return NOT_A_PAIR
            strings[2 * at] = PyTuple_GET_ITEM(pair, 0)
            strings[2 * at + 1] = PyTuple_GET_ITEM(pair, 1)
        elif goflow_is_list(pair) and Py_SIZE(pair) == 2:
            strings[2 * at] = PyList_GET_ITEM(pair, 0)
            strings[2 * at + 1] = PyList_GET_ITEM(pair, 1)
        else:
            return NOT_A_PAIR
        if memo != NULL:
            names[2 * at] = memo_name(memo, strings[2 * at])
            names[2 * at + 1] = memo_name(memo, strings[2 * at + 1])
            goflow_prefetch(memo_bucket(memo, names[2 * at]))
            goflow_prefetch(memo_bucket(memo, names[2 * at + 1]))
    for end in range(2 * <int32_t> count):
        known[end] = number = -1 if memo == NULL else memo_find(memo, names[end])
        asked[missing] = end
        missing += number < 0
    if memo != NULL:
        memo.misses += missing
    for ask in range(missing):
        prefetch_string(strings[asked[ask]])
    for ask in range(missing):
        end = asked[ask]
        stop[0] = end
        if not PyUnicode_Check(strings[end]):
            return NOT_A_STRING
        if goflow_string_ready(strings[end]) != 0:
            return RAISED
        hashes[ask] = hash_string(table, strings[end])
        goflow_prefetch(&table.slots[hashes[ask] & table.mask])
    for ask in range(missing):
        slots[ask] = probe(table, hashes[ask])
        goflow_prefetch(&table.keys[slots[ask].entry - (slots[ask].entry != 0)])
    for ask in range(missing):
        if slots[ask].entry != 0:
            key = table.keys[slots[ask].entry - 1]
            if key != strings[asked[ask]]:
                prefetch_string(key)
    for ask in range(missing):
        end = asked[ask]
        number = <int32_t> settle(table, slots[ask], hashes[ask], strings[end]).entry - 1
        if number < 0:
            stop[0] = end
            return NOT_A_KEY
        known[end] = number
        if memo != NULL:
            memo_add(memo, strings[end], number)
    for at in range(count):
        firsts[at] = known[2 * at]
        seconds[at] = known[2 * at + 1]
    return NONE


cdef list plain_pairs(object pairs):
    """Any iterable of 2-item iterables as a list of tuples."""
    cdef list plain = []
    for at, pair in enumerate(pairs):
        if isinstance(pair, (str, bytes)) or not hasattr(type(pair), "__iter__"):
            raise TypeError(f"edge {at} is of type {type(pair).__name__}, not a pair of ids")
        ends = tuple(pair)
        if len(ends) != 2:
            raise GraphError(f"edge {at} has {len(ends)} items, not a source and a target")
        plain.append(ends)
    return plain


cdef int read_exact(
    const Table *table, object pairs, int32_t **firsts, int32_t **seconds, Py_ssize_t *count
) except -1:
    """``read_pairs`` of a true list or tuple; 1 if an item is no true pair either."""
    cdef Py_ssize_t begin = 0, stop = 0
    cdef Problem problem = NONE
    cdef object culprit = None
    cdef Py_ssize_t at
    cdef PyObject **items
    cdef Memo *memo = NULL
    # Nothing below runs Python code before the section ends, so the list cannot change meanwhile.
    with cython.critical_section(pairs):
        count[0] = Py_SIZE(<PyObject *> pairs)
        firsts[0] = numbers(count[0])
        seconds[0] = numbers(count[0])
        if 4 * count[0] > table.count:  # for fewer pairs it would not pay
            memo = memo_new(table)
            if memo == NULL:
                raise MemoryError
        if firsts[0] == NULL or seconds[0] == NULL:
            PyMem_RawFree(memo)
            raise MemoryError
        items = PySequence_Fast_ITEMS(pairs)
        while begin < count[0] and problem == NONE:
            for at in range(begin + BATCH, min(begin + 2 * BATCH, count[0])):
                goflow_prefetch(<char *> items[at] + 8)
            problem = read_batch(
                table, memo, items + begin, min(count[0] - begin, BATCH),
                firsts[0] + begin, seconds[0] + begin, &stop,
            )
            if problem != NONE:
                stop += 2 * begin
                culprit = <object> items[stop >> 1]
            begin += BATCH
            # Half of the first batch unknown: the ids are equal ones, but other objects.
            if begin == BATCH and memo != NULL and memo.misses > BATCH:
                PyMem_RawFree(memo)
                memo = NULL
    PyMem_RawFree(memo)
    if problem == NONE:
        return 0
    if problem == NOT_A_PAIR:
        return 1
    if problem == RAISED:
        return -1
    end = "target" if stop & 1 else "source"
    culprit = culprit[stop & 1]
    if problem == NOT_A_STRING:
        raise TypeError(f"edge {stop >> 1} has a {end} of type {type(culprit).__name__}, not str")
    raise GraphError(f"edge {stop >> 1} has a {end} that is no node: {culprit!r}")


cdef int read_pairs(
    const Table *table, object pairs, int32_t **firsts, int32_t **seconds, Py_ssize_t *count
) except -1:
    """Number both ends of every pair into two new arrays, which the caller frees, come what may.

    Lists and tuples of tuples (named ones too) or lists are read in place; any other iterable of
    2-item iterables is made into that first. Raises TypeError for what is no pair of str,
    GraphError for a pair of another length or an end that is no key.
    """
    if not PyList_CheckExact(pairs) and not PyTuple_CheckExact(pairs):
        pairs = plain_pairs(pairs)
    if read_exact(table, pairs, firsts, seconds, count) == 0:
        return 0
    pairs = plain_pairs(pairs)
    PyMem_RawFree(firsts[0])
    PyMem_RawFree(seconds[0])
    firsts[0] = seconds[0] = NULL
    return read_exact(table, pairs, firsts, seconds, count)

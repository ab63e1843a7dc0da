"""Pairs of strings to pairs of integers: the edges of a graph made from node ids.

Compiled because it is most of what such a graph costs: a pair leads to nine places in scattered
memory. Batches of pairs go through the stages together (pair, strings, slots, keys), and each
stage prefetches what the next one reads. Before that, the addresses of the strings are tried
(see ``addresses``). When the first batch shows that they are other objects than the keys, that is
dropped.

O(pairs + keys + length of the strings). Several threads may read with one table.
"""

cimport cython
from cpython.list cimport PyList_CheckExact
from cpython.mem cimport PyMem_RawFree
from cpython.object cimport PyObject
from cpython.tuple cimport PyTuple_CheckExact
from libc.stdint cimport int32_t, uint32_t, uint64_t

from goflow._core.addresses cimport (
    Addresses, address_entry, address_find, address_name, addresses_fill,
)
from goflow._core.intern cimport (
    PySequence_Fast_ITEMS, PyUnicode_Check, Slot, Table, entry_of, goflow_string_ready, hash_string,
    prefetch_string, probe, settle,
)
from goflow._core.memory cimport goflow_prefetch, numbers
from goflow._core.topology cimport Edge

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

cdef enum Problem:  # why reading pairs stopped
    NONE
    NOT_A_PAIR
    NOT_A_STRING
    NOT_A_KEY
    RAISED


cdef Problem read_strings(
    const Table *table, PyObject **strings, const int32_t *asked, Py_ssize_t count,
    int32_t *ends, Py_ssize_t *stop,
) noexcept:
    """Number those of the strings that are asked for, up to 2 * BATCH."""
    cdef uint64_t hashes[2 * BATCH]
    cdef Slot *slots[2 * BATCH]
    cdef PyObject *key
    cdef Py_ssize_t ask
    cdef int32_t number
    for ask in range(count):
        prefetch_string(strings[asked[ask]])
    for ask in range(count):
        stop[0] = asked[ask]
        key = strings[asked[ask]]
        if not PyUnicode_Check(key):
            return NOT_A_STRING
        if goflow_string_ready(key) != 0:
            return RAISED
        hashes[ask] = hash_string(table, key)
        goflow_prefetch(&table.slots[hashes[ask] & table.mask])
    for ask in range(count):
        slots[ask] = probe(table, hashes[ask])
        number = entry_of(table, slots[ask][0])
        goflow_prefetch(&table.keys[number if number > 0 else 0])
    for ask in range(count):
        number = entry_of(table, slots[ask][0])
        if number >= 0:
            prefetch_string(table.keys[number])
    for ask in range(count):
        key = strings[asked[ask]]
        number = entry_of(table, settle(table, slots[ask], hashes[ask], key)[0])
        if number < 0:
            stop[0] = asked[ask]
            return NOT_A_KEY
        ends[asked[ask]] = number
    return NONE


cdef Problem read_batch(
    const Table *table, Addresses known, PyObject **pairs, Py_ssize_t count,
    int32_t *ends, Py_ssize_t *stop, Py_ssize_t *misses,
) noexcept:
    """Number up to BATCH pairs; on a problem ``stop`` is where: twice the pair, plus the side."""
    cdef PyObject *strings[2 * BATCH]
    cdef uint32_t names[2 * BATCH]
    cdef int32_t asked[2 * BATCH]  # the ends whose addresses are not known
    cdef PyObject *pair
    cdef Py_ssize_t at, missing = 0
    for at in range(count):
        pair = pairs[at]
        if PyTuple_Check(pair) and Py_SIZE(pair) == 2:
            strings[2 * at] = PyTuple_GET_ITEM(pair, 0)
            strings[2 * at + 1] = PyTuple_GET_ITEM(pair, 1)
        elif goflow_is_list(pair) and Py_SIZE(pair) == 2:
            strings[2 * at] = PyList_GET_ITEM(pair, 0)
            strings[2 * at + 1] = PyList_GET_ITEM(pair, 1)
        else:
            stop[0] = 2 * at
            return NOT_A_PAIR
        if known.entries != NULL:
            names[2 * at] = address_name(known, strings[2 * at])
            names[2 * at + 1] = address_name(known, strings[2 * at + 1])
            goflow_prefetch(address_entry(known, names[2 * at]))
            goflow_prefetch(address_entry(known, names[2 * at + 1]))
    for at in range(2 * count):
        ends[at] = -1 if known.entries == NULL else address_find(known, names[at])
        asked[missing] = <int32_t> at
        missing += ends[at] < 0
    misses[0] = missing
    return read_strings(table, strings, asked, missing, ends, stop)


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
    const Table *table, object pairs, Edge **edges, Py_ssize_t *count
) except -1:
    """``read_pairs`` of a true list or tuple; 1 if an item is no true pair either."""
    cdef Py_ssize_t begin = 0, stop = 0, misses = 0
    cdef Problem problem = NONE
    cdef object culprit = None
    cdef Py_ssize_t at
    cdef PyObject **items
    cdef Addresses known = [NULL, 0, 0, 0]
    # Nothing below runs Python code before the section ends, so the list cannot change meanwhile.
    with cython.critical_section(pairs):
        count[0] = Py_SIZE(<PyObject *> pairs)
        edges[0] = <Edge *> numbers(2 * count[0] + 1)
        if edges[0] == NULL:
            raise MemoryError
        # For fewer pairs knowing addresses would not pay.
        if 4 * count[0] > table.count and addresses_fill(&known, table.keys, table.count) != 0:
            raise MemoryError
        items = PySequence_Fast_ITEMS(pairs)
        while begin < count[0]:
            for at in range(begin + BATCH, min(begin + 2 * BATCH, count[0])):
                goflow_prefetch(<char *> items[at] + 24)
            problem = read_batch(
                table, known, items + begin, min(count[0] - begin, BATCH),
                <int32_t *> (edges[0] + begin), &stop, &misses,
            )
            if problem != NONE:
                stop += 2 * begin
                culprit = <object> items[stop >> 1]
                break
            # Half of the first batch unknown: the ids are equal ones, but other objects.
            if begin == 0 and misses > BATCH:
                PyMem_RawFree(known.entries)
                known.entries = NULL
            begin += BATCH
    PyMem_RawFree(known.entries)
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
    const Table *table, object pairs, Edge **edges, Py_ssize_t *count
) except -1:
    """Number both ends of every pair into a new array, which the caller frees, come what may.

    Lists and tuples of tuples (named ones too) or lists are read in place; any other iterable of
    2-item iterables is made into that first. Raises TypeError for what is no pair of str,
    GraphError for a pair of another length or an end that is no key.
    """
    if not PyList_CheckExact(pairs) and not PyTuple_CheckExact(pairs):
        pairs = plain_pairs(pairs)
    if read_exact(table, pairs, edges, count) == 0:
        return 0
    pairs = plain_pairs(pairs)
    PyMem_RawFree(edges[0])
    edges[0] = NULL
    return read_exact(table, pairs, edges, count)

"""Strings to small integers: the hash table behind graphs made from node ids.

Compiled because interning dominates such a graph: a ``dict`` waits for every read of scattered
memory in turn. This table can be asked in stages (string, slot, key), each for a whole batch, so
that one stage prefetches what the next one reads; ``intern.pxd`` has the stages.

It is open addressing with linear probing over 4-byte slots, at most two thirds full. The hash is
a multiply-and-fold over the string's bytes, after wyhash (Wang Yi), keyed by the interpreter's own
string hash, so that ids cannot be chosen to collide and ``PYTHONHASHSEED`` rules here too. Strings
compare by content; a subclass of ``str`` counts as its content.

O(length of the strings). Nothing is changed after ``table_fill``, so any number of threads may read
a table.
"""

from cpython.mem cimport PyMem_RawFree
from cpython.object cimport PyObject
from libc.stdint cimport INT32_MAX, int32_t, uint32_t, uint64_t

from goflow._core.memory cimport goflow_prefetch, zeros

from goflow.errors import GraphError

cdef enum:
    BATCH = 32  # strings in flight; more gain nothing, fewer wait for memory


cdef int table_fill(Table *table, tuple keys) except -1:
    """Number the keys in their order; the caller keeps the tuple for as long as the table.

    Raises TypeError for a key that is no str, GraphError for one that is repeated.
    """
    cdef Py_ssize_t count = len(keys), at, near, size = 8
    if count >= INT32_MAX:
        raise GraphError(f"{count} nodes are too many: at most {INT32_MAX - 1} fit")
    while size < count + count // 2:
        size *= 2
    table.keys = PySequence_Fast_ITEMS(keys)
    table.mask = size - 1
    table.entries = <uint32_t> size - 1  # the count is less
    table.secrets[0] = <uint64_t> <Py_ssize_t> hash("goflow.intern")
    table.secrets[1] = <uint64_t> <Py_ssize_t> hash("goflow.intern, again")
    table.count = count
    table.slots = <Slot *> zeros(size)
    if table.slots == NULL:
        raise MemoryError
    cdef uint64_t hashes[BATCH]
    cdef Py_ssize_t begin = 0, end
    cdef PyObject *key
    cdef Slot *slot
    while begin < count:
        end = min(begin + BATCH, count)
        for near in range(end, min(end + BATCH, count)):
            prefetch_string(table.keys[near])
        for at in range(begin, end):
            key = table.keys[at]
            if not PyUnicode_Check(key):
                raise TypeError(f"node {at} is of type {type(<object> key).__name__}, not str")
            if goflow_string_ready(key) != 0:
                return -1
            hashes[at - begin] = hash_string(table, key)
            goflow_prefetch(&table.slots[hashes[at - begin] & table.mask])
        for at in range(begin, end):
            key = table.keys[at]
            slot = settle(table, probe(table, hashes[at - begin]), hashes[at - begin], key)
            if slot[0] != 0:
                raise GraphError(
                    f"node id {<object> key!r} is repeated: "
                    f"nodes {entry_of(table, slot[0])} and {at}"
                )
            slot[0] = tag_of(table, hashes[at - begin]) | (<uint32_t> at + 1)
        begin = end
    return 0


cdef void table_free(Table *table) noexcept nogil:
    PyMem_RawFree(table.slots)
    table.slots = NULL


cdef int32_t table_find(const Table *table, object key) except -2:
    """The key's number, or -1. The key must be a str."""
    cdef PyObject *string = <PyObject *> key
    if goflow_string_ready(string) != 0:
        return -2
    cdef uint64_t hashed = hash_string(table, string)
    return entry_of(table, settle(table, probe(table, hashed), hashed, string)[0])

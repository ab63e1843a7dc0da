"""A cache's entries and all that refers to them, kept in step; a header.

An entry is in the table and in one queue of the policy, and in the wheel exactly if it expires; its
references to key and value are owned. All operations are O(1), amortised where they evict or grow.

Thread-safety: none of its own; a cache holds its lock around all of this. No Python code runs here:
references that are given up are collected in ``Dropped``, for the caller to drop afterwards.
"""

from cpython.object cimport PyObject, PyTypeObject
from libc.stdint cimport UINT32_MAX, int32_t, int64_t, uint8_t, uint32_t, uint64_t

from goflow._core.clock cimport goflow_nanoseconds
from goflow._core.content cimport PyTuple_GET_ITEM, same_content, same_keys
from goflow._core.entries cimport (
    NEVER, NONE, Bucket, Entry, Table, table_add, table_begin, table_end, table_make_room,
    table_remove,
)
from goflow._core.ghosts cimport ghosts_end
from goflow._core.intern cimport same_string
from goflow._core.objects cimport Py_TYPE, PyUnicode_Type
from goflow._core.policy cimport (
    Policy, policy_add, policy_begin, policy_remove, policy_use, policy_victim,
)
from goflow._core.value cimport DIFFERENT, SAME, Sameness
from goflow._core.wheel cimport DUE, Wheel, wheel_add, wheel_begin, wheel_remove, wheel_turn

cdef extern from "Python.h":
    void Py_INCREF(PyObject *item) noexcept
    void Py_XDECREF(PyObject *item) noexcept
    PyTypeObject PyTuple_Type

cdef enum:
    CONFUSED = -2  # no entry: see find_content
    UNREAD = -1  # a time: the clock's, which is read where something can expire
    BATCH = 16  # entries that are dropped at a time

cdef enum:  # why an entry goes
    EXPIRED
    FOR_ENTRIES
    FOR_BYTES
    TAKEN_OUT

cdef enum Outcome:
    DONE
    NO_ROOM_YET  # drop what was evicted, and come again
    NO_MEMORY


cdef struct Dropped:  # references to drop once the records are in order
    int count
    PyObject *items[2 * BATCH]


cdef struct Counters:
    uint64_t rejections
    uint64_t removed[4]  # by cause


cdef struct Records:
    Table table  # first what each look-up touches
    Policy order
    int32_t most
    int64_t most_bytes  # INT64_MAX: unbounded, and nothing is measured
    int64_t bytes_held  # 0 unless bytes are bounded
    Counters counters
    Wheel wheel


cdef inline void drop(Dropped *dropped) noexcept:
    """May run any code: not while the records are in transition."""
    cdef int at
    for at in range(dropped.count):
        Py_XDECREF(dropped.items[at])
    dropped.count = 0


cdef inline void records_begin(Records *records) noexcept:
    """Without entries; the bounds, the counters and the time stay."""
    cdef int64_t now = records.wheel.now
    table_begin(&records.table)
    policy_begin(&records.order)
    wheel_begin(&records.wheel)
    records.wheel.now = now
    records.bytes_held = 0


cdef inline void free_all(Table *table) noexcept:
    """Drop everything of a table that nobody else sees any more."""
    cdef int32_t number
    for number in range(table.used):
        if table.entries[number].key != NULL:
            Py_XDECREF(table.entries[number].key)
            Py_XDECREF(table.entries[number].value)
    table_end(table)


cdef inline int32_t records_find(Records *records, PyObject *key, uint64_t hashed) noexcept:
    """The entry of an exact string."""
    cdef uint32_t tag = <uint32_t> hashed, at = tag & records.table.mask
    cdef Bucket *buckets = records.table.buckets
    cdef Entry *entry
    if buckets == NULL:
        return NONE
    while buckets[at].entry != 0:
        if buckets[at].tag == tag:
            entry = &records.table.entries[buckets[at].entry - 1]
            if entry.key == key or (
                entry.hashed == hashed and Py_TYPE(entry.key) == &PyUnicode_Type
                and same_string(entry.key, key)
            ):
                return <int32_t> buckets[at].entry - 1
        at = (at + 1) & records.table.mask
    return NONE


cdef inline int32_t records_find_content(
    Records *records, PyObject *node_id, PyObject *inputs, PyObject *key, uint64_t hashed
) noexcept:
    """The entry of a content key, or else of inputs; CONFUSED when these are not exact."""
    cdef uint32_t tag = <uint32_t> hashed, at = tag & records.table.mask
    cdef Bucket *buckets = records.table.buckets
    cdef Entry *entry
    cdef Sameness sameness
    if buckets == NULL:
        return NONE
    while buckets[at].entry != 0:
        entry = &records.table.entries[buckets[at].entry - 1]
        if (
            buckets[at].tag == tag and entry.hashed == hashed
            and Py_TYPE(entry.key) == &PyTuple_Type
            and same_string(PyTuple_GET_ITEM(entry.key, 0), node_id)
        ):
            if key != NULL:
                sameness = same_keys(key, entry.key)
            else:
                sameness = same_content(inputs, entry.key)
            if sameness != DIFFERENT:
                return <int32_t> buckets[at].entry - 1 if sameness == SAME else CONFUSED
        at = (at + 1) & records.table.mask
    return NONE


cdef inline bint is_over(const Entry *entry, int64_t now) noexcept:
    if entry.expires == NEVER:
        return False
    return entry.expires <= (goflow_nanoseconds() if now == UNREAD else now)


cdef inline void records_remove(
    Records *records, int32_t number, int cause, Dropped *dropped
) noexcept:
    cdef Entry *entry = &records.table.entries[number]
    dropped.items[dropped.count] = entry.key
    dropped.items[dropped.count + 1] = entry.value
    dropped.count += 2
    records.counters.removed[cause] += 1
    records.bytes_held -= entry.size
    if entry.expires != NEVER:
        wheel_remove(&records.wheel, &records.table, number)
    policy_remove(&records.order, &records.table, number)
    table_remove(&records.table, number)


cdef inline void records_evict(Records *records, int64_t now, int cause, Dropped *dropped) noexcept:
    """Remove one entry, of at least one: what has expired comes first."""
    if records.wheel.count:
        if now == UNREAD:
            now = goflow_nanoseconds()
        wheel_turn(&records.wheel, &records.table, now)
        if records.wheel.slots[DUE] != NONE:
            records_remove(records, records.wheel.slots[DUE], EXPIRED, dropped)
            return
    records_remove(records, policy_victim(&records.order, &records.table), cause, dropped)


cdef inline void records_renew(Records *records, int32_t number, int64_t expires) noexcept:
    cdef Entry *entry = &records.table.entries[number]
    if entry.expires != NEVER:
        wheel_remove(&records.wheel, &records.table, number)
    entry.expires = expires
    if expires != NEVER:
        wheel_add(&records.wheel, &records.table, number)


cdef inline void records_replace(
    Records *records, int32_t number, PyObject *value, uint8_t isolation, int64_t expires,
    int64_t size, Dropped *dropped,
) noexcept:
    cdef Entry *entry = &records.table.entries[number]
    dropped.items[0] = entry.value
    dropped.count = 1
    Py_INCREF(value)
    entry.value = value
    entry.isolation = isolation
    records.bytes_held += size - entry.size
    entry.size = <uint32_t> size
    policy_use(&records.order, &records.table, number)
    if entry.expires != expires:
        records_renew(records, number, expires)


cdef inline Outcome records_put(
    Records *records, PyObject *key, uint64_t hashed, PyObject *value, uint8_t isolation,
    int64_t expires, int64_t size, int64_t now, Dropped *dropped,
) noexcept:
    """Keep references to a value of ours and, unless it is there, to an exact key.

    What does not fit is not kept, and what was there is removed.
    """
    cdef int32_t number
    cdef Entry *entry
    cdef int cause
    if Py_TYPE(key) == &PyUnicode_Type:
        number = records_find(records, key, hashed)
    else:
        number = records_find_content(records, PyTuple_GET_ITEM(key, 0), NULL, key, hashed)
    if size > records.most_bytes or size > UINT32_MAX:
        records.counters.rejections += 1
        if number != NONE:
            records_remove(records, number, TAKEN_OUT, dropped)
        return DONE
    if number != NONE:
        records_replace(records, number, value, isolation, expires, size, dropped)
    else:
        while (
            records.table.count >= records.most
            or records.bytes_held + size > records.most_bytes
        ):
            if dropped.count == 2 * BATCH:
                return NO_ROOM_YET
            cause = FOR_ENTRIES if records.table.count >= records.most else FOR_BYTES
            records_evict(records, now, cause, dropped)
        if not table_make_room(&records.table, records.most):
            return NO_MEMORY
        number = table_add(&records.table, hashed)
        entry = &records.table.entries[number]
        Py_INCREF(key)
        entry.key = key
        entry.expires = expires
        records.bytes_held += size
        policy_add(&records.order, &records.table, number)
        Py_INCREF(value)
        entry.value = value
        entry.isolation = isolation
        entry.size = <uint32_t> size
        if expires != NEVER:
            wheel_add(&records.wheel, &records.table, number)
    # A value that has become larger.
    while records.bytes_held > records.most_bytes:
        if dropped.count > 2 * BATCH - 2:
            return NO_ROOM_YET
        records_evict(records, now, FOR_BYTES, dropped)
    return DONE

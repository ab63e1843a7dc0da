"""What is in a cache, whatever finds it: the bound, the lifetimes, the lock and the statistics.

The base class of `Cache`, which looks up and stores by key. Entries are C records (``entries``):
the policy's queues (``policy``), the timer wheel (``wheel``) and the table link them by number, and
``records`` keeps these in step. What has expired is found without looking at what has not.

Thread-safety: every method may be called from any thread. With the GIL an operation is atomic, as
no Python code runs while the records are in transition; without it each holds the cache's lock,
which look-ups share (``shared_lock``), unless the policy is LRU, where each moves an entry.
References are dropped and a caller's clock is read outside of that.
"""

cimport cython
from cpython.object cimport PyObject, PyTypeObject, inquiry, traverseproc, visitproc
from libc.stdint cimport INT64_MAX, int32_t, int64_t, uint8_t, uint64_t
from libc.string cimport memset

from goflow._core.entries cimport NEVER, NONE, Bucket, Entry, Table
from goflow._core.ghosts cimport GhostBucket, ghosts_end
from goflow._core.isolation cimport measured
from goflow._core.objects cimport Py_TYPE, PyUnicode_Type
from goflow._core.records cimport (
    BATCH, EXPIRED, FOR_BYTES, FOR_ENTRIES, NO_MEMORY, NO_ROOM_YET, UNREAD, Counters, Dropped,
    Outcome, drop, free_all, is_over, records_begin, records_find, records_find_content,
    records_put, records_remove,
)
from goflow._core.shared_lock cimport (
    STRIPES, Stripe, lock_alone, lock_shared, unlock, unlock_alone,
)
from goflow._core.wheel cimport DUE, TICK, wheel_turn

from collections import namedtuple
from sys import getsizeof

cdef enum:
    MOST = 0x7FFFFFFE  # entries that any cache can have


class CacheStats(namedtuple("CacheStats", (
    "hits", "misses", "expirations", "evictions", "evictions_for_entries", "evictions_for_bytes",
    "rejections", "entries", "bytes",
))):
    """What a cache has done since it was made or `reset_stats` was called.

    ``rejections`` are values larger than the whole cache may be; ``bytes`` is None without a bound.
    """

    __slots__ = ()

    @property
    def hit_rate(self):
        """Hits of all look-ups, from 0 to 1; 0 when there was none."""
        lookups = self.hits + self.misses
        return self.hits / lookups if lookups else 0.0


cdef int64_t nanoseconds(object ttl) except -1:
    cdef double seconds
    if ttl is None:
        return NEVER
    seconds = ttl
    if not seconds > 0:
        raise ValueError(f"a ttl is above 0 seconds, not {ttl!r}")
    return max(<int64_t> 1, <int64_t> (seconds * 1e9)) if seconds < 9e9 else NEVER


cdef class Store:
    """What caches have in common; see `Cache`."""

    def __cinit__(
        self, max_entries=None, *, max_bytes=None, ttl=None, policy="s3fifo", timer=None
    ):
        records_begin(&self.records)
        for name, bound in (("max_entries", max_entries), ("max_bytes", max_bytes)):
            if bound is not None and (isinstance(bound, bool) or not isinstance(bound, int)):
                raise TypeError(f"{name} is of type {type(bound).__name__}, not int")
            if bound is not None and bound < 1:
                raise ValueError(f"{name} is {bound}: at least 1, or None for no bound")
        if max_entries is None and max_bytes is None:
            raise ValueError("a cache needs max_entries or max_bytes")
        if policy not in ("s3fifo", "lru"):
            raise ValueError(f"there is no policy {policy!r}: 's3fifo' or 'lru'")
        self.records.most = MOST if max_entries is None else min(max_entries, MOST)
        self.records.most_bytes = INT64_MAX if max_bytes is None else min(max_bytes, INT64_MAX - 1)
        self.timer = timer
        self.lifetime = nanoseconds(ttl)
        self.records.order.lru = policy == "lru"
        self.records.wheel.now = self.now() >> TICK

    def __dealloc__(self):
        free_all(&self.records.table)
        ghosts_end(&self.records.order.ghosts)

    # -- the whole ---------------------------------------------------------------------------------

    def clear(self):
        """Remove everything; the statistics stay. O(entries)."""
        cdef Table table
        lock_alone(&self.lock)
        table = self.records.table
        ghosts_end(&self.records.order.ghosts)
        records_begin(&self.records)
        unlock_alone(&self.lock)
        free_all(&table)

    def clean_expired(self):
        """Remove what has expired and give how many there were; O(those)."""
        cdef int64_t now = self.now()
        cdef int64_t removed = 0
        cdef Dropped dropped
        dropped.count = 0
        while self.records.wheel.count:
            lock_alone(&self.lock)
            wheel_turn(&self.records.wheel, &self.records.table, now)
            while dropped.count < 2 * BATCH and self.records.wheel.slots[DUE] != NONE:
                records_remove(&self.records, self.records.wheel.slots[DUE], EXPIRED, &dropped)
            unlock_alone(&self.lock)
            if dropped.count == 0:
                break
            removed += dropped.count // 2
            drop(&dropped)
        return removed

    def keys(self):
        """The strings that have values, expired ones not among them; in no order. O(entries)."""
        self.clean_expired()
        cdef list names = []
        cdef int32_t number
        cdef PyObject *key
        cdef Stripe *stripe = lock_shared(&self.lock)
        try:
            for number in range(self.records.table.used):
                key = self.records.table.entries[number].key
                if key != NULL and Py_TYPE(key) == &PyUnicode_Type:
                    names.append(<object> key)
        finally:
            unlock(&self.lock, stripe)
        return names

    def stats(self):
        """The counters, as one `CacheStats`."""
        cdef Counters n
        cdef uint64_t hits = 0, misses = 0
        cdef int64_t held
        cdef int32_t count
        cdef int at
        lock_alone(&self.lock)
        n = self.records.counters
        for at in range(<int> STRIPES + 1):
            hits += self.lock.stripes[at].hits
            misses += self.lock.stripes[at].misses
        count, held = self.records.table.count, self.records.bytes_held
        unlock_alone(&self.lock)
        return CacheStats(
            hits, misses, n.removed[EXPIRED],
            n.removed[FOR_ENTRIES] + n.removed[FOR_BYTES],
            n.removed[FOR_ENTRIES], n.removed[FOR_BYTES], n.rejections,
            count, held if self.records.most_bytes != INT64_MAX else None,
        )

    def reset_stats(self):
        """Begin to count anew."""
        cdef int at
        lock_alone(&self.lock)
        memset(&self.records.counters, 0, sizeof(Counters))
        for at in range(<int> STRIPES + 1):
            self.lock.stripes[at].hits = self.lock.stripes[at].misses = 0
        unlock_alone(&self.lock)

    @property
    def max_entries(self):
        """How many entries fit; None for no bound."""
        return None if self.records.most == MOST else self.records.most

    @property
    def max_bytes(self):
        """How many bytes fit; None for no bound."""
        return None if self.records.most_bytes == INT64_MAX else self.records.most_bytes

    @property
    def ttl(self):
        """Seconds that entries live which say nothing else; None for ever."""
        return None if self.lifetime == NEVER else self.lifetime / 1e9

    @property
    def policy(self):
        """``"s3fifo"`` or ``"lru"``."""
        return "lru" if self.records.order.lru else "s3fifo"

    def __len__(self):
        """How many have not expired."""
        self.clean_expired()
        return self.records.table.count

    def __bool__(self):
        return True  # there is a cache, though nothing is in it

    def __iter__(self):
        return iter(self.keys())

    def __repr__(self):
        bounded = self.records.most != MOST
        bound = f"{self.max_entries} entries" if bounded else f"{self.max_bytes} bytes"
        return f"<{type(self).__name__} {self.policy}, {self.records.table.count} of {bound}>"

    def __sizeof__(self):
        """With all that it holds, except for keys and values."""
        cdef Py_ssize_t result = object.__sizeof__(self) + self.records.table.room * sizeof(Entry)
        if self.records.table.buckets != NULL:
            result += (<Py_ssize_t> self.records.table.mask + 1) * sizeof(Bucket)
        if self.records.order.ghosts.buckets != NULL:
            result += (<Py_ssize_t> self.records.order.ghosts.mask + 1) * sizeof(GhostBucket)
        return result

    # -- for caches --------------------------------------------------------------------------------

    cdef int expire(
        self, PyObject *key, PyObject *inputs, uint64_t hashed, int64_t now
    ) except -1:
        """Remove what a look-up found to be over, if it still is: of a string, or of a node."""
        cdef Dropped dropped
        cdef int32_t number
        dropped.count = 0
        lock_alone(&self.lock)
        if inputs == NULL:
            number = records_find(&self.records, key, hashed)
        else:
            number = records_find_content(&self.records, key, inputs, NULL, hashed)
        if number >= 0 and is_over(&self.records.table.entries[number], now):
            records_remove(&self.records, number, EXPIRED, &dropped)
        unlock_alone(&self.lock)
        drop(&dropped)
        return 0

    cdef int64_t timed(self) except -1:
        cdef double seconds = self.timer()
        return max(<int64_t> 0, <int64_t> (seconds * 1e9))

    cdef int put(
        self, object key, uint64_t hashed, object value, uint8_t isolation, int64_t expires,
        int64_t now,
    ) except -1:
        """Store a value of ours under an exact string or a content key."""
        cdef int64_t size = 0
        cdef Dropped dropped
        cdef Outcome outcome = NO_ROOM_YET
        dropped.count = 0
        if self.records.most_bytes != INT64_MAX:
            size = measured(key, getsizeof) + measured(value, getsizeof)
        if now == UNREAD and self.timer is not None:
            now = self.timed()
        while outcome == NO_ROOM_YET:
            lock_alone(&self.lock)
            outcome = records_put(
                &self.records, <PyObject *> key, hashed, <PyObject *> value, isolation, expires,
                size, now, &dropped,
            )
            unlock_alone(&self.lock)
            drop(&dropped)
        if outcome == NO_MEMORY:
            raise MemoryError
        return 0


# -- for the garbage collector, which cannot see what only C arrays hold ---------------------------

cdef traverseproc traverse_attributes = (<PyTypeObject *> Store).tp_traverse
cdef inquiry clear_attributes = (<PyTypeObject *> Store).tp_clear


@cython.linetrace(False)  # whoever traces allocates, which the collector must not be led to
@cython.profile(False)
cdef int traverse(PyObject *self, visitproc visit, void *arg) noexcept:
    cdef Table *table = &(<Store> self).records.table
    cdef int32_t number
    cdef int answer = traverse_attributes(self, visit, arg)
    for number in range(table.used):
        if answer == 0 and table.entries[number].key != NULL:
            answer = visit(table.entries[number].key, arg)
            if answer == 0:
                answer = visit(table.entries[number].value, arg)
    return answer


cdef int clear(PyObject *self) noexcept:
    Store.clear(<Store> self)
    return clear_attributes(<object> self)


(<PyTypeObject *> Store).tp_traverse = <traverseproc> <void *> &traverse
(<PyTypeObject *> Store).tp_clear = <inquiry> <void *> &clear

"""A cache bounded by entries and bytes, with a lifetime an entry, keyed by strings or by content.

Compiled because a look-up must cost little more than a dict's. Entries are C records
(``entries``): the policy's queues (``policy``), the timer wheel (``wheel``) and the table link them
by number. All operations are O(1), amortised where they evict or grow, besides what copying a value
takes; what has expired is found without looking at what has not.

Values are isolated: what has no insides is shared, JSON values are copied in and out, anything else
goes through `copy.deepcopy`. Content keys are compared by ``value.same``.

Thread-safety: every method may be called from any thread. With the GIL an operation is atomic, as
no Python code runs while the records are in transition; without it each holds the cache's lock,
which look-ups share (``shared_lock``), unless the policy is LRU, where each moves an entry. Values
are copied, references dropped and a caller's clock read outside of that.
"""

from cpython.object cimport PyObject, PyTypeObject, inquiry, traverseproc, visitproc
from libc.stdint cimport (
    INT64_MAX, UINT32_MAX, int32_t, int64_t, uint8_t, uint32_t, uint64_t,
)
from libc.string cimport memset

from goflow._core.content cimport (
    PyTuple_GET_ITEM, content_hash, content_key, same_content, same_keys,
)
from goflow._core.copies cimport copied
from goflow._core.entries cimport (
    NEVER, NONE, Bucket, Entry, Table, table_add, table_begin, table_end, table_make_room,
    table_remove,
)
from goflow._core.ghosts cimport GhostBucket, ghosts_end
from goflow._core.intern cimport same_string
from goflow._core.isolation cimport SHARED, given, measured, taken
from goflow._core.objects cimport Py_TYPE, PyUnicode_Type, goflow_string_hash, is_leaf
from goflow._core.policy cimport (
    Policy, policy_add, policy_begin, policy_remove, policy_use, policy_victim,
)
from goflow._core.shared_lock cimport (
    STRIPES, SharedLock, Stripe, lock_alone, lock_shared, unlock, unlock_alone,
)
from goflow._core.value cimport DIFFERENT, SAME, Sameness
from goflow._core.wheel cimport DUE, TICK, Wheel, wheel_add, wheel_begin, wheel_remove, wheel_turn

cimport cython

from collections import namedtuple
from copy import deepcopy
from sys import getsizeof

cdef extern from *:
    """
    #include <time.h>
    /* Nanoseconds of a clock that never goes back, to a few milliseconds where that is quicker. */
    static int64_t goflow_clock(void) {
    #if defined(_WIN32)
        return (int64_t)GetTickCount64() * 1000000;
    #else
        struct timespec now;
      #if defined(CLOCK_MONOTONIC_COARSE)
        clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
      #else
        clock_gettime(CLOCK_MONOTONIC, &now);
      #endif
        return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    #endif
    }
    """
    int64_t goflow_clock() noexcept

cdef extern from "Python.h":
    void Py_INCREF(PyObject *item) noexcept
    void Py_XDECREF(PyObject *item) noexcept
    PyTypeObject PyTuple_Type

cdef enum:
    MOST = 0x7FFFFFFE  # entries that any cache can have
    BATCH = 16  # entries that are dropped at a time
    CONFUSED = -2  # no entry: see find_content

cdef enum:  # why an entry goes
    EXPIRED
    FOR_ENTRIES
    FOR_BYTES
    TAKEN_OUT

cdef struct Dropped:  # references to drop once the records are in order
    int count
    PyObject *items[2 * BATCH]

cdef struct Counters:
    uint64_t rejections
    uint64_t removed[4]  # by cause

cdef enum Outcome:
    DONE
    NO_ROOM_YET  # drop what was evicted, and come again
    NO_MEMORY

cdef object MISSING = object()


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


cdef inline void drop(Dropped *dropped) noexcept:
    """May run any code: not while the records are in transition."""
    cdef int at
    for at in range(dropped.count):
        Py_XDECREF(dropped.items[at])
    dropped.count = 0


cdef object exact_key(object key):
    if not isinstance(key, str):
        raise TypeError(f"a key is of type {type(key).__name__}, not str")
    return str.__str__(key)


cdef int64_t nanoseconds(object ttl) except -1:
    cdef double seconds
    if ttl is None:
        return NEVER
    seconds = ttl
    if not seconds > 0:
        raise ValueError(f"a ttl is above 0 seconds, not {ttl!r}")
    return max(<int64_t> 1, <int64_t> (seconds * 1e9)) if seconds < 9e9 else NEVER


cdef void free_all(Table *table) noexcept:
    """Drop everything of a table that nobody else sees any more."""
    cdef int32_t number
    for number in range(table.used):
        if table.entries[number].key != NULL:
            Py_XDECREF(table.entries[number].key)
            Py_XDECREF(table.entries[number].value)
    table_end(table)


cdef class Cache:
    """``Cache(max_entries, max_bytes=…, ttl=…, policy="s3fifo", timer=…)``.

    ``max_bytes`` bounds the estimated bytes of keys and values; ``ttl`` is in seconds, of entries
    that say nothing else, ``inf`` being for ever. ``policy`` is ``"s3fifo"`` or ``"lru"``.
    ``timer`` gives seconds; without one a monotonic clock of a few milliseconds is read, and only
    where something can expire. Any thread may call any method. Raises ValueError for bounds below
    1, TypeError for keys that are no str.
    """

    # Guarded by the lock, whose stripes count hits and misses. An entry is in the table and in one
    # queue of the policy, and in the wheel exactly if it expires; its references are owned.
    cdef Table table
    cdef Policy order
    cdef Wheel wheel
    cdef Counters counters
    cdef int64_t bytes_held  # 0 unless bytes are bounded
    # Never changed after __cinit__.
    cdef int32_t most
    cdef int64_t most_bytes  # INT64_MAX: unbounded, and nothing is measured
    cdef int64_t lifetime  # nanoseconds; NEVER
    cdef object timer
    cdef SharedLock lock

    def __cinit__(
        self, max_entries=None, *, max_bytes=None, ttl=None, policy="s3fifo", timer=None
    ):
        table_begin(&self.table)
        policy_begin(&self.order)
        wheel_begin(&self.wheel)
        for name, bound in (("max_entries", max_entries), ("max_bytes", max_bytes)):
            if bound is not None and (isinstance(bound, bool) or not isinstance(bound, int)):
                raise TypeError(f"{name} is of type {type(bound).__name__}, not int")
            if bound is not None and bound < 1:
                raise ValueError(f"{name} is {bound}: at least 1, or None for no bound")
        if max_entries is None and max_bytes is None:
            raise ValueError("a cache needs max_entries or max_bytes")
        if policy not in ("s3fifo", "lru"):
            raise ValueError(f"there is no policy {policy!r}: 's3fifo' or 'lru'")
        self.most = MOST if max_entries is None else min(max_entries, MOST)
        self.most_bytes = INT64_MAX if max_bytes is None else min(max_bytes, INT64_MAX - 1)
        self.timer = timer
        self.lifetime = nanoseconds(ttl)
        self.order.lru = policy == "lru"
        self.wheel.now = self.now() >> TICK

    def __dealloc__(self):
        free_all(&self.table)
        ghosts_end(&self.order.ghosts)

    # -- by string ---------------------------------------------------------------------------------

    @cython.binding(False)
    def get(self, key, default=None):
        """The value under a string, or ``default``; counted as a hit or a miss."""
        if Py_TYPE(<PyObject *> key) != &PyUnicode_Type:
            key = exact_key(key)
        cdef int64_t now = 0 if self.timer is None else self.now()
        cdef uint64_t hashed = goflow_string_hash(<PyObject *> key)
        cdef Entry *entry
        cdef uint8_t isolation
        cdef Stripe *stripe = self.lock_to_look()
        cdef int32_t number = self.find(<PyObject *> key, hashed)
        if number == NONE:
            stripe.misses += 1
            unlock(&self.lock, stripe)
            return default
        entry = &self.table.entries[number]
        if entry.expires != NEVER and self.is_over(entry, now):
            stripe.misses += 1
            unlock(&self.lock, stripe)
            self.expire(<PyObject *> key, NULL, hashed, now)
            return default
        stripe.hits += 1
        policy_use(&self.order, &self.table, number)
        isolation = entry.isolation
        value = <object> entry.value
        unlock(&self.lock, stripe)
        return value if isolation == SHARED else given(value, isolation, deepcopy)

    @cython.binding(False)
    def set(self, key, value, ttl=None):
        """Put a value under a string, for ``ttl`` seconds if given, else for the cache's own.

        A value larger than ``max_bytes`` is not kept, and what was there is removed. Raises
        ValueError for a ``ttl`` that is not above 0, and what `copy.deepcopy` raises for what it
        cannot copy.
        """
        if Py_TYPE(<PyObject *> key) != &PyUnicode_Type:
            key = exact_key(key)
        cdef uint8_t isolation = SHARED
        if not is_leaf(<PyObject *> value):
            value = taken(value, deepcopy, &isolation)
        cdef int64_t expires = NEVER
        if ttl is not None or self.lifetime != NEVER:
            expires = self.expiry(ttl)
        self.put(key, goflow_string_hash(<PyObject *> key), value, isolation, expires)

    def pop(self, key, default=MISSING):
        """Remove a key and give its value; ``default``, or KeyError without one, if it has none.

        Not counted as a look-up.
        """
        key = exact_key(key)
        cdef int64_t now = self.now()
        cdef int32_t number
        cdef uint8_t isolation
        cdef Dropped dropped
        dropped.count = 0
        found = MISSING
        isolation = SHARED
        lock_alone(&self.lock)
        number = self.find(<PyObject *> key, goflow_string_hash(<PyObject *> key))
        if number != NONE:
            if self.is_over(&self.table.entries[number], now):
                self.remove(number, EXPIRED, &dropped)
            else:
                found = <object> self.table.entries[number].value
                isolation = self.table.entries[number].isolation
                self.remove(number, TAKEN_OUT, &dropped)
        unlock_alone(&self.lock)
        drop(&dropped)
        if found is not MISSING:
            return given(found, isolation, deepcopy)
        if default is MISSING:
            raise KeyError(key)
        return default

    def touch(self, key, ttl=None):
        """Let a key's value live for ``ttl`` seconds from now; without one, for the cache's own.

        Counts as a use, not as a look-up. Gives whether there was such a key.
        """
        key = exact_key(key)
        cdef int64_t expires = self.expiry(ttl), now = self.now()
        cdef int32_t number
        cdef bint there = False
        cdef Dropped dropped
        dropped.count = 0
        lock_alone(&self.lock)
        number = self.find(<PyObject *> key, goflow_string_hash(<PyObject *> key))
        if number != NONE:
            if self.is_over(&self.table.entries[number], now):
                self.remove(number, EXPIRED, &dropped)
            else:
                there = True
                policy_use(&self.order, &self.table, number)
                self.renew(number, expires)
        unlock_alone(&self.lock)
        drop(&dropped)
        return there

    def __getitem__(self, key):
        value = self.get(key, MISSING)
        if value is MISSING:
            raise KeyError(key)
        return value

    def __setitem__(self, key, value):
        self.set(key, value)

    def __delitem__(self, key):
        self.pop(key)

    def __contains__(self, key):
        """Whether there is a value under a string; neither a look-up nor a use."""
        if not isinstance(key, str):
            return False
        key = exact_key(key)
        cdef int64_t now = self.now()
        cdef Stripe *stripe = lock_shared(&self.lock)
        cdef int32_t number = self.find(<PyObject *> key, goflow_string_hash(<PyObject *> key))
        cdef bint there = number != NONE and not self.is_over(&self.table.entries[number], now)
        unlock(&self.lock, stripe)
        return there

    # -- by content --------------------------------------------------------------------------------

    @cython.binding(False)
    def get_result(self, node_id, inputs, default=None):
        """The outputs stored for a node's inputs, or ``default``; counted as a hit or a miss.

        Raises NotJson for inputs that are no JSON value.
        """
        if Py_TYPE(<PyObject *> node_id) != &PyUnicode_Type:
            node_id = exact_key(node_id)
        cdef uint64_t hashed = content_hash(<PyObject *> node_id, inputs)
        cdef int64_t now = 0 if self.timer is None else self.now()
        cdef uint8_t isolation
        cdef Stripe *stripe = self.lock_to_look()
        cdef int32_t number = self.find_content(
            <PyObject *> node_id, <PyObject *> inputs, NULL, hashed
        )
        if number == CONFUSED:
            unlock(&self.lock, stripe)
            return self.get_result(node_id, copied(inputs), default)
        if number == NONE:
            stripe.misses += 1
            unlock(&self.lock, stripe)
            return default
        if self.is_over(&self.table.entries[number], now):
            stripe.misses += 1
            unlock(&self.lock, stripe)
            self.expire(<PyObject *> node_id, <PyObject *> inputs, hashed, now)
            return default
        stripe.hits += 1
        policy_use(&self.order, &self.table, number)
        isolation = self.table.entries[number].isolation
        outputs = <object> self.table.entries[number].value
        unlock(&self.lock, stripe)
        return given(outputs, isolation, deepcopy)

    @cython.binding(False)
    def set_result(self, node_id, inputs, outputs, ttl=None):
        """Store outputs for a node's inputs; otherwise as `set`.

        Raises NotJson for inputs that are no JSON value.
        """
        if Py_TYPE(<PyObject *> node_id) != &PyUnicode_Type:
            node_id = exact_key(node_id)
        cdef uint64_t hashed = content_hash(<PyObject *> node_id, inputs)
        cdef uint8_t isolation = SHARED
        cdef int32_t number
        if not is_leaf(<PyObject *> outputs):
            outputs = taken(outputs, deepcopy, &isolation)
        cdef int64_t expires = NEVER
        if ttl is not None or self.lifetime != NEVER:
            expires = self.expiry(ttl)
        cdef Dropped dropped
        dropped.count = 0
        if self.most_bytes == INT64_MAX:  # else there may have to be room first
            lock_alone(&self.lock)
            number = self.find_content(
                <PyObject *> node_id, <PyObject *> inputs, NULL, hashed
            )
            if number >= 0:
                self.replace(number, <PyObject *> outputs, isolation, expires, 0, &dropped)
            unlock_alone(&self.lock)
            if dropped.count:
                drop(&dropped)
                return
        self.put(content_key(node_id, inputs), hashed, outputs, isolation, expires)

    # -- the whole ---------------------------------------------------------------------------------

    def clear(self):
        """Remove everything; the statistics stay. O(entries)."""
        cdef Table table
        cdef int64_t now
        lock_alone(&self.lock)
        table = self.table
        now = self.wheel.now
        table_begin(&self.table)
        policy_begin(&self.order)
        ghosts_end(&self.order.ghosts)
        wheel_begin(&self.wheel)
        self.wheel.now = now
        self.bytes_held = 0
        unlock_alone(&self.lock)
        free_all(&table)

    def clean_expired(self):
        """Remove what has expired and give how many there were; O(those)."""
        cdef int64_t now = self.now()
        cdef int64_t removed = 0
        cdef Dropped dropped
        dropped.count = 0
        while self.wheel.count:
            lock_alone(&self.lock)
            wheel_turn(&self.wheel, &self.table, now)
            while dropped.count < 2 * BATCH and self.wheel.slots[DUE] != NONE:
                self.remove(self.wheel.slots[DUE], EXPIRED, &dropped)
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
            for number in range(self.table.used):
                key = self.table.entries[number].key
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
        n = self.counters
        for at in range(<int> STRIPES + 1):
            hits += self.lock.stripes[at].hits
            misses += self.lock.stripes[at].misses
        count, held = self.table.count, self.bytes_held
        unlock_alone(&self.lock)
        return CacheStats(
            hits, misses, n.removed[EXPIRED],
            n.removed[FOR_ENTRIES] + n.removed[FOR_BYTES],
            n.removed[FOR_ENTRIES], n.removed[FOR_BYTES], n.rejections,
            count, held if self.most_bytes != INT64_MAX else None,
        )

    def reset_stats(self):
        """Begin to count anew."""
        cdef int at
        lock_alone(&self.lock)
        memset(&self.counters, 0, sizeof(Counters))
        for at in range(<int> STRIPES + 1):
            self.lock.stripes[at].hits = self.lock.stripes[at].misses = 0
        unlock_alone(&self.lock)

    @property
    def max_entries(self):
        """How many entries fit; None for no bound."""
        return None if self.most == MOST else self.most

    @property
    def max_bytes(self):
        """How many bytes fit; None for no bound."""
        return None if self.most_bytes == INT64_MAX else self.most_bytes

    @property
    def ttl(self):
        """Seconds that entries live which say nothing else; None for ever."""
        return None if self.lifetime == NEVER else self.lifetime / 1e9

    @property
    def policy(self):
        """``"s3fifo"`` or ``"lru"``."""
        return "lru" if self.order.lru else "s3fifo"

    def __len__(self):
        """How many have not expired."""
        self.clean_expired()
        return self.table.count

    def __bool__(self):
        return True  # there is a cache, though nothing is in it

    def __iter__(self):
        return iter(self.keys())

    def __repr__(self):
        bound = f"{self.most_bytes} bytes" if self.most == MOST else f"{self.most} entries"
        return f"<{type(self).__name__} {self.policy}, {self.table.count} of {bound}>"

    def __sizeof__(self):
        """With all that it holds, except for keys and values."""
        cdef Py_ssize_t result = object.__sizeof__(self) + self.table.room * sizeof(Entry)
        if self.table.buckets != NULL:
            result += (<Py_ssize_t> self.table.mask + 1) * sizeof(Bucket)
        if self.order.ghosts.buckets != NULL:
            result += (<Py_ssize_t> self.order.ghosts.mask + 1) * sizeof(GhostBucket)
        return result

    # -- outside the lock --------------------------------------------------------------------------

    @cython.final
    cdef inline Stripe *lock_to_look(self) noexcept:
        return lock_alone(&self.lock) if self.order.lru else lock_shared(&self.lock)

    @cython.final
    cdef int expire(
        self, PyObject *key, PyObject *inputs, uint64_t hashed, int64_t now
    ) except -1:
        """Remove what a look-up found to be over, if it still is: of a string, or of a node."""
        cdef Dropped dropped
        cdef int32_t number
        dropped.count = 0
        lock_alone(&self.lock)
        if inputs == NULL:
            number = self.find(key, hashed)
        else:
            number = self.find_content(key, inputs, NULL, hashed)
        if number >= 0 and self.is_over(&self.table.entries[number], now):
            self.remove(number, EXPIRED, &dropped)
        unlock_alone(&self.lock)
        drop(&dropped)
        return 0

    @cython.final
    cdef int64_t now(self) except -1:
        """Nanoseconds of the cache's clock, never below 0."""
        cdef double seconds
        if self.timer is None:
            return goflow_clock()
        seconds = self.timer()
        return max(<int64_t> 0, <int64_t> (seconds * 1e9))

    @cython.final
    cdef int64_t expiry(self, object ttl) except -1:
        cdef int64_t lifetime = self.lifetime if ttl is None else nanoseconds(ttl), now
        if lifetime == NEVER:
            return NEVER
        now = self.now()
        return now + lifetime if lifetime < INT64_MAX - now else NEVER

    @cython.final
    cdef int put(
        self, object key, uint64_t hashed, object value, uint8_t isolation, int64_t expires
    ) except -1:
        """Store a value of ours under an exact string or a content key."""
        cdef int64_t size = 0, now = 0
        cdef Dropped dropped
        cdef Outcome outcome = NO_ROOM_YET
        dropped.count = 0
        if self.most_bytes != INT64_MAX:
            size = measured(key, getsizeof) + measured(value, getsizeof)
        if self.timer is not None:
            now = self.now()
        while outcome == NO_ROOM_YET:
            lock_alone(&self.lock)
            outcome = self.put_now(
                <PyObject *> key, hashed, <PyObject *> value, isolation, expires, size, now,
                &dropped,
            )
            unlock_alone(&self.lock)
            drop(&dropped)
        if outcome == NO_MEMORY:
            raise MemoryError
        return 0

    # -- under the lock: no Python code runs in these ----------------------------------------------

    @cython.final
    cdef inline int32_t find(self, PyObject *key, uint64_t hashed) noexcept:
        """The entry of an exact string."""
        cdef uint32_t tag = <uint32_t> hashed, at = tag & self.table.mask
        cdef Bucket *buckets = self.table.buckets
        cdef Entry *entry
        if buckets == NULL:
            return NONE
        while buckets[at].entry != 0:
            if buckets[at].tag == tag:
                entry = &self.table.entries[buckets[at].entry - 1]
                if entry.key == key or (
                    entry.hashed == hashed and Py_TYPE(entry.key) == &PyUnicode_Type
                    and same_string(entry.key, key)
                ):
                    return <int32_t> buckets[at].entry - 1
            at = (at + 1) & self.table.mask
        return NONE

    @cython.final
    cdef int32_t find_content(
        self, PyObject *node_id, PyObject *inputs, PyObject *key, uint64_t hashed
    ) noexcept:
        """The entry of a content key, or else of inputs; CONFUSED when these are not exact."""
        cdef uint32_t tag = <uint32_t> hashed, at = tag & self.table.mask
        cdef Bucket *buckets = self.table.buckets
        cdef Entry *entry
        cdef Sameness sameness
        if buckets == NULL:
            return NONE
        while buckets[at].entry != 0:
            entry = &self.table.entries[buckets[at].entry - 1]
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
            at = (at + 1) & self.table.mask
        return NONE

    @cython.final
    cdef Outcome put_now(
        self, PyObject *key, uint64_t hashed, PyObject *value, uint8_t isolation,
        int64_t expires, int64_t size, int64_t now, Dropped *dropped,
    ) noexcept:
        cdef int32_t number
        cdef Entry *entry
        if Py_TYPE(key) == &PyUnicode_Type:
            number = self.find(key, hashed)
        else:
            number = self.find_content(PyTuple_GET_ITEM(key, 0), NULL, key, hashed)
        if size > self.most_bytes or size > UINT32_MAX:
            self.counters.rejections += 1
            if number != NONE:
                self.remove(number, TAKEN_OUT, dropped)
            return DONE
        if number != NONE:
            self.replace(number, value, isolation, expires, size, dropped)
        else:
            while self.table.count >= self.most or self.bytes_held + size > self.most_bytes:
                if dropped.count == 2 * BATCH:
                    return NO_ROOM_YET
                self.evict(
                    now, FOR_ENTRIES if self.table.count >= self.most else FOR_BYTES, dropped
                )
            if not table_make_room(&self.table, self.most):
                return NO_MEMORY
            number = table_add(&self.table, hashed)
            entry = &self.table.entries[number]
            Py_INCREF(key)
            entry.key = key
            entry.expires = expires
            self.bytes_held += size
            policy_add(&self.order, &self.table, number)
            Py_INCREF(value)
            entry.value = value
            entry.isolation = isolation
            entry.size = <uint32_t> size
            if expires != NEVER:
                wheel_add(&self.wheel, &self.table, number)
        # A value that has become larger.
        while self.bytes_held > self.most_bytes:
            if dropped.count > 2 * BATCH - 2:
                return NO_ROOM_YET
            self.evict(now, FOR_BYTES, dropped)
        return DONE

    @cython.final
    cdef inline void replace(
        self, int32_t number, PyObject *value, uint8_t isolation, int64_t expires, int64_t size,
        Dropped *dropped,
    ) noexcept:
        cdef Entry *entry = &self.table.entries[number]
        dropped.items[0] = entry.value
        dropped.count = 1
        Py_INCREF(value)
        entry.value = value
        entry.isolation = isolation
        self.bytes_held += size - entry.size
        entry.size = <uint32_t> size
        policy_use(&self.order, &self.table, number)
        if entry.expires != expires:
            self.renew(number, expires)

    @cython.final
    cdef void evict(self, int64_t now, int cause, Dropped *dropped) noexcept:
        """Remove one entry, of at least one: what has expired comes first."""
        if self.wheel.count:
            if self.timer is None:
                now = goflow_clock()
            wheel_turn(&self.wheel, &self.table, now)
            if self.wheel.slots[DUE] != NONE:
                self.remove(self.wheel.slots[DUE], EXPIRED, dropped)
                return
        self.remove(policy_victim(&self.order, &self.table), cause, dropped)

    @cython.final
    cdef inline bint is_over(self, const Entry *entry, int64_t now) noexcept:
        if entry.expires == NEVER:
            return False
        return entry.expires <= (goflow_clock() if self.timer is None else now)

    @cython.final
    cdef void remove(self, int32_t number, int cause, Dropped *dropped) noexcept:
        cdef Entry *entry = &self.table.entries[number]
        dropped.items[dropped.count] = entry.key
        dropped.items[dropped.count + 1] = entry.value
        dropped.count += 2
        self.counters.removed[cause] += 1
        self.bytes_held -= entry.size
        if entry.expires != NEVER:
            wheel_remove(&self.wheel, &self.table, number)
        policy_remove(&self.order, &self.table, number)
        table_remove(&self.table, number)

    @cython.final
    cdef void renew(self, int32_t number, int64_t expires) noexcept:
        cdef Entry *entry = &self.table.entries[number]
        if entry.expires != NEVER:
            wheel_remove(&self.wheel, &self.table, number)
        entry.expires = expires
        if expires != NEVER:
            wheel_add(&self.wheel, &self.table, number)


def isolated(value):
    """A copy as the cache gives out: nothing that can change is shared. Raises as `Cache.set`."""
    cdef uint8_t isolation = SHARED
    return value if is_leaf(<PyObject *> value) else taken(value, deepcopy, &isolation)


# -- for the garbage collector, which cannot see what only C arrays hold ---------------------------

cdef traverseproc traverse_attributes = (<PyTypeObject *> Cache).tp_traverse
cdef inquiry clear_attributes = (<PyTypeObject *> Cache).tp_clear


cdef int traverse(PyObject *self, visitproc visit, void *arg) noexcept:
    cdef Table *table = &(<Cache> self).table
    cdef int32_t number
    cdef int answer = traverse_attributes(self, visit, arg)
    for number in range(table.used):
        if answer == 0 and table.entries[number].key != NULL:
            answer = visit(table.entries[number].key, arg)
            if answer == 0:
                answer = visit(table.entries[number].value, arg)
    return answer


cdef int clear(PyObject *self) noexcept:
    Cache.clear(<Cache> self)
    return clear_attributes(<object> self)


(<PyTypeObject *> Cache).tp_traverse = <traverseproc> <void *> &traverse
(<PyTypeObject *> Cache).tp_clear = <inquiry> <void *> &clear

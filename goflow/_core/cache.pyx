"""A cache bounded by entries and bytes, with a lifetime an entry, keyed by strings or by content.

Compiled because a look-up must cost little more than a dict's: O(1), besides what copying a value
takes. A `Cache` is a ``Store`` (the bound, the lifetimes, the lock) that is asked by key.

Values are isolated: what has no insides is shared, JSON values are copied in and out, anything else
goes through `copy.deepcopy`. Content keys are compared by ``value.same``.

Thread-safety: every method may be called from any thread; see ``store``. Values are copied,
references dropped and a caller's clock read outside of the lock.
"""

from cpython.object cimport PyObject
from libc.stdint cimport INT64_MAX, int32_t, int64_t, uint8_t, uint64_t

from goflow._core.content cimport content_hash, content_key
from goflow._core.copies cimport copied
from goflow._core.entries cimport NEVER, NONE, Entry
from goflow._core.isolation cimport SHARED, given, taken
from goflow._core.objects cimport Py_TYPE, PyUnicode_Type, goflow_string_hash, is_leaf
from goflow._core.policy cimport policy_use
from goflow._core.records cimport (
    CONFUSED, EXPIRED, TAKEN_OUT, UNREAD, Dropped, drop, is_over, records_find,
    records_find_content, records_remove, records_renew, records_replace,
)
from goflow._core.shared_lock cimport Stripe, lock_alone, lock_shared, unlock, unlock_alone
from goflow._core.store cimport Store

cimport cython

from copy import deepcopy

cdef object MISSING = object()


cdef object exact_key(object key):
    if not isinstance(key, str):
        raise TypeError(f"a key is of type {type(key).__name__}, not str")
    return str.__str__(key)


cdef class Cache(Store):
    """``Cache(max_entries, max_bytes=…, ttl=…, policy="s3fifo", timer=…)``.

    ``max_bytes`` bounds the estimated bytes of keys and values; ``ttl`` is in seconds, of entries
    that say nothing else, ``inf`` being for ever. ``policy`` is ``"s3fifo"`` or ``"lru"``.
    ``timer`` gives seconds; without one a monotonic clock of a few milliseconds is read, and only
    where something can expire. Any thread may call any method. Raises ValueError for bounds below
    1, TypeError for keys that are no str.
    """

    # -- by string ---------------------------------------------------------------------------------

    @cython.binding(False)
    def get(self, key, default=None):
        """The value under a string, or ``default``; counted as a hit or a miss."""
        if Py_TYPE(<PyObject *> key) != &PyUnicode_Type:
            key = exact_key(key)
        cdef int64_t now = UNREAD if self.timer is None else self.now()
        cdef uint64_t hashed = goflow_string_hash(<PyObject *> key)
        cdef Entry *entry
        cdef uint8_t isolation
        cdef Stripe *stripe = self.lock_to_look()
        cdef int32_t number = records_find(&self.records, <PyObject *> key, hashed)
        if number == NONE:
            stripe.misses += 1
            unlock(&self.lock, stripe)
            return default
        entry = &self.records.table.entries[number]
        if entry.expires != NEVER and is_over(entry, now):
            stripe.misses += 1
            unlock(&self.lock, stripe)
            self.expire(<PyObject *> key, NULL, hashed, now)
            return default
        stripe.hits += 1
        policy_use(&self.records.order, &self.records.table, number)
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
        cdef int64_t expires = NEVER, now = UNREAD
        if ttl is not None or self.lifetime != NEVER:
            expires = self.expiry(ttl, &now)
        self.put(key, goflow_string_hash(<PyObject *> key), value, isolation, expires, now)

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
        number = records_find(&self.records, <PyObject *> key, goflow_string_hash(<PyObject *> key))
        if number != NONE:
            if is_over(&self.records.table.entries[number], now):
                records_remove(&self.records, number, EXPIRED, &dropped)
            else:
                found = <object> self.records.table.entries[number].value
                isolation = self.records.table.entries[number].isolation
                records_remove(&self.records, number, TAKEN_OUT, &dropped)
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
        cdef int64_t now = UNREAD, expires = self.expiry(ttl, &now)
        if now == UNREAD:
            now = self.now()
        cdef int32_t number
        cdef bint there = False
        cdef Dropped dropped
        dropped.count = 0
        lock_alone(&self.lock)
        number = records_find(&self.records, <PyObject *> key, goflow_string_hash(<PyObject *> key))
        if number != NONE:
            if is_over(&self.records.table.entries[number], now):
                records_remove(&self.records, number, EXPIRED, &dropped)
            else:
                there = True
                policy_use(&self.records.order, &self.records.table, number)
                records_renew(&self.records, number, expires)
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
        cdef uint64_t hashed = goflow_string_hash(<PyObject *> key)
        cdef int32_t number = records_find(&self.records, <PyObject *> key, hashed)
        cdef bint there = number != NONE and not is_over(&self.records.table.entries[number], now)
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
        cdef int64_t now = UNREAD if self.timer is None else self.now()
        cdef uint8_t isolation
        cdef Stripe *stripe = self.lock_to_look()
        cdef int32_t number = records_find_content(
            &self.records, <PyObject *> node_id, <PyObject *> inputs, NULL, hashed
        )
        if number == CONFUSED:
            unlock(&self.lock, stripe)
            return self.get_result(node_id, copied(inputs), default)
        if number == NONE:
            stripe.misses += 1
            unlock(&self.lock, stripe)
            return default
        if is_over(&self.records.table.entries[number], now):
            stripe.misses += 1
            unlock(&self.lock, stripe)
            self.expire(<PyObject *> node_id, <PyObject *> inputs, hashed, now)
            return default
        stripe.hits += 1
        policy_use(&self.records.order, &self.records.table, number)
        isolation = self.records.table.entries[number].isolation
        outputs = <object> self.records.table.entries[number].value
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
        cdef int64_t expires = NEVER, now = UNREAD
        if ttl is not None or self.lifetime != NEVER:
            expires = self.expiry(ttl, &now)
        cdef Dropped dropped
        dropped.count = 0
        if self.records.most_bytes == INT64_MAX:  # else there may have to be room first
            lock_alone(&self.lock)
            number = records_find_content(
                &self.records, <PyObject *> node_id, <PyObject *> inputs, NULL, hashed
            )
            if number >= 0:
                records_replace(
                    &self.records, number, <PyObject *> outputs, isolation, expires, 0, &dropped
                )
            unlock_alone(&self.lock)
            if dropped.count:
                drop(&dropped)
                return
        self.put(content_key(node_id, inputs), hashed, outputs, isolation, expires, now)


def isolated(value):
    """A copy as the cache gives out: nothing that can change is shared. Raises as `Cache.set`."""
    cdef uint8_t isolation = SHARED
    return value if is_leaf(<PyObject *> value) else taken(value, deepcopy, &isolation)

"""The compiled cache beside its plain twin: the same operations, the same answers and counters."""

import random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from reference.cache import ReferenceCache
from support.clock import Clock
from support.deep import rounds

from goflow._core.cache import Cache
from goflow._core.copies import size

KEYS = st.sampled_from([f"key {at}" for at in range(24)])
TTLS = st.one_of(st.none(), st.sampled_from([0.001, 0.5, 1, 60, 1e6, float("inf")]))
SMALL = st.one_of(
    st.none(),
    st.integers(0, 5),
    st.text(max_size=40),
    st.lists(st.integers(0, 9), max_size=8),
    st.dictionaries(st.text(max_size=3), st.lists(st.integers()), max_size=3),
)


class TwinMachine(RuleBasedStateMachine):
    """Every operation on both; contents, order of eviction and counters are the same."""

    exactly = True

    @initialize(
        max_entries=st.sampled_from([None, 1, 2, 5, 10, 16]),
        max_bytes=st.sampled_from([None, 400, 1500]),
        ttl=st.sampled_from([None, 1, 100]),
        policy=st.sampled_from(["s3fifo", "lru"]),
    )
    def begin(self, max_entries, max_bytes, ttl, policy):
        if max_entries is None and max_bytes is None:
            max_entries = 8
        self.clock = Clock()
        self.ours = Cache(
            max_entries, max_bytes=max_bytes, ttl=ttl, policy=policy, timer=self.clock
        )
        self.twin = ReferenceCache(max_entries, max_bytes, ttl, policy, self.clock, size)

    @rule(key=KEYS, value=SMALL, ttl=TTLS)
    def set(self, key, value, ttl):
        self.ours.set(key, value, ttl)
        self.twin.set(key, value, ttl)

    @rule(key=KEYS)
    def get(self, key):
        assert self.ours.get(key, "?") == self.twin.get(key, "?")

    @rule(key=KEYS)
    def contains(self, key):
        assert (key in self.ours) == self.twin.contains(key)

    @rule(key=KEYS)
    def pop(self, key):
        assert self.ours.pop(key, "?") == self.twin.pop(key, "?")

    @rule(key=KEYS, ttl=TTLS)
    def touch(self, key, ttl):
        assert self.ours.touch(key, ttl) == self.twin.touch(key, ttl)

    @rule(seconds=st.sampled_from([0.0005, 0.3, 0.5, 1, 70, 1e5]))
    def wait(self, seconds):
        self.clock.now += seconds
        # Which of several expired entries goes first is not promised.
        assert self.ours.clean_expired() == self.twin.clean_expired()

    @rule()
    def clear(self):
        self.ours.clear()
        self.twin.clear()

    @invariant()
    def same(self):
        if not hasattr(self, "ours"):
            return
        assert set(self.ours.keys()) == set(self.twin.entries)
        stats, counts = self.ours.stats(), self.twin.counts
        assert stats.hits == counts["hits"]
        assert stats.misses == counts["misses"]
        if self.exactly:
            assert stats.expirations == counts["expirations"]
        assert stats.evictions_for_entries == counts["for_entries"]
        assert stats.evictions_for_bytes == counts["for_bytes"]
        assert stats.rejections == counts["rejections"]
        assert stats.entries == len(self.twin.entries)
        if self.twin.bounded:
            assert stats.bytes == self.twin.bytes()


class LazyMachine(TwinMachine):
    """With LRU, expired entries may also stay until somebody meets them.

    Which of several goes first is not promised, and one whose key is set again is not counted.
    """

    exactly = False

    @initialize(ttl=st.sampled_from([None, 1, 100]))
    def begin(self, ttl):
        super().begin(6, None, ttl, "lru")

    @rule(seconds=st.sampled_from([0.0005, 0.3, 0.5, 1, 70, 1e5]))
    def wait(self, seconds):
        self.clock.now += seconds

    @invariant()
    def same(self):
        if hasattr(self, "ours"):
            assert self.ours.stats().entries <= 6

    def teardown(self):
        if hasattr(self, "ours"):
            self.ours.clean_expired()
            self.twin.clean_expired()
            super().same()


TestTwin = TwinMachine.TestCase
TestTwin.settings = settings(max_examples=rounds(2000), stateful_step_count=80, deadline=None)
TestLazy = LazyMachine.TestCase
TestLazy.settings = settings(max_examples=rounds(1000), stateful_step_count=60, deadline=None)


@pytest.mark.parametrize("policy", ["s3fifo", "lru"])
@pytest.mark.parametrize("size", [1, 9, 100, 700])
def test_long_runs_evict_what_the_plain_twin_evicts(policy, size):
    pick = random.Random(size)
    cache = Cache(size, policy=policy)
    twin = ReferenceCache(size, None, None, policy, Clock(), None)
    for step in range(rounds(400_000)):
        key = f"k{int(size * 4 * pick.random() ** 3)}"
        if pick.random() < 0.03:
            assert cache.pop(key, None) == twin.pop(key)
        else:
            found = cache.get(key)
            assert found == twin.get(key)
            if found is None:
                cache.set(key, step)
                twin.set(key, step)
    assert set(cache.keys()) == set(twin.entries)
    assert cache.stats().evictions == twin.counts["for_entries"] > 0

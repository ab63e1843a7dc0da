"""Caches and pools under many threads: what is counted is exact, and nothing is seen half done.

More threads than a lock has stripes (``shared_lock``), so that some of them share one. With a GIL
the threads take turns, and the same must hold.
"""

import sys
import threading

import pytest
from support.deep import rounds

from goflow._core.cache import Cache
from goflow._core.canonical import digest
from goflow._core.copies import copy, size
from goflow._core.graph import Graph
from goflow._core.pool import Pool
from goflow._core.value import same, structural_hash

THREADS = 12
TIMES = max(300, rounds(20_000))


@pytest.fixture(autouse=True)
def _switching():
    """Threads that have a GIL take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def side_by_side(*works):
    """Run all in a thread each, begun together; raises what the first of them raised."""
    begin, errors = threading.Barrier(len(works)), []

    def run(work):
        begin.wait()
        try:
            work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


@pytest.mark.parametrize("policy", ["s3fifo", "lru"])
def test_each_look_up_of_each_thread_is_counted(policy):
    cache = Cache(100, policy=policy)
    for at in range(50):
        cache.set(f"key {at}", at)
        cache.set_result("node", {"at": at}, [at])

    def work():
        for time in range(TIMES):
            at = time % 60
            assert cache.get(f"key {at}") == (at if at < 50 else None)
            assert cache.get_result("node", {"at": at}) == ([at] if at < 50 else None)

    side_by_side(*[work] * THREADS)
    hits = sum(time % 60 < 50 for time in range(TIMES)) * THREADS * 2
    stats = cache.stats()
    assert (stats.hits, stats.misses) == (hits, 2 * TIMES * THREADS - hits)


@pytest.mark.parametrize("policy", ["s3fifo", "lru"])
def test_who_looks_while_others_write_sees_a_whole_value_or_none(policy):
    clock = [0.0]
    cache = Cache(16, policy=policy, ttl=3, timer=lambda: clock[0])

    def read():
        for time in range(TIMES):
            at = time % 40
            value = cache.get(f"key {at}")
            assert value is None or value == [at, str(at)]
            found = cache.get_result("node", {"at": at})
            assert found is None or found == {"at": at}
            assert isinstance(f"key {at}" in cache, bool)

    def write():
        for time in range(TIMES):
            at = time % 40
            cache.set(f"key {at}", [at, str(at)])
            cache.set_result("node", {"at": at}, {"at": at})
            if time % 7 == 0:
                clock[0] += 0.5
                cache.pop(f"key {at}", None)
                cache.clean_expired()
            if time % 50 == 0:
                assert len(cache.keys()) <= 16
                cache.clear()

    side_by_side(*[read, write] * (THREADS // 2))
    assert len(cache) <= 16


def test_checkouts_of_many_keys_are_counted_and_never_share_a_connection():
    """While another thread sweeps, drains, changes the limits and connects anew."""
    keys = [f"key {at}" for at in range(THREADS // 2)]  # two threads each
    pool = Pool(max_size=1, idle_timeout=1000.0)
    over = threading.Event()
    used, missed = [0] * THREADS, [0] * THREADS
    in_use = {}

    def connect():
        for key in keys:
            pool.warm(key)
        for slot in pool.decisions()[0]:
            pool.connected(slot, object())

    def borrow(number):
        key = keys[number % len(keys)]
        for _ in range(TIMES):
            lease = pool.checkout(key)
            if lease is None:
                missed[number] += 1
                continue
            used[number] += 1
            connection = lease.connection
            assert in_use.setdefault(connection, number) == number
            del in_use[connection]
            assert pool.checkin(lease)
            assert not pool.checkin(lease)

    def disturb():
        while not over.is_set():
            pool.sweep()
            pool.drain(keys[0])
            pool.resize(2, key=keys[1]), pool.resize(1, key=keys[1])
            pool.stats()
            connect()

    connect()
    disturbing = threading.Thread(target=disturb)
    disturbing.start()
    try:
        side_by_side(*[lambda number=number: borrow(number) for number in range(THREADS)])
    finally:
        over.set()
        disturbing.join()
    stats = pool.stats()
    assert stats["in_use"] == 0
    assert (stats["hits"], stats["misses"]) == (sum(used), sum(missed))
    assert sum(used) + sum(missed) == TIMES * THREADS
    pool.close()


def test_leases_that_are_tracked_are_all_let_go():
    pool = Pool(max_size=None, leak_after=1000.0)
    for key in ("a", "b"):
        pool.warm(key, 4)
    for slot in pool.decisions()[0]:
        pool.connected(slot, object())

    def borrow(key):
        for _ in range(TIMES):
            lease = pool.checkout(key)
            if lease is not None:
                pool.checkin(lease)

    side_by_side(*[lambda key=key: borrow(key) for key in "ab" * (THREADS // 2)])
    assert pool.holders("a") == pool.holders("b") == []
    assert pool.stats()["in_use"] == 0


def test_values_may_be_read_while_another_thread_changes_them():
    """The answers are of some state or mixture of states; nothing breaks."""
    value = {"list": [1, "two", 3.0], "map": {"a": {"b": None}}}
    over = threading.Event()

    def change():
        at = 0
        while not over.is_set():
            at += 1
            value["list"].append(f"item {at}")
            value["map"][f"key {at % 9}"] = [at, f"text {at}"]
            if at % 20 == 0:
                value["list"] = [1]
                value["map"].clear()

    def read():
        for _ in range(TIMES):
            assert set(copy(value)) == {"list", "map"}
            assert len(digest(value)) == 32
            assert isinstance(structural_hash(value), int)
            assert size(value) > 0
            same(value, {"list": [1], "map": {}})

    changing = threading.Thread(target=change)
    changing.start()
    try:
        side_by_side(*[read] * 4)
    finally:
        over.set()
        changing.join()


def test_graphs_may_be_built_of_one_set_of_ids_by_many_threads():
    ids = [f"node {at}" for at in range(200)]
    edges = [(ids[at], ids[at + 1]) for at in range(199)]

    def build():
        for _ in range(max(5, TIMES // 100)):
            assert Graph(ids, edges).order() == ids

    side_by_side(*[build] * THREADS)

"""The connection pool: checkout and checkin, reuse, warming, cleaning up, memory; and its peers.

Connections are bare objects everywhere: what is measured is the pool. An operation is a pair of
checkout and checkin. What prewarming, reuse and cleaning cost with real servers stands in
``bench_prewarm.py`` and ``bench_calls.py``.
"""

from __future__ import annotations

import asyncio
import gc
import random
import time
import tracemalloc

import pool_peers
import pytest
from measure import OURS, WALL
from pool_peers import THREADS, Connection, blocking, in_threads, pairs

import goflow
from goflow._core.pool import Pool

PAIRS = 10_000
KEYS = [f"server-{at}" for at in range(10)]


def answer(pool):
    """Connect whatever the pool has decided to."""
    for slot in pool.decisions()[0]:
        pool.connected(slot, Connection())


def ready(keys=("db",), size=1, **options):
    pool = Pool(max_size=size, **options)
    for key in keys:
        pool.warm(key, size)
    answer(pool)
    return pool


def get(pool, key):
    """What ``acquire`` does, with a connect that succeeds at once."""
    lease = pool.take(key)
    if lease is None:
        lease = pool.wait(key, None)
        answer(pool)
    return lease


def reuse_rate(pool):
    """Percent of the leases that found a connection."""
    stats = pool.stats()
    return round(100 * (1 - stats["connects"] / (stats["hits"] + stats["waits"])), 2)


def polite(pool, key):
    """A thread's loop: who finds nothing free lets another thread run."""
    out, back = pool.checkout, pool.checkin

    def work(count):
        for _ in range(count):
            while (lease := out(key)) is None:
                time.sleep(0)
            back(lease)

    return work


def test_pool_get(measure):
    """Ten keys in random order, one connection each."""
    pool = Pool(max_size=1)
    out, back = pool.checkout, pool.checkin
    keys = random.Random(1).choices(KEYS, k=PAIRS)
    for key in keys:
        back(get(pool, key))

    def work():
        for key in keys:
            back(out(key))

    measure.loop(work, PAIRS)
    measure.note(**{"reuse_rate_%": reuse_rate(pool)})


def test_pool_get_async(measure):
    """The same through ``async with pool.lease(key)``, in a loop that runs."""
    loop = asyncio.new_event_loop()
    pool = goflow.ConnectionPool(lambda key: Connection())
    loop.run_until_complete(pool.warm("db"))

    async def main():
        for _ in range(1_000):
            async with pool.lease("db"):
                pass

    try:
        measure.loop(lambda: loop.run_until_complete(main()), 1_000)
    finally:
        loop.run_until_complete(pool.close())
        loop.close()


def test_pool_get_parallel(measure):
    """Eight threads on four connections; wall time a pair."""
    pool = Pool(max_size=4)
    held = [get(pool, "db") for _ in range(4)]
    for lease in held:
        pool.checkin(lease)
    measure.loop(in_threads(polite(pool, "db"), PAIRS), PAIRS, clock=WALL)
    measure.note(**{"reuse_rate_%": reuse_rate(pool)})


@pytest.mark.parametrize("count", [5, 10, 25])
def test_pool_prewarm(measure, count):
    """A pool connects to so many keys at once; connecting itself takes no time."""
    loop = asyncio.new_event_loop()

    async def opened():
        return goflow.ConnectionPool(lambda key: Connection())

    async def warm(pool):
        await pool.warm(*range(count))
        assert pool.stats().open == count
        pools.append(pool)

    async def close():
        while pools:
            await pools.pop().close()

    def prepare():
        loop.run_until_complete(close())
        return loop.run_until_complete(opened())

    pools = []
    try:
        measure.turns(
            {OURS: (prepare, lambda pool: loop.run_until_complete(warm(pool)))}, connections=count
        )
    finally:
        loop.run_until_complete(close())
        loop.close()


@pytest.mark.parametrize("percent", [20, 50, 80, 95])
def test_pool_reuse(measure, percent):
    """Leases of which so many go to a key that has a connection, the others to new keys."""
    rng = random.Random(percent)
    plan = [True] * (20 * percent) + [False] * (2_000 - 20 * percent)
    rng.shuffle(plan)
    pools = []

    def opened():
        pools[:] = [Pool()]
        pools[0].checkin(get(pools[0], 0))
        return pools[0]

    def work(pool):
        made = 1
        for again in plan:
            key = made - 1 if again else made
            made += not again
            pool.checkin(get(pool, key))

    measure.turns({OURS: (opened, work)}, len(plan))
    stats = pools[0].stats()
    leases = stats["hits"] + stats["waits"] - 1
    measure.note(**{"actual_reuse_%": round(100 * (1 - (stats["connects"] - 1) / leases), 2)})


def test_pool_cleanup(measure):
    """A sweep that finds 1,000 connections idle for too long, and decides to close them all."""
    now = [0.0]

    def opened():
        now[0] = 0.0
        pool = ready(KEYS, 100, idle_timeout=60.0, clock=lambda: now[0])
        now[0] = 61.0
        return pool

    def work(pool):
        now[0] = 61.0
        pool.sweep()
        closed = pool.decisions()[1]
        assert len(closed) == 1_000

    measure.turns({OURS: (opened, work)}, 1_000, closed=1_000)


def test_pool_usage_tracking(measure):
    """What it costs to remember where each lease was acquired."""
    tracked, plain = ready(leak_after=60.0), ready()
    works = {
        OURS: pairs(tracked.checkout, tracked.checkin, PAIRS, "db"),
        "untracked": pairs(plain.checkout, plain.checkin, PAIRS, "db"),
    }
    measure.turns(works, PAIRS, floor="untracked")
    assert tracked.stats()["in_use"] == 0


def test_pool_stats(measure):
    """Ten keys with four connections each."""
    pool = ready(KEYS, 4)
    assert pool.stats()["open"] == 40

    def work():
        for _ in range(100):
            pool.stats()

    measure.loop(work, 100)


def test_pool_is_prewarmed(measure):
    pool = ready(KEYS)
    is_warm = pool.is_warm
    assert is_warm("server-3")

    def work():
        for _ in range(PAIRS):
            is_warm("server-3")

    measure.loop(work, PAIRS)


def test_pool_memory_usage(measure):
    """What a connection costs in the pool: its slot, and the task that owns it; without itself."""
    count = 100 if measure.quick else 1_000

    async def main():
        made = [Connection() for _ in range(10 + count)]
        pool = goflow.ConnectionPool(lambda key: made.pop(), max_size=None)
        await pool.warm("db", size=10)
        gc.collect()
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        await pool.warm("db", size=10 + count)
        gc.collect()
        used = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
        await pool.close()
        return used / 1024 / count

    found = measure.record(lambda: {OURS: [asyncio.run(main())]}, unit="KiB")
    measure.note(KB_per_connection=found[OURS]["samples"][0])


@pytest.mark.parametrize("keys", [10, 100, 1_000, 10_000, 100_000])
def test_pool_growth(measure, keys):
    """Checkout and checkin on keys in random order, however many there are."""
    if measure.quick and keys > 1_000:
        pytest.skip("not in quick mode")
    names = [f"server-{at}" for at in range(keys)]
    pool = Pool(max_size=1)
    for name in names:
        pool.checkin(get(pool, name))
    out, back = pool.checkout, pool.checkin
    asked = random.Random(1).choices(names, k=PAIRS)
    plain = dict.fromkeys(names, 1)

    def work():
        for name in asked:
            back(out(name))

    def look():
        for name in asked:
            plain[name]

    measure.turns(
        {OURS: work, "dict": look}, PAIRS, floor="dict", curve="pool checkout + checkin", size=keys
    )


# -- beside the peers ------------------------------------------------------------------------------


@pytest.mark.peers
@pytest.mark.parametrize("threads", [1, THREADS])
def test_pool_peers(measure, threads):
    """Alone on one connection, or eight threads on four."""
    alone = threads == 1
    size = 1 if alone else 4
    pool, ends = ready(size=size), []
    if alone:
        works = {OURS: pairs(pool.checkout, pool.checkin, PAIRS, "db")}
    else:
        works = {OURS: in_threads(polite(pool, "db"), PAIRS)}
    for name, make in pool_peers.PEERS.items():
        out, back, end = make(size)
        ends.append(end)
        works[name] = pairs(out, back, PAIRS) if alone else in_threads(blocking(out, back), PAIRS)
    options = {} if alone else {"clock": WALL}
    try:
        measure.turns(works, PAIRS, floor="LifoQueue", **options)
    finally:
        for end in ends:
            end()

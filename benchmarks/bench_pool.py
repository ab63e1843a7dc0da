"""The connection pool: checkout and checkin, reuse, warming, cleaning up, memory; and its peers.

``pytest benchmarks/bench_pool.py -m "not peers"`` runs ours; ``-m peers -s`` compares with
``queue.LifoQueue``, SQLAlchemy's QueuePool and psycopg_pool in one run. Connections are bare
objects everywhere: what is measured is the pool. Figures named ``…_ns`` are nanoseconds a pair of
checkout and checkin, the loop included (``empty_loop_ns``), of thread CPU time when one thread
runs and of elapsed time a pair when several do: the least and the median of the repeats.
"""

from __future__ import annotations

import asyncio
import gc
import queue
import random
import statistics
import threading
import time
import tracemalloc

import pytest

import goflow
from goflow._core.pool import Pool

REPEATS = 9
PAIRS = 50_000
THREADS = 8
KEYS = [f"server-{at}" for at in range(10)]


class Connection:
    """Nothing, with room for what a pool may write on it."""


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


def repeated(work, clock=time.thread_time_ns, per=PAIRS):
    """Nanoseconds an item: least and median."""
    found = []
    gc.collect()
    gc.disable()
    try:
        for _ in range(REPEATS):
            began = clock()
            work()
            found.append((clock() - began) / per)
    finally:
        gc.enable()
    return min(found), statistics.median(found)


def empty_loop():
    for _ in range(PAIRS):
        pass


def note(benchmark, name, figures):
    least, median = figures
    benchmark.extra_info[f"{name}_ns"] = [round(least, 1), round(median, 1)]


def pairs(out, back, *key):
    """A loop of checkouts and checkins with bound methods."""
    if key:
        (key,) = key

        def work():
            for _ in range(PAIRS):
                back(out(key))
    else:

        def work():
            for _ in range(PAIRS):
                back(out())

    return work


def in_threads(work):
    """``work`` in several threads, each with its share of the pairs."""

    def all_of_them():
        threads = [threading.Thread(target=work, args=(PAIRS // THREADS,)) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return all_of_them


def polite(pool, key):
    """A thread's loop: who finds nothing free lets another thread run."""
    out, back = pool.checkout, pool.checkin

    def work(count):
        for _ in range(count):
            while (lease := out(key)) is None:
                time.sleep(0)
            back(lease)

    return work


def blocking(out, back):
    def work(count):
        for _ in range(count):
            back(out())

    return work


def test_pool_get(benchmark):
    pool = ready(KEYS)
    out, back = pool.checkout, pool.checkin

    def work():
        for key in keys:
            back(out(key))

    keys = [random.Random(1).choice(KEYS) for _ in range(PAIRS)]
    note(benchmark, "empty_loop", repeated(empty_loop))
    note(benchmark, "pair", repeated(work))
    benchmark.pedantic(work, rounds=REPEATS)
    stats = pool.stats()
    benchmark.extra_info["reuse_rate_%"] = 100 * (1 - stats["connects"] / stats["hits"])


def test_pool_get_async(benchmark):
    """The same through ``async with pool.lease(key)``."""

    async def main():
        async with goflow.ConnectionPool(lambda key: Connection()) as pool:
            await pool.warm("db")

            async def work():
                for _ in range(PAIRS // 10):
                    async with pool.lease("db"):
                        pass

            best = []
            for _ in range(REPEATS):
                began = time.thread_time_ns()
                await work()
                best.append((time.thread_time_ns() - began) / (PAIRS // 10))
            return min(best), statistics.median(best)

    note(benchmark, "pair", asyncio.run(main()))
    benchmark.pedantic(lambda: asyncio.run(main()), rounds=1)


def test_pool_get_parallel(benchmark):
    """Eight threads on four connections."""
    pool = ready(size=4)
    work = in_threads(polite(pool, "db"))
    note(benchmark, "pair", repeated(work, time.perf_counter_ns))
    benchmark.pedantic(work, rounds=REPEATS)
    stats = pool.stats()
    benchmark.extra_info["reuse_rate_%"] = 100 * (1 - stats["connects"] / stats["hits"])


@pytest.mark.parametrize("count", [5, 10, 25])
def test_pool_prewarm(benchmark, count):
    """A new pool that connects to so many keys; connecting itself takes no time."""

    async def main():
        async with goflow.ConnectionPool(lambda key: Connection()) as pool:
            began = time.perf_counter_ns()
            await pool.warm(*range(count))
            took.append((time.perf_counter_ns() - began) / 1e3)
            assert pool.stats().open == count

    took = []
    benchmark.pedantic(lambda: asyncio.run(main()), rounds=REPEATS)
    benchmark.extra_info["warm_us"] = [round(min(took), 1), round(statistics.median(took), 1)]


@pytest.mark.parametrize("percent", [20, 50, 80, 95])
def test_pool_reuse(benchmark, percent):
    """Calls of which so many go to a key that has a connection, the others to new ones."""
    rng = random.Random(percent)
    plan = [rng.random() * 100 < percent for _ in range(2_000)]

    def work():
        pool = Pool()
        pool.checkin(get(pool, 0))
        made = 1
        for again in plan:
            key = made - 1 if again else made
            made += not again
            pool.checkin(get(pool, key))
        return pool.stats()

    stats = benchmark.pedantic(work, rounds=REPEATS)
    leases = stats["hits"] + stats["waits"] - 1
    benchmark.extra_info["actual_reuse_%"] = round(100 * (1 - (stats["connects"] - 1) / leases), 2)


def test_pool_cleanup(benchmark):
    """A sweep that finds 1,000 connections idle for too long, and decides to close them all."""
    now = 0.0

    def setup():
        nonlocal now
        now = 0.0
        pool = ready(KEYS, 100, idle_timeout=60.0, clock=lambda: now)
        now = 61.0
        return (pool,), {}

    def work(pool):
        pool.sweep()
        closed = pool.decisions()[1]
        assert len(closed) == 1_000
        return len(closed)

    benchmark.extra_info["closed"] = benchmark.pedantic(work, setup=setup, rounds=REPEATS)


def test_pool_usage_tracking(benchmark):
    """What it costs to remember where each lease was acquired, and to find those held for long."""
    pool = ready(leak_after=60.0)
    plain = ready()
    work = pairs(pool.checkout, pool.checkin, "db")
    note(benchmark, "pair", repeated(work))
    note(benchmark, "untracked_pair", repeated(pairs(plain.checkout, plain.checkin, "db")))
    benchmark.pedantic(work, rounds=REPEATS)
    assert pool.stats()["in_use"] == 0


def test_pool_stats(benchmark):
    pool = ready(KEYS, 4)
    assert benchmark(pool.stats)["open"] == 40


def test_pool_is_prewarmed(benchmark):
    pool = ready(KEYS)
    is_warm = pool.is_warm

    def work():
        for _ in range(PAIRS):
            is_warm("server-3")

    note(benchmark, "question", repeated(work))
    assert is_warm("server-3")
    benchmark.pedantic(work, rounds=REPEATS)


def test_pool_memory_usage(benchmark):
    """What a connection costs in the pool: its slot, and the task that owns it."""
    count = 1_000

    async def main():
        pool = goflow.ConnectionPool(lambda key: Connection(), max_size=None)
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

    benchmark.extra_info["KB_per_connection"] = round(asyncio.run(main()), 3)
    benchmark.pedantic(lambda: asyncio.run(main()), rounds=1)


# -- peers -----------------------------------------------------------------------------------------


def lifo_queue(size):
    peer = queue.LifoQueue(size)
    for _ in range(size):
        peer.put(Connection())
    return peer.get, peer.put


def sqlalchemy(size):
    pool = pytest.importorskip("sqlalchemy.pool")

    class Dbapi(Connection):
        def rollback(self):
            pass

        def close(self):
            pass

    peer = pool.QueuePool(Dbapi, pool_size=size, max_overflow=0, use_lifo=True)
    return peer.connect, lambda connection: connection.close()


def psycopg_pool(size):
    module = pytest.importorskip("psycopg_pool")
    psycopg = pytest.importorskip("psycopg")

    class Fake(Connection):
        """What psycopg_pool looks at when it gives a connection out and takes it back."""

        class pgconn:
            transaction_status = psycopg.pq.TransactionStatus.IDLE

        closed = False
        autocommit = False

        @classmethod
        def connect(cls, *args, **kwargs):
            return cls()

        def close(self):
            pass

    peer = module.ConnectionPool(
        connection_class=Fake, min_size=size, max_size=size, open=True, num_workers=1
    )
    peer.wait()
    return peer.getconn, peer.putconn, peer.close


@pytest.mark.peers
@pytest.mark.parametrize("threads", [1, THREADS])
def test_pool_peers(benchmark, threads):
    """Alone on one connection, or eight threads on four; ours and the peers take turns."""
    size = 1 if threads == 1 else 4
    pool = ready(size=size)
    alone = threads == 1
    clock = time.thread_time_ns if alone else time.perf_counter_ns
    works = {
        "goflow": pairs(pool.checkout, pool.checkin, "db")
        if alone
        else in_threads(polite(pool, "db"))
    }
    ends = []
    for make in (lifo_queue, sqlalchemy, psycopg_pool):
        out, back, *end = make(size)
        ends += end
        works[make.__name__] = pairs(out, back) if alone else in_threads(blocking(out, back))
    figures = {name: [] for name in works}
    for _ in range(3):
        for name, work in works.items():
            began = clock()
            work()
            figures[name].append((clock() - began) / PAIRS)
    for end in ends:
        end()
    ours = min(figures["goflow"])
    for name, values in figures.items():
        least, median = min(values), statistics.median(values)
        note(benchmark, name, (least, median))
        benchmark.extra_info[f"ratio_to_{name}"] = round(ours / least, 4)
        print(f"{threads} threads  {name:14} min {least:8.0f} ns  median {median:8.0f} ns  "
              f"goflow/{name} {ours / least:.3f}")  # fmt: skip
    benchmark.pedantic(works["goflow"], rounds=REPEATS)

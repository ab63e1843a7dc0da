"""Two threads on two cores, on different keys: a cache's look-up, a pool's checkout and checkin.

For interpreters without a GIL (``nox -s free_threaded -- bench``); with one it skips, as threads
take turns there. ``goflow`` is two threads on one cache or pool, by the wall clock and over the
operations of both; ``scaling`` is their throughput by that of ``one thread``. Two dicts of their
own are what a machine allows. On the same key nothing scales, a dict included: both threads count
references to the same object.
"""

from __future__ import annotations

import os
import sys
import threading

import pytest
from measure import OURS, WALL, ratio
from pool_peers import Connection

from goflow._core.cache import Cache
from goflow._core.pool import Pool

KEYS = 64
ROUNDS = 2_000  # of all keys: a sample lasts about 10 ms, beside which waking threads is nothing
ONE = "one thread"
pytestmark = [
    pytest.mark.skipif(
        getattr(sys, "_is_gil_enabled", lambda: True)(), reason="needs Python without a GIL"
    ),
    pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="needs two cores"),
]


class Together:
    """Threads that wait for ``run``, and end with ``close``."""

    def __init__(self, *works):
        self.works = works
        self.begin = threading.Barrier(len(works) + 1)
        self.end = threading.Barrier(len(works) + 1)
        self.over = False
        self.threads = [threading.Thread(target=self._run, args=(work,)) for work in works]
        for thread in self.threads:
            thread.start()

    def _run(self, work):
        while True:
            self.begin.wait()
            if self.over:
                return
            work()
            self.end.wait()

    def run(self):
        """Let each thread do its work once, and return when all have."""
        self.begin.wait()
        self.end.wait()

    def close(self):
        """End the threads."""
        self.over = True
        self.begin.wait()
        for thread in self.threads:
            thread.join()


def names(thread):
    return [f"key {at} of thread {thread}" for at in range(KEYS)]


def lookups(mapping, thread, rounds):
    keys = names(thread) * rounds

    def work():
        get = mapping.get  # of this thread: both would count references to one
        for key in keys:
            get(key)

    return work


def private(thread, rounds):
    """As ``lookups``, in a dict that the thread makes: in another's it takes a slow path, as in one
    that threads share, where a look-up takes microseconds (CPython 3.13).
    """
    keys = names(thread) * rounds

    def work():
        get = filled({}, thread).get
        for key in keys:
            get(key)

    return work


def filled(mapping, *threads):
    """A cache or dict with a string under each key of these threads."""
    for thread in threads:
        for name in names(thread):
            mapping[name] = f"value of {name}"
    return mapping


def pairs(pool, key, count):
    def work():
        out, back = pool.checkout, pool.checkin
        for _ in range(count):
            lease = out(key)
            if lease is not None:  # on the same key the other may have it
                back(lease)

    return work


def ready(*keys):
    pool = Pool(max_size=1)
    for key in keys:
        pool.warm(key)
    for slot in pool.decisions()[0]:
        pool.connected(slot, Connection())
    return pool


def compare(measure, works, count, alone):
    """Measure works of two threads, and ``alone``, names of single works, beside.

    ``count`` has the operations of a thread by the work's name.
    """
    together = {name: Together(*work) for name, work in works.items()}
    counts = {name: len(work) * count[name] for name, work in works.items()}
    try:
        runs = {name: each.run for name, each in together.items()}
        found = measure.turns(runs, counts, clock=WALL, floor="two dicts")
    finally:
        for each in together.values():
            each.close()
    for name, one in alone.items():
        measure.note(**{f"{name} scaling": round(ratio(found, one, name), 2)})


def test_threads_cache_get(measure):
    rounds = measure.rounds(ROUNDS, 100)
    cache, plain = filled(Cache(1_000), 1, 2), filled({}, 1, 2)

    def of(mapping, *threads, rounds=rounds):
        return [lookups(mapping, thread, rounds) for thread in threads]

    few = max(1, rounds // 20)
    own = [private(thread, rounds) for thread in (1, 2)]
    works = {
        OURS: of(cache, 1, 2),
        ONE: of(cache, 1),
        "same keys": of(cache, 1, 1),
        "a dict": of(plain, 1, 2, rounds=few),
        "a dict, one thread": of(plain, 1, rounds=few),
        "a dict, same keys": of(plain, 1, 1, rounds=few),
        "two dicts": own,
        "two dicts, one thread": own[:1],
    }
    alone = {
        OURS: ONE,
        "same keys": ONE,
        "a dict": "a dict, one thread",
        "a dict, same keys": "a dict, one thread",
        "two dicts": "two dicts, one thread",
    }
    counts = {name: KEYS * (few if name.startswith("a dict") else rounds) for name in works}
    compare(measure, works, counts, alone)


def test_threads_pool(measure):
    """The dicts look up one key as often as the pool gives out one connection."""
    count = KEYS * measure.rounds(ROUNDS // 2, 50)
    pool = ready("left", "right")
    own = [private(thread, count // KEYS) for thread in (1, 2)]
    works = {
        OURS: [pairs(pool, "left", count), pairs(pool, "right", count)],
        ONE: [pairs(pool, "left", count)],
        "same key": [pairs(pool, "left", count)] * 2,
        "two dicts": own,
        "two dicts, one thread": own[:1],
    }
    alone = {OURS: ONE, "same key": ONE, "two dicts": "two dicts, one thread"}
    compare(measure, works, dict.fromkeys(works, count), alone)

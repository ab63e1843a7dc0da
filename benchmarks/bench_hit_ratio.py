"""How often the cache hits on generated traces, beside LRU, W-TinyLFU and the optimum; percent.

The traces and the simulators are those of the tests. The optimum is Belady's, which knows the
future.
"""

from __future__ import annotations

import random

import pytest
from measure import OURS, installed
from reference import cache as reference

from goflow import Cache

SIZE, KEYS = 1000, 100_000
TRACES = {
    "zipf": lambda pick, length: reference.zipf(pick, KEYS, length, 1.0),
    "recency": lambda pick, length: reference.recent(pick, length, 3 * SIZE),
    "scan": lambda pick, length: reference.scans(pick, KEYS, length, 1.0, 10_000, 3000),
    "loop": lambda pick, length: reference.ring(1500, length),
}


def rate(get, put, trace):
    hits = 0
    for key in trace:
        if get(key) is None:
            put(key, 1)
        else:
            hits += 1
    return 100 * hits / len(trace)


@pytest.mark.parametrize("trace", TRACES)
def test_cache_hit_ratio(measure, trace):
    keys = [
        str(key) for key in TRACES[trace](random.Random(1), 20_000 if measure.quick else 1_000_000)
    ]

    def work():
        ours, lru = Cache(SIZE), Cache(SIZE, policy="lru")
        return {
            OURS: [rate(ours.get, ours.set, keys)],
            "LRU": [rate(lru.get, lru.set, keys)],
            "W-TinyLFU": [100 * reference.hit_rate(reference.TinyLfu(SIZE), keys, SIZE)],
            "optimum": [100 * reference.optimum(keys, SIZE)],
        }

    found = measure.record(work, unit="%", floor="optimum")
    measure.note(points_above_lru=round(found[OURS]["samples"][0] - found["LRU"]["samples"][0], 2))


@pytest.mark.peers
@pytest.mark.parametrize("trace", TRACES)
def test_cache_hit_ratio_peers(measure, trace):
    """The packages themselves, not their policies."""
    keys = [
        str(key) for key in TRACES[trace](random.Random(1), 20_000 if measure.quick else 200_000)
    ]
    cachetools, cachebox = installed("cachetools"), installed("cachebox")
    theine, moka = installed("theine"), installed("moka_py")
    tools, boxed = cachetools.LRUCache(SIZE), cachebox.LRUCache(SIZE)
    tiny, rusty, ours = theine.Cache(SIZE), moka.Moka(SIZE), Cache(SIZE)
    caches = {
        OURS: (ours.get, ours.set),
        "cachetools LRU": (tools.get, tools.__setitem__),
        "cachebox LRU": (boxed.get, boxed.__setitem__),
        # It gives a pair: the value, and whether there was one.
        "theine W-TinyLFU": (lambda key: tiny.get(key)[1] or None, tiny.set),
        "moka-py": (rusty.get, rusty.set),
    }
    measure.record(lambda: {name: [rate(*pair, keys)] for name, pair in caches.items()}, unit="%")

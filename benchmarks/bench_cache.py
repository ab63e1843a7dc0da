"""The cache: looking up, storing, evicting, expiring, hashing inputs, memory; alone and with peers.

Keys are prebuilt, methods bound. ``cache_get`` and ``cache_set`` are what the engine does: a node's
id and inputs on one side, its outputs on the other, isolated from the caller. With peers, keys are
strings; the floor is ``dict``.
"""

from __future__ import annotations

import functools
import hashlib
import random
import sys
import threading
import time

import cache_peers
import msgspec
import pytest
from cache_peers import filled, looking, storing
from measure import EMPTY, OURS, WALL, installed, over, ratio

from goflow import Cache
from goflow._core.canonical import digest
from goflow.results.policy import decide
from goflow.workflow.model import CachePolicy, ToolNode

COUNT = 1000
NODE = "node-1"
OUTPUTS = {"result": "success", "count": 3}
INPUTS = {
    "simple": {"key": "value", "number": 42},
    "complex": {
        "query": "select",
        "filters": {
            "status": "active",
            "tags": ["a", "b", "c"],
            "range": {"from": 1, "to": 100},
        },
        "limit": 50,
        "deep": True,
    },
    "large": {f"field_{at}": f"value number {at} with text" for at in range(24)},
}


def inputs_of(count, start=0):
    return [{"param1": "value1", "param2": at} for at in range(start, start + count)]


def asking(cache, inputs):
    def work():
        get = cache.get_result
        for each in inputs:
            get(NODE, each)

    return work


def keeping(cache, inputs):
    def work():
        put = cache.set_result
        for each in inputs:
            put(NODE, each, OUTPUTS)

    return work


def steady():
    """A full cache, and a work that stores what it does not have."""
    cache = Cache(COUNT, ttl=60)
    keeping(cache, inputs_of(4 * COUNT))()
    turns = iter(range(10**9))

    def fresh():
        return inputs_of(COUNT, 10_000 + next(turns) * COUNT)

    def work(news):
        put = cache.set_result
        for each in news:
            put(NODE, each, OUTPUTS)

    return fresh, work


# -- ours, by the names of the original suite ------------------------------------------------------


def test_cache_set(measure):
    cache = Cache(COUNT, ttl=60)
    measure.loop(keeping(cache, inputs_of(COUNT)), COUNT)


def test_cache_set_new(measure):
    """Nothing of it is there; each pushes another out."""
    measure.loop(steady(), COUNT)


def test_cache_get(measure):
    cache = Cache(COUNT, ttl=60)
    keeping(cache, inputs_of(COUNT))()
    measure.loop(asking(cache, inputs_of(COUNT)), COUNT)
    assert cache.stats().misses == 0


def test_cache_hit_rate(measure):
    """Eight in ten look-ups find something."""
    cache, inputs = Cache(COUNT, ttl=60), inputs_of(COUNT)
    keeping(cache, inputs[: COUNT * 8 // 10])()
    random.Random(1).shuffle(inputs)
    measure.loop(asking(cache, inputs), COUNT)
    measure.note(**{"hit_rate_%": round(100 * cache.stats().hit_rate, 1)})


def test_cache_eviction(measure):
    cache, keys = Cache(COUNT, ttl=60), [f"key-{at}" for at in range(10 * COUNT)]

    def work():
        put = cache.set
        for key in keys:
            put(key, 1)

    measure.loop(work, len(keys))
    measure.note(evictions=cache.stats().evictions, final_size=len(cache))


@pytest.mark.parametrize("expired", [100, 500, 1000])
def test_cache_clean_expired(measure, expired):
    measure.turns({OURS: purging(expired)}, expired=expired)


def test_cache_clean_expired_among_100k(measure):
    measure.turns({OURS: purging(1000, 100_000)}, expired=1000)


def purging(expired, live=0):
    """A cache with so many that have expired, and its purge; keys are held elsewhere too."""
    keys = [f"key-{at}" for at in range(expired)]
    others = [f"live-{at}" for at in range(live)]
    now = [0.0]
    caches = []

    def prepare():
        now[0] = 0.0
        # With live ones the same cache serves again: to fill it takes a thousand times the purge.
        cache = caches[0] if caches else Cache(expired + live + 1, timer=lambda: now[0])
        if live and not caches:
            caches.append(cache)
            for at, key in enumerate(others):
                cache.set(key, 1, 1e6 + at)
        for at, key in enumerate(keys):
            cache.set(key, 1, 1 + at / expired)
        now[0] = 10.0
        return cache

    def purge(cache):
        cache.clean_expired()
        assert len(cache) == live

    return prepare, purge


def test_cache_parallel(measure):
    """Eight threads that look up and store what is missing; wall time."""
    cache, threads = Cache(COUNT, ttl=60), 8
    inputs = inputs_of(COUNT)

    def run(seed):
        for each in inputs[seed * 100 :] + inputs[: seed * 100]:
            if cache.get_result(NODE, each) is None:
                cache.set_result(NODE, each, OUTPUTS)

    def work():
        workers = [threading.Thread(target=run, args=(seed,)) for seed in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    measure.loop(work, threads * COUNT, clock=WALL)
    measure.note(**{"hit_rate_%": round(100 * cache.stats().hit_rate, 1)})


def test_cache_should_cache(measure):
    node, policy = ToolNode(id="a", server="s", tool="t"), CachePolicy(ttl=60)

    def work():
        for _ in range(COUNT):
            decide(node, workflow=policy, read_only=True)

    measure.loop(work, COUNT)


def hashing(value):
    def work():
        for _ in range(COUNT):
            digest(value)

    return work


@pytest.mark.parametrize("size", INPUTS)
def test_cache_input_hashing(measure, size):
    measure.loop(hashing(INPUTS[size]), COUNT)


def test_cache_memory_usage(measure):
    """Bytes that the cache holds for an entry, beyond its key and value."""
    entries = 10_000 if measure.quick else 1_000_000
    keys = [f"key-{at}" for at in range(entries)]

    def fill(cache):
        for key in keys:
            cache.set(key, 1, 60)

    cache = Cache(entries)
    fill(cache)
    measure.turns({OURS: (lambda: Cache(entries), fill)}, entries, rounds=measure.rounds(3))
    measure.note(bytes_per_entry=round(sys.getsizeof(cache) / entries, 1))


@pytest.mark.parametrize("entries", [1_000, 10_000, 100_000, 1_000_000])
def test_cache_growth(measure, entries):
    """Random look-ups: no work grows with the entries, only the memory's latency, as a dict's."""
    if measure.quick and entries > 10_000:
        pytest.skip("not in quick mode")
    keys = [f"key-{at}" for at in range(entries)]
    asked = random.Random(1).choices(keys, k=20_000)
    cache, plain = Cache(entries, ttl=600), dict.fromkeys(keys, 1)
    for key in keys:
        cache.set(key, 1)
    works = {
        OURS: (lambda: cache, looking(lambda c: c.get, asked)),
        "dict": (lambda: plain, looking(lambda c: c.get, asked)),
    }
    found = measure.turns(works, len(asked), floor="dict", curve="cache get", size=entries)
    measure.note(ratio_to_dict=round(ratio(found, OURS, "dict"), 2))


# -- beside the peers ------------------------------------------------------------------------------


@pytest.mark.peers
@pytest.mark.parametrize("operation", ["get", "set", "evict"])
def test_cache_peers(measure, operation):
    """A hit, the replacement of a value, and a store that pushes another out; str keys."""
    keys = [f"key-{at}" for at in range(COUNT)]
    many = [f"many-{at}" for at in range(10 * COUNT)]
    for key in many:
        hash(key)
    works = {}
    for name, (new, get, put) in cache_peers.in_memory(COUNT, 600).items():
        if operation == "evict" and name == "dict":
            continue
        cache = filled(new, put, keys)
        work = looking(get, keys) if operation == "get" else storing(
            put, keys if operation == "set" else many
        )  # fmt: skip
        works[name] = (lambda cache=cache: cache, work)
    if operation == "get":
        memoised = functools.lru_cache(COUNT)(lambda key: key)
        works["lru_cache"] = lambda: [None for key in keys if memoised(key) is None]
    if operation != "evict":
        works[EMPTY] = over(keys)
    floor = "cachebox LRU" if operation == "evict" else "dict"
    measure.turns(works, len(many if operation == "evict" else keys), floor=floor)


@pytest.mark.peers
@pytest.mark.parametrize("operation", ["get", "set"])
def test_cache_on_disk_peers(measure, operation, tmp_path):
    """diskcache keeps on disk what ours keeps in memory: another promise, for the record."""
    diskcache = installed("diskcache")
    keys = [f"key-{at}" for at in range(100)]
    ours = Cache(COUNT, ttl=600)
    with diskcache.Cache(str(tmp_path)) as disk:
        for key in keys:
            disk.set(key, "value")
            ours.set(key, "value")
        if operation == "get":
            work = looking(lambda c: c.get, keys)
        else:
            work = storing(lambda c: c.set, keys)
        works = {OURS: (lambda: ours, work), "diskcache": (lambda: disk, work)}
        measure.turns(works, len(keys), rounds=measure.rounds(9))


@pytest.mark.peers
@pytest.mark.parametrize("operation", ["get", "set"])
def test_cache_content_peers(measure, operation):
    """By content, isolated: beside the fastest that peers' parts can be put together to."""
    orjson = installed("orjson")
    inputs, ours, held = inputs_of(COUNT), Cache(COUNT, ttl=600), {}
    pack, unpack, option = msgspec.msgpack.encode, msgspec.msgpack.decode, orjson.OPT_SORT_KEYS
    dumps = orjson.dumps
    for each in inputs_of(COUNT):
        ours.set_result(NODE, each, OUTPUTS)
        held[NODE, dumps(each, option=option)] = pack(OUTPUTS)

    def get_parts():
        for each in inputs:
            unpack(held[NODE, dumps(each, option=option)])

    def set_parts():
        for each in inputs:
            held[NODE, dumps(each, option=option)] = pack(OUTPUTS)

    works = {
        OURS: asking(ours, inputs) if operation == "get" else keeping(ours, inputs),
        "orjson + msgpack": get_parts if operation == "get" else set_parts,
        EMPTY: over(inputs),
    }
    measure.turns(works, COUNT, floor="orjson + msgpack")


@pytest.mark.peers
def test_cache_purge_peers(measure):
    """A thousand that have expired."""
    cachebox, cachetools = installed("cachebox"), installed("cachetools")
    keys = [f"key-{at}" for at in range(1000)]
    now = [0.0]

    def tools():
        now[0] = 0.0
        cache = cachetools.TTLCache(2000, 1.0, timer=lambda: now[0])
        for key in keys:
            cache[key] = 1
        now[0] = 10.0
        return cache

    def boxed():
        cache = cachebox.VTTLCache(2000)
        for key in keys:
            cache.insert(key, 1, 0.001)
        until = time.monotonic() + 0.005
        while time.monotonic() < until:
            pass
        return cache

    works = {
        OURS: purging(1000),
        "cachetools TTL": (tools, lambda cache: cache.expire()),
        "cachebox VTTL": (boxed, lambda cache: cache.expire()),
    }
    measure.turns(works, floor="cachebox VTTL")


@pytest.mark.peers
@pytest.mark.parametrize("size", INPUTS)
def test_cache_input_hashing_peers(measure, size):
    """256 bits: beside sorted JSON by orjson and SHA-256 by OpenSSL."""
    orjson, value = installed("orjson"), INPUTS[size]

    def peer():
        dumps, sha256, option = orjson.dumps, hashlib.sha256, orjson.OPT_SORT_KEYS
        for _ in range(COUNT):
            sha256(dumps(value, option=option)).digest()

    measure.turns({OURS: hashing(value), "orjson + sha256": peer}, COUNT, floor="orjson + sha256")

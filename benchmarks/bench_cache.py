"""The cache: looking up, storing, evicting, expiring, hashing inputs, memory; alone and with peers.

``pytest benchmarks/bench_cache.py -m "not peers"`` runs ours by the names of the original suite;
``-m peers -s`` compares with dict, lru_cache, cachetools, cachebox, lru-dict, theine, moka-py and
diskcache in one run, and prints one table. Figures are nanoseconds an operation, of a loop over
prebuilt keys with a bound method; the empty loop is shown, not subtracted. ``floor`` is
``dict.get``; ``ratio`` is to it.
"""

from __future__ import annotations

import functools
import gc
import hashlib
import random
import statistics
import sys
import threading
import time

import msgspec
import pytest

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


def inputs_of(count):
    return [{"param1": "value1", "param2": at} for at in range(count)]


def per_operation(benchmark, work, count, **extra):
    """Time ``work``, which does ``count`` operations, in nanoseconds an operation."""
    benchmark.extra_info.update(operations=count, **extra)
    benchmark.pedantic(work, rounds=15, iterations=5, warmup_rounds=2)
    if benchmark.stats is not None:
        benchmark.extra_info["ns_per_op"] = round(benchmark.stats.stats.min / count * 1e9, 1)


# -- ours, by the names of the original suite ----------------------------------------------------


def test_cache_set(benchmark):
    cache, inputs = Cache(COUNT, ttl=60), inputs_of(COUNT)

    def work():
        put = cache.set_result
        for each in inputs:
            put(NODE, each, OUTPUTS)

    per_operation(benchmark, work, COUNT)


def test_cache_get(benchmark):
    cache, inputs = Cache(COUNT, ttl=60), inputs_of(COUNT)
    for each in inputs_of(COUNT):
        cache.set_result(NODE, each, OUTPUTS)

    def work():
        get = cache.get_result
        for each in inputs:
            get(NODE, each)

    per_operation(benchmark, work, COUNT)
    assert cache.stats().misses == 0


def test_cache_hit_rate(benchmark):
    """Eight in ten look-ups find something."""
    cache, inputs = Cache(COUNT, ttl=60), inputs_of(COUNT)
    for each in inputs[: COUNT * 8 // 10]:
        cache.set_result(NODE, each, OUTPUTS)
    random.Random(1).shuffle(inputs)

    def work():
        get = cache.get_result
        for each in inputs:
            get(NODE, each)

    per_operation(benchmark, work, COUNT)
    benchmark.extra_info["hit_rate_%"] = round(100 * cache.stats().hit_rate, 1)


def test_cache_eviction(benchmark):
    cache, keys = Cache(COUNT, ttl=60), [f"key-{at}" for at in range(10 * COUNT)]

    def work():
        put = cache.set
        for key in keys:
            put(key, 1)

    per_operation(benchmark, work, len(keys))
    stats = cache.stats()
    benchmark.extra_info.update(evictions=stats.evictions, final_size=len(cache))


@pytest.mark.parametrize("expired", [100, 500, 1000])
def test_cache_clean_expired(benchmark, expired):
    keys = [f"key-{at}" for at in range(expired)]
    now = [0.0]
    cache = Cache(2 * expired, timer=lambda: now[0])

    def fill():
        for at, key in enumerate(keys):
            cache.set(key, 1, 1 + at / expired)
        now[0] += 10
        return (), {}

    benchmark.extra_info["expired"] = expired
    benchmark.pedantic(cache.clean_expired, setup=fill, rounds=50)
    assert len(cache) == 0


def test_cache_clean_expired_among_100k(benchmark):
    keys = [f"key-{at}" for at in range(1000)]
    now = [0.0]
    cache = Cache(200_000, timer=lambda: now[0])
    for at in range(100_000):
        cache.set(f"live-{at}", 1, 1e6 + at)

    def fill():
        for at, key in enumerate(keys):
            cache.set(key, 1, 1 + at / 1000)
        now[0] += 10
        return (), {}

    benchmark.pedantic(cache.clean_expired, setup=fill, rounds=20)
    assert len(cache) == 100_000


def test_cache_parallel(benchmark):
    """Eight threads that look up and store what is missing."""
    cache, threads = Cache(COUNT, ttl=60), 8
    inputs = inputs_of(COUNT)

    def run(seed):
        order = inputs[seed * 100 :] + inputs[: seed * 100]
        for each in order:
            if cache.get_result(NODE, each) is None:
                cache.set_result(NODE, each, OUTPUTS)

    def work():
        workers = [threading.Thread(target=run, args=(seed,)) for seed in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    per_operation(benchmark, work, threads * COUNT)
    benchmark.extra_info["hit_rate_%"] = round(100 * cache.stats().hit_rate, 1)


def test_cache_should_cache(benchmark):
    node = ToolNode(id="a", server="s", tool="t")
    policy = CachePolicy(ttl=60)

    def work():
        for _ in range(COUNT):
            decide(node, workflow=policy, read_only=True)

    per_operation(benchmark, work, COUNT)


@pytest.mark.parametrize("size", INPUTS)
def test_cache_input_hashing(benchmark, size):
    value = INPUTS[size]

    def work():
        for _ in range(COUNT):
            digest(value)

    per_operation(benchmark, work, COUNT)


@pytest.mark.parametrize("entries", [1000, 100_000, 1_000_000])
def test_cache_memory_usage(benchmark, entries):
    keys = [f"key-{at}" for at in range(entries)]

    def work():
        cache = Cache(entries)
        for key in keys:
            cache.set(key, 1, 60)
        return cache

    cache = benchmark.pedantic(work, rounds=1)
    benchmark.extra_info["bytes_per_entry"] = round(sys.getsizeof(cache) / entries, 1)


# -- beside the peers ------------------------------------------------------------------------------


def nanoseconds(works, count, repeats=9):
    """Least CPU time of each, an operation, all of them taking turns."""
    figures = {name: [] for name in works}
    gc.collect()
    gc.disable()
    try:
        for _ in range(repeats):
            for name, (prepare, work) in works.items():
                state = prepare()
                began = time.thread_time_ns()
                work(state)
                figures[name].append((time.thread_time_ns() - began) / count)
    finally:
        gc.enable()
    return {name: (min(all_), statistics.median(all_)) for name, all_ in figures.items()}


def table(title, figures, floor=None):
    base = figures[floor][0] if floor else None
    print(f"\n{title}")
    for name, (least, median) in figures.items():
        ratio = "" if base is None else f"  {least / base:6.2f} x {floor}"
        print(f"  {name:24} min {least:9.1f}  median {median:9.1f}{ratio}")


def str_peers(size, ttl):
    """Name → (new, get, set) of the peers that are installed; ``new`` gives a fresh one."""
    peers = {"dict": (dict, lambda c: c.get, lambda c: c.__setitem__)}
    peers["goflow"] = (lambda: Cache(size), lambda c: c.get, lambda c: c.set)
    peers["goflow ttl"] = (lambda: Cache(size, ttl=ttl), lambda c: c.get, lambda c: c.set)
    peers["goflow lru"] = (lambda: Cache(size, policy="lru"), lambda c: c.get, lambda c: c.set)
    peers["goflow max_bytes"] = (
        lambda: Cache(size, max_bytes=1 << 30),
        lambda c: c.get,
        lambda c: c.set,
    )
    cachetools = pytest.importorskip("cachetools")
    item = lambda c: c.__setitem__  # noqa: E731
    peers["cachetools LRU"] = (lambda: cachetools.LRUCache(size), lambda c: c.get, item)
    peers["cachetools TTL"] = (lambda: cachetools.TTLCache(size, ttl), lambda c: c.get, item)
    cachebox = pytest.importorskip("cachebox")
    peers["cachebox LRU"] = (lambda: cachebox.LRUCache(size), lambda c: c.get, item)
    peers["cachebox TTL"] = (lambda: cachebox.TTLCache(size, ttl), lambda c: c.get, item)
    lru = pytest.importorskip("lru")
    peers["lru-dict"] = (lambda: lru.LRU(size), lambda c: c.get, item)
    theine = pytest.importorskip("theine")
    peers["theine W-TinyLFU"] = (lambda: theine.Cache(size), lambda c: c.get, lambda c: c.set)
    moka = pytest.importorskip("moka_py")
    peers["moka-py"] = (lambda: moka.Moka(size), lambda c: c.get, lambda c: c.set)
    return peers


def filled(new, put, keys):
    cache = new()
    insert = put(cache)
    for key in keys:
        insert(key, "value")
    return cache


def looking(get, keys):
    def work(cache):
        look = get(cache)
        for key in keys:
            look(key)

    return work


def storing(put, keys):
    def work(cache):
        insert = put(cache)
        for key in keys:
            insert(key, "value")

    return work


def empty_loop(keys):
    def work(_):
        for _key in keys:
            pass

    return work


@pytest.mark.peers
def test_cache_peers(benchmark, tmp_path):
    """One table: get hit, set existing, set evicting, purge, memory; ratios to dict and peers."""
    size = COUNT
    keys = [f"key-{at}" for at in range(size)]
    many = [f"many-{at}" for at in range(10 * size)]
    for key in many:
        hash(key)
    peers = str_peers(size, 600)
    ready = {name: filled(new, put, keys) for name, (new, _, put) in peers.items()}

    @functools.lru_cache(size)
    def memoised(key):
        return key

    for key in keys:
        memoised(key)
    loop = {"(empty loop)": (lambda: None, empty_loop(keys))}
    gets = loop | {
        name: (lambda cache=ready[name]: cache, looking(get, keys))
        for name, (_, get, _) in peers.items()
    }
    gets["lru_cache"] = (lambda: memoised, lambda call: [None for key in keys if call(key) is None])
    got = nanoseconds(gets, size, repeats=25)
    table("get hit, str key", got, "dict")
    sets = loop | {
        name: (lambda cache=ready[name]: cache, storing(put, keys))
        for name, (_, _, put) in peers.items()
    }
    table("set existing", nanoseconds(sets, size, repeats=25), "dict")
    evicts = {
        name: (lambda cache=ready[name]: cache, storing(put, many))
        for name, (_, _, put) in peers.items()
        if name != "dict"
    }
    table("set evicting", nanoseconds(evicts, len(many)), "cachebox LRU")
    diskcache = pytest.importorskip("diskcache")
    with diskcache.Cache(str(tmp_path)) as disk:
        on_disk = {
            "diskcache get": (lambda: disk, looking(lambda c: c.get, keys[:100])),
            "diskcache set": (lambda: disk, storing(lambda c: c.set, keys[:100])),
        }
        disk.set("x", 1)
        table("on disk", nanoseconds(on_disk, 100, repeats=3))
    ratio = got["goflow ttl"][0] / got["dict"][0]
    benchmark.extra_info["get_ratio_to_dict"] = round(ratio, 2)
    benchmark.pedantic(looking(lambda c: c.get, keys), (ready["goflow ttl"],), rounds=10)


@pytest.mark.peers
def test_cache_content_peers(benchmark):
    """By content, isolated: beside the fastest that peers' parts can be put together to."""
    orjson = pytest.importorskip("orjson")
    size = 200
    inputs, equal = inputs_of(size), inputs_of(size)
    ours = Cache(size, ttl=600)
    pack, unpack = msgspec.msgpack.encode, msgspec.msgpack.decode
    held = {}

    def name_of(each):
        return orjson.dumps(each, option=orjson.OPT_SORT_KEYS)

    for each in equal:
        ours.set_result(NODE, each, OUTPUTS)
        held[NODE, name_of(each)] = pack(OUTPUTS)

    def get_ours(_):
        get = ours.get_result
        for each in inputs:
            get(NODE, each)

    def get_parts(_):
        for each in inputs:
            unpack(held[NODE, name_of(each)])

    def set_ours(_):
        put = ours.set_result
        for each in inputs:
            put(NODE, each, OUTPUTS)

    def set_parts(_):
        for each in inputs:
            held[NODE, name_of(each)] = pack(OUTPUTS)

    steady = Cache(size, ttl=600)
    for each in inputs_of(4 * size):
        steady.set_result("other", each, OUTPUTS)
    turns = iter(range(10**9))

    def fresh():
        turn = next(turns)
        return [{"param1": "value1", "param2": 10_000 + turn * size + at} for at in range(size)]

    def set_new(news):
        put = steady.set_result
        for each in news:
            put(NODE, each, OUTPUTS)

    nothing = lambda: None  # noqa: E731
    works = {
        "get": (nothing, get_ours),
        "get, orjson + msgpack": (nothing, get_parts),
        "set existing": (nothing, set_ours),
        "set, orjson + msgpack": (nothing, set_parts),
        "set new, evicting": (fresh, set_new),
    }
    figures = nanoseconds(works, size, repeats=40)
    table("content keys", figures)
    benchmark.extra_info["ratio"] = round(
        figures["get"][0] / figures["get, orjson + msgpack"][0], 2
    )
    benchmark.pedantic(get_ours, (None,), rounds=10)


@pytest.mark.peers
def test_cache_purge_peers(benchmark):
    """A thousand that have expired, in microseconds; keys are held elsewhere too."""
    cachebox = pytest.importorskip("cachebox")
    cachetools = pytest.importorskip("cachetools")
    keys = [f"key-{at}" for at in range(1000)]
    now = [0.0]

    def ours(live):
        def prepare():
            now[0] = 0.0
            cache = Cache(1000 + live + 1, timer=lambda: now[0])
            for at in range(live):
                cache.set(f"live-{at}", 1, 1e6 + at)
            for at, key in enumerate(keys):
                cache.set(key, 1, 1 + at / 1000)
            now[0] = 10.0
            return cache

        return prepare

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
        "goflow": (ours(0), lambda cache: cache.clean_expired()),
        "goflow, among 100k": (ours(100_000), lambda cache: cache.clean_expired()),
        "cachetools TTL": (tools, lambda cache: cache.expire()),
        "cachebox VTTL": (boxed, lambda cache: cache.expire()),
    }
    table("purge of 1,000, µs", nanoseconds(works, 1000, repeats=9))
    cache = ours(0)()
    benchmark.pedantic(cache.clean_expired, rounds=1)


@pytest.mark.peers
def test_cache_growth_peers(benchmark):
    """From a thousand entries to a million: a look-up costs no more than a dict's grows to."""
    figures = {}
    pick = random.Random(1)
    for count in (1000, 10_000, 100_000, 1_000_000):
        keys = [f"key-{at}" for at in range(count)]
        asked = pick.choices(keys, k=20_000)
        ours, plain = Cache(count, ttl=600), {}
        for key in keys:
            ours.set(key, 1)
            plain[key] = 1
        works = {
            f"goflow {count}": (lambda cache=ours: cache, looking(lambda c: c.get, asked)),
            f"dict {count}": (lambda cache=plain: cache, looking(lambda c: c.get, asked)),
        }
        figures |= nanoseconds(works, len(asked), repeats=5)
        print(f"{count}: {sys.getsizeof(ours) / count:.1f} bytes an entry")
    table("get hit, random keys, by entries", figures)
    grown = {name: figures[f"{name} 1000000"][0] / figures[f"{name} 1000"][0] for name in
             ("goflow", "dict")}  # fmt: skip
    benchmark.extra_info.update(grown)
    print("  grown by", {name: round(ratio, 2) for name, ratio in grown.items()})
    benchmark.pedantic(lambda: None, rounds=1)


@pytest.mark.peers
@pytest.mark.parametrize("size", INPUTS)
def test_cache_input_hashing_peers(benchmark, size):
    """256 bits: beside sorted JSON by orjson and SHA-256 by OpenSSL."""
    orjson = pytest.importorskip("orjson")
    value = INPUTS[size]

    def ours(_):
        for _at in range(1000):
            digest(value)

    def peer(_):
        dumps, sha256, option = orjson.dumps, hashlib.sha256, orjson.OPT_SORT_KEYS
        for _at in range(1000):
            sha256(dumps(value, option=option)).digest()

    nothing = lambda: None  # noqa: E731
    works = {"goflow": (nothing, ours), "orjson + sha256": (nothing, peer)}
    figures = nanoseconds(works, 1000)
    table(f"digest, {size}", figures, "orjson + sha256")
    benchmark.extra_info["ratio"] = round(figures["goflow"][0] / figures["orjson + sha256"][0], 2)
    benchmark.pedantic(ours, (None,), rounds=10)

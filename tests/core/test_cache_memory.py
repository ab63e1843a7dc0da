"""What a cache holds and lets go of, what it costs, and that threads may share it."""

import gc
import random
import sys
import threading
import tracemalloc
import weakref

import pytest
from support.clock import Clock
from support.deep import rounds

from goflow._core.cache import Cache
from goflow.errors import NotJson


def test_references_are_dropped_when_entries_go():
    class Thing:
        def __deepcopy__(self, memo):
            return self

    clock = Clock()
    cache = Cache(3, timer=clock)
    things = [Thing() for _ in range(8)]
    dead = [weakref.ref(thing) for thing in things]
    cache.set("evicted", things[0])
    cache.set("replaced", things[1])
    cache.set("replaced", 1)
    cache.set("popped", things[2])
    cache.pop("popped")
    cache.set("expired", things[3], ttl=1)
    clock.now += 1
    cache.clean_expired()
    cache.set("deleted", things[4])
    del cache["deleted"]
    for at in range(5):
        cache.set(f"k{at}", at)
    cache.set("cleared", things[5])
    cache.clear()
    cache.set_result("n", {"a": 1}, things[6])
    cache.set_result("n", {"a": 1}, 2)
    cache.set("at the end", things[7])
    del things[:7]
    assert [ref() for ref in dead[:7]] == [None] * 7
    del things, cache
    assert dead[7]() is None


def test_dropping_a_value_may_use_the_cache():
    class Reviver:
        def __deepcopy__(self, memo):
            return self

        def __del__(self):
            for at in range(20):
                cache.set(f"again {at}", at)
            cache.get("again 1")
            cache.clean_expired()

    cache = Cache(5)
    for at in range(200):
        cache.set(f"k{at}", Reviver())
        if at % 7 == 0:
            cache.clear()
        if at % 5 == 0:
            cache.set(f"k{at}", 1)
    gc.collect()
    assert cache.stats().entries <= 5
    cache.clear()


def test_a_cache_in_a_cycle_is_collected():
    class Holder:
        def __deepcopy__(self, memo):
            return self

    holder = Holder()
    holder.cache = Cache(10)
    holder.cache.set("me", holder)
    dead = weakref.ref(holder)
    del holder
    gc.collect()
    assert dead() is None


def test_the_collector_sees_what_a_cache_holds():
    cache = Cache(10)
    cache.set("a", [1, 2])
    held = gc.get_referents(cache)
    assert [1, 2] in held


def test_nothing_leaks_over_many_operations():
    clock = Clock()

    def churn(times):
        for _ in range(times):
            cache = Cache(50, max_bytes=20_000, timer=clock)
            for at in range(200):
                cache.set(f"k{at}", {"a": [at, "x" * at]}, ttl=at % 7 + 1)
                cache.get(f"k{at // 2}")
                cache.set_result("n", {"a": at, "b": [at]}, {"r": [at]})
                cache.get_result("n", {"a": at // 2, "b": [at // 2]})
                cache.touch(f"k{at}", 3)
                clock.now += 0.1
            cache.pop("k199", None), cache.keys(), len(cache), cache.stats()
            with pytest.raises(NotJson):
                cache.get_result("n", {"a": ()})
            with pytest.raises(TypeError):
                cache.set(1, 1)

    churn(2)
    gc.collect()
    tracemalloc.start()
    try:
        churn(1)
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        churn(10)
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < 20_000


@pytest.mark.parametrize("entries", [1000, 10_000, 65_536, 100_000])
def test_an_entry_costs_at_most_96_bytes_beyond_key_and_value(entries):
    cache = Cache(entries)
    for at in range(2 * entries):
        cache.set(f"key {at}", 1, ttl=60)
    assert cache.stats().entries == entries
    assert sys.getsizeof(cache) / entries <= 96


def test_an_empty_cache_is_small_whatever_its_bounds():
    assert sys.getsizeof(Cache(1_000_000_000)) < 4096


# -- threads ---------------------------------------------------------------------------------------


def test_threads_may_do_everything_at_once():
    clock = Clock()
    cache = Cache(200, max_bytes=200_000, ttl=5, timer=clock)
    wrong, stop = [], threading.Event()

    def work(seed):
        pick = random.Random(seed)
        try:
            for _ in range(rounds(200_000) // 8):
                at = pick.randrange(400)
                key, choice = f"k{at}", pick.randrange(12)
                if choice < 5:
                    value = cache.get(key)
                    if value is not None and value != {"at": at, "list": [at]}:
                        wrong.append(value)
                    if value is not None:
                        value["list"].append(1)
                elif choice < 8:
                    cache.set(key, {"at": at, "list": [at]}, pick.choice([None, 1, 100]))
                elif choice == 8:
                    cache.pop(key, None)
                    cache.touch(f"k{at // 2}")
                elif choice == 9:
                    cache.set_result("n", {"at": at}, [at])
                elif choice == 10:
                    result = cache.get_result("n", {"at": at})
                    if result is not None and result != [at]:
                        wrong.append(result)
                else:
                    clock.now += 0.01
                    cache.clean_expired()
                    if pick.random() < 0.01:
                        cache.clear()
                if cache.stats().entries > 200:
                    wrong.append(len(cache))
        except BaseException as error:
            wrong.append(error)
            raise

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert not wrong
    stop.set()
    keys = cache.keys()
    for key in keys:
        cache.pop(key)
    cache.clear()
    assert cache.stats().bytes == 0

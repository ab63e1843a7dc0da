"""What the compiled cache promises: keys, lifetimes, bounds, content, isolation."""

import random
import threading
import time
from collections import OrderedDict
from datetime import datetime, timezone

import pytest
from reference.value import parts
from support.clock import Clock
from support.deep import rounds

from goflow._core.cache import Cache
from goflow._core.copies import copy, size
from goflow._core.store import CacheStats
from goflow.errors import NotJson


@pytest.fixture
def clock():
    return Clock()


# -- one key at a time -----------------------------------------------------------------------------


def test_what_was_set_is_got_and_anything_else_is_the_default():
    cache = Cache(10)
    cache.set("a", 1)
    assert cache.get("a") == 1
    assert cache.get("b") is None
    assert cache.get("b", 7) == 7
    cache["c"] = [1]
    assert cache["c"] == [1]
    with pytest.raises(KeyError, match="'d'"):
        cache["d"]
    del cache["c"]
    assert "c" not in cache
    with pytest.raises(KeyError):
        del cache["c"]
    assert cache.pop("a") == 1
    assert cache.pop("a", 5) == 5
    with pytest.raises(KeyError):
        cache.pop("a")


def test_none_is_a_value():
    cache = Cache(10)
    cache.set("a", None)
    assert cache.get("a", 1) is None
    assert "a" in cache
    assert cache["a"] is None
    cache.set_result("n", {}, None)
    assert cache.get_result("n", {}, 1) is None
    assert cache.pop("a", 1) is None


def test_looking_is_counted_and_peeking_is_not():
    cache = Cache(10)
    cache.set("a", 1)
    cache.get("a"), cache.get("b"), cache.get("a")
    assert "a" in cache
    cache.touch("a"), cache.pop("a")
    stats = cache.stats()
    assert (stats.hits, stats.misses) == (2, 1)
    assert stats.hit_rate == 2 / 3
    cache.reset_stats()
    assert cache.stats() == CacheStats(0, 0, 0, 0, 0, 0, 0, 0, None)
    assert cache.stats().hit_rate == 0


def test_a_cache_is_true_and_can_be_listed():
    cache = Cache(10)
    assert cache
    assert len(cache) == 0
    cache.set("a", 1)
    cache.set("b", 1)
    cache.set_result("node", {"a": 1}, 2)
    assert len(cache) == 3
    assert sorted(cache) == sorted(cache.keys()) == ["a", "b"]
    assert repr(cache) == "<Cache s3fifo, 3 of 10 entries>"
    assert repr(Cache(None, max_bytes=99, policy="lru")) == "<Cache lru, 0 of 99 bytes>"
    assert (cache.max_entries, cache.max_bytes, cache.ttl, cache.policy) == (
        10, None, None, "s3fifo",
    )  # fmt: skip
    cache.clear()
    assert len(cache) == 0
    assert cache.get("a") is None
    cache.set("a", 2)
    assert cache.get("a") == 2


class Text(str):
    def __hash__(self):
        return 3

    def __eq__(self, other):
        return self is other


def test_keys_are_compared_by_content():
    cache = Cache(10)
    cache.set("".join(["ä", "b"]), 1)
    assert cache.get("äb") == 1
    assert cache.get(Text("äb")) == 1
    cache.set(Text("c"), 2)
    assert [type(key) for key in cache] == [str, str]
    assert cache.get("c") == 2
    assert Text("c") in cache
    for bad in (1, None, b"a", ("a",)):
        for use in (cache.get, cache.pop, cache.touch):
            with pytest.raises(TypeError, match="not str"):
                use(bad)
        with pytest.raises(TypeError, match="not str"):
            cache.set(bad, 1)
        assert bad not in cache


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"max_entries": 0}, ValueError, "max_entries is 0: at least 1"),
        ({"max_entries": None}, ValueError, "needs max_entries or max_bytes"),
        ({}, ValueError, "needs max_entries or max_bytes"),
        ({"max_entries": 1.5}, TypeError, "max_entries is of type float"),
        ({"max_entries": True}, TypeError, "max_entries is of type bool"),
        ({"max_entries": 1, "max_bytes": -1}, ValueError, "max_bytes is -1"),
        ({"max_entries": 1, "ttl": 0}, ValueError, "a ttl is above 0 seconds, not 0"),
        ({"max_entries": 1, "ttl": float("nan")}, ValueError, "above 0 seconds, not nan"),
        ({"max_entries": 1, "ttl": "1s"}, TypeError, "real number"),
        ({"max_entries": 1, "policy": "mru"}, ValueError, "there is no policy 'mru'"),
    ],
)
def test_bounds_that_cannot_be_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        Cache(**arguments)


def test_a_ttl_that_cannot_be_is_refused_and_nothing_is_stored():
    cache = Cache(5)
    for bad in (0, -1, float("nan")):
        with pytest.raises(ValueError, match="above 0"):
            cache.set("a", 1, bad)
        with pytest.raises(ValueError, match="above 0"):
            cache.set_result("a", {}, 1, bad)
    assert len(cache) == 0


def test_a_clock_that_raises_stops_the_call_and_nothing_else():
    def broken():
        if len(calls) > 1:
            raise OSError("no clock")
        calls.append(1)
        return 0.0

    calls = []
    cache = Cache(5, timer=broken)
    cache.set("a", 1)
    for use in (lambda: cache.get("a"), lambda: cache.set("b", 1), lambda: len(cache)):
        with pytest.raises(OSError, match="no clock"):
            use()


# -- lifetimes -------------------------------------------------------------------------------------


def test_an_entry_lives_for_its_ttl_and_no_longer(clock):
    cache = Cache(10, ttl=5, timer=clock)
    cache.set("own", 1, ttl=2)
    cache.set("default", 1)
    cache.set("for ever", 1, ttl=float("inf"))
    clock.now += 1.999
    assert cache.get("own") == 1
    clock.now += 0.001
    assert cache.get("own") is None
    assert "own" not in cache
    clock.now += 2.999
    assert "default" in cache
    clock.now += 0.001
    assert "default" not in cache
    assert len(cache) == 1
    clock.now += 1e9
    assert cache.get("for ever") == 1
    assert cache.stats().expirations == 2
    assert cache.ttl == 5


def test_setting_again_and_touching_renew_the_lifetime(clock):
    cache = Cache(10, ttl=5, timer=clock)
    cache.set("a", 1)
    cache.set("b", 1)
    clock.now += 4
    cache.set("a", 2)
    assert cache.touch("b")
    clock.now += 4
    assert cache.get("a") == 2
    assert cache.get("b") == 1
    assert cache.touch("b", ttl=100)
    assert cache.touch("a", ttl=float("inf"))
    clock.now += 99
    assert len(cache) == 2
    clock.now += 1
    assert list(cache) == ["a"]
    assert not cache.touch("b")


def test_an_expired_entry_goes_before_a_live_one(clock):
    cache = Cache(3, timer=clock, policy="lru")
    cache.set("live", 1)
    cache.set("short", 1, ttl=1)
    cache.set("other", 1)
    clock.now += 1
    cache.set("new", 1)
    assert sorted(cache) == ["live", "new", "other"]
    assert cache.stats().expirations == 1
    assert cache.stats().evictions == 0


@pytest.mark.parametrize("seed", range(4))
def test_what_has_expired_is_found_exactly_at_any_distance(seed, clock):
    pick = random.Random(seed)
    cache = Cache(100_000, timer=clock)
    expiry = {}
    scales = [1e-3, 0.1, 1, 60, 3600, 1e5, 1e7, 3e8]
    for step in range(rounds(20_000)):
        key = f"k{step}"
        ttl = pick.random() * pick.choice(scales) + 1e-6
        cache.set(key, step, ttl)
        expiry[key] = int(clock.now * 1e9) + int(ttl * 1e9)
        if pick.random() < 0.2:
            gone = pick.choice(list(expiry))
            if pick.random() < 0.5:
                cache.pop(gone, None)
                del expiry[gone]
            else:
                cache.touch(gone, 30)
                if expiry[gone] > int(clock.now * 1e9):
                    expiry[gone] = int(clock.now * 1e9) + 30 * 10**9
        if pick.random() < 0.2:
            clock.now += pick.random() * pick.choice(scales)
            now = int(clock.now * 1e9)
            due = [key for key, at in expiry.items() if at <= now]
            found = cache.clean_expired()
            # Some may have been found by touch or pop already.
            assert found <= len(due)
            for key in due:
                del expiry[key]
            assert cache.stats().entries == len(expiry)
    clock.now += 1e9
    assert cache.clean_expired() == len(expiry)
    assert cache.clean_expired() == 0


def test_a_clock_that_goes_back_harms_nothing(clock):
    cache = Cache(100, timer=clock)
    for at in range(50):
        cache.set(f"k{at}", at, ttl=1 + at)
        clock.now += random.Random(at).uniform(-5, 5)
        cache.clean_expired()
    clock.now += 1000
    cache.clean_expired()
    assert len(cache) == 0


def test_without_a_timer_the_monotonic_clock_is_read():
    cache = Cache(10)
    cache.set("a", 1, ttl=1e-6)
    cache.set("b", 1, ttl=1000)
    until = time.monotonic() + 0.1
    while time.monotonic() < until and "a" in cache:
        pass
    assert "a" not in cache
    assert "b" in cache


# -- bounds ----------------------------------------------------------------------------------------


def test_bytes_are_bounded_too():
    cache = Cache(None, max_bytes=10_000)
    for at in range(1000):
        cache.set(f"k{at}", "x" * (at % 300))
        assert cache.stats().bytes <= 10_000
    stats = cache.stats()
    assert stats.evictions == stats.evictions_for_bytes > 900
    assert stats.bytes == sum(size(key) + size(cache[key]) for key in cache)
    assert stats.entries == len(cache.keys())


def test_a_value_larger_than_the_cache_is_not_kept_and_the_old_one_is_gone():
    cache = Cache(10, max_bytes=1000)
    cache.set("a", "small")
    cache.set("b", "small")
    cache.set("a", "x" * 2000)
    assert cache.get("a") is None
    assert cache.get("b") == "small"
    assert cache.stats().rejections == 1


def test_a_value_that_grows_makes_others_go():
    cache = Cache(None, max_bytes=4000)
    for at in range(40):
        cache.set(f"k{at}", 1)
    cache.set("k39", "x" * 3700)
    assert cache.stats().bytes <= 4000
    assert cache.get("k39") is not None
    cache.set_result("n", {"a": 1}, "y" * 3000)
    cache.set_result("n", {"a": 1}, "z" * 3720)
    assert cache.get_result("n", {"a": 1})[0] == "z"
    assert cache.stats().bytes <= 4000


def test_sizes_of_what_is_no_json_are_those_of_the_interpreter():
    cache = Cache(None, max_bytes=100_000)
    cache.set("a", b"x" * 5000)
    assert cache.stats().bytes > 5000
    cache.set("a", (1, 2, "x" * 1000))
    assert 1000 < cache.stats().bytes < 2000


@pytest.mark.parametrize("policy", ["s3fifo", "lru"])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 10, 100, 1000])
def test_a_cache_never_holds_more_than_it_may(policy, size):
    cache = Cache(size, policy=policy)
    pick = random.Random(size)
    for _ in range(rounds(40_000)):
        cache.set(f"k{pick.randrange(3 * size)}", 1)
        cache.get(f"k{pick.randrange(3 * size)}")
        assert cache.stats().entries <= size
    assert len(cache) == size


# -- by content ------------------------------------------------------------------------------------


def test_results_are_found_by_node_and_content():
    cache = Cache(10)
    cache.set_result("a", {"x": 1, "y": [1, {"z": None}]}, "first")
    assert cache.get_result("a", {"y": [1, {"z": None}], "x": 1}) == "first"
    assert cache.get_result("b", {"x": 1, "y": [1, {"z": None}]}) is None
    for other in (
        {"x": 1.0, "y": [1, {"z": None}]},
        {"x": True, "y": [1, {"z": None}]},
        {"x": 1, "y": [1, {"z": 0}]},
        {"x": 1, "y": [1, {}]},
        {"x": 1},
        {},
        [1],
        None,
    ):
        assert cache.get_result("a", other, "?") == "?"
    cache.set_result("a", {"y": [1, {"z": None}], "x": 1}, "second")
    assert cache.get_result("a", {"x": 1, "y": [1, {"z": None}]}) == "second"
    assert len(cache) == 1
    assert cache.keys() == []
    assert cache.get("a") is None


@pytest.mark.parametrize("count", [0, 1, 2, 15, 16, 17, 40])
def test_inputs_of_any_number_of_keys_in_any_order(count):
    cache = Cache(100)
    inputs = {f"key {at}": [at] if at % 3 == 0 else at for at in range(count)}
    pick = random.Random(count)
    for _ in range(20):
        cache.set_result("n", inputs, count)
        order = list(inputs)
        pick.shuffle(order)
        assert cache.get_result("n", {key: inputs[key] for key in order}) == count
        assert len(cache) == 1
        if count:
            changed = {**inputs, order[0]: "other"}
            assert cache.get_result("n", changed, "?") == "?"
            renamed = {("new" if key == order[0] else key): inputs[key] for key in order}
            assert cache.get_result("n", renamed, "?") == "?"


def test_inputs_of_subclasses_count_as_what_they_are_one_of():
    cache = Cache(10)
    odd = OrderedDict([(Text("b"), [OrderedDict([(Text("c"), 1)])]), (Text("a"), Text("x"))])
    cache.set_result(Text("n"), odd, 1)
    plain = {"a": "x", "b": [{"c": 1}]}
    assert cache.get_result("n", plain) == 1
    assert cache.get_result("n", odd) == 1
    cache.set_result("n", plain, 2)
    cache.set_result("n", odd, 3)
    assert cache.get_result("n", plain) == 3
    assert len(cache) == 1


def test_inputs_that_are_no_json_are_refused_with_their_place():
    cache = Cache(10)
    for bad in ({"a": (1,)}, {1: 2}, object(), {"a": {"b": {3}}}):
        with pytest.raises(NotJson):
            cache.get_result("n", bad)
        with pytest.raises(NotJson):
            cache.set_result("n", bad, 1)
    assert len(cache) == 0
    with pytest.raises(TypeError, match="not str"):
        cache.get_result(1, {})
    with pytest.raises(TypeError, match="not str"):
        cache.set_result(None, {}, 1)


# -- isolation -------------------------------------------------------------------------------------


class Box:
    def __init__(self, inside):
        self.inside = inside

    def __eq__(self, other):
        return type(other) is Box and other.inside == self.inside

    __hash__ = None


def ruin(value):
    """Change everything in a value that can be changed."""
    for part in list(parts(value)):
        if isinstance(part, dict):
            part["ruined"] = True
            for key in list(part)[:-1]:
                del part[key]
        else:
            part[:] = ["ruined"]
    if isinstance(value, Box):
        value.inside = "ruined"
    if isinstance(value, (set, bytearray)):
        value.clear()
    if isinstance(value, tuple):
        for item in value:
            ruin(item)


@pytest.mark.parametrize(
    "make",
    [
        lambda: {"a": 1, "b": "c"},
        lambda: {"a": {"b": [1, {"c": [2]}]}},
        lambda: [1, [2, [3]]],
        lambda: [],
        lambda: {},
        lambda: OrderedDict(a=[1]),
        lambda: ([1], {"a": [2]}),
        lambda: Box([1]),
        lambda: {"a": Box([1]), "t": (1, [2])},
        lambda: {1, 2},
        lambda: bytearray(b"abc"),
        lambda: {"when": datetime(2026, 1, 1, tzinfo=timezone.utc), "list": [1]},
        lambda: {1: {2: [3]}},
    ],
)
def test_nothing_that_a_caller_changes_reaches_the_cache(make):
    cache = Cache(100)
    given = make()
    cache.set("a", given)
    cache.set_result("n", {"in": [{"k": []}]}, given)
    ruin(given)
    for _ in range(2):
        for got in (cache.get("a"), cache["a"], cache.get_result("n", {"in": [{"k": []}]})):
            assert got == make()
            ruin(got)
    assert cache.pop("a") == make()


def test_inputs_may_be_changed_after_they_were_stored():
    cache = Cache(100)
    for inputs in ({"a": [1]}, {"a": 1}, [1, [2]], {f"k{at}": [at] for at in range(30)}):
        given = copy(inputs)
        cache.set_result("n", given, "x")
        ruin(given)
        assert cache.get_result("n", inputs) == "x"
        assert cache.get_result("n", given, "?") == "?"


def test_what_cannot_change_is_shared():
    cache = Cache(100)
    for value in ("x" * 50, 10**30, 1.5, b"bytes", None, True, (1, "a"), len, Box):
        cache.set("a", value)
        assert cache.get("a") is value


def test_what_cannot_be_copied_is_refused_and_nothing_is_stored():
    cache = Cache(10)
    with pytest.raises(TypeError):
        cache.set("a", {"lock": threading.Lock()})
    assert "a" not in cache


def test_a_value_that_holds_itself_is_copied_whole():
    cache = Cache(10)
    value = {"a": [1]}
    value["self"] = value
    cache.set("a", value)
    got = cache.get("a")
    assert got["self"] is got
    assert got is not value

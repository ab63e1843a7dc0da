"""JSON values: structural hash, equality, copies, frozen forms, sizes."""

import enum
import gc
import math
import os
import subprocess
import sys
import threading
import tracemalloc
from collections import Counter, OrderedDict
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import value as reference
from support.deep import rounds
from support.values import reordered, values

from goflow._core.copies import copy, freeze, nests_deeper, size
from goflow._core.value import same, structural_hash
from goflow.errors import GoFlowError, NotJson

DISTINCT = [
    None,
    True,
    False,
    0,
    1,
    -1,
    -2,
    2**61 - 1,
    2**63,
    2**64,
    -(2**64),
    0.0,
    -0.0,
    1.0,
    -1.0,
    float(2**53),
    2**53,
    math.inf,
    -math.inf,
    math.nan,
    "",
    "1",
    "a",
    "b",
    "ä",
    "€",
    "𝄞",
    "\x00",
    "\x00\x00",
    [],
    [[]],
    [None],
    [0],
    [0, 0],
    [1, 2],
    [2, 1],
    {},
    {"a": None},
    {"a": 0},
    {"a": 0.0},
    {"a": False},
    {"a": {}},
    {"a": []},
    {"a": "b"},
    {"b": "a"},
    {"a": 1, "b": 2},
    {"a": 2, "b": 1},
    ["a", "b"],
    [["a"], "b"],
    ["a", ["b"]],
]


class Text(str):
    def __hash__(self):
        return 7

    def __eq__(self, other):
        return self is other

    def __str__(self):
        return "something else"


class Number(enum.IntEnum):
    ONE = 1


class Real(float):
    pass


# -- hash and equality ---------------------------------------------------------------------------


def test_values_of_different_types_or_content_are_never_the_same():
    for a, b in combinations(DISTINCT, 2):
        assert not same(a, b), (a, b)
        assert not same(b, a), (a, b)
        assert structural_hash(a) != structural_hash(b), (a, b)


def test_a_value_is_the_same_as_its_copy():
    for value in DISTINCT:
        assert same(value, value)
        assert same(value, copy(value))
        assert structural_hash(value) == structural_hash(copy(value))


@given(values, values, st.randoms(use_true_random=False))
def test_equality_is_that_of_the_plain_twin(a, b, pick):
    assert same(a, b) == reference.same(a, b)
    other = reordered(a, pick)
    assert same(a, other)
    assert structural_hash(a) == structural_hash(other)
    if structural_hash(a) != structural_hash(b):
        assert not same(a, b)


@given(values)
def test_every_change_of_a_part_is_seen(value):
    for at, part in enumerate(reference.parts(value)):
        other = copy(value)
        changed = list(reference.parts(other))[at]
        if isinstance(changed, dict):
            changed["another key"] = part.get("another key", 0) is None
        else:
            changed.append(None)
        assert not same(value, other)
        assert structural_hash(value) != structural_hash(other)


def test_a_subclass_counts_as_what_it_is_one_of():
    plain = {"a": 1, "b": [1.5, "x"]}
    other = OrderedDict([(Text("b"), [Real(1.5), Text("x")]), (Text("a"), Number.ONE)])
    assert structural_hash(plain) == structural_hash(dict(other)) == structural_hash(other)
    assert same(plain, other)
    assert same(other, plain)
    copied = copy(other)
    assert {type(key) for key in copied} == {str}
    assert type(copied) is dict
    assert type(copied["a"]) is int
    assert [type(item) for item in copied["b"]] == [float, str]
    assert copied == plain


def test_a_million_near_identical_inputs_have_different_hashes():
    """With 63 bits a good hash of a million values has no collision in 10 million runs of this."""
    count = rounds(1_000_000)
    seen = set()
    for at in range(count // 4):
        seen.add(structural_hash({"path": "notes/a.md", "line": at}))
        seen.add(structural_hash({"path": "notes/a.md", "line": -at - 1, "wrap": False}))
        seen.add(structural_hash({"path": f"notes/{at}.md", "line": 1}))
        seen.add(structural_hash({"lines": [at, at + 1], "path": "a"}))
    assert len(seen) == count // 4 * 4
    # Tables use the low bits: all must be as good as random, in any 16 of them.
    for shift in (0, 8, 16, 32, 46):
        buckets = Counter(each >> shift & 0xFFFF for each in seen)
        expected = len(seen) / 65536
        chi = sum((buckets[at] - expected) ** 2 / expected for at in range(65536))
        assert abs(chi - 65535) < 6 * math.sqrt(2 * 65535)


def test_swapping_values_between_keys_changes_the_hash():
    names = "abcdefgh"
    seen = set()
    for a in names:
        for b in names:
            seen.add(structural_hash({"x": a, "y": b}))
            seen.add(structural_hash([a, b]))
            seen.add(structural_hash({a + b: "x"}))
    assert len(seen) == 3 * 64


def test_the_hash_follows_the_hash_seed():
    script = (
        "from goflow._core.value import structural_hash;"
        "print(structural_hash({'a': 1}), structural_hash(1), structural_hash([None]))"
    )
    seen = set()
    for seed in ("1", "2", "2"):
        done = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            cwd="/",
        )
        seen.add(done.stdout)
    assert len(seen) == 2


# -- copies --------------------------------------------------------------------------------------


@given(values)
def test_a_copy_shares_no_list_and_no_map(value):
    copied = copy(value)
    assert reference.same(copied, value)
    ours = {id(part) for part in reference.parts(value)}
    assert not any(id(part) in ours for part in reference.parts(copied))


def test_a_copy_keeps_the_order_of_keys():
    value = {"z": 1, "a": {"c": 1, "b": []}, "m": 2}
    assert list(copy(value)) == ["z", "a", "m"]
    assert list(copy(value)["a"]) == ["c", "b"]


def test_frozen_values_cannot_be_changed_and_read_the_same():
    value = {"a": [1, {"b": []}], "c": "d"}
    frozen = freeze(value)
    value["a"][1]["b"].append(1)
    assert frozen["a"][1]["b"] == ()
    assert dict(frozen) == {"a": (1, {"b": ()}), "c": "d"}
    with pytest.raises(TypeError):
        frozen["x"] = 1
    with pytest.raises(TypeError):
        frozen["a"][1]["b"] = 1
    assert freeze(3) == 3


@given(values)
@settings(max_examples=200)
def test_sizes_are_within_a_factor_of_two(value):
    true, estimate = reference.memory(value), size(value)
    assert true / 2 - 64 <= estimate <= true * 2 + 64


# -- what is no JSON value -----------------------------------------------------------------------


def circle():
    value = {"a": [1]}
    value["a"].append(value)
    return value


def deep(levels, inner=None):
    for _ in range(levels):
        inner = [inner]
    return inner


BAD = [
    ((1, 2), "$ is of type tuple, which JSON has not", "$"),
    ({"a": [0, {1, 2}]}, "$.a[1] is of type set", "$.a[1]"),
    ({"a b": b"x"}, "$['a b'] is of type bytes", "$['a b']"),
    ({"a": {1: 2}}, "$.a has a key that is no string: 1", "$.a"),
    (circle(), "$.a[1] contains itself", "$.a[1]"),
    (deep(501), "nests deeper than 500 levels", None),
    (object, "$ is of type type", "$"),
]


@pytest.mark.parametrize(("value", "message", "path"), BAD)
@pytest.mark.parametrize("use", [structural_hash, copy, freeze, lambda value: same(value, value)])
def test_what_is_no_json_value_is_refused_with_its_place(use, value, message, path):
    with pytest.raises(NotJson) as caught:
        use(value)
    assert message in str(caught.value)
    assert isinstance(caught.value, GoFlowError)
    assert isinstance(caught.value, ValueError)
    assert caught.value.code == "not_json"
    if path is not None:
        assert caught.value.path == path


def test_five_hundred_levels_are_fine_also_in_a_thread():
    value = deep(500)
    results = []

    def work():
        results.append(same(copy(value), value) and structural_hash(value) > 0)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert results == [True]


def depth_of(value):
    """How many lists and maps are inside of each other, plainly."""
    items = (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    )
    return 0 if items is None else 1 + max(map(depth_of, items), default=0)


@given(values)
def test_how_deep_a_value_nests(value):
    depth = depth_of(value)
    assert not nests_deeper(value, depth)
    assert depth == 0 or nests_deeper(value, depth - 1)


def test_the_depth_of_what_never_ends_is_more_than_any_limit():
    cycle = [1]
    cycle.append({"again": cycle})
    assert nests_deeper(cycle, 500)
    for levels in (-1, 501):
        with pytest.raises(ValueError, match="between 0 and 500"):
            nests_deeper([], levels)


def test_nothing_leaks_not_even_by_errors():
    good = {"a": [1, {"b": [2.5, "x" * 100]}], "c": 2**100, "d": OrderedDict(e=[1])}
    odd = {Text("a"): [Text("b"), Number.ONE]}

    def churn(times):
        for _ in range(times):
            for value in (good, odd):
                copy(value), structural_hash(value), same(value, copy(value)), freeze(value)
                size(value)
            for value, _, _ in BAD:
                for use in (copy, structural_hash):
                    with pytest.raises(NotJson):
                        use(value)

    churn(3)
    before = sys.getrefcount(good["a"]), sys.getrefcount(good["c"])
    tracemalloc.start()
    try:
        churn(3)
        gc.collect()
        held = tracemalloc.get_traced_memory()[0]
        churn(30)
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - held
    finally:
        tracemalloc.stop()
    assert grown < 10_000
    assert (sys.getrefcount(good["a"]), sys.getrefcount(good["c"])) == before

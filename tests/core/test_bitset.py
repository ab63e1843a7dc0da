"""Sets that share their parts, beside Python's own."""

import itertools
import threading
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goflow._core.bitset import BitSet

SIZES = st.sampled_from([1, 2, 255, 256, 257, 2048, 2049, 100_000, 2**40])


def bit_set(empty, numbers):
    for number in numbers:
        empty = empty.plus(number)
    return empty


@st.composite
def families(draw):
    """The empty set of a family, and sets of numbers for it that are much alike."""
    size = draw(SIZES)
    numbers = st.sets(st.integers(0, size - 1), max_size=40)
    common = draw(numbers)
    return BitSet(size), [common, common | draw(numbers), draw(numbers), set()]


@given(families())
def test_bit_sets_combine_as_sets_do(family):
    empty, groups = family
    for one, other in itertools.product(groups, repeat=2):
        a, b = bit_set(empty, one), bit_set(empty, sorted(other))
        assert list(a) == sorted(one)
        assert set(a | b) == one | other
        assert set(a & b) == one & other
        assert set(a - b) == one - other
        assert a.isdisjoint(b) is one.isdisjoint(other)
        assert (a == b) is (one == other)
        assert bool(a) is bool(one)
        assert all((number in a) is (number in one) for number in one | other)
        if one == other:
            assert hash(a) == hash(b)


@given(families())
def test_bit_sets_that_are_made_in_other_ways_are_equal(family):
    empty, (one, other, third, _) = family
    a, b, c = (bit_set(empty, numbers) for numbers in (one, other, third))
    assert (a | b) | c == c | (b | a)
    assert a & (b | c) == (a & b) | (a & c)
    assert (a | b) - b == a - b
    assert a - empty == a
    assert a - a == empty


@given(st.dictionaries(st.integers(0, 999), st.booleans()), st.data())
def test_sets_oppose_where_one_has_a_fact_and_the_other_its_opposite(one, data):
    other = data.draw(st.dictionaries(st.integers(0, 999), st.booleans()))
    empty = BitSet(2000)
    a, b = (bit_set(empty, [2 * n + no for n, no in group.items()]) for group in (one, other))
    expected = any(no is not one.get(n, no) for n, no in other.items())
    assert a.opposes(b) is expected
    assert b.opposes(a) is expected


def test_a_row_of_sets_takes_little_more_than_one():
    """Each has one number more than the one before: together they would have 50 million."""
    tracemalloc.start()
    try:
        row = list(itertools.accumulate(range(10_000), BitSet.plus, initial=BitSet(10_000)))
        assert tracemalloc.get_traced_memory()[1] < 6e6
    finally:
        tracemalloc.stop()
    assert 4_999 in row[5_000]
    assert 5_000 not in row[5_000]


def test_a_mistake_is_told():
    two = BitSet(10).plus(2)
    for number in (10, 2**64 - 1):
        with pytest.raises(ValueError, match="is not below 10"):
            two.plus(number)
        assert number not in two
    for number in (-1, 2**64):
        with pytest.raises(OverflowError):
            two.plus(number)
    with pytest.raises(TypeError):
        BitSet(None)
    with pytest.raises(TypeError):
        two | {3}
    for combine in (BitSet.__or__, BitSet.__and__, BitSet.__sub__, BitSet.isdisjoint):
        with pytest.raises(ValueError, match="two families"):
            combine(two, BitSet(10).plus(2))
    assert two != BitSet(10).plus(2)
    assert two != {2}
    assert repr(two.plus(7)) == "<BitSet {2, 7}>"


def test_threads_may_combine_sets_of_one_family():
    empty = BitSet(100_000)
    found = {}

    def work(which):
        made = [bit_set(empty, range(which * i, which * i + 50)) for i in range(200)]
        union = empty
        for one in made:
            union |= one
        found[which] = union

    threads = [threading.Thread(target=work, args=(which,)) for which in (31, 57, 83, 91)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for which, union in found.items():
        assert set(union) == {which * i + j for i in range(200) for j in range(50)}

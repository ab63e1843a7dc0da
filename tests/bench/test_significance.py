"""The test of Mann and Whitney, against counting all arrangements."""

import random
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goflow.bench import significance
from goflow.bench.significance import mann_whitney


def counted(one, other):
    """The share of all ways to deal the samples out that differ at least as much."""
    whole, n = [*one, *other], len(one)
    middle = n * len(other) / 2

    def distance(chosen):
        mine = [whole[at] for at in chosen]
        rest = [whole[at] for at in range(len(whole)) if at not in chosen]
        return abs(sum((a > b) + (a == b) / 2 for a in mine for b in rest) - middle)

    found = distance(range(n))
    ways = [distance(set(chosen)) for chosen in combinations(range(len(whole)), n)]
    return sum(way >= found - 1e-9 for way in ways) / len(ways)


@pytest.mark.parametrize("n", [1, 3, 5])
@pytest.mark.parametrize("m", [2, 4, 6])
def test_small_samples_are_counted_exactly(n, m):
    pick = random.Random(n * 10 + m)
    one = [pick.random() for _ in range(n)]
    other = [pick.random() + 0.3 for _ in range(m)]
    assert mann_whitney(one, other) == pytest.approx(counted(one, other))


def test_the_approximation_is_near_to_the_exact_chance(monkeypatch):
    pick = random.Random(3)
    one = [pick.random() for _ in range(16)]
    for shift in (0, 0.1, 0.2, 0.4):
        other = [pick.random() + shift for _ in range(16)]
        exact = mann_whitney(one, other)
        with monkeypatch.context() as patch:
            patch.setattr(significance, "EXACT", 0)
            assert mann_whitney(one, other) == pytest.approx(exact, abs=0.01)


def test_equal_samples_do_not_differ():
    assert mann_whitney([1.0] * 20, [1.0] * 20) == 1.0
    assert mann_whitney([], [1.0]) == 1.0


@given(
    st.lists(st.floats(0, 1e9), min_size=1, max_size=30),
    st.lists(st.floats(0, 1e9), min_size=1, max_size=30),
)
def test_the_chance_is_one_and_the_same_from_both_sides(one, other):
    chance = mann_whitney(one, other)
    assert 0 <= chance <= 1
    assert chance == pytest.approx(mann_whitney(other, one))


def test_half_of_a_thousand_fair_pairs_are_below_a_half():
    """Under no difference the chance is spread evenly."""
    pick = random.Random(7)
    chances = [
        mann_whitney([pick.random() for _ in range(9)], [pick.random() for _ in range(9)])
        for _ in range(1000)
    ]
    assert sum(chance < 0.01 for chance in chances) <= 20
    assert 400 < sum(chance < 0.5 for chance in chances) < 600

"""Whether two sets of samples differ by more than chance: the Mann-Whitney U test.

It asks nothing of how the samples are distributed, which is why benchstat uses it too. Mann and
Whitney, "On a test of whether one of two random variables is stochastically larger than the other"
(1947); the exact distribution by their recurrence, the correction for ties after Lehmann,
"Nonparametrics" (1975).
"""

from __future__ import annotations

import math
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["mann_whitney"]

EXACT = 16
"""Samples a side up to which chances are counted, not approximated; without ties only."""


def mann_whitney(one: Sequence[float], other: Sequence[float]) -> float:
    """The chance that samples of one distribution differ as much as these do; two-sided.

    Takes O((n+m) log(n+m)), and O(n²m²) once for small sizes. 1.0 when a side is empty.
    """
    n, m = len(one), len(other)
    if not n or not m:
        return 1.0
    ranks, ties = _ranks([*one, *other])
    u = sum(ranks[:n]) - n * (n + 1) / 2
    if not ties and n <= EXACT and m <= EXACT:
        least = round(min(u, n * m - u))
        below = sum(_arrangements(n, m, at) for at in range(least + 1))
        return min(1.0, 2 * below / math.comb(n + m, n))
    whole = n + m
    variance = n * m / 12 * (whole + 1 - ties / (whole * (whole - 1)))
    if variance <= 0:
        return 1.0
    distance = max(0.0, abs(u - n * m / 2) - 0.5) / math.sqrt(variance)
    return math.erfc(distance / math.sqrt(2))


def _ranks(samples: Sequence[float]) -> tuple[list[float], int]:
    """The rank of each, equal ones the mean of theirs; and the sum of t³ - t over ties."""
    order = sorted(range(len(samples)), key=samples.__getitem__)
    ranks = [0.0] * len(samples)
    first, ties = 1, 0
    for _, group in groupby(order, key=samples.__getitem__):
        equal = list(group)
        for at in equal:
            ranks[at] = first + (len(equal) - 1) / 2
        first += len(equal)
        ties += len(equal) ** 3 - len(equal)
    return ranks, ties


@cache
def _arrangements(n: int, m: int, u: int) -> int:
    """How many orders of n and m samples have this U."""
    if u < 0:
        return 0
    if not n or not m:
        return int(u == 0)
    return _arrangements(n - 1, m, u - m) + _arrangements(n, m - 1, u)

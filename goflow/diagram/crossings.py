"""The order within layers: few links that cross. Barycentres, then exchanges of neighbours."""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from goflow.diagram.layers import Layers

__all__ = ["count_crossings", "reduce_crossings"]

SWEEPS = 24
PATIENCE = 4
"""Sweeps without improvement until we are content."""
SMALL = 1_500
"""Items up to which neighbours are exchanged too: that costs the square of a layer's links."""


def reduce_crossings(layers: Layers) -> None:
    """Order each row of ``layers``. O(sweeps * items log items); the result is always the same."""
    _depth_first(layers)
    position = _positions(layers)
    best, fewest = [list(row) for row in layers.rows], count_crossings(layers)
    idle = 0
    small = len(layers.items) <= SMALL
    for sweep in range(SWEEPS):
        if not fewest or idle == PATIENCE:
            break
        downward = sweep % 2 == 0
        beside = layers.up if downward else layers.down
        for row in layers.rows if downward else reversed(layers.rows):
            keys = {
                item: sum(position[other] for other in beside[item]) / len(beside[item])
                if beside[item]
                else float(position[item])
                for item in row
            }
            row.sort(key=keys.__getitem__)
            for i, item in enumerate(row):
                position[item] = i
        if small:
            _exchange(layers, position)
        crossings = count_crossings(layers)
        idle += 1
        if crossings < fewest:
            best, fewest, idle = [list(row) for row in layers.rows], crossings, 0
    layers.rows[:] = best


def count_crossings(layers: Layers) -> int:
    """How many pairs of links cross between neighbouring rows. O(links log links) and copies."""
    position = _positions(layers)
    crossings = 0
    for row in layers.rows:
        seen: list[int] = []
        for item in row:
            ends = sorted(position[other] for other in layers.down[item])
            crossings += sum(len(seen) - bisect_left(seen, end + 1) for end in ends)
            for end in ends:
                insort(seen, end)
    return crossings


def _positions(layers: Layers) -> list[int]:
    position = [0] * len(layers.items)
    for row in layers.rows:
        for i, item in enumerate(row):
            position[item] = i
    return position


def _depth_first(layers: Layers) -> None:
    """The order in which a walk down from the top finds things: what belongs together is near."""
    place: dict[int, int] = {}
    stack = [item for row in reversed(layers.rows) for item in reversed(row) if not layers.up[item]]
    while stack:
        item = stack.pop()
        if item not in place:
            place[item] = len(place)
            stack += [other for other in reversed(layers.down[item]) if other not in place]
    for row in layers.rows:
        row.sort(key=place.__getitem__)


def _exchange(layers: Layers, position: list[int]) -> None:
    """Swap neighbours in a row wherever that takes crossings away."""
    for row in layers.rows:
        for i in range(len(row) - 1):
            left, right = row[i], row[i + 1]
            now = then = 0
            for beside in (layers.up, layers.down):
                ours = [position[other] for other in beside[left]]
                theirs = [position[other] for other in beside[right]]
                for one in ours:
                    for other in theirs:
                        now += one > other
                        then += other > one
            if then < now:
                row[i], row[i + 1] = right, left
                position[left], position[right] = i + 1, i

"""Where items stand within their layers: near what they are linked to, links straight.

Each layer is placed at once, optimally: the least squares of what its items' neighbours ask for,
under the distances that must be kept, is an isotonic regression, which pooling adjacent violators
(Ayer et al. 1955) solves in linear time. Sweeps down and up let the layers agree.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goflow.diagram.layers import Layers

__all__ = ["fit", "positions_of"]

SWEEPS = 40
FEWER = 16
"""Sweeps where there are more than ``MANY`` items: few could be followed by eye anyway."""
MANY = 2_000
# How much a link pulls: between bends most, so that long links are straight (Gansner et al. 1993).
_BEND, _MIXED, _BOX = 16.0, 2.0, 1.0


def positions_of(layers: Layers, gap: float, bend_gap: float) -> list[float]:
    """The middle of each item, the leftmost edge at 0. O(sweeps * (items + links))."""
    items = layers.items
    middle = [0.0] * len(items)
    apart: list[list[float]] = []
    for row in layers.rows:
        distances = [0.0]
        for left, right in itertools.pairwise(row):
            both_boxes = items[left].box is not None and items[right].box is not None
            room = gap if both_boxes else bend_gap
            distances.append(distances[-1] + (items[left].width + items[right].width) / 2 + room)
        apart.append(distances)
        for item, at in zip(row, distances, strict=True):
            middle[item] = at - distances[-1] / 2
    weights = [_BOX if item.box is not None else 0.0 for item in items]
    sweeps = SWEEPS if len(items) <= MANY else FEWER
    for sweep in range(sweeps):
        downward = sweep % 2 == 0
        last = sweep >= sweeps * 3 // 5  # from here on items look at both sides at once
        order = range(len(layers.rows)) if downward else range(len(layers.rows) - 1, -1, -1)
        for i in order:
            row = layers.rows[i]
            wanted, weight = [], []
            for item in row:
                beside = layers.up[item] if downward else layers.down[item]
                if last or not beside:
                    beside = layers.up[item] + layers.down[item]
                pull = total = 0.0
                for other in beside:
                    boxes = weights[item] + weights[other]
                    strength = _BEND if not boxes else _MIXED if boxes == _BOX else _BOX
                    pull += strength * middle[other]
                    total += strength
                wanted.append(pull / total if total else middle[item])
                weight.append(total or 0.01)
            for item, at in zip(row, fit(wanted, weight, apart[i]), strict=True):
                middle[item] = at
    edge = min(
        (middle[row[0]] - items[row[0]].width / 2 for row in layers.rows if row), default=0.0
    )
    return [at - edge for at in middle]


def fit(wanted: Sequence[float], weights: Sequence[float], apart: Sequence[float]) -> list[float]:
    """The places nearest to those that are wanted, by weighted squares, that keep their distances.

    ``apart[i]`` is the least distance of item ``i`` from the first. Linear.
    """
    # Less their distances the places need only not decrease.
    blocks: list[tuple[float, float, int]] = []  # mean, weight, how many
    for i, (at, weight) in enumerate(zip(wanted, weights, strict=True)):
        mean, total, count = at - apart[i], weight, 1
        while blocks and blocks[-1][0] > mean:
            other, other_weight, other_count = blocks.pop()
            mean = (mean * total + other * other_weight) / (total + other_weight)
            total += other_weight
            count += other_count
        blocks.append((mean, total, count))
    flat = [mean for mean, _, count in blocks for _ in range(count)]
    return [at + distance for at, distance in zip(flat, apart, strict=True)]

"""From a graph to layers: each link becomes steps between neighbouring layers.

The first phase of Sugiyama, Tagawa and Toda's method (1981). A link's label gets a place of its own
in a layer between, so that no label ever lies on something else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from goflow._core.graph import Graph

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from goflow.diagram.diagram import Link

__all__ = ["MOST_BENDS", "Item", "Layers", "layers_of"]

MOST_BENDS = 20_000
"""Bends of all links together; beyond that the longest links are drawn without, behind boxes."""


class Item(NamedTuple):
    """What has a place in a layer: a box, a link's label, or a link that passes by (a bend)."""

    box: str | None
    link: Link | None
    width: float


class Layers:
    """``items`` by number; ``rows`` of their numbers, from the top.

    ``up`` and ``down`` are each item's neighbours in the layers beside its own, ``chains`` each
    link's items from source to target.
    """

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.rows: list[list[int]] = []
        self.up: list[list[int]] = []
        self.down: list[list[int]] = []
        self.chains: list[tuple[Link, list[int]]] = []

    def add(self, row: int, item: Item) -> int:
        """Put an item at the end of a row; its number."""
        self.items.append(item)
        self.up.append([])
        self.down.append([])
        number = len(self.items) - 1
        self.rows[row].append(number)
        return number

    def join(self, above: int, below: int) -> None:
        """Make two items neighbours."""
        self.down[above].append(below)
        self.up[below].append(above)


def layers_of(
    widths: Mapping[str, float], links: Sequence[Link], label_widths: Mapping[str, float]
) -> Layers:
    """The layers of boxes of these ``widths``: each stands below all that lead to it.

    Linear in boxes, links and bends. Raises ``ValueError`` for links in a circle.
    """
    levels = Graph(list(widths), {(link.source, link.target) for link in links}).levels()
    level = {box: i for i, boxes in enumerate(levels) for box in boxes}
    labelled = {level[link.source] for link in links if link.label}
    row, rows = {}, 0
    for i in range(len(levels)):
        row[i] = rows
        rows += 2 if i in labelled else 1
    layers = Layers()
    layers.rows = [[] for _ in range(rows)]
    order = {box: i for i, box in enumerate(widths)}
    number = {
        box: layers.add(row[i], Item(box, None, widths[box]))
        for i, boxes in enumerate(levels)
        for box in sorted(boxes, key=order.__getitem__)
    }
    budget = MOST_BENDS
    for link in sorted(links, key=lambda link: level[link.target] - level[link.source]):
        first, last = row[level[link.source]], row[level[link.target]]
        whole = last - first - 1 <= budget
        budget -= last - first - 1
        chain = [number[link.source]]
        if link.label:
            width = label_widths[link.label]
            chain.append(layers.add(first + 1, Item(None, link, width)))
        if whole:
            for place in range(first + len(chain), last):
                chain.append(layers.add(place, Item(None, link, 0.0)))
        chain.append(number[link.target])
        pairs = len(chain) - 1 if whole else len(chain) - 2
        for i in range(pairs):
            layers.join(chain[i], chain[i + 1])
        layers.chains.append((link, chain))
    return layers

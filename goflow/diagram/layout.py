"""Where everything is drawn: boxes with what is in them, and the ways of links between boxes."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple, Protocol

from goflow.diagram.crossings import reduce_crossings
from goflow.diagram.diagram import Box, Diagram, Link
from goflow.diagram.layers import layers_of
from goflow.diagram.positions import positions_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from goflow.diagram.layers import Layers

__all__ = ["Measure", "Picture", "Placed", "Route", "Station", "lay_out"]

STACK = 8
"""More boxes than this with the same links stand in one grid, with one link for all."""


class Measure(Protocol):
    """How large things are in a format, and how much room it leaves around them."""

    gap: float
    """Between boxes of a layer."""
    bend_gap: float
    """Beside a link that passes by."""
    layer_gap: float
    """Between layers."""
    label_height: float
    inset: float
    """Between an owner's edge and its members."""
    member_gap: float
    """Between members of a chain."""
    widest: float
    """Of branches in one row."""

    def box(self, box: Box) -> tuple[float, float]:
        """Width and height, without members."""
        ...

    def label(self, text: str) -> float:
        """A label's width."""
        ...


class Placed(NamedTuple):
    """A box and where it is; ``depth`` counts the owners around it, which come before it."""

    box: Box
    x: float
    y: float
    width: float
    height: float
    depth: int

    def moved(self, x: float, y: float) -> Placed:
        """One level deeper, at a place within something."""
        return self._replace(x=self.x + x, y=self.y + y, depth=self.depth + 1)


class Station(NamedTuple):
    """A link runs straight down at ``x`` from ``top`` to ``bottom``, and bends between stations."""

    x: float
    top: float
    bottom: float

    def moved(self, x: float, y: float) -> Station:
        """At a place within something."""
        return Station(self.x + x, self.top + y, self.bottom + y)


class Route(NamedTuple):
    """The way of a link, None for the order of members; ``label`` is the middle of its label."""

    link: Link | None
    stations: tuple[Station, ...]
    label: tuple[float, float] | None = None

    def moved(self, x: float, y: float) -> Route:
        """At a place within something; such a route has no label."""
        return Route(self.link, tuple(one.moved(x, y) for one in self.stations))


class Picture(NamedTuple):
    """All that is drawn; owners come before their members."""

    width: float
    height: float
    boxes: list[Placed]
    routes: list[Route]


def lay_out(diagram: Diagram, measure: Measure) -> Picture:
    """Boxes in layers, each below all that lead to it; always the same for the same diagram.

    O(n log n) in boxes, links and bends together. Raises ``ValueError`` for links in a circle.
    """
    boxes, links = stacked(diagram)
    insides = {box.id: _inside(box, measure) for box in boxes}
    layers = layers_of(
        {box_id: inside.width for box_id, inside in insides.items()},
        links,
        {link.label: measure.label(link.label) for link in links if link.label},
    )
    reduce_crossings(layers)
    middles = positions_of(layers, measure.gap, measure.bend_gap)
    bands = _bands(layers, middles, insides, measure)
    picture = Picture(0.0, bands[-1][1] if bands else 0.0, [], [])
    at: dict[int, Placed] = {}
    for row, (top, bottom) in zip(layers.rows, bands, strict=True):
        for number in row:
            box_id = layers.items[number].box
            if box_id is not None:
                inside = insides[box_id]
                x = middles[number] - inside.width / 2
                y = (top + bottom - inside.height) / 2
                at[number] = inside.boxes[0]._replace(x=x, y=y)
                picture.boxes.append(at[number])
                picture.boxes.extend(one.moved(x, y) for one in inside.boxes[1:])
                picture.routes.extend(one.moved(x, y) for one in inside.routes)
    picture.routes.extend(_routes(layers, middles, bands, at))
    width = max((m + layers.items[i].width / 2 for i, m in enumerate(middles)), default=0.0)
    return picture._replace(width=width)


def stacked(diagram: Diagram) -> tuple[tuple[Box, ...], list[Link]]:
    """Boxes and links, where many boxes with the same links are one."""
    arriving: dict[str, list[Link]] = defaultdict(list)
    leaving: dict[str, list[Link]] = defaultdict(list)
    for link in diagram.links:
        arriving[link.target].append(link._replace(target=""))
        leaving[link.source].append(link._replace(source=""))
    alike: dict[tuple[frozenset[Link], frozenset[Link]], list[Box]] = defaultdict(list)
    for box in diagram.boxes:
        if not box.chains and (arriving[box.id] or leaving[box.id]):
            alike[frozenset(arriving[box.id]), frozenset(leaving[box.id])].append(box)
    inside: dict[str, Box] = {}
    for group in alike.values():
        if len(group) > STACK:
            whole = Box(id=f" {group[0].id}", kind="stack", chains=(tuple(group),))
            inside |= dict.fromkeys((box.id for box in group), whole)
    if not inside:
        return diagram.boxes, list(diagram.links)
    boxes = dict.fromkeys(
        (inside.get(box.id, box).id, inside.get(box.id, box)) for box in diagram.boxes
    )
    names = {box_id: whole.id for box_id, whole in inside.items()}
    links = dict.fromkeys(
        link._replace(
            source=names.get(link.source, link.source), target=names.get(link.target, link.target)
        )
        for link in diagram.links
    )
    return tuple(box for _, box in boxes), list(links)


def _inside(box: Box, measure: Measure) -> Picture:
    """A box at 0, 0, with its members below its head."""
    width, head = measure.box(box)
    own = Placed(box, 0.0, 0.0, width, head, 0)
    if not any(box.chains):
        return Picture(width, head, [own], [])
    if box.kind == "stack":
        parts = _grid([_inside(member, measure) for member in box.chains[0]], measure)
    else:
        parts = _columns([_chain(chain, measure) for chain in box.chains], measure)
    inset = measure.inset
    needed = max(x + part.width for part, x, _ in parts) + 2 * inset
    shift = max(0.0, (width - needed) / 2)
    whole = Picture(
        max(width, needed),
        head + max(y + part.height for part, _, y in parts) + inset,
        [],
        [],
    )
    whole.boxes.append(own._replace(width=whole.width, height=whole.height))
    for part, x, y in parts:
        x, y = x + inset + shift, y + head  # noqa: PLW2901
        whole.boxes.extend(one.moved(x, y) for one in part.boxes)
        whole.routes.extend(one.moved(x, y) for one in part.routes)
    return whole


def _chain(members: Iterable[Box], measure: Measure) -> Picture:
    """Members one below the other, as they run."""
    parts = [_inside(member, measure) for member in members]
    whole = Picture(max((part.width for part in parts), default=0.0), 0.0, [], [])
    y = 0.0
    middle = whole.width / 2
    for i, part in enumerate(parts):
        if i:
            whole.routes.append(Route(None, (Station(middle, y, y + measure.member_gap),)))
            y += measure.member_gap
        x = middle - part.width / 2
        whole.boxes.extend(one._replace(x=one.x + x, y=one.y + y) for one in part.boxes)
        whole.routes.extend(one.moved(x, y) for one in part.routes)
        y += part.height
    return whole._replace(height=y)


def _columns(parts: Sequence[Picture], measure: Measure) -> list[tuple[Picture, float, float]]:
    """Branches side by side, in as many rows as they need."""
    placed = []
    x = y = below = 0.0
    for part in parts:
        if x and x + part.width > measure.widest:
            x, y = 0.0, below + measure.member_gap
        placed.append((part, x, y))
        x += part.width + measure.gap
        below = max(below, y + part.height)
    return placed


def _grid(parts: Sequence[Picture], measure: Measure) -> list[tuple[Picture, float, float]]:
    """Boxes in rows and columns, about twice as wide as high."""
    width = max(part.width for part in parts) + measure.inset
    height = max(part.height for part in parts) + measure.inset
    columns = max(1, round(math.sqrt(2 * len(parts) * height / width)))
    return [(part, (i % columns) * width, (i // columns) * height) for i, part in enumerate(parts)]


def _bands(
    layers: Layers, middles: Sequence[float], insides: dict[str, Picture], measure: Measure
) -> list[tuple[float, float]]:
    """Top and bottom of each layer; gaps grow with how far links in them go sideways."""
    bands = []
    y = 0.0
    for i, row in enumerate(layers.rows):
        heights = [
            insides[item.box].height
            if item.box is not None
            else (measure.label_height if item.width else 0.0)
            for item in map(layers.items.__getitem__, row)
        ]
        if i:
            aside = max(
                (abs(middles[n] - middles[other]) for n in row for other in layers.up[n]),
                default=0.0,
            )
            y += measure.layer_gap * (1 + min(2.0, aside / (12 * measure.layer_gap)))
        bands.append((y, y + max(heights)))
        y = bands[-1][1]
    return bands


def _routes(
    layers: Layers,
    middles: Sequence[float],
    bands: Sequence[tuple[float, float]],
    at: dict[int, Placed],
) -> list[Route]:
    row_of = {number: i for i, row in enumerate(layers.rows) for number in row}
    leaves = _ports(
        at, middles, [(chain[0], chain[1], i) for i, (_, chain) in enumerate(layers.chains)]
    )
    arrives = _ports(
        at, middles, [(chain[-1], chain[-2], i) for i, (_, chain) in enumerate(layers.chains)]
    )
    routes = []
    for i, (link, chain) in enumerate(layers.chains):
        first, last = at[chain[0]], at[chain[-1]]
        stations = [Station(leaves[i], first.y + first.height, bands[row_of[chain[0]]][1])]
        label = None
        for number in chain[1:-1]:
            top, bottom = bands[row_of[number]]
            stations.append(Station(middles[number], top, bottom))
            if layers.items[number].width:
                label = (middles[number], (top + bottom) / 2)
        stations.append(Station(arrives[i], bands[row_of[chain[-1]]][0], last.y))
        routes.append(Route(link, tuple(stations), label))
    return routes


def _ports(
    at: dict[int, Placed], middles: Sequence[float], ends: Iterable[tuple[int, int, int]]
) -> dict[int, float]:
    """Where each link touches its box: side by side, in the order of where they go."""
    by_box: dict[int, list[tuple[float, int]]] = defaultdict(list)
    for number, beside, link in ends:
        by_box[number].append((middles[beside], link))
    ports = {}
    for number, links in by_box.items():
        links.sort()
        step = min(16.0, at[number].width * 0.6 / len(links))
        for i, (_, link) in enumerate(links):
            ports[link] = middles[number] + (i - (len(links) - 1) / 2) * step
    return ports

"""A diagram as lines of text: a row a node, and rails beside it that show what leads where.

The rails are those that version control draws of its commits: a lane goes down until the node it
leads to, so that any graph fits, however wide or long it is.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from goflow.diagram.layout import stacked
from goflow.shown import MARKS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from goflow.diagram.diagram import Box, Diagram, Link

__all__ = ["Row", "text", "text_rows"]

SHOWN = 12
"""Nodes of a grid that have a row each; of the others only the number is told."""
_BULLETS = {"start": "○", "end": "◎", "condition": "◆", "stack": "⋮"}
_UP, _DOWN, _LEFT, _RIGHT = 1, 2, 4, 8
_STROKES = dict(enumerate(" ╵╷│╴╯╮┤╶╰╭├─┴┬┼"))


class Row(NamedTuple):
    """One line: ``rails``, then a node's ``name`` (or nothing) and what it does and did."""

    rails: str
    name: str = ""
    detail: str = ""
    outcome: str = ""
    status: str = ""


def text(diagram: Diagram, width: int = 100) -> str:
    """The diagram in lines of at most ``width`` characters."""
    rows = list(text_rows(diagram))
    return "\n".join(line for line, _ in lines(rows, width)) + "\n"


def lines(rows: Sequence[Row], width: int) -> Iterator[tuple[str, Row]]:
    """Each row as a line with its columns under each other, cut to ``width``."""
    rails = max((len(row.rails) for row in rows if row.name), default=0)
    names = min(28, max((len(row.name) for row in rows), default=0))
    details = max((len(row.detail) for row in rows), default=0)
    if any(row.outcome for row in rows):
        outcomes = max(len(row.outcome) for row in rows)
        details = max(0, min(details, width - rails - names - outcomes - 5))
    for row in rows:
        if not row.name:
            yield row.rails, row
            continue
        name = row.name if len(row.name) <= names else row.name[: names - 1] + "…"
        detail = row.detail
        if row.outcome and len(detail) > details:
            detail = detail[: max(0, details - 1)] + "…" if details > 1 else ""
        line = f"{row.rails:{rails}} {name:{names}}  {detail}"
        if row.outcome:
            line = f"{line:{rails + names + details + 5}}{row.outcome}"
        line = line.rstrip()
        yield (line if len(line) <= width else line[: width - 1] + "…"), row


def text_rows(diagram: Diagram) -> Iterator[Row]:
    """The rows of a diagram, each node below all that lead to it. O(links * lanes)."""
    boxes, links = stacked(diagram)
    leaving: dict[str, list[Link]] = defaultdict(list)
    arriving: dict[str, list[Link]] = defaultdict(list)
    for link in links:
        leaving[link.source].append(link)
        arriving[link.target].append(link)
    lanes: list[str | None] = []
    for box in _in_order(boxes, links):
        at = lanes.index(box.id) if box.id in lanes else _free(lanes)
        lanes[at] = box.id
        rails = [" " if lane is None else "│" for lane in lanes]
        rails[at] = _bullet(box)
        yield _row(box, _joined(rails), [_why(link) for link in arriving[box.id] if link.label])
        targets = list(dict.fromkeys(link.target for link in leaving[box.id]))
        lanes[at] = None
        joins = [lanes.index(target) for target in targets if target in lanes]
        opened: list[int] = []
        for target in targets:
            if target not in lanes:
                place = at if lanes[at] is None and not opened else _free(lanes)
                lanes[place] = target
                opened.append(place)
        below = [" " if lane is None else "│" for lane in lanes]
        for line in _members(box, len(below)):
            # Not at the node's own lane: its links begin below its members.
            row = [*below]
            row[at] = "│" if targets else " "
            for place in opened:
                if place != at:
                    row[place] = " "
            yield line._replace(rails=_joined(row) + line.rails)
        if joins or any(place != at for place in opened):
            yield Row(_across(lanes, at, joins, opened))
        while lanes and lanes[-1] is None:
            lanes.pop()


def _in_order(boxes: Sequence[Box], links: Sequence[Link]) -> Iterator[Box]:
    """Each box after all that lead to it, and else as soon as possible after the last of them."""
    waiting = {box.id: 0 for box in boxes}
    following: dict[str, list[str]] = defaultdict(list)
    for source, target in dict.fromkeys((link.source, link.target) for link in links):
        waiting[target] += 1
        following[source].append(target)
    by_id = {box.id: box for box in boxes}
    ready = [box.id for box in reversed(boxes) if not waiting[box.id]]
    while ready:
        box_id = ready.pop()
        yield by_id[box_id]
        for target in reversed(following[box_id]):
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)


def _free(lanes: list[str | None]) -> int:
    """A lane that leads nowhere, a new one if need be."""
    for i, lane in enumerate(lanes):
        if lane is None:
            return i
    lanes.append(None)
    return len(lanes) - 1


def _across(
    lanes: Sequence[str | None], at: int, joins: Sequence[int], opened: Sequence[int]
) -> str:
    """The line on which a node's links part, or join the lanes of others."""
    ends = {at, *joins, *opened}
    first, last = min(ends), max(ends)
    cells = []
    for i, lane in enumerate(lanes):
        stroke = 0
        if i in ends:
            stroke |= _LEFT if i > first else 0
            stroke |= _RIGHT if i < last else 0
            stroke |= _UP if i == at or i in joins else 0
            stroke |= _DOWN if lane is not None else 0
            cells.append(_STROKES[stroke])
        elif lane is not None:
            cells.append("│")
        else:
            cells.append("─" if first < i < last else " ")
    line = ""
    for i, cell in enumerate(cells):
        line += cell + ("─" if first <= i < last else " ")
    return line.rstrip()


def _joined(cells: Sequence[str]) -> str:
    return " ".join(cells).rstrip()


def _bullet(box: Box) -> str:
    return MARKS.get(box.status) or ("·" if box.status else _BULLETS.get(box.kind, "●"))


def _row(box: Box, rails: str, reasons: Sequence[str] = ()) -> Row:
    if box.kind == "stack":
        return Row(rails, f"{len(box.chains[0])} nodes", "with the same links")
    detail = box.summary
    if reasons:
        detail = f"[{'; '.join(reasons)}] {detail}".rstrip()
    outcome = box.outcome.partition(" ")[2]
    return Row(rails, box.id, detail, outcome, box.status)


def _why(link: Link) -> str:
    return f"{link.source}: {link.label}"


def _members(box: Box, lanes: int) -> Iterator[Row]:
    """The rows of what is in a box, their rails relative to it."""
    for i, chain in enumerate(box.chains):
        last_chain = i == len(box.chains) - 1
        shown = chain[:SHOWN] if box.kind == "stack" else chain
        for j, member in enumerate(shown):
            last = j == len(shown) - 1 and len(shown) == len(chain)
            first = "┌" if j == 0 and len(box.chains) > 1 and not last else "├"
            tip = "─" if last and j == 0 and len(box.chains) > 1 else "└" if last else first
            yield _row(member, f"  {tip} {_bullet(member)}" if member.status else f"  {tip}")
            for row in _members(member, lanes):
                yield row._replace(rails=f"  {' ' if last and last_chain else '│'}" + row.rails)
        if len(shown) < len(chain):
            yield Row("  └", "…", f"{len(chain) - len(shown):,} more")

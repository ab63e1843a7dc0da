"""When each node ran: one row a node, with a bar for each time it ran and for each attempt."""

from __future__ import annotations

import math
from collections import defaultdict
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

from goflow.shown import counted, duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from goflow.diagram.diagram import Box, Diagram
    from goflow.history.runs import Entry

__all__ = ["Span", "spans_of", "timeline"]

MOST_BARS = 400
"""In one row; more iterations than that are drawn as the time from the first to the last."""


class Span(NamedTuple):
    """Something that took from ``begin`` to ``end``, both Unix times."""

    begin: float
    end: float
    status: str
    title: str


def spans_of(nodes: Iterable[dict[str, Any]], log: Iterable[Entry]) -> dict[str, list[Span]]:
    """The spans of each node, by id: one for each time it ran, cut into its attempts. Linear.

    Nodes of workflows that the run's nodes ran have none of their own.
    """
    failures = {
        (one.node, one.path, one.detail["attempt"]): one.at
        for one in log
        if one.what == "failed attempt"
    }
    spans: dict[str, list[Span]] = defaultdict(list)
    for node in nodes:
        if node.get("started_at") is None or "/" in node["path"]:
            continue
        name = f"{node['id']}@{node['path']}" if node["path"] else node["id"]
        begin = node["started_at"]
        end = begin + (node.get("duration") or 0.0)
        status = "cached" if node.get("cached") else node["status"]
        tries = node["tries"]
        for i, attempt in enumerate(tries[:-1]):
            following: float = tries[i + 1]["at"]
            failed = failures.get((node["id"], node["path"], attempt["attempt"]), following)
            title = f"{name}: attempt {attempt['attempt']} failed after "
            spans[node["id"]].append(
                Span(attempt["at"], failed, "retried", title + duration(failed - attempt["at"]))
            )
        if len(tries) > 1:
            begin = tries[-1]["at"]
        title = f"{name}: {status} in {duration(end - begin)}"
        spans[node["id"]].append(Span(begin, end, status, title))
    return spans


def timeline(diagram: Diagram, spans: dict[str, list[Span]], begin: float, end: float) -> str:
    """The rows as HTML, in the order in which the nodes began."""
    if not spans:
        return "<p>Nothing ran.</p>"
    length = max(end - begin, 1e-6)
    rows = [_axis(length)]

    def first(box: Box) -> float:
        return min((span.begin for span in spans.get(box.id, ())), default=math.inf)

    def add(box: Box, depth: int) -> None:
        if box.id in spans:
            rows.append(_row(box, depth, spans[box.id], begin, length))
        for member in (member for chain in box.chains for member in chain):
            add(member, depth + 1)

    for box in sorted(diagram.boxes, key=first):
        add(box, 0)
    return f'<div class="timeline">{"".join(rows)}</div>'


def _row(box: Box, depth: int, spans: Sequence[Span], begin: float, length: float) -> str:
    if len(spans) > MOST_BARS:
        title = f"{box.id}: {counted(len(spans), 'time')}"
        ends = max(span.end for span in spans)
        spans = [Span(min(span.begin for span in spans), ends, box.status, title)]
    bars = "".join(_bar(span, begin, length) for span in spans)
    took = sum(span.end - span.begin for span in spans)
    name = escape(box.id)
    return (
        f'<a class="row" href="#node-{name}"><span class="name" style="padding-left:{depth}em" '
        f'title="{name}">{name}</span><span class="track">{bars}</span>'
        f'<span class="took">{duration(took)}</span></a>'
    )


def _bar(span: Span, begin: float, length: float) -> str:
    left = min(100.0, max(0.0, (span.begin - begin) / length * 100))
    width = min(100.0 - left, max(0.0, (span.end - span.begin) / length * 100))
    return (
        f'<i class="b-{escape(span.status)}" style="left:{left:.2f}%;width:{width:.2f}%" '
        f'title="{escape(span.title)}"></i>'
    )


def _axis(length: float) -> str:
    """About four marks at round times."""
    step = 10 ** math.floor(math.log10(length / 4))
    step *= next(factor for factor in (1, 2, 5, 10) if length / (step * factor) <= 5)
    marks = "".join(
        f'<em style="left:{i * step / length * 100:.2f}%">{duration(i * step) if i else "0"}</em>'
        for i in range(int(length / step) + 1)
        if i * step <= 0.92 * length  # the text of a later one would be cut
    )
    return (
        '<div class="row axis"><span class="name"></span>'
        f'<span class="track">{marks}</span><span class="took"></span></div>'
    )

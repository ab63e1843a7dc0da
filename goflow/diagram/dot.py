"""A diagram in DOT, the language of Graphviz."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from goflow.diagram.svg import cut

if TYPE_CHECKING:
    from goflow.diagram.diagram import Box, Diagram, Link

__all__ = ["dot"]

_SHAPES = {"start": "oval", "end": "oval", "condition": "hexagon", "workflow": "component"}
_STYLES = {"error": 'style=dashed, color="#c2413b"', "always": "style=dotted"}
_FILLS = {
    "completed": "#e9f7ec",
    "cached": "#e5f4fa",
    "skipped": "#f0f1f4",
    "pending": "#f0f1f4",
    "failed": "#f7c9c6",
    "outcome_unknown": "#fde3ac",
    "cancelled": "#f3dcc4",
    "running": "#d3e0ff",
}


def dot(diagram: Diagram) -> str:
    """The text of a directed graph; owners of members are clusters. Linear."""
    lines = [
        f"digraph {_text(diagram.name)} {{",
        "  compound=true;",
        '  node [shape=box, style="rounded,filled", fillcolor=white, fontname="Helvetica"];',
        '  edge [fontname="Helvetica", fontsize=10];',
    ]
    inner: dict[str, tuple[str, str]] = {}
    for box in diagram.boxes:
        lines += _box(box, inner, "  ")
    lines += [_link(link, inner) for link in diagram.links]
    return "\n".join([*lines, "}"]) + "\n"


def _box(box: Box, inner: dict[str, tuple[str, str]], indent: str) -> list[str]:
    """``inner`` gets a first and a last node within each cluster, which links have to name."""
    texts = [box.id, *(cut(text) for text in (box.summary, box.outcome) if text)]
    label = f"label={_text(chr(10).join(texts))}"
    fill = f', fillcolor="{_FILLS[box.status]}"' if box.status in _FILLS else ""
    if not any(box.chains):
        shape = f", shape={_SHAPES[box.kind]}" if box.kind in _SHAPES else ""
        return [f"{indent}{_text(box.id)} [{label}{shape}{fill}];"]
    lines = [f"{indent}subgraph {_text(f'cluster_{box.id}')} {{", f"{indent}  {label};"]
    if fill:
        lines.append(f'{indent}  style=filled; fillcolor="{_FILLS[box.status]}";')
    for chain in box.chains:
        for member in chain:
            lines += _box(member, inner, indent + "  ")
        for one, other in itertools.pairwise(chain):
            lines.append(f"{indent}  {_arrow(one.id, other.id, inner, [])}")
    full = [chain for chain in box.chains if chain]
    first, last = full[0][0].id, full[0][-1].id
    inner[box.id] = (inner.get(first, (first, ""))[0], inner.get(last, ("", last))[1])
    return [*lines, f"{indent}}}"]


def _link(link: Link, inner: dict[str, tuple[str, str]]) -> str:
    options = [f"label={_text(link.label)}"] if link.label else []
    if link.on in _STYLES:
        options.append(_STYLES[link.on])
    return "  " + _arrow(link.source, link.target, inner, options)


def _arrow(source: str, target: str, inner: dict[str, tuple[str, str]], options: list[str]) -> str:
    ends = [source, target]
    if source in inner:
        ends[0] = inner[source][1]
        options = [*options, f"ltail={_text(f'cluster_{source}')}"]
    if target in inner:
        ends[1] = inner[target][0]
        options = [*options, f"lhead={_text(f'cluster_{target}')}"]
    more = f" [{', '.join(options)}]" if options else ""
    return f"{_text(ends[0])} -> {_text(ends[1])}{more};"


def _text(text: str) -> str:
    """A quoted string: a backslash would begin an escape, and a line break is one."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'

"""A diagram as SVG: one self-contained text, light or dark as the reader's screen is."""

from __future__ import annotations

import unicodedata
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING

from goflow.diagram.layout import lay_out

if TYPE_CHECKING:
    from goflow.diagram.diagram import Box, Diagram
    from goflow.diagram.layout import Placed, Route, Station

__all__ = ["STYLE", "svg", "svg_element"]

MARGIN = 24.0
_FONT = 13.0
_SMALL = 11.0
_PAD = 14.0
_LONGEST = 34
"""Columns of text from which on it is cut; the whole text is shown where the pointer rests."""
_LABEL = 24

# Not variables: many viewers know none.
STYLE = """
.gf text{font:13px system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;fill:#1f2430}
.gf .small{font-size:11px;fill:#5b6375}
.gf .id{font-weight:600}
.gf .box{fill:#fff;stroke:#8d95a8;stroke-width:1.2}
.gf .owner{fill:#7a86a8;fill-opacity:.07;stroke-dasharray:none}
.gf .stack{fill:none;stroke-dasharray:5 4}
.gf .start,.gf .end{fill:#eceef4}
.gf .condition{fill:#fdf6e3;stroke:#b08a2e}
.gf .mcp_tool{fill:#eef3ff;stroke:#6c86c9}
.gf .link{fill:none;stroke:#7b8397;stroke-width:1.4}
.gf .head{fill:#7b8397}
.gf .link.error{stroke:#c2413b;stroke-dasharray:6 4}
.gf .head.error{fill:#c2413b}
.gf .link.always{stroke-dasharray:2 3}
.gf .label{fill:#fff;stroke:#c9cedb}
.gf .ground{fill:#fff}
.gf .s-completed{fill:#e9f7ec;stroke:#3b9150}
.gf .s-cached{fill:#e5f4fa;stroke:#2c85a8}
.gf .s-skipped,.gf .s-pending{fill:#f5f6f8;stroke:#b9bfcc;stroke-dasharray:4 3}
.gf .s-failed{fill:#fdeceb;stroke:#c2413b;stroke-width:2}
.gf .s-outcome_unknown{fill:#fff4dd;stroke:#b9770e;stroke-width:2}
.gf .s-cancelled{fill:#fbf1e6;stroke:#b0753a}
.gf .s-running{fill:#e8efff;stroke:#3767d6;stroke-width:2}
.gf .owner[class*=" s-"]{fill-opacity:.35}
.gf .t-failed{fill:#a52d28}.gf .t-completed{fill:#2b7040}.gf .t-cached{fill:#1f6885}
@media(prefers-color-scheme:dark){
.gf text{fill:#e4e7ef}
.gf .small{fill:#a3abbd}
.gf .box{fill:#232835;stroke:#6d7690}
.gf .owner{fill:#aab6dd;fill-opacity:.07}
.gf .stack{fill:none}
.gf .start,.gf .end{fill:#333a4b}
.gf .condition{fill:#3a321d;stroke:#b8973f}
.gf .mcp_tool{fill:#222c48;stroke:#6c86c9}
.gf .link{stroke:#8b94ab}
.gf .head{fill:#8b94ab}
.gf .link.error{stroke:#ef7a73}
.gf .head.error{fill:#ef7a73}
.gf .label{fill:#171b24;stroke:#454d61}
.gf .ground{fill:#171b24}
.gf .s-completed{fill:#1b3324;stroke:#4fae67}
.gf .s-cached{fill:#16313c;stroke:#4aa9cd}
.gf .s-skipped,.gf .s-pending{fill:#1f232d;stroke:#565e70}
.gf .s-failed{fill:#431f1e;stroke:#ef7a73}
.gf .s-outcome_unknown{fill:#40310f;stroke:#e0a53f}
.gf .s-cancelled{fill:#3a2a1a;stroke:#c9935b}
.gf .s-running{fill:#1d2c52;stroke:#7ea2ff}
.gf .t-failed{fill:#f4a09b}.gf .t-completed{fill:#84d39a}.gf .t-cached{fill:#86cfe9}
}
"""


class _Measure:
    """How large things are in pixels, from estimates of the width of text."""

    gap = 28.0
    bend_gap = 18.0
    layer_gap = 30.0
    label_height = 20.0
    inset = 16.0
    member_gap = 26.0
    widest = 1100.0

    def box(self, box: Box) -> tuple[float, float]:
        """A box that its texts fit into."""
        if box.kind == "stack":
            return text_width(_stack_title(box), _FONT) + 2 * _PAD, 30.0
        lines = _lines(box)
        widths = [text_width(cut(text), _FONT if name == "id" else _SMALL) for name, text in lines]
        width = max(72.0, max(widths) + 2 * _PAD)
        if box.kind == "condition":
            width += 20.0
        return width, 16.0 + 16.0 * len(lines) + (6.0 if any(box.chains) else 0.0)

    def label(self, text: str) -> float:
        """A label's width, with some room around it."""
        return text_width(cut(text, _LABEL), _SMALL) + 14.0


def svg(diagram: Diagram) -> str:
    """The diagram as a file of its own."""
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + svg_element(diagram, style=True) + "\n"


def svg_element(diagram: Diagram, *, style: bool = False, anchors: str | None = None) -> str:
    """The diagram as an ``svg`` element.

    Without ``style`` a page must have ``STYLE``. With ``anchors`` each box is a link to
    ``#<anchors><id>``.
    """
    picture = lay_out(diagram, _Measure())
    width, height = picture.width + 2 * MARGIN, picture.height + 2 * MARGIN
    name = escape(diagram.name)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="gf" width="{width:.0f}" '
        f'height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}" role="img" '
        f'aria-label="The workflow {name}">',
        f"<title>{name}</title>",
    ]
    if style:
        parts.append(f"<style>{STYLE}</style>")
        parts.append(f'<rect class="ground" width="{width:.0f}" height="{height:.0f}"/>')
    parts.append(f'<g transform="translate({MARGIN:.0f} {MARGIN:.0f})">')
    # Owners have to be below the links in them, and links below all other boxes.
    parts += [_box(one, anchors) for one in picture.boxes if any(one.box.chains)]
    parts += [_route(route) for route in picture.routes]
    parts += [_box(one, anchors) for one in picture.boxes if not any(one.box.chains)]
    parts += [_label(route) for route in picture.routes if route.label]
    parts.append("</g></svg>")
    return "\n".join(parts)


def text_width(text: str, size: float) -> float:
    """About how wide ``text`` is in a sans serif font, rather too wide than too narrow."""
    ems = 0.0
    for character in text:
        if unicodedata.east_asian_width(character) in "WF":
            ems += 1.05
        elif character in "iljtfI.,:;|'!()[]{} ":
            ems += 0.36
        elif character in "mwMW@%—…":
            ems += 0.95
        elif character.isupper():
            ems += 0.72
        else:
            ems += 0.6
    return ems * size


def cut(text: str, columns: int = _LONGEST) -> str:
    """The beginning of a long text."""
    return text if len(text) <= columns else text[: columns - 1].rstrip() + "…"


def _stack_title(box: Box) -> str:
    members = box.chains[0]
    title = f"{len(members)} nodes with the same links"
    done = sum(member.status in ("completed", "cached") for member in members)
    return title if not any(member.status for member in members) else f"{title}, {done} done"


def _lines(box: Box) -> list[tuple[str, str]]:
    lines = [("id", box.id)]
    if box.summary:
        lines.append(("small", box.summary))
    if box.outcome:
        lines.append((f"small t-{box.status}", box.outcome))
    return lines


def _box(one: Placed, anchors: str | None) -> str:
    box = one.box
    x, y, width, height = one.x, one.y, one.width, one.height
    classes = f"box {box.kind}"
    if any(box.chains) and box.kind != "stack":
        classes += " owner"
    if box.status:
        classes += f" s-{box.status}"
    if box.kind == "condition":
        points = (
            f"{x + 12:.1f},{y:.1f} {x + width - 12:.1f},{y:.1f} {x + width:.1f},"
            f"{y + height / 2:.1f} {x + width - 12:.1f},{y + height:.1f} {x + 12:.1f},"
            f"{y + height:.1f} {x:.1f},{y + height / 2:.1f}"
        )
        shape = f'<polygon class="{classes}" points="{points}"/>'
    else:
        round_ends = box.kind in ("start", "end")
        radius = min(height / 2, 18.0) if round_ends else 7.0
        shape = (
            f'<rect class="{classes}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" '
            f'height="{height:.1f}" rx="{radius:.0f}"/>'
        )
    middle = x + width / 2
    lines = [("small", _stack_title(box))] if box.kind == "stack" else _lines(box)
    texts = [
        f'<text class="{name}" x="{middle:.1f}" y="{y + 20 + 16 * i:.1f}" '
        f'text-anchor="middle">{escape(cut(text))}</text>'
        for i, (name, text) in enumerate(lines)
    ]
    full = "" if box.kind == "stack" else "\n".join(text for _, text in lines)
    title = f"<title>{escape(full)}</title>" if full else ""
    content = f"<g>{title}{shape}{''.join(texts)}</g>"
    if anchors is not None and box.kind != "stack":
        return f'<a href="#{anchors}{escape(box.id)}">{content}</a>'
    return content


def _route(route: Route) -> str:
    on = "" if route.link is None or route.link.on == "success" else f" {route.link.on}"
    x, y = route.stations[-1].x, route.stations[-1].bottom
    head = f"{x:.1f},{y:.1f} {x - 4.5:.1f},{y - 8:.1f} {x + 4.5:.1f},{y - 8:.1f}"
    return (
        f'<path class="link{on}" d="{_path(route.stations)}"/>'
        f'<polygon class="head{on}" points="{head}"/>'
    )


def _path(stations: tuple[Station, ...]) -> str:
    first = stations[0]
    path = [f"M{first.x:.1f} {first.top:.1f}V{first.bottom:.1f}"]
    for before, station in pairwise(stations):
        half = (before.bottom + station.top) / 2
        if abs(before.x - station.x) > 0.5:
            path.append(
                f"C{before.x:.1f} {half:.1f} {station.x:.1f} {half:.1f} "
                f"{station.x:.1f} {station.top:.1f}"
            )
        path.append(f"V{station.bottom - (5 if station is stations[-1] else 0):.1f}")
    return "".join(path)


def _label(route: Route) -> str:
    assert route.label is not None
    assert route.link is not None
    x, y = route.label
    text = route.link.label
    width = text_width(cut(text, _LABEL), _SMALL) + 10
    return (
        f"<g><title>{escape(text)}</title>"
        f'<rect class="label" x="{x - width / 2:.1f}" y="{y - 9:.1f}" width="{width:.1f}" '
        f'height="18" rx="9"/>'
        f'<text class="small" x="{x:.1f}" y="{y + 4:.1f}" text-anchor="middle">'
        f"{escape(cut(text, _LABEL))}</text></g>"
    )

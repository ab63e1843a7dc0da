"""Results as one SVG: time against size, both axes logarithmic, and bars beside the peers."""

from __future__ import annotations

import math
from html import escape
from itertools import cycle
from typing import TYPE_CHECKING

from goflow.bench.tables import EMPTY, amount
from goflow.errors import BadCall

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from goflow.bench.results import Benchmark, Results

__all__ = ["curves", "svg"]

WIDTH, HEIGHT, GAP = 460, 300, 20
LEFT, RIGHT, TOP, BOTTOM = 70, 110, 34, 40
OURS = "#0b6e4f"
COLOURS = (
    "#c1440e", "#3454a4", "#8a4fa3", "#8a6d00", "#00798c", "#6b6b6b",
    "#d1495b", "#4c9a2a", "#7a4419", "#b0329a", "#5b8bd9",
)  # fmt: skip
_STYLE = (
    "text{font:11px system-ui,sans-serif;fill:#222}.t{font-weight:600;font-size:13px}"
    ".g{stroke:#e3e3e3}.e{text-anchor:end}.m{text-anchor:middle}"
)
Points = list[tuple[float, float]]


def svg(results: Results, *, bars: bool = True) -> str:
    """The chart. Raises ``BadCall`` when nothing in the results can be drawn."""
    panels = [_curve(title, lines) for title, lines in curves(results).items()]
    heights = [HEIGHT] * len(panels)
    for each in results.benchmarks.values() if bars else ():
        if each.curve is None and len(set(each.figures) - {EMPTY}) > 1:
            panels.append(_bars(each))
            heights.append(_bars_height(each))
    if not panels:
        raise BadCall(
            "there is nothing to draw: no benchmark has a size or a peer",
            hint="run the categories that grow (graph, engine), or use --peers",
        )
    placed, tops = [], [GAP, GAP]
    for panel, height in zip(panels, heights, strict=True):
        column = tops.index(min(tops))
        x = GAP + column * (WIDTH + GAP)
        placed.append(f'<g transform="translate({x},{tops[column]})">{panel}</g>')
        tops[column] += height + GAP
    width, height = 2 * WIDTH + 3 * GAP, max(tops)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}"><style>{_STYLE}</style>'
        f'<rect width="{width}" height="{height}" fill="#fff"/>{"".join(placed)}</svg>\n'
    )


def curves(results: Results) -> dict[str, dict[str, Points]]:
    """Curve → figure → (size, nanoseconds), of the benchmarks that have a size; by size."""
    found: dict[str, dict[str, Points]] = {}
    for each in results.benchmarks.values():
        if each.curve is None or each.size is None:
            continue
        for name, figure in each.figures.items():
            if name != EMPTY and figure.unit == "ns":
                lines = found.setdefault(each.curve, {})
                lines.setdefault(name, []).append((each.size, figure.median))
    for lines in found.values():
        for points in lines.values():
            points.sort()
    return {
        title: lines
        for title, lines in found.items()
        if any(len(points) > 1 for points in lines.values())
    }


def _curve(title: str, lines: dict[str, Points]) -> str:
    sizes = [size for points in lines.values() for size, _ in points]
    times = [max(time, 1e-3) for points in lines.values() for _, time in points]
    across, up = _Scale(sizes, LEFT, WIDTH - RIGHT), _Scale(times, HEIGHT - BOTTOM, TOP)
    parts = [f'<text class="t" x="0" y="14">{escape(title)}</text>']
    for power in _powers(sizes):
        x = across(10.0**power)
        parts.append(
            f'<line class="g" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'
        )
        label = f"{10**power:,}"
        parts.append(f'<text class="m" x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}">{label}</text>')
    for power in _powers(times):
        y = up(10.0**power)
        parts.append(
            f'<line class="g" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        )
        label = amount(10.0**power, "ns")
        parts.append(f'<text class="e" x="{LEFT - 6}" y="{y + 4:.1f}">{label}</text>')
    names: dict[str, float] = {}
    for last in {points[-1][0] for points in lines.values()}:
        ends = {name: points[-1] for name, points in lines.items() if points[-1][0] == last}
        names |= _apart({name: up(max(time, 1e-3)) for name, (_, time) in ends.items()})
    others = cycle(COLOURS)
    for name, points in lines.items():
        colour = OURS if name == "goflow" else next(others)
        spots = [(across(size), up(max(time, 1e-3))) for size, time in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.8"/>'
        )
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6" fill="{colour}"/>' for x, y in spots]
        parts.append(
            f'<text x="{spots[-1][0] + 7:.1f}" y="{names[name] + 4:.1f}" style="fill:{colour}">'
            f"{escape(name)}</text>"
        )
    return "".join(parts)


class _Scale:
    """Logarithmic: values → pixels, whole decades at the ends."""

    def __init__(self, values: Sequence[float], begin: float, end: float) -> None:
        powers = _powers(values)
        self._low, self._span = powers[0], max(1, powers[-1] - powers[0])
        self._begin, self._width = begin, end - begin

    def __call__(self, value: float) -> float:
        return self._begin + (math.log10(value) - self._low) / self._span * self._width


def _powers(values: Iterable[float]) -> range:
    logs = [math.log10(value) for value in values]
    low, high = math.floor(min(logs) + 1e-9), math.ceil(max(logs) - 1e-9)
    return range(low, max(high, low + 1) + 1)


def _apart(wanted: dict[str, float]) -> dict[str, float]:
    """Heights near those wanted, far enough apart to be read."""
    placed: dict[str, float] = {}
    lowest = -math.inf
    for name, y in sorted(wanted.items(), key=lambda item: item[1]):
        lowest = placed[name] = max(y, lowest + 13)
    return placed


def _bars_height(benchmark: Benchmark) -> int:
    return TOP + 20 * len(benchmark.figures)


def _bars(benchmark: Benchmark) -> str:
    """Bars on a logarithmic scale, the quickest first."""
    figures = sorted(benchmark.figures.items(), key=lambda item: item[1].median)
    values = [max(figure.median, 1e-3) for _, figure in figures]
    low = math.log10(min(values)) - 0.3
    span = max(math.log10(max(values)) - low, 0.1)
    parts = [f'<text class="t" x="0" y="14">{escape(benchmark.name)}</text>']
    for at, ((name, figure), value) in enumerate(zip(figures, values, strict=True)):
        y = TOP - 8 + 20 * at
        width = (math.log10(value) - low) / span * (WIDTH - 250)
        colour = OURS if name == benchmark.ours else "#b9c2c9"
        parts.append(
            f'<text class="e" x="150" y="{y + 11}">{escape(name)}</text>'
            f'<rect x="156" y="{y}" width="{width:.1f}" height="14" fill="{colour}"/>'
            f'<text x="{160 + width:.1f}" y="{y + 11}">'
            f"{escape(amount(figure.median, figure.unit))}</text>"
        )
    return "".join(parts)

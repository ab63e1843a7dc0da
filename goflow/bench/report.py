"""``benchmarks/RESULTS.md``: target by target whether it is met, or by how much it is missed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from goflow.bench.markdown import categories, machine, table
from goflow.bench.tables import amount

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from goflow.bench.results import Benchmark, Results

__all__ = ["Row", "Target", "Yardstick", "report", "rows", "verdicts_in"]

Verdict = Literal["met", "near", "missed", "not measured"]
_TIMES = frozenset({"ns", "calls/s"})
NEAR = 1.25
"""Up to so many times the target is near."""
MARGIN = 0.05
"""A verdict changes when the figure is so far, as a share, beyond what divides it from the next."""


@dataclass(frozen=True)
class Yardstick:
    """A figure that says how fast the machine is: nanoseconds where the targets were set."""

    what: str
    benchmark: str
    figure: str
    reference: float

    def slowness(self, results: Results) -> float:
        """How many times as long things take here; 1 where that was not measured."""
        benchmark = results.benchmarks.get(self.benchmark)
        if benchmark is None or self.figure not in benchmark.figures:
            return 1.0
        return benchmark.figures[self.figure].least / self.reference


@dataclass(frozen=True)
class Target:
    """One promise: which figure of which benchmark must be at most (or at least) what.

    ``figure`` names one of the benchmark's figures (else ours), ``number`` one of its other
    numbers. With ``against``, what counts is the ratio to the best of these figures in the same
    run; any other time is judged by how fast the machine is, by ``yardstick`` or that of all
    targets. ``floor`` is the figure that cannot be undercut, or the best peer, shown beside.
    """

    work: str
    benchmark: str
    limit: float
    unit: str = "ns"
    figure: str | None = None
    number: str | None = None
    against: tuple[str, ...] = ()
    at_least: bool = False
    median: bool = False
    floor: str | None = None
    yardstick: Yardstick | None = None
    note: str = ""

    def asked(self) -> str:
        """The promise in words."""
        sign = "≥" if self.at_least else "≤"
        if self.against:
            if len(self.against) == 1:
                return f"{sign} {self.limit:g} x {self.against[0]}"
            return f"{sign} {self.limit:g} x the best peer"
        return f"{sign} {amount(self.limit, self.unit)}"


@dataclass(frozen=True)
class Row:
    """A target with what was measured; ``share`` is 1 at the target, and more beyond it."""

    target: Target
    measured: str
    share: float | None
    beside: str
    verdict: Verdict


def rows(
    targets: Sequence[Target],
    results: Results,
    before: Mapping[str, str] | None = None,
    yardstick: Yardstick | None = None,
) -> list[Row]:
    """What became of each target. ``before``, verdicts by work, keeps noise from changing them."""
    before = before or {}
    found = []
    for target in targets:
        own = target.yardstick or yardstick
        slowness = own.slowness(results) if own else 1.0
        found.append(_row(target, results, slowness, before.get(target.work)))
    return found


def _row(target: Target, results: Results, slowness: float, before: str | None) -> Row:
    benchmark = results.benchmarks.get(target.benchmark)
    value = _value(target, benchmark) if benchmark else None
    if benchmark is None or value is None:
        return Row(target, "", None, "", "not measured")
    best = _best(target, benchmark)
    measured, limit = amount(value, target.unit), target.limit
    if target.against:
        if best is None:
            return Row(target, measured, None, "", "not measured")
        peer = _statistic(target, benchmark, best)
        limit *= peer
        measured = f"{value / peer:.3g} x ({measured})"
    elif target.unit in _TIMES:
        limit = limit / slowness if target.at_least else limit * slowness
    share = _share(limit, value) if target.at_least else _share(value, limit)
    beside = [*_beside(target, benchmark, value, best, limit)]
    if target.yardstick is not None:
        there = amount(target.yardstick.reference, "ns")
        beside.append(
            f"judged by {target.yardstick.what}, {there} there: divided by {slowness:.2f}"
        )
    if target.note:
        beside.append(target.note)
    return Row(target, measured, share, "; ".join(beside), _verdict(share, before))


def _share(part: float, whole: float) -> float:
    return part / whole if whole > 0 else float("inf")


def _best(target: Target, benchmark: Benchmark) -> str | None:
    """The least of the figures that the target is a ratio to."""
    known = [name for name in target.against if name in benchmark.figures]
    return min(known, key=lambda name: _statistic(target, benchmark, name), default=None)


def _value(target: Target, benchmark: Benchmark) -> float | None:
    if target.number is not None:
        return benchmark.numbers.get(target.number)
    name = target.figure or benchmark.ours
    return _statistic(target, benchmark, name) if name in benchmark.figures else None


def _statistic(target: Target, benchmark: Benchmark, name: str) -> float:
    figure = benchmark.figures[name]
    return figure.median if target.median else figure.least


def _beside(
    target: Target, benchmark: Benchmark, ours: float, best: str | None, limit: float
) -> Iterator[str]:
    """The floor, or what it is compared with, and how many times that we take."""
    for name in dict.fromkeys((best, target.floor)):
        if name is None or name not in benchmark.figures:
            continue
        figure = _statistic(target, benchmark, name)
        ratio = f" ({ours / figure:.2g} x)" if ours and figure and target.number is None else ""
        yield f"{name} {amount(figure, benchmark.figures[name].unit)}{ratio}"
        # What we undercut is no floor but the best peer.
        if name != best and target.number is None and limit < figure <= ours:
            yield "the target is below the floor"


_EDGES: tuple[tuple[float, Verdict, Verdict], ...] = (
    (1.0, "met", "near"),
    (NEAR, "near", "missed"),
)


def _verdict(share: float, before: str | None) -> Verdict:
    """By the share; as before where it lies within the margin of the edge in between."""
    verdict: Verdict = "met" if share <= 1 else "near" if share <= NEAR else "missed"
    for edge, below, above in _EDGES:
        if {verdict, before} == {below, above} and abs(share / edge - 1) <= MARGIN:
            return below if before == below else above
    return verdict


def verdicts_in(text: str) -> dict[str, str]:
    """The verdicts of a report that was written before, by work."""
    found = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)]
        if len(cells) == 8 and cells[6].strip("*") in ("met", "near", "missed"):
            found[cells[1].replace("\\|", "|")] = cells[6].strip("*")
    return found


def report(
    targets: Sequence[Target],
    results: Results,
    before: Mapping[str, str],
    chart: str,
    yardstick: Yardstick,
) -> str:
    """The whole page."""
    found = rows(targets, results, before, yardstick)
    slowness = yardstick.slowness(results)
    counts = {
        verdict: sum(row.verdict == verdict for row in found)
        for verdict in ("met", "near", "missed", "not measured")
    }
    parts = [
        "# Results",
        "Written by `goflow-bench report`; how to read it stands in [README.md](README.md).",
        machine(results),
        "## Targets",
        ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
        + f". Near is up to {NEAR:g} times the target. A verdict changes when the figure has moved "
        f"more than {MARGIN:.0%} beyond the edge, so that noise does not.",
        f"Targets in units of time are of a machine where {yardstick.what} takes "
        f"{amount(yardstick.reference, 'ns')}. In this run it took "
        f"{amount(yardstick.reference * slowness, 'ns')}, so that what such a figure is of its "
        f"target is divided by {slowness:.2f}.",
        table(
            ("work", "target", "measured", "of the target", "beside", "verdict"), map(_cells, found)
        ),
        "## Growth",
        f"![time against size]({chart})",
        "## Everything",
        categories(results, "###"),
    ]
    return "\n\n".join(parts)


def _cells(row: Row) -> list[str]:
    share = "" if row.share is None else f"{row.share:.2f}"
    verdict = f"**{row.verdict}**" if row.verdict == "met" else row.verdict
    return [row.target.work, row.target.asked(), row.measured, share, row.beside, verdict]

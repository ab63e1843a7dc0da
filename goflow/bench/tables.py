"""Results as text for people: a row a benchmark, and a table with ratios where there are peers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from goflow.bench.compare import Comparison
    from goflow.bench.results import Benchmark, Figure

__all__ = ["amount", "comparison", "text"]

EMPTY = "(empty loop)"
_TIMES = ((1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1, "ns"))


def amount(value: float, unit: str) -> str:
    """A figure with its unit, three digits of it."""
    if unit == "ns":
        for size, name in _TIMES:
            if abs(value) >= size:
                return f"{_digits(value / size)} {name}"
        return f"{_digits(value)} ns"
    return f"{_digits(value)} {unit}"


def _digits(value: float) -> str:
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def text(benchmarks: Iterable[Benchmark]) -> str:
    """One table of all that stand alone, then one for each with peers."""
    alone: list[Benchmark] = []
    beside: list[Benchmark] = []
    for each in benchmarks:
        peers = [name for name in each.figures if name not in (each.ours, EMPTY)]
        (beside if peers else alone).append(each)
    parts = [columns(_HEAD, [_alone(each) for each in alone])] if alone else []
    parts += [_beside(each) for each in beside]
    return "\n\n".join(parts)


_HEAD = ("", "min", "median", "spread", "empty loop", "samples", "")


def _alone(benchmark: Benchmark) -> list[str]:
    figure = benchmark.figure
    empty = benchmark.figures.get(EMPTY)
    return [
        benchmark.name,
        *_columns(figure),
        amount(empty.least, empty.unit) if empty else "",
        _samples(figure),
        numbers(benchmark),
    ]


def numbers(benchmark: Benchmark) -> str:
    """What the benchmark says beside its times."""
    return ", ".join(f"{name} {_digits(value)}" for name, value in benchmark.numbers.items())


def _columns(figure: Figure) -> list[str]:
    unit = figure.unit
    return [amount(figure.least, unit), amount(figure.median, unit), f"±{figure.spread:.1%}"]


def _samples(figure: Figure) -> str:
    lost = f" ({figure.discarded} discarded)" if figure.discarded else ""
    return f"{len(figure.samples)}{lost}"


def _beside(benchmark: Benchmark) -> str:
    base = benchmark.base
    head = [benchmark.name, "min", "median", "spread", f"x {base}", "samples"]
    rows = []
    for name, figure in sorted(benchmark.figures.items(), key=lambda item: item[1].least):
        least = benchmark.figures[base].least
        same = figure.unit == benchmark.figures[base].unit and least
        ratio = f"{figure.least / least:.3g}" if same else ""
        rows.append([f"  {name}", *_columns(figure), ratio, _samples(figure)])
    lines = [columns(head, rows), *(f"  {name}: {why}" for name, why in benchmark.left_out.items())]
    if found := numbers(benchmark):
        lines.append(f"  {found}")
    return "\n".join(lines)


def columns(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows in columns, the first and the last to the left, the others to the right."""
    widths = [max(len(row[at]) for row in (head, *rows)) for at in range(len(head))]
    lines = []
    for row in (head, *rows):
        cells = [
            cell.ljust(width) if at == 0 or (head[-1] == "" and at == len(row) - 1) else
            cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]  # fmt: skip
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def comparison(found: Comparison, threshold: float | None) -> str:
    """A row a benchmark, and what stands on one side only."""
    rows = []
    for each in found.changes:
        verdict: str = each.verdict
        if threshold is not None and each.is_past(threshold):
            verdict += " ✗"
        rows.append([
            each.name,
            amount(each.old.median, each.old.unit),
            amount(each.new.median, each.new.unit),
            f"{each.change:+.1%}",
            f"±{each.noise:.0%}",
            f"{each.p:.3f}" if each.p >= 0.001 else "<0.001",
            verdict,
        ])  # fmt: skip
    parts = [columns(("", "old", "new", "change", "noise", "p", "verdict"), rows)]
    if found.machine is not None and abs(found.machine - 1) > 0.05:
        parts.append(
            f"The machine itself took {found.machine:.2f} times as long for the same loop: "
            "changes of that size are its own."
        )
    for names, where in ((found.only_old, "old"), (found.only_new, "new")):
        if names:
            parts.append(f"Only in {where}: {', '.join(names)}")
    return "\n\n".join(parts)

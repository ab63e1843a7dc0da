"""Results as Markdown: machine, versions, and a table a category."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from goflow.bench.tables import EMPTY, amount, numbers

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from goflow.bench.results import Benchmark, Results

__all__ = ["categories", "machine", "markdown", "table"]


def markdown(results: Results) -> str:
    """Everything."""
    return f"{machine(results)}\n\n{categories(results, '##')}"


def categories(results: Results, heading: str) -> str:
    """All figures, category by category."""
    parts = []
    by_category = sorted(results.benchmarks.values(), key=lambda each: each.category)
    for category, group in groupby(by_category, key=lambda each: each.category):
        parts += [f"{heading} {category}", *_tables(list(group))]
    return "\n\n".join(parts) + "\n"


def machine(results: Results) -> str:
    """What it ran on, and the versions of everything."""
    about = results.machine
    cpu = about.get("cpu", {})
    lines = [
        f"- {cpu.get('brand_raw', 'unknown processor')}, {cpu.get('count', '?')} cores, "
        f"{about.get('system', '')} {about.get('machine', '')}",
        f"- {about.get('python_implementation', '')} {about.get('python_version', '')}, "
        f"{results.taken[:10]}",
    ]
    for title in ("versions", "peers"):
        if found := about.get(title):
            listed = ", ".join(f"{name} {version}" for name, version in found.items())
            lines.append(f"- {listed}")
    return "\n".join(lines)


def _tables(benchmarks: Sequence[Benchmark]) -> Iterable[str]:
    alone = [each for each in benchmarks if not set(each.figures) - {each.ours, EMPTY}]
    if alone:
        yield table(
            ("benchmark", "min", "median", "spread", ""),
            [
                (
                    f"`{each.name}`",
                    amount(each.figure.least, each.figure.unit),
                    amount(each.figure.median, each.figure.unit),
                    f"±{each.figure.spread:.1%}",
                    numbers(each),
                )
                for each in alone
            ],
        )
    for each in benchmarks:
        if each not in alone:
            yield _peers(each)


def _peers(benchmark: Benchmark) -> str:
    base = benchmark.base
    least = benchmark.figures[base].least
    rows = [
        (
            f"**{name}**" if name == benchmark.ours else name,
            amount(figure.least, figure.unit),
            amount(figure.median, figure.unit),
            f"±{figure.spread:.1%}",
            f"{figure.least / least:.3g}" if least else "",
        )
        for name, figure in sorted(benchmark.figures.items(), key=lambda item: item[1].least)
    ]
    return table((f"`{benchmark.name}`", "min", "median", "spread", f"x {base}"), rows)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines)

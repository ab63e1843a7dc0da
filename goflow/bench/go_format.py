"""Go's benchmark text format, which the public ``benchstat`` reads.

One line a sample: ``BenchmarkCacheGet-2  1000  88.1 ns/op  120 B/op  1 allocs/op``. A parameter
becomes a part of the name, ``BenchmarkPoolPrewarm/5-2``, a peer one with a key,
``BenchmarkCachePeers/get/by=dict-2``: ``benchstat -col /by`` puts peers side by side.
The grammar: https://go.googlesource.com/proposal/+/master/design/14313-benchmark-format.md
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from goflow.bench.tables import EMPTY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from goflow.bench.results import Benchmark, Results

__all__ = ["go_text"]

_UNITS = {"ns": "ns/op", "%": "percent"}
_NUMBERS = {"bytes_per_op": "B/op", "blocks_per_op": "allocs/op"}
_ARCHITECTURES = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64"}


def go_text(results: Results) -> str:
    """All samples of all figures."""
    machine = results.machine
    architecture = machine.get("machine", "")
    cpu = machine.get("cpu", {})
    lines = [
        f"goos: {str(machine.get('system', '')).lower()}",
        f"goarch: {_ARCHITECTURES.get(architecture, architecture)}",
        "pkg: goflow",
        f"cpu: {cpu.get('brand_raw', '')}",
    ]
    for benchmark in results.benchmarks.values():
        lines += _lines(benchmark, int(cpu.get("count") or 1))
    return "\n".join(lines) + "\n"


def _lines(benchmark: Benchmark, processors: int) -> Iterable[str]:
    figures = {name: each for name, each in benchmark.figures.items() if name != EMPTY}
    for name, figure in figures.items():
        ours = name == benchmark.ours
        title = go_name(benchmark.name) + (f"/by={_word(name)}" if len(figures) > 1 else "")
        unit = _UNITS.get(figure.unit, _word(figure.unit))
        more = "".join(
            f"\t{_number(value)} {_NUMBERS.get(metric, _word(metric))}"
            for metric, value in (benchmark.numbers.items() if ours else ())
        )
        for sample in figure.samples:
            yield f"{title}-{processors}\t{benchmark.operations}\t{_number(sample)} {unit}{more}"


def go_name(name: str) -> str:
    """``cache_clean_expired[100]`` → ``BenchmarkCacheCleanExpired/100``."""
    base, bracket, parameters = name.partition("[")
    camel = "".join(part[:1].upper() + part[1:] for part in base.split("_"))
    return f"Benchmark{camel}" + (f"/{_word(parameters.rstrip(']'))}" if bracket else "")


def _word(text: str) -> str:
    return re.sub(r"[^\w%./+-]+", "_", text).strip("_")


def _number(value: float) -> str:
    """Never in exponents: the format has none before Go 1.13."""
    return f"{value:.4f}".rstrip("0").rstrip(".")

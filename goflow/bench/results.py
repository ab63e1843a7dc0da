"""What benchmarks found: pytest-benchmark's JSON, with our figures in its extra information.

A file may hold a benchmark several times, once for each process that measured it.
"""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goflow.errors import BadCall

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Benchmark", "Figure", "Results", "read"]

_STRUCTURE = {"figures", "ours", "floor", "operations", "calibration_ns", "size", "curve"}
OURS = "goflow"


@dataclass(frozen=True)
class Figure:
    """Samples of one thing, by the process that took them; in ``ns`` an operation, or in ``unit``.

    Never empty: at least one process took at least one sample.
    """

    unit: str
    runs: tuple[tuple[float, ...], ...]
    discarded: int = 0

    @property
    def samples(self) -> list[float]:
        """All of them."""
        return [sample for run in self.runs for sample in run]

    @property
    def least(self) -> float:
        """The least sample."""
        return min(self.samples)

    @property
    def median(self) -> float:
        """The median of all samples."""
        return statistics.median(self.samples)

    @property
    def spread(self) -> float:
        """Half the distance between the quartiles, as a share of the median."""
        samples, median = self.samples, self.median
        if len(samples) < 4 or not median:
            return (max(samples) - min(samples)) / 2 / median if median else 0.0
        low, _, high = statistics.quantiles(samples, n=4)
        return (high - low) / 2 / median

    @property
    def drift(self) -> float | None:
        """How far the medians of the processes lie apart, as a share; None with one process."""
        if len(self.runs) < 2:
            return None
        medians = [statistics.median(run) for run in self.runs]
        return (max(medians) - min(medians)) / min(medians) if min(medians) else 0.0

    @property
    def more_is_better(self) -> bool:
        """Whether a greater figure is the better one."""
        return self.unit == "%" or self.unit.endswith("/s")


@dataclass(frozen=True)
class Benchmark:
    """One benchmark: its figures by name (ours and the peers'), and other numbers."""

    name: str
    category: str
    figures: Mapping[str, Figure]
    ours: str = OURS
    floor: str | None = None
    operations: int = 1
    calibration_ns: float | None = None
    size: int | None = None
    curve: str | None = None
    numbers: Mapping[str, float] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Peers that are not in ``figures``, and why."""

    @property
    def figure(self) -> Figure:
        """Ours."""
        return self.figures[self.ours]

    @property
    def base(self) -> str:
        """The figure that ratios are to: the floor, where there is one, or ours."""
        return self.floor if self.floor is not None and self.floor in self.figures else self.ours

    @classmethod
    def of(cls, test: str, file: str, extra: Mapping[str, Any]) -> Benchmark:
        """From the extra information of one test in one process."""
        figures = {
            name: Figure(each["unit"], (tuple(each["samples"]),), each.get("discarded", 0))
            for name, each in extra["figures"].items()
        }
        return cls(
            name=test.removeprefix("test_"),
            category=Path(file).stem.removeprefix("bench_"),
            figures=figures,
            ours=extra.get("ours", OURS),
            floor=extra.get("floor"),
            operations=extra.get("operations", 1),
            calibration_ns=extra.get("calibration_ns"),
            size=extra.get("size"),
            curve=extra.get("curve"),
            numbers={
                name: value
                for name, value in extra.items()
                if name not in _STRUCTURE and isinstance(value, (int, float))
            },
            left_out=extra.get("left_out", {}),
        )

    def and_also(self, other: Benchmark) -> Benchmark:
        """The same benchmark with what another process found."""
        figures = dict(self.figures)
        for name, theirs in other.figures.items():
            mine = figures.get(name)
            figures[name] = (
                Figure(mine.unit, mine.runs + theirs.runs, mine.discarded + theirs.discarded)
                if mine
                else theirs
            )
        calibrations = [each for each in (self.calibration_ns, other.calibration_ns) if each]
        return Benchmark(
            self.name, self.category, figures, self.ours, self.floor, self.operations,
            min(calibrations, default=None), self.size, self.curve,
            {**self.numbers, **other.numbers}, self.left_out,
        )  # fmt: skip


@dataclass(frozen=True)
class Results:
    """A file of results, or several of one machine."""

    machine: Mapping[str, Any]
    taken: str
    benchmarks: Mapping[str, Benchmark]

    def merged(self, other: Results) -> Results:
        """Both, as if their processes had been of one run."""
        found = dict(self.benchmarks)
        for name, each in other.benchmarks.items():
            found[name] = found[name].and_also(each) if name in found else each
        return Results(self.machine, max(self.taken, other.taken), found)

    @property
    def calibration_ns(self) -> float | None:
        """The least that the loop of known work took."""
        found = [each.calibration_ns for each in self.benchmarks.values() if each.calibration_ns]
        return min(found, default=None)


def read(path: Path) -> Results:
    """The results in a file, or in all files of a folder. Raises ``BadCall``."""
    if path.is_dir():
        files = sorted(path.glob("*.json"))
        if not files:
            raise BadCall(f"there are no results in {path}", hint=_HINT)
        results = [_read_file(file) for file in files]
        whole = results[0]
        for each in results[1:]:
            whole = whole.merged(each)
        return whole
    return _read_file(path)


_HINT = "`goflow-bench run --save FILE` writes such a file"


def _read_file(path: Path) -> Results:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadCall(f"there is no file {path}", hint=_HINT) from None
    except OSError as error:
        raise BadCall(f"cannot read {path}: {error.strerror or error}") from None
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise BadCall(f"{path} is no file of results: it is not JSON", hint=_HINT) from None
    try:
        return parse(content)
    except (KeyError, TypeError, AttributeError, ValueError):
        raise BadCall(
            f"{path} is no file of results: it lacks what pytest-benchmark writes", hint=_HINT
        ) from None


def parse(content: Mapping[str, Any]) -> Results:
    """Results from pytest-benchmark's JSON. Raises KeyError, TypeError or ValueError."""
    found: dict[str, Benchmark] = {}
    for each in _entries(content["benchmarks"]):
        found[each.name] = found[each.name].and_also(each) if each.name in found else each
    return Results(dict(content["machine_info"]), str(content["datetime"]), found)


def _entries(entries: Iterable[Mapping[str, Any]]) -> Iterable[Benchmark]:
    for entry in entries:
        extra = dict(entry["extra_info"])
        if "figures" not in extra:
            samples = [second * 1e9 for second in entry["stats"]["data"]]
            extra["figures"] = {OURS: {"samples": samples, "unit": "ns"}}
        if any(not each["samples"] for each in extra["figures"].values()):
            raise ValueError("a figure without samples")
        yield Benchmark.of(entry["name"], entry["fullname"].partition("::")[0], extra)

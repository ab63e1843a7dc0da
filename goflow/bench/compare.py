"""Two results: what became slower, what faster, and what cannot be told apart.

A change counts when it is significant *and* greater than what differs between two processes of the
same program: where hashes and memory lie moves most loops by a few percent, however calm the
machine is. With results of several processes that is measured; with one it is taken to be 5 %.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from goflow.bench.significance import mann_whitney
from goflow.errors import BadCall

if TYPE_CHECKING:
    from goflow.bench.results import Benchmark, Figure, Results

__all__ = ["Change", "Comparison", "compare"]

ALPHA = 0.01
UNKNOWN_DRIFT = 0.05
LEAST_DRIFT = 0.01

Verdict = Literal["slower", "faster", "worse", "better", "indistinguishable"]


@dataclass(frozen=True)
class Change:
    """One benchmark, before and after."""

    name: str
    old: Figure
    new: Figure
    p: float
    noise: float
    """The share that two processes of the same program may differ by."""

    @property
    def change(self) -> float:
        """New over old, less one, of the medians."""
        return self.new.median / self.old.median - 1 if self.old.median else 0.0

    @property
    def verdict(self) -> Verdict:
        """What is to be said of it."""
        if self.p >= ALPHA or abs(self.change) <= self.noise:
            return "indistinguishable"
        worse = (self.change > 0) != self.new.more_is_better
        if self.new.unit == "ns":
            return "slower" if worse else "faster"
        return "worse" if worse else "better"

    def is_past(self, threshold: float) -> bool:
        """Whether it got worse by more than the threshold, a share."""
        return self.verdict in ("slower", "worse") and abs(self.change) > threshold


@dataclass(frozen=True)
class Comparison:
    """All changes, what is on one side only, and how fast the machine itself was."""

    changes: tuple[Change, ...]
    only_old: tuple[str, ...]
    only_new: tuple[str, ...]
    machine: float | None
    """New over old, of the loop of known work."""

    def past(self, threshold: float) -> list[Change]:
        """What got worse by more than the threshold."""
        return [change for change in self.changes if change.is_past(threshold)]


def compare(old: Results, new: Results) -> Comparison:
    """Compare our figures of all benchmarks that both have. Raises ``BadCall`` if there is none."""
    both = [name for name in old.benchmarks if name in new.benchmarks]
    if not both:
        raise BadCall("the two results have no benchmark in common")
    before, after = old.calibration_ns, new.calibration_ns
    return Comparison(
        tuple(_change(old.benchmarks[name], new.benchmarks[name]) for name in both),
        tuple(name for name in old.benchmarks if name not in new.benchmarks),
        tuple(name for name in new.benchmarks if name not in old.benchmarks),
        after / before if before and after else None,
    )


def _change(before: Benchmark, after: Benchmark) -> Change:
    old, new = before.figure, after.figure
    drifts = [UNKNOWN_DRIFT if each.drift is None else each.drift for each in (old, new)]
    p = mann_whitney(old.samples, new.samples)
    return Change(before.name, old, new, p, max(LEAST_DRIFT, *drifts))

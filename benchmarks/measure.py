"""How everything here is measured. ``measure`` is the fixture that every benchmark uses.

* A sample is the time of as many calls as fill a few milliseconds, divided by the operations in
  them. One thread is timed by its CPU time, the engine by its process's, what several threads or
  processes do together by the wall clock.
* What is compared takes turns: a sample of each, then the next. pytest-benchmark times ours.
* The collector is off inside. What a call returns is dropped after the clock has stopped.
* Before and after each sample runs a loop of known work. Where that took a quarter longer than it
  can, or the thread lost its core, the machine was busy with something else: the sample is
  discarded, and counted.
* ``(empty loop)`` is the cost of the loop itself, shown beside, never subtracted.

What is found stands in the benchmark's extra information: ``figures`` (name → samples, how many
were discarded, unit), which of them is ``ours`` and the ``floor``, and any number under its own
name. ``goflow-bench`` reads that.
"""

from __future__ import annotations

import gc
import statistics
import tempfile
import time
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

import pytest

CPU = time.thread_time_ns
PROCESS = time.process_time_ns
WALL = time.perf_counter_ns
OURS = "goflow"
EMPTY = "(empty loop)"
BUSY = 1.25
"""A loop of known work that takes so much longer than its least says that others were at work."""
KEEP = 7
SHORT_NS = 20_000
"""What has to be prepared is timed so much at a time: the clock's own cost is lost in it, and what
was prepared is still in the processor's caches."""


@dataclass(frozen=True)
class Effort:
    """How long to measure: samples, nanoseconds of one, seconds of a whole benchmark."""

    rounds: int
    sample_ns: int
    budget_s: float


FULL = Effort(25, 4_000_000, 8)
QUICK = Effort(7, 300_000, 0.25)


def spin():
    """Nanoseconds that a loop of known work takes now, by the wall clock."""
    began = WALL()
    for _ in repeat(None, 4_000):
        pass
    return WALL() - began


class Samples:
    """What one work takes, in nanoseconds an operation; each with the signs of a busy machine.

    A work is a call, or a pair: a call that prepares, not timed, and one that takes what it made.
    """

    def __init__(self, work, count, clock, sample_ns):
        self.prepare, self.run = work if isinstance(work, tuple) else (None, work)
        self.count, self.clock = count, clock
        self.samples, self.spins, self.preempted = [], [], []
        self.calls = self.batches = 1
        began = WALL()
        took, _ = self._once()  # warms caches, compiled specialisations, lazy imports
        whole = WALL() - began
        if whole < 1e9:
            took = self._once()[0]
        else:  # what takes seconds has nothing to warm: it is the first sample
            self.samples, self.spins, self.preempted = [took / count], [spin()], [False]
        if self.prepare is None:
            self.calls = max(1, min(10_000, int(sample_ns / max(took, 1))))
            self.cost_s = max(whole, took) / 1e9
        else:
            self.calls = max(1, min(200, int(SHORT_NS / max(took, 1))))
            one = self.calls * max(whole, 1)  # with what prepares
            self.batches = max(1, min(int(sample_ns / (self.calls * took)), int(20e6 / one)))
            self.cost_s = self.batches * one / 1e9

    def _once(self):
        """Nanoseconds of the clock, and by the wall, of all calls that make a sample."""
        if self.prepare is None:
            return self._timed(None)
        took = wall = 0
        for _ in repeat(None, self.batches):
            states = [self.prepare() for _ in repeat(None, self.calls)]
            found = self._timed(states)
            took, wall = took + found[0], wall + found[1]
        return took, wall

    def _timed(self, states):
        run, clock = self.run, self.clock
        wall, began = WALL(), clock()
        if states is None:
            kept = [run() for _ in repeat(None, self.calls)]
        else:
            kept = [run(state) for state in states]
        took = clock() - began
        wall = WALL() - wall
        del kept
        return took, wall

    def take(self):
        """Take one sample."""
        before = spin()
        took, wall = self._once()
        self.samples.append(took / (self.calls * self.batches * self.count))
        self.spins.append(max(before, spin()))
        self.preempted.append(self.clock is not WALL and wall - took > 0.02 * wall + 20_000)

    def figure(self):
        """The samples that count, and how many do not; never fewer than seven where there are."""
        least = min(self.spins, default=0)
        calm = [
            sample
            for sample, spun, lost in zip(self.samples, self.spins, self.preempted, strict=True)
            if self.clock is WALL or (not lost and spun < BUSY * least)
        ]
        if len(calm) < min(KEEP, len(self.samples)):
            order = sorted(range(len(self.samples)), key=lambda at: self.spins[at])
            calm = [self.samples[at] for at in sorted(order[:KEEP])]
        return {
            "samples": [round(sample, 3) for sample in calm],
            "discarded": len(self.samples) - len(calm),
            "unit": "ns",
        }


def over(items):
    """The loop itself."""

    def work():
        for _ in items:
            pass

    return work


class Measure:
    """What a benchmark measures with; see the module's text."""

    def __init__(self, benchmark, effort, memory):
        self.benchmark, self.effort, self.memory = benchmark, effort, memory
        self.quick = effort is QUICK

    def note(self, **numbers):
        """Numbers that belong to the result."""
        self.benchmark.extra_info.update(numbers)

    def loop(self, work, count, *, clock=CPU, **numbers):
        """Time ``work``, which does ``count`` operations, beside the empty loop."""
        works = {OURS: work}
        if clock is not WALL:
            works[EMPTY] = over(list(range(count)))
        return self.turns(works, count, clock=clock, **numbers)

    def turns(self, works, count=1, *, clock=CPU, floor=None, ours=OURS, rounds=None, **numbers):
        """Time all ``works`` (name → work of ``count`` operations) in turns; gives the figures.

        Where they do not do the same number, ``count`` has each one's by name.
        """
        counts = count if isinstance(count, dict) else dict.fromkeys(works, count)
        gc.collect()
        gc.disable()
        try:
            takers = {
                name: Samples(work, counts[name], clock, self.effort.sample_ns)
                for name, work in works.items()
            }
            others = [taker for name, taker in takers.items() if name != ours]

            def take_others():
                for taker in others:
                    taker.take()

            self.benchmark.pedantic(
                takers[ours].take, setup=take_others, rounds=rounds or self._rounds(takers)
            )
        finally:
            gc.enable()
        self.note(
            figures={name: taker.figure() for name, taker in takers.items()},
            ours=ours,
            operations=counts[ours],
            calibration_ns=min(min(taker.spins) for taker in takers.values()),
            **numbers,
        )
        if floor:
            self.note(floor=floor)
        if self.memory:
            self.note(**allocated(works[ours], counts[ours]))
        return self.benchmark.extra_info["figures"]

    def _rounds(self, takers):
        """As many as fit into the budget, and enough for a median."""
        one = sum(max(taker.cost_s, self.effort.sample_ns / 1e9) for taker in takers.values())
        least = 2 if self.quick else KEEP if one < 2 else 3 if one < 8 else 1
        return max(least, min(self.effort.rounds, int(self.effort.budget_s / one)))

    def record(self, work, *, unit="ns", floor=None, ours=OURS, **numbers):
        """Call ``work`` once; it gives name → figures that it took itself, in ``unit``."""
        gc.collect()
        found = self.benchmark.pedantic(work, rounds=1)
        figures = {
            name: {"samples": [round(value, 3) for value in values], "discarded": 0, "unit": unit}
            for name, values in found.items()
        }
        self.note(figures=figures, ours=ours, **numbers)
        if floor:
            self.note(floor=floor)
        return figures

    def rounds(self, full, quick=2):
        """How many rounds a benchmark that counts for itself does."""
        return quick if self.quick else full


def allocated(work, count):
    """Bytes and blocks an operation, by memray, which sees Python's allocators and the C library's.

    A pass of its own: it slows down what it watches.
    """
    import memray

    prepare, run = work if isinstance(work, tuple) else (None, work)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "allocations"
        arguments = () if prepare is None else (prepare(),)
        with memray.Tracker(file, trace_python_allocators=True):
            kept = run(*arguments)
        del kept
        size = blocks = 0
        with memray.FileReader(file) as reader:
            for record in reader.get_allocation_records():
                if record.size:
                    size += record.size
                    blocks += record.n_allocations
    return {"bytes_per_op": round(size / count, 2), "blocks_per_op": round(blocks / count, 3)}


def ratio(figures, name, other):
    """Least over least."""
    return min(figures[name]["samples"]) / min(figures[other]["samples"])


def median(figures, name):
    """The median of one of the figures."""
    return statistics.median(figures[name]["samples"])


def installed(module):
    """A peer, or a skip that names it."""
    return pytest.importorskip(module, reason=f"{module} is not installed (dependency group peers)")

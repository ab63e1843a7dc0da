"""What is certain where edges meet: a join waits for whatever runs at all above it.

Facts are bits of Python integers; nodes are numbers. A node above *must have run* when one that is
certain leads to it whatever happens: by unconditional edges, or by both branches of a condition.
What a skipped node would have followed had to be decided first, so it need not lead to the join.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

__all__ = ["Input", "Joins"]

_FEW = 16
"""Incoming edges up to which each is followed by itself, which is quadratic in their number."""
_FAR = 64
"""Nodes above a join that are looked at, at most, to find those that must have run."""


class Input(NamedTuple):
    """An edge into a node. ``brings``: what taking it means, beside what was certain before.

    ``sure`` when its source cannot run without taking it; ``branch`` of a condition: true or false.
    """

    source: int
    brings: int
    success: bool
    sure: bool
    branch: str | None


class Joins:
    """Gives what is certain before each node; nodes are added in topological order.

    ``done`` has the bit of each node, ``brings`` what is certain once it completed; ``fallible``
    are the nodes that may fail and let the run go on.
    """

    def __init__(self, done: Sequence[int], brings: Sequence[int], fallible: set[int]) -> None:
        self._done = done
        self._brings = brings
        self._fallible = fallible
        self._before = [0] * len(done)
        self._inputs: list[Sequence[Input]] = [()] * len(done)
        self._place: dict[int, int] = {}
        # For each node, those, as bits, any of which makes it run when it completes.
        self._forcers = [0] * len(done)
        # Nodes that begin a branch, each with the condition and the node that begins the other.
        self._opposite: dict[int, list[tuple[int, int]]] = defaultdict(list)
        # Nodes that begin a branch, and make others run whose condition does not (yet).
        self._open: list[frozenset[int]] = [frozenset()] * len(done)

    def branch(self, conditions: Collection[int], incoming: Mapping[int, Sequence[Input]]) -> None:
        """Learn which nodes begin the two branches of a condition; before nodes are added."""
        targets: dict[int, dict[str, int]] = defaultdict(dict)
        for target, inputs in incoming.items():
            for one in inputs:
                if one.branch is not None and one.source not in self._fallible:
                    targets[one.source][one.branch] = target
        for condition, pair in targets.items():
            if pair.keys() == {"true", "false"}:
                self._opposite[pair["true"]].append((condition, pair["false"]))
                self._opposite[pair["false"]].append((condition, pair["true"]))

    def add(self, i: int, inputs: Sequence[Input]) -> int:
        """What is certain before node ``i``, which these edges lead to."""
        self._place[i] = len(self._place)
        self._inputs[i] = inputs
        each = 1 < len(inputs) <= _FEW  # a single one has nothing to wait for
        certain = -1 if inputs else 0
        for one in inputs:
            along = self._before[one.source] | one.brings
            certain &= self._waited(along, inputs) if each else along
        if len(inputs) > _FEW:
            certain = self._waited(certain, inputs)
        self._force(i, [one.source for one in inputs if one.sure])
        self._before[i] = certain
        return certain

    def _after(self, i: int) -> int:
        """What is certain once node ``i`` has ended."""
        return self._before[i] | (0 if i in self._fallible else self._brings[i])

    def _waited(self, facts: int, inputs: Sequence[Input]) -> int:
        """``facts``, and what the join waited for where these hold."""
        done, forcers = self._done, self._forcers
        sources = [one.source for one in inputs if not done[one.source] & facts]
        while sources:
            left = []
            for source in sources:
                if forcers[source] & facts:
                    facts |= self._after(source)
                else:
                    left.append(source)
            if len(left) == len(sources):
                more = facts | self._above(facts, left)
                if more == facts:
                    break
                facts = more
            sources = left
        return facts

    def _above(self, facts: int, sources: list[int]) -> int:
        """What follows from the nodes above these of which it is open whether they run.

        Goes up as far as nodes that are certain, and gathers for each node what its running
        brings: of a condition, what both branches bring.
        """
        own: dict[int, int] = {}
        certain = set()
        region = sources.copy()
        found = set(region)
        for i in region:
            own[i] = self._after(i)
            if (self._done[i] | self._forcers[i]) & facts:
                certain.add(i)
            elif len(region) < _FAR:
                for one in self._inputs[i]:
                    if one.source not in found:
                        found.add(one.source)
                        region.append(one.source)
        if not certain:
            return 0
        branches: dict[int, dict[str, int]] = {}
        for i in sorted(region, key=self._place.__getitem__, reverse=True):
            gathered = own[i]
            pair = branches.get(i)
            if pair is not None and len(pair) == 2:
                gathered |= pair["true"] & pair["false"]
            if i in certain:
                facts |= gathered
                continue
            for one in self._inputs[i]:
                if one.source in own and one.source not in self._fallible:
                    if one.branch is not None:
                        branches.setdefault(one.source, {})[one.branch] = gathered
                    elif one.sure:
                        own[one.source] |= gathered
        return facts

    def _force(self, i: int, sources: Sequence[int]) -> None:
        """Find what makes node ``i`` run, which sure edges from ``sources`` lead to."""
        forcing = 0
        begun = {i} if i in self._opposite else set()
        for source in sources:
            forcing |= self._forcers[source] | self._done[source]
            begun |= self._open[source]
        known = forcing | self._done[i]
        fresh = list(begun)
        while fresh:
            begins = fresh.pop()
            for condition, other in self._opposite[begins]:
                if known & self._done[other] and not known & self._done[condition]:
                    known |= self._forcers[condition] | self._done[condition]
                    begun |= self._open[condition]
                    fresh += self._open[condition]
        self._forcers[i] = known & ~self._done[i]
        self._open[i] = frozenset(
            begins
            for begins in begun
            if not all(known & self._done[c] for c, _ in self._opposite[begins])
        )

"""What is certain where edges meet: a join waits for whatever runs at all above it.

Facts are the numbers in a ``BitSet``; nodes are numbers too. A node above *must have run* when one
that is certain leads to it whatever happens: by unconditional edges, or by both branches of a
condition. What a skipped node would have followed had to be decided first, so it need
not lead to the join.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from goflow._core.bitset import BitSet

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
    brings: BitSet
    success: bool
    sure: bool
    branch: str | None


class Joins:
    """Gives what is certain before each node; nodes are added in topological order.

    ``done`` has the fact that each node is done, ``brings`` what is certain once it completed;
    ``fallible`` are the nodes that may fail and let the run go on.
    """

    def __init__(
        self, nothing: BitSet, done: Sequence[int], brings: Sequence[BitSet], fallible: set[int]
    ) -> None:
        self._nothing = nothing
        self._done = done
        self._brings = brings
        self._fallible = fallible
        self._before = [nothing] * len(done)
        self._inputs: list[Sequence[Input]] = [()] * len(done)
        self._place: dict[int, int] = {}
        # For each node, that those are done any of which makes it run when it completes.
        self._forcers = [nothing] * len(done)
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

    def add(self, i: int, inputs: Sequence[Input]) -> BitSet:
        """What is certain before node ``i``, which these edges lead to."""
        self._place[i] = len(self._place)
        self._inputs[i] = inputs
        each = 1 < len(inputs) <= _FEW  # a single one has nothing to wait for
        certain: BitSet | None = None
        for one in inputs:
            along = self._before[one.source] | one.brings
            if each:
                along = self._waited(along, inputs)
            certain = along if certain is None else certain & along
        if certain is None:
            certain = self._nothing
        if len(inputs) > _FEW:
            certain = self._waited(certain, inputs)
        self._force(i, [one.source for one in inputs if one.sure])
        self._before[i] = certain
        return certain

    def _after(self, i: int) -> BitSet:
        """What is certain once node ``i`` has ended."""
        return self._before[i] if i in self._fallible else self._before[i] | self._brings[i]

    def _waited(self, facts: BitSet, inputs: Sequence[Input]) -> BitSet:
        """``facts``, and what the join waited for where these hold."""
        done, forcers = self._done, self._forcers
        sources = [one.source for one in inputs if done[one.source] not in facts]
        while sources:
            left = []
            for source in sources:
                if not forcers[source].isdisjoint(facts):
                    facts |= self._after(source)
                else:
                    left.append(source)
            if len(left) == len(sources):
                more = self._above(facts, left)
                if more == facts:
                    break
                facts = more
            sources = left
        return facts

    def _above(self, facts: BitSet, sources: list[int]) -> BitSet:
        """``facts``, and what follows from the nodes above these of which it is open if they run.

        Goes up as far as nodes that are certain, and gathers for each node what its running
        brings: of a condition, what both branches bring.
        """
        own: dict[int, BitSet] = {}
        certain = set()
        region = sources.copy()
        found = set(region)
        for i in region:
            own[i] = self._after(i)
            if self._done[i] in facts or not self._forcers[i].isdisjoint(facts):
                certain.add(i)
            elif len(region) < _FAR:
                for one in self._inputs[i]:
                    if one.source not in found:
                        found.add(one.source)
                        region.append(one.source)
        if not certain:
            return facts
        branches: dict[int, dict[str, BitSet]] = {}
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
        done = self._done
        if len(sources) == 1 and i not in self._opposite:  # what it makes run is made to by it
            (source,) = sources
            self._forcers[i] = self._forcers[source].plus(done[source])
            self._open[i] = self._open[source]
            return
        forcing = self._nothing
        begun = {i} if i in self._opposite else set()
        for source in sources:
            forcing |= self._forcers[source].plus(done[source])
            begun |= self._open[source]
        known = forcing.plus(done[i])
        fresh = list(begun)
        while fresh:
            begins = fresh.pop()
            for condition, other in self._opposite[begins]:
                if done[other] in known and done[condition] not in known:
                    facts = self._forcers[condition].plus(done[condition])
                    known, forcing = known | facts, forcing | facts
                    begun |= self._open[condition]
                    fresh += self._open[condition]
        self._forcers[i] = forcing
        self._open[i] = frozenset(
            begins
            for begins in begun
            if not all(done[c] in known for c, _ in self._opposite[begins])
        )

"""What is certain where edges meet: a join waits for whatever runs at all above it.

Facts are the numbers in a ``BitSet``; nodes are numbers too. A node above *must have run* when one
that is certain leads to it whatever happens: by unconditional edges, or by both branches of a node
that decides, which are those of a condition, and success and error of a node that may fail. What a
skipped node would have followed had to be decided first, so it need not lead to the join.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from goflow._core.bitset import BitSet

__all__ = ["Input", "Joins"]

_FEW = 16
"""Incoming edges up to which each is followed by itself, which is quadratic in their number."""
_FAR = 64
"""Nodes above a join that are looked at, at most, to find those that must have run."""
_MANY = 64
"""Begun branches that are remembered for what follows a node, at most: each costs every node."""


class Input(msgspec.Struct, frozen=True, gc=False):
    """An edge into a node. ``brings``: what taking it means, beside what was certain before.

    ``sure`` when its source cannot run without taking it. ``way``, of a node that decides: the fact
    that it went this way, an even number for true or success, the odd one after it for the other.
    """

    source: int
    brings: BitSet
    sure: bool
    way: int | None = None


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
        # For each node, that it is done, and whatever else cannot be without it running.
        self._signs = [nothing] * len(done)
        # Nodes that begin a branch, each with who decides and the nodes that begin the other.
        self._opposite: dict[int, list[tuple[int, Sequence[int]]]] = defaultdict(list)
        # Nodes that begin a branch, and make others run which who decides does not (yet).
        self._open: list[Collection[int]] = [()] * len(done)

    def branch(self, incoming: Mapping[int, Sequence[Input]]) -> None:
        """Learn which nodes begin the two branches of one that decides; before nodes are added."""
        targets: dict[int, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
        for target, inputs in incoming.items():
            for one in inputs:
                if one.way is not None:
                    targets[one.source][one.way & 1].append(target)
        for decider, (ones, others) in targets.items():
            if ones and others:
                for target in ones:
                    self._opposite[target].append((decider, others))
                for target in others:
                    self._opposite[target].append((decider, ones))

    def add(self, i: int, inputs: Sequence[Input]) -> BitSet:
        """What is certain before node ``i``, which these edges lead to."""
        self._place[i] = len(self._place)
        self._inputs[i] = inputs
        before = self._before
        if len(inputs) == 1:  # which has nothing to wait for
            (one,) = inputs
            certain = before[one.source] | one.brings
        else:
            certain = self._join(inputs)
        before[i] = certain
        self._force(i, inputs)
        return certain

    def _join(self, inputs: Sequence[Input]) -> BitSet:
        """What is certain where several edges meet, or none."""
        each = len(inputs) <= _FEW
        certain: BitSet | None = None
        for one in inputs:
            along = self._before[one.source] | one.brings
            if each:
                along = self._waited(along, inputs)
            certain = along if certain is None else certain & along
        if certain is None:
            return self._nothing
        return certain if each else self._waited(certain, inputs)

    def _after(self, i: int) -> BitSet:
        """What is certain once node ``i`` has ended."""
        return self._before[i] if i in self._fallible else self._before[i] | self._brings[i]

    def _waited(self, facts: BitSet, inputs: Sequence[Input]) -> BitSet:
        """``facts``, and what the join waited for where these hold."""
        done, signs = self._done, self._signs
        sources = [one.source for one in inputs if done[one.source] not in facts]
        while sources:
            left = []
            for source in sources:
                if signs[source].isdisjoint(facts):
                    left.append(source)
                else:
                    facts |= self._after(source)
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
        brings: of one that decides, what both branches bring.
        """
        own = {source: self._after(source) for source in sources}
        certain = set()
        region = sources.copy()
        for i in region:
            if not self._signs[i].isdisjoint(facts):
                certain.add(i)
            elif len(region) < _FAR:
                for one in self._inputs[i]:
                    if one.source not in own:
                        own[one.source] = self._after(one.source)
                        region.append(one.source)
        if not certain:
            return facts
        branches: dict[int, dict[int, BitSet]] = {}
        for i in sorted(region, key=self._place.__getitem__, reverse=True):
            gathered = own[i]
            pair = branches.get(i)
            if pair is not None and len(pair) == 2:
                gathered |= pair[0] & pair[1]
            if i in certain:
                facts |= gathered
                continue
            for one in self._inputs[i]:
                if one.source in own:
                    if one.way is not None:
                        pair, side = branches.setdefault(one.source, {}), one.way & 1
                        along = gathered | one.brings
                        pair[side] = pair.get(side, along) | along
                    elif one.sure:
                        own[one.source] |= gathered
        return facts

    def _force(self, i: int, inputs: Sequence[Input]) -> None:
        """Find what makes node ``i`` run, which these edges lead to."""
        done, opposite = self._done, self._opposite
        signs = self._nothing.plus(done[i])
        if len(inputs) == 1 and i not in opposite:
            (one,) = inputs
            if one.sure:
                signs |= self._signs[one.source]
                self._open[i] = self._open[one.source]
            elif one.way is not None:
                signs = signs.plus(one.way)
            self._signs[i] = signs
            return
        begun = {i} if i in opposite else set()
        for one in inputs:
            if one.sure:  # what makes its source run makes this one run too
                signs |= self._signs[one.source]
                begun.update(self._open[one.source])
            elif one.way is not None:
                signs = signs.plus(one.way)
        if begun and len(inputs) > 1:  # one alone decides nothing that its source did not
            fresh = list(begun)
            while fresh:
                for decider, others in opposite[fresh.pop()]:
                    if done[decider] not in signs and any(done[o] in signs for o in others):
                        signs |= self._signs[decider]
                        begun.update(self._open[decider])
                        fresh += self._open[decider]
            begun = {
                begins
                for begins in begun
                if not all(done[decider] in signs for decider, _ in opposite[begins])
            }
        self._signs[i] = signs
        if len(begun) <= _MANY:
            self._open[i] = begun

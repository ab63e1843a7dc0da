"""When a node may run: the join arithmetic of a run, over integer arrays and nothing else.

A node is ready when every incoming edge is settled and at least one was taken; when all are dead it
is skipped, and every edge it would have sent on is dead too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["Readiness"]


class Readiness:
    """The unsettled and taken edges into each node of one run.

    ``indegree[i]`` edges lead into node ``i``; ``successors[i]`` are the targets of all edges that
    leave it, one entry an edge. O(1) an edge.
    """

    __slots__ = ("_open", "_successors", "_taken")

    def __init__(self, indegree: Sequence[int], successors: Sequence[Sequence[int]]) -> None:
        self._open = list(indegree)
        self._taken = [False] * len(indegree)
        self._successors = successors

    def take(self, targets: Iterable[int], ready: Callable[[int], object]) -> None:
        """Take edges, given by their targets; ``ready`` is called with each node that became so."""
        unsettled, live = self._open, self._taken
        for target in targets:
            live[target] = True
            left = unsettled[target] - 1
            unsettled[target] = left
            if not left:
                ready(target)

    def settle(self, taken: Iterable[int], dead: Iterable[int]) -> tuple[list[int], list[int]]:
        """Settle edges, given by their targets; the nodes that became ready, and those skipped."""
        ready: list[int] = []
        skipped: list[int] = []
        unsettled, live = self._open, self._taken
        self.take(taken, ready.append)
        dying = list(dead)
        for target in dying:
            unsettled[target] -= 1
            if unsettled[target]:
                continue
            if live[target]:
                ready.append(target)
            else:
                skipped.append(target)
                dying.extend(self._successors[target])
        return ready, skipped

"""How far a run is, from its events: never backwards, and all of it exactly when the run ends."""

from __future__ import annotations

from goflow.engine import events

__all__ = ["Progress"]


class Progress:
    """A listener; ``fraction`` is between 0 and 1.

    Every node of the run counts the same, whether it ran, failed or was skipped: a branch that is
    not taken is done with when that is known. A loop counts by its iterations, a workflow
    that a node runs by its nodes. O(1) an event.
    """

    def __init__(self) -> None:
        self.fraction = 0.0
        self._total = 1
        self._settled = 0
        self._parts: dict[str, tuple[int, int]] = {}
        self._begun = 0.0  # the parts of nodes that go on

    def on_event(self, event: events.Event) -> None:
        """Take one event into account."""
        if isinstance(event, events.RunStarted):
            self._total = event.nodes
        elif isinstance(event, events.RunFinished):
            self.fraction = 1.0
            return
        elif isinstance(event, events.NodeFinished) and not event.path:
            if not event.within:
                self._settled += 1
                done, items = self._parts.pop(event.node, (0, 1))
                self._begun -= done / items
            elif len(event.within) == 1 and not event.within[0].path:
                self._advance(event.within[0].node)
        elif isinstance(event, events.LoopStarted) and not (event.path or event.within):
            self._begin(event.node, event.items)
        elif isinstance(event, events.SubworkflowStarted) and not (event.path or event.within):
            self._begin(event.node, event.nodes)
        elif isinstance(event, events.IterationFinished) and not (event.path or event.within):
            self._advance(event.node)
        # The end of the run is one part too, so that nothing is complete before it.
        self.fraction = max(self.fraction, (self._settled + self._begun) / (self._total + 1))

    def _begin(self, node: str, parts: int) -> None:
        """A node begins that has parts, maybe once more after an attempt that failed."""
        done, before = self._parts.get(node, (0, 1))
        self._begun -= done / before
        self._parts[node] = (0, max(1, parts))

    def _advance(self, node: str) -> None:
        if node not in self._parts:
            return  # its beginning is among the events that were lost
        done, parts = self._parts[node]
        self._parts[node] = (done + 1, parts)
        self._begun += 1 / parts

    def __repr__(self) -> str:
        return f"<Progress {self.fraction:.0%}>"

"""How far a run is, from its events: never backwards, and all of it exactly when the run ends."""

from __future__ import annotations

from goflow.engine import events

__all__ = ["Progress"]


class Progress:
    """A listener; ``fraction`` is between 0 and 1.

    Every node of the run counts the same, whether it ran, failed or was skipped: a branch that is
    not taken is done with when that is known. A loop counts by its iterations. O(1) an event.
    """

    def __init__(self) -> None:
        self.fraction = 0.0
        self._total = 1
        self._settled = 0
        self._loops: dict[str, tuple[int, int]] = {}
        self._begun = 0.0  # the parts of nodes that go on

    def on_event(self, event: events.Event) -> None:
        """Take one event into account."""
        if isinstance(event, events.RunStarted):
            self._total = event.nodes
        elif isinstance(event, events.RunFinished):
            self.fraction = 1.0
            return
        elif isinstance(event, events.NodeFinished) and not event.path:
            self._settled += 1
            done, items = self._loops.pop(event.node, (0, 1))
            self._begun -= done / items
        elif isinstance(event, events.LoopStarted) and not event.path:
            done, items = self._loops.get(event.node, (0, 1))
            self._begun -= done / items  # an attempt before
            self._loops[event.node] = (0, max(1, event.items))
        elif isinstance(event, events.IterationFinished) and not event.path:
            done, items = self._loops[event.node]
            self._loops[event.node] = (done + 1, items)
            self._begun += 1 / items
        # The end of the run is one part too, so that nothing is complete before it.
        self.fraction = max(self.fraction, (self._settled + self._begun) / (self._total + 1))

    def __repr__(self) -> str:
        return f"<Progress {self.fraction:.0%}>"

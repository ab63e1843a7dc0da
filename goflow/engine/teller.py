"""What a run says of itself: events to its listener, rows to its journal."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

from goflow.engine import events

if TYPE_CHECKING:
    from goflow.engine.events import Listener
    from goflow.engine.plan import Plan
    from goflow.engine.record import NodeRecord
    from goflow.engine.resources import RunContext
    from goflow.history.replay import Settled

__all__ = ["Teller"]


class Teller:
    """Tells of one run; where nobody listens and nothing is written down it does next to nothing.

    ``epoch`` is the Unix time at zero of the monotonic clock: a clock that is set while the run
    goes changes nothing in it.
    """

    __slots__ = ("_id", "_plan", "_within", "epoch", "journal", "listener")

    def __init__(self, plan: Plan, context: RunContext, epoch: float) -> None:
        self._id = context.id
        self._plan = plan
        self._within = context.within
        self.epoch = epoch
        self.listener = context.listener
        self.journal = context.journal

    def emit(self, kind: Any, *fields: Any) -> None:
        """Tell the listener of one event."""
        if self.listener is None:
            return
        at = self.epoch + monotonic()
        if self._within:
            self.listener(kind(self._id, at, *fields, within=self._within))
        else:
            self.listener(kind(self._id, at, *fields))

    def started(self, record: NodeRecord, at: float) -> None:
        """A node begins; ``at`` is a Unix time."""
        if self.listener is not None:
            self.listener(events.NodeStarted(self._id, at, record.id, within=self._within))

    def settled(
        self,
        record: NodeRecord,
        *,
        variable: str | None = None,
        raw: dict[str, Any] | None = None,
        writes: dict[str, Any] | None = None,
        taken: list[int] | None = None,
    ) -> None:
        """A node is done with, and its output went to ``variable``.

        ``writes`` are the variables that its members wrote, ``taken`` the indices of the nodes that
        it leads on to, None for all.
        """
        if self.journal is not None:
            names = None if taken is None else self._names(taken)
            self.journal.node(record, variable=variable, raw=raw, writes=writes, taken=names)
        if self.listener is not None:
            if variable is not None or writes:
                self._changed(record, variable, writes)
            self._finished(record, self.listener)

    def ended(self, record: NodeRecord) -> None:
        """A node ended, or never ran, in a way that resuming begins anew."""
        if self.journal is not None:
            self.journal.node(record, settled=False)
        if self.listener is not None:
            self._finished(record, self.listener)

    def unreached(self, record: NodeRecord) -> None:
        """A node that the run never came to is written down, with why."""
        if self.journal is not None:
            self.journal.node(record, settled=False)

    def taken_over(
        self, record: NodeRecord, done: Settled, taken: list[int], *, written: bool
    ) -> None:
        """A node was done with before the run was cut off; ``written`` when its row is there."""
        if self.journal is not None and not written:
            self.journal.node(
                record,
                variable=done.variable,
                raw=done.raw,
                writes=done.writes,
                taken=self._names(taken),
            )
        if self.listener is not None:
            self._finished(record, self.listener)

    def _finished(self, record: NodeRecord, listener: Listener) -> None:
        listener(
            events.NodeFinished(
                self._id,
                self.epoch + monotonic(),
                record.id,
                record.status,
                record.duration,
                record.error,
                (),
                record.reason,
                record.saved,
                within=self._within,
            )
        )

    def _changed(
        self, record: NodeRecord, variable: str | None, writes: dict[str, Any] | None
    ) -> None:
        changed = {name: new for name, (new, _) in (writes or {}).items()}
        if variable is not None:
            changed[variable] = record.output
        redactor = self._plan.redactor
        for name, new in changed.items():
            self.emit(events.VariableChanged, name, redactor.value(new), record.id)

    def _names(self, nodes: list[int]) -> list[str]:
        steps = self._plan.steps
        return [steps[i].node.id for i in nodes]

    def __repr__(self) -> str:
        return f"<Teller of {self._id}>"

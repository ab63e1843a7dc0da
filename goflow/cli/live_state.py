"""What there is to see of a run that goes on, gathered from its events; drawn by ``live``."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING, Any

import msgspec

from goflow.cli.output import harmless
from goflow.cli.progress import reused
from goflow.engine.progress import Progress

if TYPE_CHECKING:
    from goflow.diagram.diagram import Box, Diagram
    from goflow.engine import events

__all__ = ["LiveState", "Row", "ServerRow"]

TAIL = 50
"""Nodes that were done with last, of which the newest are shown."""


class Row(msgspec.Struct, kw_only=True):
    """A node of the run, or a member, for all its iterations together.

    ``status`` is pending, running, waiting (for its next attempt) or how it ended. ``began`` and
    ``until`` are Unix times, ``took`` seconds; ``done`` of ``items`` iterations are over, and
    ``running`` of them (or of the member itself) go on. ``share`` is what a call says of itself.
    """

    id: str
    depth: int = 0
    detail: str = ""
    status: str = "pending"
    began: float = 0.0
    until: float = 0.0
    took: float | None = None
    attempt: int = 0
    done: int = 0
    items: int | None = None
    running: int = 0
    failed: int = 0
    note: str = ""
    share: float | None = None
    saved: float | None = None

    @property
    def moves(self) -> bool:
        """Whether something of it goes on."""
        return self.status in ("running", "waiting") or self.running > 0


class ServerRow(msgspec.Struct):
    """A server: connecting since ``since``, or connected after ``seconds``, or neither."""

    state: str
    since: float = 0.0
    seconds: float = 0.0


class LiveState:
    """A listener. O(1) an event, and memory for each node, however many iterations there are.

    ``diagram`` tells which nodes there are before they begin; without it they are known from then.
    """

    def __init__(self, diagram: Diagram | None = None) -> None:
        self.workflow = "" if diagram is None else diagram.name
        self.rows: dict[str, Row] = {}
        self.servers: dict[str, ServerRow] = {}
        self.counts: Counter[str] = Counter()
        self.tail: deque[str] = deque(maxlen=TAIL)
        self.total = 0
        self.began: float | None = None
        self.status: str | None = None
        self.duration: float | None = None
        self.retries = 0
        self.reused = ""
        self._progress = Progress()
        if diagram is not None:
            for box in diagram.boxes:
                self._add(box, 0)

    def _add(self, box: Box, depth: int) -> None:
        self.rows[box.id] = Row(id=box.id, depth=depth, detail=box.summary)
        for chain in box.chains:
            for member in chain:
                self._add(member, depth + 1)

    @property
    def fraction(self) -> float:
        """How far the run is, between 0 and 1."""
        return self._progress.fraction

    def on_event(self, event: events.Event) -> None:
        """Take one event into account."""
        self._progress.on_event(event)
        tag = event.__struct_config__.tag
        handler = getattr(self, f"_{tag}", None)
        if handler is not None:
            handler(event)

    # -- one method an event, named after its tag --------------------------------------------------

    def _run_started(self, event: events.RunStarted) -> None:
        self.workflow, self.total, self.began = event.workflow, event.nodes, event.at

    def _run_finished(self, event: events.RunFinished) -> None:
        self.status, self.duration = event.status, event.duration
        self.reused = reused(event)

    def _node_started(self, event: events.NodeStarted) -> None:
        row = self._row(event)
        if row is None:
            return
        row.running += 1
        if row.running == 1:
            row.began = event.at
        if not event.path:
            row.status = "running"

    def _attempt_started(self, event: events.AttemptStarted) -> None:
        row = self._row(event)
        if row is None:
            return
        row.attempt = event.attempt
        if row.status == "waiting":
            row.status, row.note = "running" if not event.path else "pending", ""

    def _attempt_failed(self, event: events.AttemptFailed) -> None:
        row = self._row(event)
        if row is None:
            return
        self.retries += 1
        row.note = _first_line(event.error["message"])
        row.share = None
        row.until = event.at + event.delay
        row.status = "waiting"

    def _node_finished(self, event: events.NodeFinished) -> None:
        row = self._row(event)
        if row is None:
            return
        row.share = None
        if event.duration is not None:
            row.running = max(0, row.running - 1)
        row.saved = event.saved
        if event.path:
            row.done += row.items is None  # a loop within a loop counts its own iterations
            row.failed += event.status in ("failed", "outcome_unknown")
            row.took = (row.took or 0.0) + (event.duration or 0.0)
            if row.status == "waiting":
                row.status = "pending"
            return
        row.status, row.took = event.status, event.duration
        row.note = ""
        if event.error is not None:
            row.note = _first_line(event.error["message"])
        elif event.reason:
            row.note = event.reason
        self.counts[event.status] += 1
        self.tail.append(event.node)

    def _loop_started(self, event: events.LoopStarted) -> None:
        row = self._row(event)
        if row is not None:
            row.items = (row.items or 0) + event.items if event.path else event.items
            row.done = row.done if event.path else 0

    def _iteration_finished(self, event: events.IterationFinished) -> None:
        row = self._row(event)
        if row is not None:
            row.done += 1

    def _subworkflow_started(self, event: events.SubworkflowStarted) -> None:
        row = self._row(event)
        if row is not None:
            row.items, row.done = event.nodes, 0

    def _call_progress(self, event: events.CallProgress) -> None:
        row = self._row(event)
        if row is None:
            return
        row.share = event.progress / event.total if event.total else None
        row.note = _first_line(event.message or "")

    def _server_connecting(self, event: events.ServerConnecting) -> None:
        if event.server not in self.servers or self.servers[event.server].state != "connected":
            self.servers[event.server] = ServerRow("connecting", event.at)

    def _server_connected(self, event: events.ServerConnected) -> None:
        self.servers[event.server] = ServerRow("connected", event.at, event.seconds)

    def _server_connect_failed(self, event: events.ServerConnectFailed) -> None:
        self.servers[event.server] = ServerRow("failed", event.at, event.seconds)

    def _server_closed(self, event: events.ServerClosed) -> None:
        self.servers[event.server] = ServerRow("closed", event.at)

    def _row(self, event: Any) -> Row | None:
        """The row of an event's node; one of a workflow within counts for the node that runs it."""
        within = event.within
        if within:
            owner = self.rows.get(within[0].node)
            tag = event.__struct_config__.tag
            if owner is not None and tag == "node_finished" and len(within) == 1 and not event.path:
                owner.done += 1
            return None
        row = self.rows.get(event.node)
        if row is None:
            row = self.rows[event.node] = Row(id=event.node, depth=len(event.path))
        return row


def _first_line(text: str) -> str:
    return harmless((text.splitlines() or [""])[0])

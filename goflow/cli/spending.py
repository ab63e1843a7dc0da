"""Where the time of a run went, from its events: calling tools, waiting, or the engine itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goflow.shown import duration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goflow.engine import events

__all__ = ["KINDS", "Spending"]

KINDS = ("tools", "connecting", "functions", "delays", "engine")


class Spending:
    """A listener; ``seconds`` of each kind add up to the run's duration.

    A moment belongs to the first of ``KINDS`` that is true of it: a tool is being called, a call
    waits for a connection, a function of the host runs, an attempt is waited for, or none of these.
    ``servers`` gives the server that a node calls, empty for a function of the host. O(servers) an
    event.
    """

    def __init__(self, servers: Mapping[str, str]) -> None:
        self.seconds = dict.fromkeys(KINDS, 0.0)
        self.calls = 0
        self.whole = True
        self._servers = servers
        self._last: float | None = None
        self._active: dict[Any, str] = {}  # by place: the server of what is under way
        self._by_server: dict[str, int] = {}
        self._waiting = 0
        self._delays: set[Any] = set()
        self._connecting: set[str] = set()

    def on_event(self, event: events.Event) -> None:
        """Take one event into account."""
        self._pass(event.at)
        handler = getattr(self, f"_{event.__struct_config__.tag}", None)
        if handler is not None:
            handler(event)

    def text(self) -> str | None:
        """The parts that count, in a line; None when no tool was called or events were lost."""
        if not self.calls or not self.whole:
            return None
        words = {"delays": "waiting to retry"}
        parts = [
            f"{words.get(kind, kind)} {duration(self.seconds[kind])}"
            for kind in KINDS
            if self.seconds[kind] > 0
        ]
        return " · ".join(parts)

    def _pass(self, at: float) -> None:
        if self._last is None:
            self._last = at
        if at <= self._last:
            return
        passed, self._last = at - self._last, at
        if any(count and name and name not in self._connecting
               for name, count in self._by_server.items()):  # fmt: skip
            kind = "tools"
        elif any(count and name for name, count in self._by_server.items()):
            kind = "connecting"
        elif self._by_server.get(""):
            kind = "functions"
        elif self._delays:
            kind = "delays"
        else:
            kind = "engine"
        self.seconds[kind] += passed

    # -- one method an event, named after its tag --------------------------------------------------

    def _attempt_started(self, event: events.AttemptStarted) -> None:
        place = _place(event)
        self._delays.discard(place)
        server = self._servers.get(event.node)
        if server is not None and place not in self._active:
            self._active[place] = server
            self._by_server[server] = self._by_server.get(server, 0) + 1
            self.calls += bool(server)

    def _attempt_failed(self, event: events.AttemptFailed) -> None:
        self._ended(event)
        self._delays.add(_place(event))

    def _node_finished(self, event: events.NodeFinished) -> None:
        self._ended(event)
        self._delays.discard(_place(event))

    def _ended(self, event: Any) -> None:
        server = self._active.pop(_place(event), None)
        if server is not None:
            self._by_server[server] -= 1

    def _server_connecting(self, event: events.ServerConnecting) -> None:
        self._connecting.add(event.server)

    def _server_connected(self, event: events.ServerConnected) -> None:
        self._connecting.discard(event.server)

    def _server_connect_failed(self, event: events.ServerConnectFailed) -> None:
        self._connecting.discard(event.server)

    def _events_lost(self, event: events.EventsLost) -> None:
        self.whole = False


def _place(event: Any) -> Any:
    return (event.node, event.path, event.within)

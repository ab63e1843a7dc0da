"""What happens to the servers of one run, told as its events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goflow.engine import events
from goflow.engine.record import error_value

if TYPE_CHECKING:
    from collections.abc import Callable

    from goflow.engine.plan import Plan
    from goflow.errors import GoFlowError
    from goflow.servers.config import ServerConfig
    from goflow.servers.handlers import LogMessage

__all__ = ["ServerEvents"]


class ServerEvents:
    """A `goflow.servers.observer.Observer` that tells ``emit`` of the servers of ``plan``."""

    __slots__ = ("_emit", "_ids", "_redactor", "_servers")

    def __init__(self, plan: Plan, emit: Callable[..., None]) -> None:
        self._emit = emit
        self._redactor = plan.redactor
        self._servers = frozenset(plan.servers)
        self._ids = {server.id for server in plan.servers}

    def connecting(self, config: ServerConfig, reason: str, attempt: int) -> None:
        """Connecting begins."""
        if config in self._servers:
            self._emit(events.ServerConnecting, config.id, reason, attempt)

    def connected(self, config: ServerConfig, reason: str, attempt: int, seconds: float) -> None:
        """The server takes calls."""
        if config in self._servers:
            self._emit(events.ServerConnected, config.id, reason, attempt, seconds)

    def connect_failed(
        self, config: ServerConfig, reason: str, attempt: int, seconds: float, error: GoFlowError
    ) -> None:
        """There is no connection."""
        if config in self._servers:
            value: dict[str, Any] = error_value(error, self._redactor)
            self._emit(events.ServerConnectFailed, config.id, reason, attempt, seconds, value)

    def closed(self, config: ServerConfig, reason: str) -> None:
        """A connection ended."""
        if config in self._servers:
            self._emit(events.ServerClosed, config.id, self._redactor.text(reason))

    def logged(self, message: LogMessage) -> None:
        """The server logged something."""
        if message.server in self._ids:
            self._emit(events.ServerLogged, *message)

    def __repr__(self) -> str:
        return f"<ServerEvents of {len(self._servers)} servers>"

"""Who is told of what happens to the sessions of an engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from goflow.errors import GoFlowError
    from goflow.servers.config import ServerConfig
    from goflow.servers.handlers import LogMessage

__all__ = ["Observer"]


class Observer(Protocol):
    """Called from the loop; must not raise.

    ``reason`` is ``call`` when one waits for the connection as it begins, else ``prewarm``;
    ``attempt`` counts from 1 since the last time that the server was connected.
    """

    def connecting(self, config: ServerConfig, reason: str, attempt: int) -> None:
        """Connecting begins."""

    def connected(self, config: ServerConfig, reason: str, attempt: int, seconds: float) -> None:
        """The server takes calls, after ``seconds``, its process's start included."""

    def connect_failed(
        self, config: ServerConfig, reason: str, attempt: int, seconds: float, error: GoFlowError
    ) -> None:
        """There is no connection, after ``seconds``."""

    def closed(self, config: ServerConfig, reason: str) -> None:
        """A connection ended; ``reason`` completes "the server …"."""

    def logged(self, message: LogMessage) -> None:
        """A server logged something."""

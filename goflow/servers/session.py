"""What a live conversation with a server offers, whatever carries it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable

    from goflow.servers.config import ServerConfig
    from goflow.servers.handlers import OnProgress

__all__ = ["Session"]


@runtime_checkable
class Session(Protocol):
    """One live, initialised conversation with one MCP server.

    Calls may come from any task of the loop that opened it, many at once. ``closed`` turns true
    when the session can take no more calls: it was closed, or retired because the server went
    away or stopped answering. Its resources are gone when `wait_closed` returns.
    """

    @property
    def config(self) -> ServerConfig:
        """The server that this is a conversation with."""
        ...

    @property
    def server_info(self) -> dict[str, Any]:
        """The server's ``serverInfo``: ``name``, ``version``…; empty when it gave none."""
        ...

    @property
    def protocol_version(self) -> str:
        """The protocol version agreed on, such as ``2025-11-25`` or ``2026-07-28``."""
        ...

    @property
    def capabilities(self) -> dict[str, Any]:
        """The server's ``capabilities``."""
        ...

    @property
    def closed(self) -> bool:
        """Whether the session takes no more calls."""
        ...

    @property
    def end_reason(self) -> str:
        """Why it takes no more calls, completing "the server …"; empty while it does."""
        ...

    @property
    def instructions(self) -> str | None:
        """How the server says its tools are used, if it does."""
        ...

    async def call_tool(
        self,
        name: str,
        arguments: dict[str, Any],
        *,
        timeout: float | None = None,
        on_progress: OnProgress | None = None,
    ) -> dict[str, Any]:
        """The raw CallToolResult: ``content``, ``structuredContent``, ``isError``…

        A result with ``isError: true`` is returned like any other. ``timeout`` is in seconds,
        the server's own by default. ``on_progress`` is called from the loop with what the server
        tells of the call's progress, never after it has ended. Raises ServerTimeout,
        ConnectionLost (both: the outcome is unknown), RequestRejected for a JSON-RPC error,
        ServerError for an answer that is no result, BadCall for arguments that are not JSON.
        """
        ...

    async def list_tools(self) -> list[dict[str, Any]]:
        """Every tool of the server (all pages), as raw Tool objects. Raises like `call_tool`."""
        ...

    def on_tools_changed(self, callback: Callable[[], object]) -> None:
        """Have ``callback()`` called whenever the server says that its tools have changed."""
        ...

    async def ping(self) -> None:
        """Return once the server has answered. Raises like `call_tool`."""
        ...

    async def close(self) -> None:
        """End the conversation and wait until everything it held is released. Idempotent."""
        ...

    async def wait_closed(self) -> None:
        """Wait until the session has ended, for whatever reason, and released all it held."""
        ...

    def on_closed(self, callback: Callable[[Session], object]) -> None:
        """Have ``callback(session)`` called, once and from the loop, when ``closed`` turns true.

        On a session that is closed already it is called soon.
        """
        ...

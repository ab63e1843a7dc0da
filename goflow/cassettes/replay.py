"""Playing back: sessions without servers, which answer as was recorded."""

from __future__ import annotations

import asyncio
import copy
from typing import TYPE_CHECKING, Any

from goflow.cassettes.failures import from_value
from goflow.cassettes.matching import Shelf
from goflow.errors import CassetteMismatch
from goflow.servers.handlers import NO_HANDLERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from goflow.cassettes.cassette import Cassette, Tape
    from goflow.servers.config import ServerConfig
    from goflow.servers.handlers import Handlers, OnProgress
    from goflow.servers.process import ServerProcess
    from goflow.servers.session import Session

__all__ = ["Player"]


class Player:
    """Opens sessions that answer out of a cassette; no server is started, no secret looked up.

    A call is answered by the first recorded one of the same server, tool and arguments that was
    not used yet. ``mismatches`` are the errors of calls that were not recorded. Belongs to one
    event loop.
    """

    offline = True
    """Whether servers are played back."""

    def __init__(self, cassette: Cassette) -> None:
        self.cassette = cassette
        self.mismatches: list[CassetteMismatch] = []
        self._shelf = Shelf(cassette.calls)
        self._connects = {name: list(tape["connects"]) for name, tape in cassette.servers.items()}

    async def open(
        self,
        config: ServerConfig,
        process: ServerProcess | None = None,
        handlers: Handlers = NO_HANDLERS,
    ) -> Session:
        """A session as was recorded; raises what connecting raised then."""
        tape = self.cassette.servers.get(config.id)
        if tape is None:
            known = ", ".join(self.cassette.servers) or "none"
            raise self._missed(
                f"the server {config.id!r} was not used when the cassette was recorded",
                f"recorded were {known}; record it again",
                config.id,
            )
        left = self._connects[config.id]
        failure = left.pop(0) if len(left) > 1 else left[0]
        if failure is not None:
            raise from_value(failure, config.id)
        return ReplaySession(config, tape, self)

    def answer(self, server: str, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """What was answered to this call; raises what it raised, and ``CassetteMismatch``."""
        call = self._shelf.take(server, tool, arguments)
        if call is None:
            message, hint = self._shelf.why_not(server, tool, arguments)
            raise self._missed(message, hint, server)
        if "error" in call:
            raise from_value(call["error"], server)
        assert "result" in call  # or the cassette was not read
        return copy.deepcopy(call["result"])

    def unused(self) -> list[str]:
        """The recorded calls that nobody made, each as ``server.tool {arguments}``."""
        return self._shelf.unused()

    def _missed(self, message: str, hint: str, server: str) -> CassetteMismatch:
        error = CassetteMismatch(message, server=server, hint=hint)
        self.mismatches.append(error)
        return error


class ReplaySession:
    """A `Session` that is a recording."""

    def __init__(self, config: ServerConfig, tape: Tape, player: Player) -> None:
        self.config = config
        self.server_info = tape["info"]
        self.protocol_version = tape["protocol_version"]
        self.capabilities = tape["capabilities"]
        self.instructions = tape["instructions"]
        self.closed = False
        self.end_reason = ""
        self._tools = tape["tools"]
        self._player = player
        self._callbacks: list[Callable[[Session], object]] = []
        self._ended = asyncio.Event()

    async def call_tool(
        self,
        name: str,
        arguments: dict[str, Any],
        *,
        timeout: float | None = None,
        on_progress: OnProgress | None = None,
    ) -> dict[str, Any]:
        """What was answered when it was recorded."""
        await asyncio.sleep(0)  # as of a server, the answer comes later
        return self._player.answer(self.config.id, name, arguments)

    async def list_tools(self) -> list[dict[str, Any]]:
        """The tools that the server had."""
        return copy.deepcopy(self._tools or [])

    def on_tools_changed(self, callback: Callable[[], object]) -> None:
        """They never change."""

    async def ping(self) -> None:
        """Nobody is there to ask."""

    async def close(self) -> None:
        """End the conversation."""
        if not self.closed:
            self.closed = True
            self.end_reason = "was closed"
            self._ended.set()
            for callback in self._callbacks:
                callback(self)

    async def wait_closed(self) -> None:
        """Wait until it was closed."""
        await self._ended.wait()

    def on_closed(self, callback: Callable[[Session], object]) -> None:
        """See `Session.on_closed`."""
        if self.closed:
            asyncio.get_running_loop().call_soon(callback, self)
        else:
            self._callbacks.append(callback)

"""A session with a server that is a child process: JSON-RPC lines over its pipes."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from goflow.errors import ConnectFailed, ServerError, ServerTimeout
from goflow.servers.calls import all_tools, call_in_rounds
from goflow.servers.conversation import Conversation
from goflow.servers.handlers import NO_HANDLERS
from goflow.servers.handshake import INITIALIZED_LINE, LOG_LEVEL, ServerIdentity, envelope
from goflow.servers.log import ServerLog
from goflow.servers.negotiation import negotiate
from goflow.servers.outbox import Outbox
from goflow.servers.process import ServerProcess
from goflow.servers.redaction import Redactor
from goflow.servers.watch import ProcessWatch

if TYPE_CHECKING:
    from collections.abc import Callable

    from goflow.servers.config import ServerConfig
    from goflow.servers.handlers import Handlers, OnProgress
    from goflow.servers.session import Session

__all__ = ["StdioSession"]

# Seconds from the end of the output to the exit that usually causes it.
_EXIT_LAG = 0.2


class StdioSession:
    """A `Session` over a `ServerProcess`.

    One task owns the connection: it shakes hands, waits for the end, and cleans up; calls come
    from any task of the loop and are answered from the loop's reader callback. Not thread-safe.
    """

    __slots__ = (
        "__weakref__",
        "_callbacks",
        "_closed",
        "_config",
        "_conversation",
        "_died_unanswered",
        "_ending",
        "_handlers",
        "_identity",
        "_log",
        "_loop",
        "_outbox",
        "_owner",
        "_process",
        "_reason",
        "_watch",
    )

    def __init__(self, config: ServerConfig, process: ServerProcess, handlers: Handlers) -> None:
        """Use `connect`: a session that was not connected takes no calls."""
        loop = asyncio.get_running_loop()
        self._config = config
        self._loop = loop
        self._process = process
        self._handlers = handlers
        self._identity = ServerIdentity("", {}, {}, None)
        self._log = ServerLog(config.id, Redactor(config.secrets), process.pid)
        self._outbox = Outbox(loop, process.stdin)
        self._conversation = Conversation(
            config, loop, self._log, self._send, self._retire, handlers
        )
        self._watch = ProcessWatch(
            loop,
            process,
            on_line=self._conversation.on_line,
            on_stderr=self._log.output,
            on_end=self._retire,
        )
        self._closed = False
        self._died_unanswered = False
        self._reason = ""  # completes "server 'x' …"
        self._callbacks: list[Callable[[Session], object]] = []
        self._ending: asyncio.Future[None] = loop.create_future()
        self._owner: asyncio.Task[None] | None = None

    @classmethod
    async def connect(
        cls,
        config: ServerConfig,
        process: ServerProcess | None = None,
        handlers: Handlers = NO_HANDLERS,
    ) -> StdioSession:
        """A session with a new server, or with one that was spawned (and greeted) before.

        ``handlers`` are the host program's. Raises ConnectFailed when the server cannot be started,
        exits, does not answer within ``config.connect_timeout`` seconds or speaks another protocol.
        Whatever the reason, and when cancelled too, the process is gone by then.
        """
        capabilities = handlers.capabilities()
        session = cls(
            config, process or ServerProcess.spawn(config, capabilities=capabilities), handlers
        )
        try:
            return await session._connect()
        except ConnectFailed:
            if not session._died_unanswered:
                raise
        # A server of the older era that does not survive what it does not know.
        process = ServerProcess.spawn(config, era="handshake", capabilities=capabilities)
        return await cls(config, process, handlers)._connect()

    async def _connect(self) -> StdioSession:
        ready: asyncio.Future[None] = self._loop.create_future()
        owner = asyncio.create_task(self._own(ready), name=f"goflow server {self._config.id}")
        self._owner = owner
        try:
            await ready
        except asyncio.CancelledError:
            owner.cancel()
            await asyncio.wait((owner,))
            raise
        return self

    # -- what it is ----------------------------------------------------------------------------

    @property
    def config(self) -> ServerConfig:
        """The server that this is a conversation with."""
        return self._config

    @property
    def protocol_version(self) -> str:
        """The protocol version agreed on."""
        return self._identity.protocol_version

    @property
    def server_info(self) -> dict[str, Any]:
        """The server's ``serverInfo``; empty when it gave none."""
        return self._identity.server_info

    @property
    def capabilities(self) -> dict[str, Any]:
        """The server's ``capabilities``."""
        return self._identity.capabilities

    @property
    def instructions(self) -> str | None:
        """The server's instructions, if it gave any."""
        return self._identity.instructions

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._process.pid

    @property
    def closed(self) -> bool:
        """Whether the session takes no more calls."""
        return self._closed

    @property
    def end_reason(self) -> str:
        """Why it takes no more calls; empty while it does."""
        return self._reason

    def __repr__(self) -> str:
        if self._closed:
            state = f"closed ({self._reason})"
        elif self._identity.protocol_version:
            state = f"{len(self._conversation)} in flight"
        else:
            state = "connecting"
        return f"<StdioSession {self._config.id!r} pid {self._process.pid} {state}>"

    # -- calls ---------------------------------------------------------------------------------

    async def call_tool(
        self,
        name: str,
        arguments: dict[str, Any],
        *,
        timeout: float | None = None,
        on_progress: OnProgress | None = None,
    ) -> dict[str, Any]:
        """See `Session.call_tool`."""
        params: dict[str, Any] = {"name": name, "arguments": arguments}
        request = self._conversation.request
        if self._conversation.envelope is None:
            return await request("tools/call", params, timeout, on_progress)
        return await call_in_rounds(
            lambda params: request("tools/call", params, timeout, on_progress),
            params,
            self._handlers,
            self._config.id,
            self._conversation.error,
        )

    async def list_tools(self) -> list[dict[str, Any]]:
        """See `Session.list_tools`."""
        request = self._conversation.request
        return await all_tools(
            lambda params: request("tools/list", params), self._conversation.error
        )

    async def ping(self) -> None:
        """See `Session.ping`."""
        # The stateless era has no ping.
        method = "server/discover" if self._identity.stateless else "ping"
        await self._conversation.request(method, None, None)

    def on_tools_changed(self, callback: Callable[[], object]) -> None:
        """See `Session.on_tools_changed`."""
        self._conversation.inbound.on_tools_changed(callback)

    def _send(self, line: bytes) -> None:
        if not self._closed:
            try:
                self._outbox.send(line)
                return
            except OSError:
                self._retire("closed its input")
        # Not ConnectionLost, whose outcome is unknown: this never left.
        raise ConnectFailed(
            f"the session with server {self._config.id!r} is closed (it {self._reason}):"
            " nothing was sent",
            server=self._config.id,
            stderr=self._log.tail(),
        )

    # -- the end -------------------------------------------------------------------------------

    async def close(self) -> None:
        """See `Session.close`."""
        self._retire("was disconnected")
        await self.wait_closed()

    async def wait_closed(self) -> None:
        """See `Session.wait_closed`."""
        if self._owner is not None and not self._owner.done():
            await asyncio.wait((self._owner,))

    def on_closed(self, callback: Callable[[Session], object]) -> None:
        """See `Session.on_closed`."""
        if self._closed:
            self._loop.call_soon(callback, self)
        else:
            self._callbacks.append(callback)

    def _retire(self, reason: str) -> None:
        """Take no more calls, and let the owner end the connection. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self._reason = self._log.redactor.text(reason)
        if not self._ending.done():  # it is, when the owner was cancelled while it waited
            self._ending.set_result(None)
        for callback in self._callbacks:
            self._loop.call_soon(callback, self)
        self._callbacks.clear()

    # -- the owner task ------------------------------------------------------------------------

    async def _own(self, ready: asyncio.Future[None]) -> None:
        try:
            self._watch.start()
            patience = await self._shake_hands()
            if not self._closed:
                if not ready.done():  # it is, when connecting was cancelled just now
                    ready.set_result(None)
                await self._ending
            self._outbox.close()
            await self._conversation.inbound.close()
            if patience:
                await self._learn_why()
                self._died_unanswered = self._reads_and_dies()
                self._conversation.fail_all(self._reason)
                await self._process.terminate(self._watch.wait_exit, asyncio.sleep)
        except asyncio.CancelledError:
            # The loop is being shut down, or connecting was given up: no time for courtesy.
            self._retire("was disconnected")
            self._conversation.inbound.cancel_now()
            raise
        finally:
            self._retire("was disconnected")
            self._outbox.close()
            self._watch.drain_stderr()
            self._watch.stop()
            self._process.kill_now()
            self._log.finish_output()
            self._conversation.fail_all(self._reason)
            if not ready.done():
                ready.set_exception(self._connect_failed())
            self._log.close()

    async def _shake_hands(self) -> bool:
        """Agree on a protocol; False if the server deserves no patience any more."""
        capabilities = self._handlers.capabilities()
        try:
            identity = await negotiate(
                self._process, self._conversation, self._send, self._ending, capabilities
            )
        except ServerError as error:
            self._retire(error.message.removeprefix(f"server {self._config.id!r} "))
            return not isinstance(error, ServerTimeout)
        except ValueError as error:
            self._retire(str(error))
            return True
        finally:
            self._conversation.forget_greetings()
        if identity is not None:
            self._complete_handshake(identity, capabilities)
        return True

    def _complete_handshake(self, identity: ServerIdentity, capabilities: dict[str, Any]) -> None:
        self._identity = identity
        if not identity.stateless:
            with contextlib.suppress(ConnectFailed):  # the session is retired, which says it all
                self._send(INITIALIZED_LINE)
            return
        said = envelope(identity.protocol_version, capabilities)
        if self._handlers.log is not None:
            said[LOG_LEVEL] = "info"
        self._conversation.envelope = said
        tools = identity.capabilities.get("tools")
        if isinstance(tools, dict) and tools.get("listChanged") is True:
            self._conversation.subscribe()

    def _reads_and_dies(self) -> bool:
        """Whether the server read the newer era's greeting and exited without an answer to it."""
        return (
            self._config.era == "auto"
            and self._process.greeted == "stateless"
            and not self._identity.protocol_version
            and self._watch.exited
            and not self._process.unread()
        )

    async def _learn_why(self) -> None:
        """When the pipes closed: wait a moment for the exit and the last words behind it."""
        if self._reason in ("closed its output", "closed its input"):
            await self._watch.wait_exit(_EXIT_LAG)
            self._reason = self._process.describe_exit() or self._reason
        self._watch.drain_stderr()

    def _connect_failed(self) -> ConnectFailed:
        from goflow.servers.last_words import death_hint, last_line  # noqa: PLC0415 - servers live

        stderr = self._log.tail()
        said = [f"server {self._config.id!r} {self._reason}"]
        if not self._identity.protocol_version and "initialize" not in self._reason:
            said[0] += " before the handshake was complete"
        if stderr:
            said.append(f"its last words: {last_line(stderr)}")
        if self._conversation.first_odd_line:
            said.append(f"on its output: {self._conversation.first_odd_line}")
        return ConnectFailed(
            "; ".join(said),
            server=self._config.id,
            stderr=stderr,
            hint=death_hint(self._config, stderr),
        )

"""Requests and answers: who waits for what, and what each line of a server means."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from goflow.errors import (
    ConnectFailed,
    ConnectionLost,
    RequestRejected,
    ServerError,
    ServerTimeout,
)
from goflow.servers import jsonrpc
from goflow.servers.handlers import NO_HANDLERS
from goflow.servers.handshake import DISCOVER_ID, INITIALIZE_ID
from goflow.servers.inbound import Inbound
from goflow.servers.pending import PendingRequest, PendingRequests

if TYPE_CHECKING:
    from collections.abc import Callable

    from goflow.servers.config import ServerConfig
    from goflow.servers.handlers import Handlers, OnProgress
    from goflow.servers.log import ServerLog

__all__ = ["EXCERPT", "Conversation"]

# Bytes of an unusable line that an error or a log shows.
EXCERPT = 200
# Our ids have fewer; Python refuses to read a number of some thousands.
_ID_DIGITS = 20


class Conversation:
    """The JSON-RPC side of a session; whoever owns the pipes feeds it lines and sends for it.

    ``send(line)`` raises ConnectFailed when nothing can be sent any more. ``give_up(reason)``
    is called when the server deserves no more requests; the reason completes "server 'x' …".
    """

    __slots__ = (
        "_config",
        "_give_up",
        "_last_id",
        "_last_timeout",
        "_log",
        "_loop",
        "_pending",
        "_send",
        "_unanswered",
        "envelope",
        "first_odd_line",
        "inbound",
    )

    def __init__(
        self,
        config: ServerConfig,
        loop: asyncio.AbstractEventLoop,
        log: ServerLog,
        send: Callable[[bytes], None],
        give_up: Callable[[str], None],
        handlers: Handlers = NO_HANDLERS,
    ) -> None:
        self._config = config
        self._loop = loop
        self._log = log
        self._send = send
        self._give_up = give_up
        self._pending = PendingRequests(loop, self._on_expired)
        self._last_id = INITIALIZE_ID
        # Requests whose answers, should they come, nobody wants.
        self._unanswered: set[int] = set()
        # When a request last timed out, if none was answered since (the loop's clock).
        self._last_timeout: float | None = None
        self.first_odd_line = ""
        self.inbound = Inbound(config, log, handlers, self._reply)
        # What every request carries in ``_meta``; nothing in the era of handshakes.
        self.envelope: dict[str, Any] | None = None

    def __len__(self) -> int:
        """How many requests await their answer."""
        return len(self._pending)

    async def request(
        self,
        method: str,
        params: dict[str, Any] | None,
        timeout: float | None = None,
        on_progress: OnProgress | None = None,
    ) -> dict[str, Any]:
        """The result of a request. Raises what `Session.call_tool` raises.

        A cancelled caller tells the server so.
        """
        self._last_id = request_id = self._last_id + 1
        if self.envelope is not None or on_progress is not None:
            meta = dict(self.envelope or ())
            if on_progress is not None:
                meta["progressToken"] = request_id
                self.inbound.listen(request_id, on_progress)
            params = {**(params or {}), "_meta": meta}
        try:
            self._send(jsonrpc.request_line(request_id, method, params))
            seconds = self._config.timeout if timeout is None else timeout
            waiter = self._pending.add(request_id, method, seconds)
            result = await waiter
        except (asyncio.CancelledError, GeneratorExit):
            if self._pending.take(request_id) is not None:
                self._send_cancelled(request_id, "the caller was cancelled")
            raise
        finally:
            if on_progress is not None:
                self.inbound.forget(request_id)
        if type(result) is not dict:
            raise self.error(f"answered {method} with something that is not an object")
        return result

    def subscribe(self) -> None:
        """Ask a server of the stateless era to say when its tools change. Nobody waits for it."""
        self._last_id = request_id = self._last_id + 1
        params = {"notifications": {"toolsListChanged": True}, "_meta": self.envelope}
        self._reply(jsonrpc.request_line(request_id, "subscriptions/listen", params))
        self._unanswered.add(request_id)

    def expect(self, request_id: int, seconds: float, deadline: float) -> asyncio.Future[Any]:
        """A future for the answer to a greeting, which is sent apart from this."""
        return self._pending.add(request_id, "initialize", seconds, deadline)

    def forget_greetings(self) -> None:
        """Nobody waits for the answer to a greeting any more; one may still come."""
        for request_id in (DISCOVER_ID, INITIALIZE_ID):
            if self._pending.take(request_id) is not None:
                self._unanswered.add(request_id)

    def fail_all(self, reason: str) -> None:
        """Fail every open request with ConnectionLost."""
        for request in self._pending.take_all():
            if not request.waiter.done():
                request.waiter.set_exception(
                    ConnectionLost(
                        f"server {self._config.id!r} {reason} before it answered {request.method}",
                        server=self._config.id,
                        stderr=self._log.tail(),
                    )
                )

    def error(self, what: str) -> ServerError:
        """The error of a server that did not do its part; ``what`` completes "server 'x' …"."""
        text = self._log.redactor.text(what)
        return ServerError(
            f"server {self._config.id!r} {text}", server=self._config.id, stderr=self._log.tail()
        )

    def on_line(self, line: bytes) -> None:
        """Take a line of the server's output."""
        try:
            message = jsonrpc.decode(line)
        except jsonrpc.REFUSALS:
            self._on_odd_line(line)
        else:
            self._on_message(message, line)

    def _on_odd_line(self, line: bytes) -> None:
        """Skip a line that is not a message, unless it tells which request it tried to answer."""
        if not line.strip():
            return
        messages, problem = jsonrpc.decode_leniently(line)
        for message in messages:
            if problem is None:
                self._on_message(message, line)
                continue
            request = self._take(message.id) if message.method is None else None
            if request is not None and not request.waiter.done():
                what = f"answered {request.method} with text that is not JSON: {problem}"
                request.waiter.set_exception(self.error(what))
        if problem is not None:
            excerpt = self._excerpt(line)
            if not self.first_odd_line:
                self.first_odd_line = excerpt
            self._log.note(f"skipped a line of output that is not JSON-RPC ({problem}): {excerpt}")

    def _on_message(self, message: jsonrpc.Message, line: bytes) -> None:
        if message.method is not None:
            if message.id is not None:
                self.inbound.on_request(message)
            else:
                self.inbound.on_notification(message)
            return
        self._last_timeout = None  # a late answer is a sign of life too
        request = self._take(message.id)
        if request is None:
            if type(message.id) is int and message.id in self._unanswered:
                self._unanswered.discard(message.id)
                return
            self._log.note(f"ignored an answer to no open request: {self._excerpt(line)}")
            return
        waiter = request.waiter
        if waiter.done():  # its caller was cancelled just now
            return
        if message.error is not None:
            waiter.set_exception(self._rejection(request, message.error))
        else:
            waiter.set_result(message.result)

    def _excerpt(self, line: bytes) -> str:
        # Half a secret at the cut is left out: it would not be recognised later.
        shown, _ = self._log.redactor.split(line[:EXCERPT])
        return shown.decode("utf-8", "backslashreplace")

    def _take(self, request_id: Any) -> PendingRequest | None:
        if type(request_id) is str and request_id.isdecimal() and len(request_id) < _ID_DIGITS:
            request_id = int(request_id)  # some servers give ids back as text
        if type(request_id) is not int:
            return None
        self.inbound.forget(request_id)
        return self._pending.take(request_id)

    def _rejection(self, request: PendingRequest, error: Any) -> RequestRejected:
        fields = self._log.redactor.value(error) if isinstance(error, dict) else {}
        code = fields.get("code")
        if type(code) is not int:
            code = jsonrpc.INTERNAL_ERROR
        reason = fields.get("message") or "no reason given"
        return RequestRejected(
            f"server {self._config.id!r} rejected {request.method}: {reason} (JSON-RPC {code})",
            server=self._config.id,
            rpc_code=code,
            data=fields.get("data"),
            stderr=self._log.tail(),
        )

    def _on_expired(self, request_id: int, request: PendingRequest) -> None:
        if request.waiter.done():
            return
        request.waiter.set_exception(
            ServerTimeout(
                f"server {self._config.id!r} did not answer {request.method}"
                f" within {request.seconds:.3g} s",
                server=self._config.id,
                seconds=request.seconds,
                stderr=self._log.tail(),
            )
        )
        if request_id in (DISCOVER_ID, INITIALIZE_ID):
            return  # which must not be cancelled
        self._send_cancelled(request_id, "the time is up")
        # Two in a row: this one was sent when the other had already timed out. Calls that were in
        # flight together time out together, and count as one.
        sent = request.deadline - request.seconds
        if self._last_timeout is not None and sent >= self._last_timeout:
            self._give_up("left two calls in a row unanswered")
        self._last_timeout = self._loop.time()

    def _send_cancelled(self, request_id: int, reason: str) -> None:
        params = {"requestId": request_id, "reason": reason}
        self._reply(jsonrpc.notification_line("notifications/cancelled", params))

    def _reply(self, line: bytes) -> None:
        """Send something that nobody waits for."""
        with contextlib.suppress(ConnectFailed):
            self._send(line)

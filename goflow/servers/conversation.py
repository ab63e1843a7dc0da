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
from goflow.servers.handshake import INITIALIZE_ID
from goflow.servers.pending import PendingRequest, PendingRequests

if TYPE_CHECKING:
    from collections.abc import Callable

    from goflow.servers.config import ServerConfig
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
        "first_odd_line",
    )

    def __init__(
        self,
        config: ServerConfig,
        loop: asyncio.AbstractEventLoop,
        log: ServerLog,
        send: Callable[[bytes], None],
        give_up: Callable[[str], None],
    ) -> None:
        self._config = config
        self._loop = loop
        self._log = log
        self._send = send
        self._give_up = give_up
        self._pending = PendingRequests(loop, self._on_expired)
        self._last_id = INITIALIZE_ID
        # When a request last timed out, if none was answered since (the loop's clock).
        self._last_timeout: float | None = None
        self.first_odd_line = ""

    def __len__(self) -> int:
        """How many requests await their answer."""
        return len(self._pending)

    async def request(
        self, method: str, params: dict[str, Any] | None, timeout: float | None = None
    ) -> dict[str, Any]:
        """The result of a request. Raises what `Session.call_tool` raises.

        A cancelled caller tells the server so.
        """
        self._last_id = request_id = self._last_id + 1
        self._send(jsonrpc.request_line(request_id, method, params))
        seconds = self._config.timeout if timeout is None else timeout
        waiter = self._pending.add(request_id, method, seconds)
        try:
            result = await waiter
        except (asyncio.CancelledError, GeneratorExit):
            if self._pending.take(request_id) is not None:
                self._send_cancelled(request_id, "the caller was cancelled")
            raise
        if type(result) is not dict:
            raise self.error(f"answered {method} with something that is not an object")
        return result

    def expect_initialized(self, seconds: float) -> asyncio.Future[Any]:
        """A future for the answer to the initialize request, which was sent at the spawn."""
        return self._pending.add(INITIALIZE_ID, "initialize", seconds)

    def forget_initialize(self) -> None:
        """Nobody waits for the answer to initialize any more."""
        self._pending.take(INITIALIZE_ID)

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
            # Notifications, which have no id, are of no interest so far.
            if message.id is not None:
                self._answer(message)
            return
        self._last_timeout = None  # a late answer is a sign of life too
        request = self._take(message.id)
        if request is None:
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
        return self._pending.take(request_id) if type(request_id) is int else None

    def _answer(self, message: jsonrpc.Message) -> None:
        """Answer a request of the server: we declared no capability, so it may only ping."""
        if message.method == "ping":
            self._reply(jsonrpc.result_line(message.id, {}))
        else:
            text = f"Method not found: {message.method}"
            self._reply(jsonrpc.error_line(message.id, jsonrpc.METHOD_NOT_FOUND, text))

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
        if request_id == INITIALIZE_ID:
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

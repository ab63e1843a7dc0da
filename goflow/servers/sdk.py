"""A session with a server behind HTTP (Streamable HTTP or SSE), through the official SDK."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Any, TypeVar

import httpx2
from mcp import MCPError, types
from mcp.client.auth import OAuthFlowError
from mcp_types import CONNECTION_CLOSED, PARSE_ERROR
from pydantic import BaseModel, RootModel, ValidationError

from goflow.errors import (
    ConnectFailed,
    ConnectionLost,
    RequestRejected,
    ServerError,
    ServerTimeout,
)
from goflow.servers import jsonrpc
from goflow.servers.calls import all_tools, call_in_rounds
from goflow.servers.handlers import NO_HANDLERS, Handlers, LogMessage, Progress
from goflow.servers.http import Call, HttpClient, current_call, lost_session, open_client
from goflow.servers.lines import LINE_LIMIT
from goflow.servers.oauth import provider
from goflow.servers.redaction import Redactor
from goflow.servers.sdk_callbacks import callbacks
from goflow.servers.sdk_changes import hear_of_changes, tells_of_changes
from goflow.servers.sdk_errors import SdkErrors
from goflow.servers.sdk_logs import hidden_in_logs
from goflow.servers.shared_client import borrowed_transport

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mcp import ClientSession

    from goflow.servers.config import ServerConfig
    from goflow.servers.handlers import OnProgress
    from goflow.servers.session import Session

__all__ = ["SdkSession"]

_T = TypeVar("_T")

# What a server says to a greeting of an era that it does not speak: a JSON-RPC error, or an HTTP
# status that is not about who asks or how often.
_NOT_OF_THIS_ERA = frozenset({"bad_request", "not_found", "server_error", "connection_error"})
_DISCOVER_SECONDS = 10.0

# A result as it came: the SDK's own types fill in defaults and drop what they do not know.
_Raw = RootModel[dict[str, Any]]


class SdkSession:
    """A `Session` over HTTP.

    One task owns the connection: it enters the SDK's contexts, shakes hands, waits for the end and
    leaves them. Each call is a task too, which its caller may leave behind. Not thread-safe.
    """

    def __init__(
        self, config: ServerConfig, handlers: Handlers, auth: httpx2.Auth | None = None
    ) -> None:
        """Use `connect`: a session that was not connected takes no calls."""
        self._config = config
        self._handlers = handlers
        self._auth = auth or provider(config)
        self._loop = asyncio.get_running_loop()
        self._redactor = Redactor(config.secrets)
        self._errors = SdkErrors(config, self._redactor)
        self._error = self._errors.error
        self._sdk: ClientSession | None = None
        self._calls: set[Call] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        # When a call last timed out, if none was answered since (the loop's clock).
        self._last_timeout: float | None = None
        self._closed = False
        self._reason = ""  # completes "server 'x' …"
        self._callbacks: list[Callable[[Session], object]] = []
        self._on_tools_changed: list[Callable[[], object]] = []
        self._ending: asyncio.Future[None] = self._loop.create_future()
        self._owner: asyncio.Task[None] | None = None

    @classmethod
    async def connect(
        cls,
        config: ServerConfig,
        handlers: Handlers = NO_HANDLERS,
        auth: httpx2.Auth | None = None,
    ) -> SdkSession:
        """A session with the server at ``config.url``; ``handlers`` are the host program's.

        ``auth`` authenticates its requests; by default what a login left does. Raises
        ConnectFailed when it cannot be reached, refuses, does not answer within
        ``config.connect_timeout`` seconds or speaks another protocol. Whatever the reason, and
        when cancelled too, the connection is closed by then.
        """
        session = cls(config, handlers, auth)
        ready: asyncio.Future[None] = session._loop.create_future()
        owner = asyncio.create_task(session._own(ready), name=f"goflow server {config.id}")
        session._owner = owner
        try:
            await ready
        except asyncio.CancelledError:
            owner.cancel()
            await asyncio.wait((owner,))
            if not ready.cancel():
                ready.exception()  # which nobody else will look at
            raise
        return session

    # -- what it is ----------------------------------------------------------------------------

    @property
    def config(self) -> ServerConfig:
        """The server that this is a conversation with."""
        return self._config

    @property
    def protocol_version(self) -> str:
        """The protocol version agreed on."""
        return "" if self._sdk is None else self._sdk.protocol_version or ""

    @property
    def server_info(self) -> dict[str, Any]:
        """The server's ``serverInfo``; empty when it gave none."""
        return _as_json(None if self._sdk is None else self._sdk.server_info)

    @property
    def capabilities(self) -> dict[str, Any]:
        """The server's ``capabilities``."""
        return _as_json(None if self._sdk is None else self._sdk.server_capabilities)

    @property
    def instructions(self) -> str | None:
        """How the server says its tools are used, if it does."""
        return None if self._sdk is None else self._sdk.instructions

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
        elif self._sdk is not None:
            state = f"{len(self._calls)} in flight"
        else:
            state = "connecting"
        return f"<SdkSession {self._config.id!r} {self._config.transport} {state}>"

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

        async def request(call: dict[str, Any]) -> dict[str, Any]:
            # To JSON as for every other server, and back: what the SDK cannot send ends its
            # connection.
            line = jsonrpc.request_line(0, "tools/call", call)
            params = types.CallToolRequestParams(**jsonrpc.decode(line).params)
            return await self._send(types.CallToolRequest(params=params), timeout, on_progress)

        call = {"name": name, "arguments": arguments}
        return await call_in_rounds(request, call, self._handlers, self._config.id, self._odd)

    async def list_tools(self) -> list[dict[str, Any]]:
        """See `Session.list_tools`."""

        async def request(page: dict[str, Any] | None) -> dict[str, Any]:
            params = types.PaginatedRequestParams(**page) if page else None
            return await self._send(types.ListToolsRequest(params=params))

        return await all_tools(request, self._odd)

    def on_tools_changed(self, callback: Callable[[], object]) -> None:
        """See `Session.on_tools_changed`."""
        self._on_tools_changed.append(callback)

    async def ping(self) -> None:
        """See `Session.ping`."""
        sdk = self._sdk
        if sdk is not None and sdk.discover_result is not None:  # this era has no ping
            version = sdk.protocol_version or ""
            await self._request("server/discover", lambda: sdk.send_discover(version), None)
        else:
            await self._send(types.PingRequest())

    async def _send(
        self,
        request: types.ClientRequest,
        seconds: float | None = None,
        on_progress: OnProgress | None = None,
    ) -> dict[str, Any]:
        sdk = self._sdk
        assert sdk is not None
        told = None if on_progress is None else _progress_teller(on_progress)
        result = await self._request(
            request.method,
            lambda: sdk.send_request(request, _Raw, progress_callback=told),
            seconds,
        )
        return result.root

    async def _request(
        self, method: str, send: Callable[[], Awaitable[_T]], seconds: float | None
    ) -> _T:
        """What ``send`` returns. Raises what `Session.call_tool` raises."""
        if self._closed:
            raise self._not_sent()
        seconds = self._config.timeout if seconds is None else seconds
        call = Call(method, seconds, self._loop.create_future())
        began = self._loop.time()
        task = asyncio.create_task(self._perform(call, send), name=f"goflow {method}")
        self._calls.add(call)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            await asyncio.wait((call.waiter,), timeout=seconds)
            if not call.waiter.done():
                call.fail(self._timed_out(call, seconds, began))
            result: _T = call.waiter.result()
            return result
        finally:
            if not call.waiter.cancel():
                call.waiter.exception()  # which a cancelled caller does not look at
            # Unless it is done, this makes the SDK cancel the request on the wire.
            task.cancel()
            self._calls.discard(call)
            if self._closed and not self._calls:
                self._end()

    async def _perform(self, call: Call, send: Callable[[], Awaitable[Any]]) -> None:
        current_call.set(call)
        try:
            result = await send()
        except MCPError as error:
            call.fail(self._read_error(call, error))
        except ValidationError as error:
            problem = error.errors()[0]
            place = ".".join(map(str, problem["loc"]))
            what = f"answered {call.method} with no such result ({place}: {problem['msg']})"
            call.fail(self._error(ServerError, what))
        except Exception as error:  # whatever it is, the caller must not wait for nothing
            call.fail(self._error(ServerError, f"left {call.method} without a result: {error}"))
        else:
            self._last_timeout = None
            if not call.waiter.done():
                call.waiter.set_result(result)

    def _timed_out(self, call: Call, seconds: float, began: float) -> ServerTimeout:
        # Two in a row: this one began when the other had already timed out. Calls that were in
        # flight together time out together, and count as one.
        if self._last_timeout is not None and began >= self._last_timeout:
            self._retire("left two calls in a row unanswered")
        self._last_timeout = self._loop.time()
        what = f"did not answer {call.method} within {seconds:.3g} s"
        return self._error(ServerTimeout, what, seconds=seconds)

    # -- what went wrong -----------------------------------------------------------------------

    def _odd(self, what: str) -> ServerError:
        return self._error(ServerError, what)

    def _not_sent(self) -> ConnectFailed:
        # Not ConnectionLost, whose outcome is unknown: this never left.
        return ConnectFailed(
            f"the session with server {self._config.id!r} is closed (it {self._reason}):"
            " nothing was sent",
            server=self._config.id,
        )

    def _read_error(self, call: Call, error: MCPError) -> ServerError:
        """The SDK's error, which is the server's own unless the connection made it up."""
        if error.code == CONNECTION_CLOSED and not call.sent:
            self._retire("closed the connection")
            return self._not_sent()
        if call.too_large:
            return self._odd(f"answered {call.method} with more than {LINE_LIMIT >> 20} MiB")
        if call.cut or (error.code == CONNECTION_CLOSED and self._closed):
            self._retire("closed the connection", drain=True)
            return self._lost(call)
        self._last_timeout = None
        if call.stale:
            self._retire("refused the session", drain=True)
        if error.code == PARSE_ERROR:
            what = f"answered {call.method} with text that is not JSON-RPC"
            return self._error(ServerError, what)
        reason = error.message or "no reason given"
        return self._error(
            RequestRejected,
            f"rejected {call.method}: {reason} (JSON-RPC {error.code})",
            rpc_code=error.code,
            data=self._redactor.value(error.data),
        )

    def _lost(self, call: Call) -> ConnectionLost:
        return self._error(ConnectionLost, f"{self._reason} before it answered {call.method}")

    def _on_http_failure(self, call: Call, failure: Exception | httpx2.Response) -> None:
        if isinstance(failure, httpx2.Response):
            call.fail(self._refused(failure, call.method))
        elif isinstance(failure, OAuthFlowError):
            call.fail(self._errors.not_let_in(failure, connected=self._sdk is not None))
        elif call.sent:
            self._retire("closed the connection", drain=True)
            call.fail(self._lost(call))
        else:
            self._retire("could not be reached", drain=True)
            call.fail(self._errors.unreachable(failure))

    def _refused(self, response: httpx2.Response, method: str) -> ServerError:
        """The error of a response that is an HTTP error and nothing more."""
        if lost_session(response):
            self._retire("no longer knows the session", drain=True)
            what = f"no longer knows the session (HTTP 404): it did nothing about {method}"
            return self._error(ConnectFailed, what)
        return self._errors.refused(response, method, connected=self._sdk is not None)

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

    def _retire(self, reason: str, *, drain: bool = False) -> None:
        """Take no more calls, and end the connection: now, or after the open calls. Idempotent.

        Each call has an HTTP exchange of its own, so that one may break and others go on.
        """
        if not self._closed:
            self._closed = True
            self._reason = reason
            for callback in self._callbacks:
                self._loop.call_soon(callback, self)
            self._callbacks.clear()
        if not (drain and self._calls):
            self._end()

    def _end(self) -> None:
        """Let the owner end the connection. Idempotent."""
        if not self._ending.done():
            self._ending.set_result(None)

    # -- the owner task ------------------------------------------------------------------------

    async def _own(self, ready: asyncio.Future[None]) -> None:
        with hidden_in_logs(self._redactor, more=self._auth is not None):
            await self._live(ready)

    async def _live(self, ready: asyncio.Future[None]) -> None:
        failure: BaseException | None = None
        try:
            made = callbacks(self._handlers, self._config.id, self._heard)
            async with (
                borrowed_transport() as transport,
                open_client(self._client(transport), self._config, self._on_end, made) as (
                    sdk,
                    allow,
                ),
            ):
                try:
                    failure = await self._shake_hands(sdk)
                    if failure is None:
                        allow(math.inf)
                        self._sdk = sdk
                        self._hear_of_changes(sdk)
                        ready.set_result(None)
                        await self._ending
                finally:
                    self._leave()
        except Exception as error:  # what ended the SDK's task groups
            failure = failure or error
        finally:
            self._leave()
            if self._tasks:
                await asyncio.wait(self._tasks)
            if not ready.done():
                ready.set_exception(self._errors.connect_failed(failure))

    def _hear_of_changes(self, sdk: ClientSession) -> None:
        """Listen meanwhile, when that has to be asked for."""
        if tells_of_changes(sdk):
            task = asyncio.create_task(
                hear_of_changes(sdk, lambda: self._heard(None)), name="goflow hear of changes"
            )
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _client(self, transport: httpx2.AsyncBaseTransport) -> HttpClient:
        return HttpClient(self._config, self._on_http_failure, self._on_gone, transport, self._auth)

    def _on_end(self) -> None:
        self._retire("closed the connection")

    def _on_gone(self) -> None:
        self._retire("went away", drain=True)

    def _leave(self) -> None:
        """Fail what is open, before the SDK says anything about it."""
        self._on_end()
        for call in self._calls:
            call.fail(self._lost(call))
        for task in self._tasks:
            task.cancel()

    async def _shake_hands(self, sdk: ClientSession) -> ServerError | None:
        """Agree on a protocol version; the error if that failed.

        The newer era is tried first. What rejects it, or takes too long about it, may be of the
        older one, whose ``initialize`` then decides.
        """
        limit = self._config.connect_timeout
        deadline = self._loop.time() + limit
        tries: list[tuple[str, Callable[[], Awaitable[Any]], float]] = [
            ("server/discover", sdk.discover, min(limit / 2, _DISCOVER_SECONDS)),
            ("initialize", sdk.initialize, limit),
        ]
        if self._config.transport == "sse" or self._config.era == "handshake":
            del tries[0]
        elif self._config.era == "stateless":
            del tries[1]
        failure: ServerError | None = None
        for method, send, most in tries:
            self._last_timeout = None
            try:
                await self._request(method, send, min(most, deadline - self._loop.time()))
            except ServerTimeout:
                failure = ServerTimeout(
                    f"server {self._config.id!r} did not answer initialize within {limit:.3g} s",
                    server=self._config.id,
                    seconds=limit,
                    hint="'connect_timeout' allows more",
                )
            except ServerError as error:
                failure = error
                if self._closed or error.code not in _NOT_OF_THIS_ERA:
                    break
            else:
                return None
        self._last_timeout = None
        return failure

    def _heard(self, message: LogMessage | None) -> None:
        """Something that the server told; None when its tools have changed."""
        if message is None:
            for callback in self._on_tools_changed:
                self._loop.call_soon(callback)
        elif self._handlers.log is not None:
            level, logger, data = message.level, message.logger, message.data
            hidden = LogMessage(
                self._config.id,
                level,
                None if logger is None else self._redactor.text(logger),
                self._redactor.value(data),
            )
            self._loop.call_soon(self._handlers.log, hidden)


def _progress_teller(on_progress: OnProgress) -> Any:
    async def tell(progress: float, total: float | None, message: str | None) -> None:
        on_progress(Progress(progress, total, message))

    return tell


def _as_json(model: BaseModel | None) -> dict[str, Any]:
    return {} if model is None else model.model_dump(mode="json", by_alias=True, exclude_unset=True)

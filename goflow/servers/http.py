"""The official SDK over HTTP: what goes wrong is told to the call that it belongs to.

Left alone, the SDK ends a whole connection, and cancels the task that entered it, when one request
finds no server; or it leaves the caller waiting for an answer that cannot come. Here a request
that fails is reported and then hidden from the SDK.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import anyio
import httpx2
from mcp import ClientSession
from mcp.client.auth import OAuthFlowError
from mcp.client.sse import sse_client
from mcp.client.streamable_http import MCP_SESSION_ID, streamable_http_client
from mcp.shared.jsonrpc_dispatcher import JSONRPCDispatcher
from mcp_types import Implementation

from goflow import __version__
from goflow.servers import jsonrpc
from goflow.servers.lines import LINE_LIMIT

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Callable
    from types import TracebackType

    from mcp.client._transport import ReadStream, TransportStreams

    from goflow.servers.config import ServerConfig

__all__ = ["Call", "HttpClient", "current_call", "lost_session", "open_client"]

# Seconds that saying "cancelled" or "goodbye" may take: nobody waits for it.
COURTESY = 2.0

# How many redirects are followed.
_REDIRECTS = 5

# What can go wrong before the server gets a request.
_NOT_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.LocalProtocolError,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
)


class Call:
    """One request under way: who waits for its answer, for how many seconds (None: any number).

    HTTP notes on it whether something was ``sent``, whether the answer's stream was ``cut`` off (by
    us, when it was ``too_large``), and whether the server refused the session itself (``stale``).
    """

    __slots__ = ("cut", "method", "seconds", "sent", "stale", "too_large", "waiter")

    def __init__(self, method: str, seconds: float | None, waiter: asyncio.Future[Any]) -> None:
        self.method = method
        self.seconds = seconds
        self.waiter = waiter
        self.sent = self.cut = self.stale = self.too_large = False

    def fail(self, error: Exception) -> None:
        """Give ``error`` to whoever waits, unless there is an outcome already."""
        if not self.waiter.done():
            self.waiter.set_exception(error)


# The SDK does the HTTP in a task of its own, but in the context of the task that asked for it.
current_call: ContextVar[Call | None] = ContextVar("goflow_current_call", default=None)


def lost_session(response: httpx2.Response) -> bool:
    """Whether the server says, as the protocol wants it, that it does not know the session."""
    return response.status_code == 404 and MCP_SESSION_ID in response.request.headers


class HttpClient(httpx2.AsyncClient):
    """The HTTP client of one session.

    ``on_failure(call, failure)`` is called when the answer to a call cannot come: its request met
    an error, or a response that is an HTTP error and no JSON-RPC. ``on_gone()`` is called when the
    server, or its memory of the session, turns out to be gone without any call.
    """

    def __init__(
        self,
        config: ServerConfig,
        on_failure: Callable[[Call, Exception | httpx2.Response], None],
        on_gone: Callable[[], None],
        transport: httpx2.AsyncBaseTransport,
        auth: httpx2.Auth | None = None,
    ) -> None:
        super().__init__(
            auth=auth,
            headers=dict(config.headers),
            transport=transport,
            # Calls have their own timeout, and an event stream may be silent for hours.
            timeout=httpx2.Timeout(None, connect=config.connect_timeout),
        )
        self._config = config
        self._on_failure = on_failure
        self._on_gone = on_gone

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        """Send a request of the SDK."""
        call = current_call.get()
        if call is None or request.method != "POST":
            return await self._listen(request, **options)
        # When its caller has gone, this is the call's cancellation.
        seconds = COURTESY if call.waiter.done() else call.seconds
        timeout = httpx2.Timeout(seconds, connect=self._config.connect_timeout, pool=None)
        request.extensions["timeout"] = timeout.as_dict()
        failure: Exception | httpx2.Response
        try:
            response = await self._follow(request, options)
            call.sent = True
            if response.status_code < 300:
                response.stream = _Body(response, call)
                return response
            if await self._carries_an_error(response, call):
                return response
            await response.aclose()
            failure = response
        except (*_NOT_SENT, OAuthFlowError) as error:
            failure = error
        except httpx2.RequestError as error:
            call.sent = True
            failure = error
        if not call.waiter.done():
            self._on_failure(call, failure)
        # "Accepted, and no answer will follow": what the SDK takes without ending anything.
        return httpx2.Response(202, request=request)

    async def _follow(self, request: httpx2.Request, options: dict[str, Any]) -> httpx2.Response:
        """The response to a request, after redirects that leave it what it is.

        Only to the same host (or to its https), so that headers never go elsewhere; and only those
        that keep the method, for a POST that became a GET would say nothing.
        """
        for _ in range(_REDIRECTS):
            response = await super().send(request, **options)
            following = response.next_request
            if following is None or following.method != request.method:
                return response
            if not _same_place(request.url, following.url):
                return response
            await response.aclose()
            following.extensions = request.extensions
            request = following
        return await super().send(request, **options)

    async def _listen(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        """Open, or open again, the stream of what the server says unasked; or say goodbye."""
        try:
            response = await super().send(request, **options)
        except httpx2.ConnectError:
            self._on_gone()
            raise
        if lost_session(response):
            self._on_gone()
        return response

    async def _carries_an_error(self, response: httpx2.Response, call: Call) -> bool:
        """Whether the body of an HTTP error is a JSON-RPC error that the SDK passes on."""
        if self._config.transport == "sse" or lost_session(response):
            return False
        try:
            message = jsonrpc.decode(await response.aread())
        except jsonrpc.REFUSALS:
            return False
        # Without an id it was refused before it was looked at. Many servers do that to a session
        # they do not know, for which 404 is meant.
        call.stale = message.id is None and MCP_SESSION_ID in response.request.headers
        return isinstance(message.error, dict)


def _same_place(url: httpx2.URL, target: httpx2.URL) -> bool:
    if url.host != target.host:
        return False
    upgraded = (url.scheme, target.scheme) == ("http", "https") and not target.port
    return upgraded or (url.scheme, url.port) == (target.scheme, target.port)


class _Body(httpx2.AsyncByteStream):
    """A response's body that ends where it breaks off, and notes that on the call."""

    def __init__(self, response: httpx2.Response, call: Call) -> None:
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        self._stream = response.stream
        self._call = call
        # The SDK leaves an event stream at the answer, before its end.
        content_type = response.headers.get("content-type", "").lower()
        self._cut_by_its_end = content_type.startswith("text/event-stream")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        try:
            async for chunk in self._stream:
                size += len(chunk)
                if self._cut_by_its_end:  # which may go on for hours: an event's size counts
                    end = max(chunk.rfind(b"\n\n"), chunk.rfind(b"\n\r\n"))
                    size = len(chunk) - end if end >= 0 else size
                if size > LINE_LIMIT:
                    self._call.too_large = self._call.cut = True
                    return
                yield chunk
        except httpx2.TransportError:
            self._call.cut = True
        else:
            self._call.cut |= self._cut_by_its_end

    async def aclose(self) -> None:
        await self._stream.aclose()


class _Inbox:
    """The stream of what arrives; says that it has ended before the SDK tells its callers."""

    def __init__(self, stream: ReadStream[Any], on_end: Callable[[], None]) -> None:
        self._stream = stream
        self._on_end = on_end
        self.receive = stream.receive
        self.aclose = stream.aclose

    @property
    def last_context(self) -> Any:
        return getattr(self._stream, "last_context", None)

    def __aiter__(self) -> _Inbox:
        return self

    async def __anext__(self) -> Any:
        try:
            return await self._stream.__anext__()
        except StopAsyncIteration:
            self._on_end()
            raise

    async def __aenter__(self) -> _Inbox:
        await self._stream.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> bool | None:
        return await self._stream.__aexit__(exc_type, exc_val, exc_tb)


@asynccontextmanager
async def open_client(
    client: HttpClient,
    config: ServerConfig,
    on_end: Callable[[], None],
    callbacks: dict[str, Any],
) -> AsyncIterator[tuple[ClientSession, Callable[[float], None]]]:
    """The SDK's session over ``client``, and ``allow(seconds)``: how long the rest may take.

    ``callbacks`` are arguments of the session, which is not initialised. The task that enters must
    be the one that leaves, which closes the client. ``on_end()`` is called when the server ends the
    conversation. Raises TimeoutError when the time is up: ``config.connect_timeout`` seconds at
    first, a moment when leaving. What else it raises may come in exception groups.
    """
    scope = anyio.CancelScope()

    def allow(seconds: float) -> None:
        scope.deadline = anyio.current_time() + seconds

    allow(config.connect_timeout)
    with scope:
        async with _open_streams(client, config) as (reading, writing):
            inbox = _Inbox(reading, on_end)
            dispatcher: JSONRPCDispatcher[Any] = JSONRPCDispatcher(inbox, writing)
            info = Implementation(name="goflow", version=__version__)
            async with ClientSession(
                dispatcher=dispatcher, client_info=info, **callbacks
            ) as session:
                try:
                    yield session, allow
                finally:
                    allow(COURTESY)
    if scope.cancelled_caught:
        raise TimeoutError


@asynccontextmanager
async def _open_streams(
    client: HttpClient, config: ServerConfig
) -> AsyncIterator[TransportStreams]:
    if config.transport == "sse":
        # It enters the client that it is given.
        async with sse_client(config.url, httpx_client_factory=lambda *_, **__: client) as streams:
            yield streams
    else:
        # The same limit as for a stdio server's line.
        transport = streamable_http_client(
            config.url, http_client=client, max_sse_event_size=LINE_LIMIT
        )
        async with client, transport as streams:
            yield streams

"""One HTTP client for all sessions of an event loop: one pool of connections, one TLS context.

Sessions keep their headers and cookies to themselves: only the connections are shared.
"""

from __future__ import annotations

import asyncio
import weakref
from contextlib import asynccontextmanager
from functools import cache
from typing import TYPE_CHECKING

import httpx2

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

__all__ = ["borrowed_transport"]

_KEPT = 20


class _Shared:
    """A client and how many sessions use it; closed when the last one leaves."""

    def __init__(self) -> None:
        self.users = 0
        # How many calls are in flight is not decided here.
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=_KEPT)
        self.client = httpx2.AsyncClient(verify=_tls_context(), limits=limits)


_clients: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Shared] = (
    weakref.WeakKeyDictionary()
)


@asynccontextmanager
async def borrowed_transport() -> AsyncIterator[httpx2.AsyncBaseTransport]:
    """A transport over the loop's shared client, which honours the environment's proxies."""
    loop = asyncio.get_running_loop()
    shared = _clients.get(loop)
    if shared is None:
        shared = _clients[loop] = _Shared()
    shared.users += 1
    try:
        yield _Borrowed(shared.client)
    finally:
        shared.users -= 1
        if shared.users == 0:
            _clients.pop(loop, None)
            await shared.client.aclose()


class _Borrowed(httpx2.AsyncBaseTransport):
    """Sends through a client that is not its own, and does not close it."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        # Redirects, cookies and credentials are the session's business.
        response = await self._client.send(request, stream=True, follow_redirects=False)
        self._client.cookies.clear()
        return response


@cache
def _tls_context() -> ssl.SSLContext:
    """One for all: making it reads every certificate, 40 ms."""
    return httpx2.create_ssl_context()

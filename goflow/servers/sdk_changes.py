"""Hearing of changed tools over HTTP in the era of 2026-07-28, in which one has to ask for it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import anyio
from mcp import MCPError
from mcp.client.subscriptions import SubscriptionLost, listen
from mcp_types import CONNECTION_CLOSED

from goflow.servers.http import Call, current_call

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp import ClientSession

__all__ = ["hear_of_changes", "tells_of_changes"]

# Seconds until a stream that broke off is opened again: at first, and at most.
RETRY_AFTER = 1.0
RETRY_MOST = 60.0
# What may be over the next time; anything else that HTTP answers with is for good.
_PASSING = frozenset({"rate_limit", "service_unavailable", "connection_error"})


def tells_of_changes(sdk: ClientSession) -> bool:
    """Whether this is a conversation in which the server tells of changed tools if asked."""
    capabilities = sdk.server_capabilities
    tools = None if capabilities is None else capabilities.tools
    return sdk.discover_result is not None and tools is not None and bool(tools.list_changed)


async def hear_of_changes(sdk: ClientSession, changed: Callable[[], object]) -> None:
    """Have the server tell of changed tools, as messages of the session, until cancelled.

    What changed before it began to tell was not told: ``changed()`` is called whenever it begins,
    and a stream that broke off begins again. Returns when the server does not tell.
    """
    loop = asyncio.get_running_loop()
    wait = RETRY_AFTER
    while True:
        began = loop.time()
        if not await _listen(sdk, changed):
            return
        if loop.time() - began > RETRY_MOST:
            wait = RETRY_AFTER
        await asyncio.sleep(wait)
        wait = min(2 * wait, RETRY_MOST)


async def _listen(sdk: ClientSession, changed: Callable[[], object]) -> bool:
    """Listen until the stream ends; whether it is worth another."""
    # Through it HTTP says what went wrong, which the SDK does not see.
    call = Call("subscriptions/listen", None, asyncio.get_running_loop().create_future())
    current_call.set(call)
    failure: BaseException | None = None
    with anyio.CancelScope() as scope:

        def refused(waiter: asyncio.Future[None]) -> None:
            scope.cancel()

        call.waiter.add_done_callback(refused)
        try:
            async with listen(sdk, tools_list_changed=True) as subscription:
                if not subscription.honored.tools_list_changed:
                    return False
                changed()
                async for _ in subscription:
                    pass
            return True
        except SubscriptionLost:
            return True
        except MCPError as error:
            return error.code == CONNECTION_CLOSED
        finally:
            call.waiter.remove_done_callback(refused)
            # Nobody looks at it any more.
            failure = None if call.waiter.cancel() else call.waiter.exception()
    return getattr(failure, "code", None) in _PASSING

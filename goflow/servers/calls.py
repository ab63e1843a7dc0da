"""What calling tools and listing them takes beyond one request: rounds of input, pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goflow.servers.inbound import Refused, answer_request

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from goflow.errors import ServerError
    from goflow.servers.handlers import Handlers

__all__ = ["all_tools", "call_in_rounds"]

# How often a server may ask for more input in one call.
_ROUNDS = 10


async def call_in_rounds(
    request: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]],
    params: dict[str, Any],
    handlers: Handlers,
    server: str,
    error: Callable[[str], ServerError],
) -> dict[str, Any]:
    """The complete result of ``tools/call``; the server may ask for input meanwhile.

    ``request(params)`` makes the call once; ``error(what)`` is the error of a server that did
    ``what``. Raises what they do, and ``ServerError`` for input that nobody gives.
    """
    call = params
    for _ in range(_ROUNDS):
        result = await request(call)
        kind = result.get("resultType", "complete")
        if kind == "complete":
            return result
        if kind != "input_required":
            raise error(f"answered tools/call with a result of type {kind!r}")
        call = {**params, **await _input(result, handlers, server, error)}
    raise error(f"asked for more input {_ROUNDS} times in one call")


async def _input(
    result: dict[str, Any],
    handlers: Handlers,
    server: str,
    error: Callable[[str], ServerError],
) -> dict[str, Any]:
    """What a call that wants more input is to be repeated with."""
    wanted = result.get("inputRequests")
    answers: dict[str, Any] = {}
    for key, entry in (wanted if isinstance(wanted, dict) else {}).items():
        asked = entry if isinstance(entry, dict) else {}
        params = asked.get("params")
        try:
            answers[key] = await answer_request(
                handlers,
                server,
                str(asked.get("method")),
                params if isinstance(params, dict) else {},
            )
        except Refused as refused:
            raise error(
                "asked for more input, which a workflow cannot give"
                f" without a handler ({refused.reason})"
            ) from refused
    more: dict[str, Any] = {"inputResponses": answers} if answers else {}
    if "requestState" in result:
        more["requestState"] = result["requestState"]
    if not more:
        raise error("asked for more input and did not say which")
    return more


async def all_tools(
    request: Callable[[dict[str, Any] | None], Awaitable[dict[str, Any]]],
    error: Callable[[str], ServerError],
) -> list[dict[str, Any]]:
    """The tools of every page of ``tools/list``; ``request(params)`` asks for one."""
    tools: list[dict[str, Any]] = []
    cursors: set[str] = set()
    params: dict[str, Any] | None = None
    while True:
        page = await request(params)
        found = page.get("tools")
        if not isinstance(found, list) or not all(isinstance(tool, dict) for tool in found):
            raise error("answered tools/list without a list of tools")
        tools += found
        cursor = page.get("nextCursor")
        if cursor is None:
            return tools
        if not isinstance(cursor, str) or cursor in cursors:
            raise error(f"answered tools/list with the cursor {cursor!r} again")
        cursors.add(cursor)
        params = {"cursor": cursor}

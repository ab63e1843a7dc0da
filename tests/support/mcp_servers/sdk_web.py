"""A server over HTTP, built with the official SDK: ``python sdk_web.py KIND [PORT]``.

KIND is ``http`` (answers as event streams), ``json`` (plain answers), ``stateless``, ``resumable``
or ``sse``. It listens on that port of 127.0.0.1, or a free one, and prints its URL on one line.
"""

import asyncio
import os
import socket
import sys
from typing import Any

import uvicorn
from mcp import MCPError
from mcp.server.mcpserver import Context, Image, MCPServer
from pydantic import BaseModel

KIND = sys.argv[1]
server = MCPServer("web", version="1.2.3", instructions="Try it.", log_level="ERROR")


class Hanging:
    """The calls of ``hang``: how many are open, how many were cancelled; a wait for a change."""

    open = 0
    cancelled = 0
    changed = asyncio.Event()

    @classmethod
    def count(cls, opened, cancelled):
        cls.open += opened
        cls.cancelled += cancelled
        cls.changed.set()
        cls.changed = asyncio.Event()

    @classmethod
    async def until(cls, condition):
        while not condition():
            await cls.changed.wait()


class Sum(BaseModel):
    sum: float
    note: str | None = None


@server.tool()
def echo(text: str) -> str:
    """Give the text back."""
    return text


@server.tool()
def add(a: float, b: float) -> Sum:
    """Add two numbers."""
    return Sum(sum=a + b)


@server.tool(structured_output=False)
def kinds() -> list[Any]:
    """Blocks of several kinds."""
    return ["one", Image(data=b"\x89PNG", format="png"), "two"]


@server.tool()
def same(value: Any) -> dict[str, Any]:
    """Give any JSON value back."""
    return {"value": value}


@server.tool()
def fail(reason: str) -> str:
    """Fail with isError."""
    raise ValueError(reason)


@server.tool()
def reject(reason: str) -> str:
    """Fail with a JSON-RPC error."""
    raise MCPError(-32000, reason, {"reason": reason})


@server.tool()
def header(name: str, context: Context) -> str:
    """The value of a header of this request."""
    return context.headers.get(name, "")


@server.tool()
async def grow(name: str, context: Context) -> str:
    """Add a tool of that name, and say that the tools have changed."""

    def grown() -> str:
        """One that was added."""
        return name

    server.add_tool(grown, name=name)
    await context.notify_tools_changed()
    await context.session.send_tool_list_changed()  # in the older era
    return "grown"


@server.tool()
async def cut() -> str:
    """End the streams on which changes are told."""
    server._lowlevel_server.get_request_handler("subscriptions/listen").handler.close()
    return "cut"


@server.tool()
async def hang() -> str:
    """Never answer."""
    Hanging.count(1, 0)
    try:
        await asyncio.Event().wait()
    finally:
        Hanging.count(-1, 1)


@server.tool()
async def hung(count: int) -> str:
    """Answer when so many calls hang."""
    await Hanging.until(lambda: Hanging.open == count)
    return "yes"


@server.tool()
async def dropped(count: int) -> str:
    """Answer when so many hanging calls were cancelled."""
    await Hanging.until(lambda: Hanging.cancelled == count)
    return "yes"


@server.tool()
async def die(count: int) -> str:
    """Kill the server when so many other calls hang."""
    await Hanging.until(lambda: Hanging.open == count)
    os._exit(1)


@server.tool()
async def end() -> str:
    """Say goodbye: the server shuts down in good order after this answer."""
    web.should_exit = True
    return "bye"


class Events:
    """The event store that makes answers resumable; it remembers nothing."""

    def __init__(self):
        self.last = 0

    async def store_event(self, stream_id, message):
        self.last += 1
        return str(self.last)

    async def replay_events_after(self, last_event_id, send_callback):
        return None


if KIND == "sse":
    app, path = server.sse_app(), "/sse"
else:
    app = server.streamable_http_app(
        json_response=KIND == "json",
        stateless_http=KIND == "stateless",
        event_store=Events() if KIND == "resumable" else None,
    )
    path = "/mcp"
# asyncio sends without delay only on sockets that say they are TCP.
listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", int(sys.argv[2]) if len(sys.argv) > 2 else 0))
listener.listen()
print(f"http://127.0.0.1:{listener.getsockname()[1]}{path}", flush=True)
web = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1))
asyncio.run(web.serve(sockets=[listener]))

"""One server, and clients that call its tool ``echo``: ours, the floors, and other packages'.

The server is the tests' ``minimal.py``. Each client gives a coroutine function that calls once and
looks at the answer. Two of them are floors, which neither make nor read JSON: ``Raw.call`` blocks
on the pipes (one write and one read a call; an unbuffered ``readline`` would be a system call a
byte, and no floor at all), and ``bare_asyncio``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

from measure import installed

from goflow.servers.config import ServerConfig, child_environment
from goflow.servers.connections import Connections

SERVER = Path(__file__).parents[1] / "tests" / "support" / "mcp_servers" / "minimal.py"
COMMAND = [sys.executable, "-S", "-E", str(SERVER)]


def config(name="minimal"):
    return ServerConfig(id=name, command=COMMAND[0], args=tuple(COMMAND[1:]))


def line(request_id, method, params):
    message = {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}
    return json.dumps(message).encode() + b"\n"


INFO = {"name": "bench", "version": "1"}
INITIALIZE = line(
    1, "initialize", {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": INFO}
)


class Raw:
    """A server and its pipes, without anything around them."""

    def __init__(self):
        self.child = subprocess.Popen(
            COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            start_new_session=True,
            env=child_environment(config()),
        )
        self.child.stdin.write(INITIALIZE)

    def read(self):
        """One answer; a short one is written, and read, at once."""
        answer = os.read(self.child.stdout.fileno(), 65536)
        assert answer.endswith(b"\n")
        return answer

    def call(self):
        """A call, blocking."""
        os.write(self.child.stdin.fileno(), CALL)
        assert b'"hello"' in self.read()

    def close(self):
        """End the server."""
        self.child.stdin.close()
        self.child.stdout.close()
        self.child.kill()
        self.child.wait()


CALL = line(2, "tools/call", {"name": "echo", "arguments": {"text": "hello"}})


@contextlib.asynccontextmanager
async def bare_asyncio():
    """The least that asyncio can do: a reader callback and a future; no JSON."""
    loop = asyncio.get_running_loop()
    server = Raw()
    server.read()
    source, sink = server.child.stdout.fileno(), server.child.stdin.fileno()
    waiter = None

    def on_readable():
        waiter.set_result(os.read(source, 65536))

    async def call():
        nonlocal waiter
        waiter = loop.create_future()
        os.write(sink, CALL)
        assert b'"hello"' in await waiter

    loop.add_reader(source, on_readable)
    try:
        yield call
    finally:
        loop.remove_reader(source)
        server.close()


@contextlib.asynccontextmanager
async def session():
    """Ours without the engine: a session and its pool."""
    connections = Connections()
    server = config()
    await connections.prewarm([server])
    pool = connections.pool(server)

    async def call():
        lease = pool.checkout(server)
        result = await lease.connection.call_tool("echo", {"text": "hello"})
        pool.checkin(lease)
        assert result["content"][0]["text"] == "hello"

    try:
        yield call
    finally:
        await connections.close()


@contextlib.asynccontextmanager
async def sdk():
    mcp = installed("mcp")
    from mcp.client.stdio import stdio_client

    server = mcp.StdioServerParameters(command=COMMAND[0], args=COMMAND[1:])
    async with stdio_client(server) as streams, mcp.ClientSession(*streams) as session:
        await session.initialize()

        async def call():
            result = await session.call_tool("echo", {"text": "hello"})
            assert result.content[0].text == "hello"

        yield call


@contextlib.asynccontextmanager
async def fastmcp():
    peer = installed("fastmcp")
    from fastmcp.client.transports import StdioTransport

    transport = StdioTransport(command=COMMAND[0], args=COMMAND[1:])
    async with peer.Client(transport) as client:

        async def call():
            result = await client.call_tool("echo", {"text": "hello"})
            assert result.content[0].text == "hello"

        yield call


FLOOR = "blocking loop"
OURS_ALONE = {"asyncio": bare_asyncio, "goflow, session": session}
PEERS = {"official SDK": sdk, "fastmcp": fastmcp}

"""Tool calls over stdio: warm, fifty in flight, memory a session, and connecting ten servers.

``pytest benchmarks/bench_calls.py -s`` prints a table. The server is the tests' ``minimal.py``, the
same for all, and every answer is looked at. Two floors, which neither make nor read JSON: a bare
blocking loop on the server's pipes (one write and one read a call; an unbuffered ``readline`` would
be a system call a byte, and no floor at all), and the least that asyncio can do with a reader
callback and a future. Peers are the official SDK's client and fastmcp (``-m "not peers"`` leaves
them out). All take turns in one process; figures are the least and the median of the rounds. Rates
are of the median: a round in which the scheduler is lucky is twice as fast as the rest.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import select
import statistics
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import pytest

from goflow.servers.config import ServerConfig, child_environment
from goflow.servers.connections import Connections

SERVER = Path(__file__).parents[1] / "tests" / "support" / "mcp_servers" / "minimal.py"
COMMAND = [sys.executable, "-S", "-E", str(SERVER)]
ROUNDS = 9
CALLS = 300
IN_FLIGHT = 50


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


def figures(values):
    return [round(min(values), 1), round(statistics.median(values), 1)]


def report(benchmark, unit, found, floor):
    for name, values in found.items():
        least, median = figures(values)
        benchmark.extra_info[f"{name}_{unit}"] = [least, median]
        benchmark.extra_info[f"{name}_ratio"] = round(least / min(found[floor]), 3)
        print(f"{name:14} min {least:10.1f}  median {median:10.1f} {unit}  "
              f"{name}/{floor} {least / min(found[floor]):.2f}")  # fmt: skip


@contextlib.asynccontextmanager
async def bare_asyncio():
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
async def native():
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
    mcp = pytest.importorskip("mcp")
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
    peer = pytest.importorskip("fastmcp")
    from fastmcp.client.transports import StdioTransport

    transport = StdioTransport(command=COMMAND[0], args=COMMAND[1:])
    async with peer.Client(transport) as client:

        async def call():
            result = await client.call_tool("echo", {"text": "hello"})
            assert result.content[0].text == "hello"

        yield call


async def timed(call, count):
    began = time.perf_counter_ns()
    for _ in range(count):
        await call()
    return (time.perf_counter_ns() - began) / count / 1e3


async def crowd(call, count):
    """Calls a second with so many in flight all the time."""

    async def work():
        for _ in range(count // IN_FLIGHT):
            await call()

    began = time.perf_counter_ns()
    await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))
    return (time.perf_counter_ns() - began) / count / 1e3


async def take_turns(names, measure, count, raw=None):
    """Microseconds a call, in rounds; the floor first."""
    found = {"blocking_loop": []} if raw is not None else {}
    async with contextlib.AsyncExitStack() as stack:
        calls = {make.__name__: await stack.enter_async_context(make()) for make in names}
        for name in calls:
            found[name] = []
        for _ in range(ROUNDS):
            if raw is not None:
                began = time.perf_counter_ns()
                for _ in range(count):
                    raw.call()
                found["blocking_loop"].append((time.perf_counter_ns() - began) / count / 1e3)
            for name, call in calls.items():
                found[name].append(await measure(call, count))
    return found


PEERS = [pytest.param(False, id="ours"), pytest.param(True, id="peers", marks=pytest.mark.peers)]


@pytest.mark.parametrize("peers", PEERS)
def test_warm_call(benchmark, peers):
    names = [bare_asyncio, native, *([sdk, fastmcp] if peers else [])]

    def whole():
        raw = Raw()
        raw.read()
        try:
            return asyncio.run(take_turns(names, timed, CALLS, raw))
        finally:
            raw.close()

    found = benchmark.pedantic(whole, rounds=1)
    report(benchmark, "us", found, "blocking_loop")


@pytest.mark.parametrize("peers", PEERS)
def test_calls_in_flight(benchmark, peers):
    names = [native, sdk, fastmcp] if peers else [native]

    def whole():
        return asyncio.run(take_turns(names, crowd, 2_000))

    found = benchmark.pedantic(whole, rounds=1)
    report(benchmark, "us", found, "native")
    for name, values in found.items():
        benchmark.extra_info[f"{name}_calls_per_s"] = round(1e6 / statistics.median(values))
        print(f"{name:14} {1e6 / statistics.median(values):10.0f} calls/s, {IN_FLIGHT} in flight")


def test_memory_per_session(benchmark):
    """What a connected session and its place in the pool hold, in this process."""
    count = 30

    async def main():
        connections = Connections()
        await connections.prewarm([config(f"first-{at}") for at in range(5)])
        configs = [config(f"server-{at}") for at in range(count)]
        gc.collect()
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        await connections.prewarm(configs)
        gc.collect()
        used = (tracemalloc.get_traced_memory()[0] - before) / count / 1024
        tracemalloc.stop()
        await connections.close()
        return used

    used = benchmark.pedantic(lambda: asyncio.run(main()), rounds=1)
    benchmark.extra_info["KiB_per_session"] = round(used, 2)
    print(f"a session and its pooling: {used:.2f} KiB")


def raw_spawn(count):
    """Seconds until so many servers, started at once, have answered initialize."""
    began = time.perf_counter_ns()
    servers = [Raw() for _ in range(count)]
    waiting = {server.child.stdout.fileno() for server in servers}
    poll = select.poll()
    for descriptor in waiting:
        poll.register(descriptor, select.POLLIN)
    while waiting:
        for descriptor, _ in poll.poll():
            os.read(descriptor, 65536)
            poll.unregister(descriptor)
            waiting.discard(descriptor)
    took = time.perf_counter_ns() - began
    for server in servers:
        server.close()
    return took / 1e6


async def prewarm(count):
    connections = Connections()
    configs = [config(f"server-{at}") for at in range(count)]
    began = time.perf_counter_ns()
    await connections.prewarm(configs)
    took = time.perf_counter_ns() - began
    assert len(connections.sessions()) == count
    await connections.close()
    return took / 1e6


def test_prewarm_ten_servers(benchmark):
    """Ten servers connected at once, beside the bare spawn of the same ten."""

    def whole():
        found = {"raw_spawn": [], "native": []}

        async def ours():
            found["native"].append(await prewarm(10))

        for _ in range(ROUNDS):
            found["raw_spawn"].append(raw_spawn(10))
            asyncio.run(ours())
        return found

    found = benchmark.pedantic(whole, rounds=1)
    report(benchmark, "ms", found, "raw_spawn")

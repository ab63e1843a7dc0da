"""Tool calls over stdio with a real server: warm, many in flight, connecting; alone and with peers.

Figures are wall time a call, of rounds in which all take turns in one process. ``goflow`` is the
whole engine: a node of a workflow, its parameters, the call, its output. What the server itself
takes is in every figure: the floor, a blocking loop on its pipes, shows how much that is. To wake a
core that idles takes longer than all the rest, and happens or not as the scheduler likes: that far
apart lie the floor's least and median. ``warm_call_one_core`` has none of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import time
from itertools import pairwise

import pytest
from call_peers import COMMAND, FLOOR, OURS_ALONE, PEERS, Raw, config, session
from measure import OURS, median, ratio

import goflow
from goflow.servers.connections import Connections
from goflow.workflow.model import Edge, EndNode, Server, StartNode, ToolNode, Workflow

CALLS = 100
IN_FLIGHT = [1, 10, 50, 200]


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("GOFLOW_HOME", str(tmp_path))


def calls_in_a_row(count):
    """A workflow of so many calls, one after the other."""
    names = ["start", *(f"call{at}" for at in range(count)), "end"]
    calls = (
        ToolNode(id=name, server="minimal", tool="echo", parameters={"text": "hello"})
        for name in names[1:-1]
    )
    return Workflow(
        name="calls",
        servers=(Server(id="minimal", command=COMMAND[0], args=tuple(COMMAND[1:])),),
        nodes=(StartNode(id="start"), *calls, EndNode(id="end")),
        edges=tuple(Edge(source=a, target=b) for a, b in pairwise(names)),
    )


def timed(call):
    """Nanoseconds a call, of a hundred."""

    async def work():
        began = time.perf_counter_ns()
        for _ in range(CALLS):
            await call()
        return (time.perf_counter_ns() - began) / CALLS

    return work


@contextlib.asynccontextmanager
async def engine(history):
    """Nanoseconds a node that calls, in an engine whose session is open."""
    made = calls_in_a_row(CALLS)
    async with goflow.Engine(history=history) as opened:

        async def work():
            began = time.perf_counter_ns()
            result = await opened.run(made)
            took = time.perf_counter_ns() - began
            assert result.completed
            return took / CALLS

        await work()
        yield work


async def warm_calls(peers, rounds):
    raw = Raw()
    raw.read()

    async def blocking():
        began = time.perf_counter_ns()
        for _ in range(CALLS):
            raw.call()
        return (time.perf_counter_ns() - began) / CALLS

    async with contextlib.AsyncExitStack() as stack:
        stack.callback(raw.close)
        works = {
            FLOOR: blocking,
            OURS: await stack.enter_async_context(engine(history=False)),
            "goflow, journaled": await stack.enter_async_context(engine(history=True)),
        }
        for name, make in {**OURS_ALONE, **peers}.items():
            works[name] = timed(await stack.enter_async_context(make()))
        found = {name: [] for name in works}
        for _ in range(rounds):
            for name, work in works.items():
                found[name].append(await work())
    return found


def test_warm_call(measure):
    """A read-only tool; the journaled figure beside."""
    rounds = measure.rounds(25, 3)
    measure.record(lambda: asyncio.run(warm_calls({}, rounds)), floor=FLOOR)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system cannot pin")
def test_warm_call_one_core(measure):
    """Client and server take turns on one core: what all of it costs, no waking of idle cores."""
    rounds, cores = measure.rounds(25, 3), os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        measure.record(lambda: asyncio.run(warm_calls({}, rounds)), floor=FLOOR)
    finally:
        os.sched_setaffinity(0, cores)


@pytest.mark.peers
def test_warm_call_peers(measure):
    rounds = measure.rounds(25, 3)
    measure.record(lambda: asyncio.run(warm_calls(PEERS, rounds)), floor=FLOOR)


async def crowded(clients, in_flight, count, rounds):
    """Nanoseconds a call with so many in flight all the time."""
    found = {name: [] for name in clients}
    async with contextlib.AsyncExitStack() as stack:
        calls = {name: await stack.enter_async_context(make()) for name, make in clients.items()}

        async def one(call):
            for _ in range(max(1, count // in_flight)):
                await call()

        for _ in range(rounds + 1):
            for name, call in calls.items():
                began = time.perf_counter_ns()
                await asyncio.gather(*(one(call) for _ in range(in_flight)))
                took = time.perf_counter_ns() - began
                found[name].append(took / (max(1, count // in_flight) * in_flight))
    return {name: values[1:] for name, values in found.items()}


def throughput(measure, clients, in_flight):
    count = 400 if measure.quick else 3_000
    rounds = measure.rounds(9)
    found = measure.record(lambda: asyncio.run(crowded(clients, in_flight, count, rounds)))
    measure.note(calls_per_s=round(1e9 / median(found, OURS)))


@pytest.mark.parametrize("in_flight", IN_FLIGHT)
def test_calls_in_flight(measure, in_flight):
    """Throughput of one session."""
    throughput(measure, {OURS: session}, in_flight)


@pytest.mark.peers
@pytest.mark.parametrize("in_flight", IN_FLIGHT)
def test_calls_in_flight_peers(measure, in_flight):
    throughput(measure, {OURS: session, **PEERS}, in_flight)


def raw_spawn(count):
    """Nanoseconds until so many servers, started at once, have answered initialize."""
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
    return took


async def prewarm(count):
    connections = Connections()
    configs = [config(f"server-{at}") for at in range(count)]
    began = time.perf_counter_ns()
    await connections.prewarm(configs)
    took = time.perf_counter_ns() - began
    assert len(connections.sessions()) == count
    await connections.close()
    return took


def test_prewarm_ten_servers(measure):
    """Ten servers connected at once, beside the bare spawn of the same ten."""

    def work():
        found = {OURS: [], "raw spawn": []}
        for _ in range(measure.rounds(9)):
            found["raw spawn"].append(raw_spawn(10))
            found[OURS].append(asyncio.run(prewarm(10)))
        return found

    found = measure.record(work, floor="raw spawn")
    measure.note(ratio_to_raw_spawn=round(ratio(found, OURS, "raw spawn"), 3))

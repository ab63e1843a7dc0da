"""The engine's cost of a node: no-op nodes in a chain, a fan-out and layers, beside peers.

``pytest benchmarks/bench_engine.py -m "not peers" -s`` runs ours at four sizes, bare, heard by a
listener, and journaled too; ``-m peers -s`` runs the same graphs in
Hamilton, Dask, LangGraph, Pydantic Graph, Prefect and as plain asyncio tasks, which are the floor
of whatever starts a task for each node. Everything that can be prepared once is: plans, drivers,
compiled graphs. Figures are microseconds of CPU time of the whole process for each node, the
least of all rounds; ours and the peers take turns.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections import deque
from contextlib import closing, contextmanager

import engine_peers
import pytest

import goflow
from goflow.workflow.model import Edge, EndNode, PassthroughNode, StartNode, Workflow

SIZES = [100, 1_000, 10_000, 100_000]
PEER_SIZES = [100, 1_000]
WIDTH = 10


def chain(n):
    """Node ``i`` after node ``i - 1``; as lists of what each node comes after."""
    return [[i - 1] if i else [] for i in range(n)]


def fan_out(n):
    return [[] for _ in range(n)]


def layers(n):
    """``WIDTH`` nodes side by side, each after two of the layer before."""
    return [
        [] if i < WIDTH else [i - WIDTH, i - i % WIDTH - WIDTH + (i + 1) % WIDTH] for i in range(n)
    ]


SHAPES = {"chain": chain, "fan_out": fan_out, "layers": layers}


def leaves(after):
    """The nodes that nothing comes after."""
    return sorted(set(range(len(after))) - {source for sources in after for source in sources})


def workflow(after):
    """The graph as a workflow of passthrough nodes."""
    edges = [(f"n{i}" if i >= 0 else "start", f"n{at}")
             for at, sources in enumerate(after) for i in sources or [-1]]  # fmt: skip
    edges += [(f"n{i}", "end") for i in leaves(after)]
    nodes = (PassthroughNode(id=f"n{i}") for i in range(len(after)))
    return Workflow(
        name="nodes",
        nodes=(StartNode(id="start"), *nodes, EndNode(id="end")),
        edges=tuple(Edge(source=a, target=b) for a, b in edges),
    )


@contextmanager
def ours(after, watched="bare"):
    """A call that runs the workflow once, in an engine that is open."""
    heard = deque(maxlen=0)
    listener = None if watched == "bare" else heard.append
    loop = asyncio.new_event_loop()
    engine = goflow.Engine(history=watched == "journal")
    loop.run_until_complete(engine.__aenter__())
    made = workflow(after)

    def work():
        result = loop.run_until_complete(engine.run(made, listener=listener))
        assert result.completed

    try:
        yield work
    finally:
        loop.run_until_complete(engine.__aexit__(None, None, None))
        loop.close()


def cpu_us(work):
    """CPU time of one call; what it leaves is dropped outside."""
    began = time.process_time_ns()
    work()
    return (time.process_time_ns() - began) / 1e3


@contextmanager
def no_collector():
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("watched", ["bare", "events", "journal"])
@pytest.mark.parametrize("shape", SHAPES)
def test_node_overhead(benchmark, shape, watched, n, monkeypatch, tmp_path):
    monkeypatch.setenv("GOFLOW_HOME", str(tmp_path))
    with ours(SHAPES[shape](n), watched) as work:
        work()
        with no_collector():
            rounds = max(7, min(200, 50_000 // n))
            least = min(cpu_us(work) for _ in range(rounds))
            benchmark.pedantic(work, rounds=max(3, rounds // 5))
    benchmark.extra_info.update(nodes=n, us_per_node=round(least / n, 3))
    print(f"\n{shape:8} {watched:8} {n:7} nodes: {least / n:7.3f} µs a node")


@pytest.mark.peers
@pytest.mark.parametrize("n", PEER_SIZES)
@pytest.mark.parametrize("shape", SHAPES)
def test_node_overhead_peers(benchmark, shape, n, monkeypatch, tmp_path):
    """Ours and the peers take turns; a peer that cannot run a graph says why, in its place."""
    monkeypatch.setenv("GOFLOW_HOME", str(tmp_path))
    after = SHAPES[shape](n)
    least, why = {}, {}
    loop = asyncio.new_event_loop()
    with (
        ours(after) as bare,
        ours(after, "events") as heard,
        ours(after, "journal") as journaled,
        closing(loop),
    ):
        works = {
            "goflow": bare,
            "goflow, events": heard,
            "goflow, events and journal": journaled,
        }
        for name, make in engine_peers.PEERS.items():
            try:
                works[name] = make(after, leaves(after), loop)
                works[name]()
            except (Exception, pytest.skip.Exception) as error:
                works.pop(name, None)
                why[name] = f"{type(error).__name__}: {error}".splitlines()[0][:60]
        spent = dict.fromkeys(works, 0.0)
        with no_collector():
            for _ in range(400):
                for name, work in works.items():
                    # At least 7 rounds of each; the slow ones no more than that.
                    if spent[name] < 400_000 or len(least.setdefault(name, [])) < 7:
                        took = cpu_us(work)
                        spent[name] += took
                        least.setdefault(name, []).append(took / n)
            benchmark.pedantic(bare, rounds=7)
    if n == PEER_SIZES[0]:
        least["prefect (wall, once)"] = [engine_peers.prefect(after)]
    base = min(least["goflow"])
    print(f"\n{shape} of {n} no-op nodes    µs a node   by goflow's")
    for name, values in sorted(least.items(), key=lambda item: min(item[1])):
        figure = min(values)
        benchmark.extra_info[f"{name}_us"] = round(figure, 3)
        benchmark.extra_info[f"{name}_ratio"] = round(figure / base, 2)
        print(f"  {name:28} {figure:9.2f}  {figure / base:9.2f}")
    for name, reason in why.items():
        print(f"  {name:28} {reason}")

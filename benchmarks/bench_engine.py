"""The engine's cost of a node: no-op nodes in a chain, a fan-out and layers; alone and with peers.

Bare, heard by a listener (``events``), and journaled too. Everything that can be prepared once is:
plans, drivers, compiled graphs. Figures are CPU time of the whole process for each node. The floor
is plain asyncio, for whatever starts a task for each node. Prefect runs its nodes in processes of
its own, so its figure is wall time, of one run.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import closing, contextmanager

import engine_peers
import pytest
from measure import OURS, PROCESS, WALL

import goflow
from goflow.workflow.model import Edge, EndNode, PassthroughNode, StartNode, Workflow

SIZES = [100, 1_000, 10_000, 100_000]
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


@contextmanager
def side_by_side(after):
    """Ours and the peers, each warm, and why some peers cannot run this graph."""
    left_out = {}
    loop = asyncio.new_event_loop()
    with (
        ours(after) as bare,
        ours(after, "events") as heard,
        ours(after, "journal") as journaled,
        closing(loop),
    ):
        works = {
            OURS: bare,
            "goflow, events": heard,
            "goflow, events and journal": journaled,
        }
        for name, make in engine_peers.PEERS.items():
            try:
                works[name] = make(after, leaves(after), loop)
                works[name]()
            except (Exception, pytest.skip.Exception) as error:
                works.pop(name, None)
                left_out[name] = f"{type(error).__name__}: {error}".splitlines()[0][:80]
        bare()
        yield works, left_out


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("GOFLOW_HOME", str(tmp_path))


CASES = [
    "chain", "fan_out", "layers",
    "chain-events", "fan_out-events",
    "chain-journal", "fan_out-journal",
]  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_node_overhead(measure, case):
    """A hundred nodes."""
    shape, _, watched = case.partition("-")
    n = 100
    with ours(SHAPES[shape](n), watched or "bare") as work:
        measure.loop(work, n, clock=PROCESS)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("shape", SHAPES)
def test_node_overhead_growth(measure, shape, n):
    """The cost of a node, however many there are; a hundred take turns with them."""
    if measure.quick and (n > 1_000 or shape == "layers"):
        pytest.skip("not in quick mode")
    with ours(SHAPES[shape](n)) as work, ours(SHAPES[shape](100)) as few:
        works, counts = {OURS: work, "of 100": few}, {OURS: n, "of 100": 100}
        measure.turns(works, counts, clock=PROCESS, curve=f"engine: a node, {shape}", size=n)


@pytest.mark.peers
@pytest.mark.parametrize("n", [100, 1_000])
@pytest.mark.parametrize("shape", SHAPES)
def test_node_overhead_peers(measure, shape, n):
    """A peer that cannot run a graph says why, in its place."""
    if measure.quick and (n > 100 or shape == "layers"):
        pytest.skip("not in quick mode")
    after = SHAPES[shape](n)
    with side_by_side(after) as (works, left_out):
        measure.turns(works, n, clock=PROCESS, floor="asyncio tasks", left_out=left_out)


@pytest.mark.peers
def test_node_overhead_prefect_peers(measure):
    """All of them by wall time, beside one run of Prefect, which works in more than one process."""
    if measure.quick:
        pytest.skip("not in quick mode")
    after = chain(100)
    with side_by_side(after) as (works, _):

        def once(work):
            began = WALL()
            work()
            return (WALL() - began) / len(after)

        measure.record(lambda: {
            **{name: [once(work) for _ in range(7)] for name, work in works.items()},
            "prefect": [1e3 * engine_peers.prefect(after)],
        })  # fmt: skip

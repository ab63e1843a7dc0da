"""Graphs: build, order, cycle check, reachability both ways and dominators; alone and with peers.

The graph is the worst case for memory: nodes in no order, edges shuffled, two edges a node,
everything connected to the start. What exactly everybody does stands in ``graph_peers.py``. The ids
of the edges are equal strings, but not the same objects, as a parser makes them: a string remembers
its hash, and here everybody has to find it.

Memory is ours alone by ``tracemalloc``, which sees the C arrays as well, and everybody's by how
much a fresh process grows.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tracemalloc
from pathlib import Path

import graph_peers
import numpy as np
import pytest
from graph_peers import answer, floor, interning, named, ours
from measure import OURS, installed, ratio

from goflow._core.graph import Graph

SIZES = [100, 1_000, 10_000, 100_000, 1_000_000]
PLAIN = 100_000
"""Nodes up to which networkx and graphlib are asked: they take seconds then."""
CURVE = "graph: build and five answers"


def random_dag(n):
    """Ids, 2n edges, and the first and the last node of an order."""
    rng = random.Random(n)
    ids = [f"node-{at}" for at in range(n)]
    rank = rng.sample(range(n), n)
    edges = [(ids[rank[rng.randrange(at)]], ids[rank[at]]) for at in range(1, n)]
    while len(edges) < 2 * n:
        a, b = sorted((rng.randrange(n), rng.randrange(n)))
        if a != b:
            edges.append((ids[rank[a]], ids[rank[b]]))
    rng.shuffle(edges)
    return ids, edges, ids[rank[0]], ids[rank[-1]]


def copied(edges):
    """The same edges, of equal strings that are other objects and that nobody has hashed yet."""
    return [("".join([a[:1], a[1:]]), "".join([b[:1], b[1:]])) for a, b in edges]


def arrays(ids, edges):
    """The edges as two int32 arrays."""
    number = {node: at for at, node in enumerate(ids)}
    return np.array([(number[a], number[b]) for a, b in edges], np.int32).T.copy()


def from_arrays(ids, edges, first, last):
    sources, targets = arrays(ids, edges)
    first, last = ids.index(first), ids.index(last)
    return lambda: answer(Graph.from_arrays(len(ids), sources, targets), first, last)


@pytest.fixture(params=SIZES)
def n(request, quick):
    if quick and request.param > 10_000:
        pytest.skip("not in quick mode")
    return request.param


def on_copies(data, work):
    """The work, on edges that are copied anew each time."""
    ids, edges, first, last = data
    return lambda: copied(edges), lambda edges: work(ids, edges, first, last)


def test_graph(measure, n):
    """Ids that are shared between the list of nodes and the edges."""
    data = random_dag(n)
    measure.turns({OURS: lambda: ours(*data)}, size=n)


def test_graph_arrays(measure, n):
    measure.turns({OURS: from_arrays(*random_dag(n))}, size=n)


def test_graph_memory(measure, n):
    """MB by ``tracemalloc``: at most while building, afterwards, and with all answers."""
    ids, edges, first, last = random_dag(n)

    def work():
        tracemalloc.start()
        try:
            graph = Graph(ids, edges)
            kept, peak = (size / 1e6 for size in tracemalloc.get_traced_memory())
            answers = answer(graph, first, last)
            total = tracemalloc.get_traced_memory()[1] / 1e6
        finally:
            tracemalloc.stop()
        assert answers[1] is None
        return {OURS: [peak], "kept": [kept], "with all answers": [total]}

    measure.record(work, unit="MB")


# -- beside the peers ------------------------------------------------------------------------------


@pytest.mark.peers
def test_graph_peers(measure, n):
    data = random_dag(n)
    works = {OURS: on_copies(data, ours)}
    for name, peer in graph_peers.NUMBERING.items():
        works[name] = on_copies(data, lambda *data, peer=peer: named(data[0], peer(*data)))
        if n <= PLAIN:
            works[f"{name}, ints"] = on_copies(data, peer)
    if n <= PLAIN:
        works |= {name: on_copies(data, peer) for name, peer in graph_peers.PLAIN.items()}
    answers = ours(*data)
    works |= {
        "goflow, arrays": from_arrays(*data),
        "interning": on_copies(data, lambda ids, edges, *_: interning(ids, edges)),
        "floor": lambda: floor(data[1], answers),
    }
    found = measure.turns(works, floor="rustworkx", curve=CURVE, size=n)
    measure.note(ratio_to_floor=round(ratio(found, OURS, "floor"), 2))


@pytest.mark.peers
@pytest.mark.parametrize("nodes", [10, 1_000])
def test_graph_peers_agree(nodes):
    """No measurement: everybody finds the same."""
    data = random_dag(nodes)
    order, _, after, before, _ = ours(*data)
    place = {node: at for at, node in enumerate(order)}
    assert all(place[a] < place[b] for a, b in data[1])
    found = {name: named(data[0], peer(*data)) for name, peer in graph_peers.NUMBERING.items()}
    found |= {name: peer(*data) for name, peer in graph_peers.PLAIN.items()}
    for theirs in found.values():
        assert len(theirs[0]) == len(order)
        assert (theirs[1], theirs[2]) == (after, before)


GROWTH = """
import sys, re, gc, bench_graph, graph_peers
def status(name):
    return int(re.search(name + r":\\s+(\\d+)", open("/proc/self/status").read())[1])
data = bench_graph.random_dag(int(sys.argv[1]))
work = getattr(graph_peers, sys.argv[2])
work(*bench_graph.random_dag(100))
gc.collect()
open("/proc/self/clear_refs", "w").write("5")
before = status("VmRSS")
answers = work(*data)
print((status("VmHWM") - before) / 1e3)
"""


@pytest.mark.peers
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
@pytest.mark.parametrize("nodes", SIZES[3:])
def test_graph_memory_peers(measure, nodes):
    """How much a process of its own grows at most, answers included: resident MB."""
    if measure.quick:
        pytest.skip("not in quick mode")
    for name in graph_peers.NUMBERING:
        installed(name)

    def grown(name):
        done = subprocess.run(
            [sys.executable, "-c", GROWTH, str(nodes), name],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
            check=True,
            capture_output=True,
            text=True,
        )
        return float(done.stdout)

    names = {OURS: "ours", "rustworkx": "rustworkx", "igraph": "igraph"}
    measure.record(lambda: {name: [grown(function)] for name, function in names.items()}, unit="MB")

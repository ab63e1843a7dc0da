"""Graphs: build, order, cycle check, reachability both ways and dominators.

``pytest benchmarks/bench_graph.py -m "not peers"`` runs ours; ``-m peers -s`` compares with
rustworkx, igraph, networkx and graphlib in one run, and prints the table. The graph is the worst
case for memory: nodes in no order, edges shuffled, two edges a node, everything connected to the
start.

Everybody gets the same list of ids and the same list of pairs of ids, and answers in ids: the
order (an error if there is a cycle), what the first node reaches and what reaches the last one.
Ours finds the dominators as well, peers do not. rustworkx and igraph want integers, so they number
the ids with a dict, the fastest way there is for them, and name their answers afterwards; ``ints``
is what they take without that naming. graphlib only orders, so the rest is breadth first search in
plain Python. Setting up and tearing down the graph counts for all, destroying the answers for none.

``interning`` is numbering alone: a dict of the ids and a list of pairs of numbers. ``floor`` is
about what nobody who answers in Python's containers can avoid: to read every edge once, and to copy
the answers.

Memory is ours alone by ``tracemalloc``, which sees the C arrays as well, and everybody's by how
much a fresh process grows.
"""

from __future__ import annotations

import gc
import random
import subprocess
import sys
import time
import tracemalloc
from collections import deque
from graphlib import TopologicalSorter
from itertools import chain
from pathlib import Path

import numpy as np
import pytest

from goflow._core.graph import Graph

SIZES = [100, 1_000, 10_000, 100_000, 1_000_000]
PLAIN = 100_000  # nodes up to which networkx and graphlib are asked: they take seconds then


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
    """The same edges, of equal strings that are other objects, as a parser makes them.

    Nobody has hashed them yet, so everybody has to: a string remembers its hash.
    """
    return [("".join([a[:1], a[1:]]), "".join([b[:1], b[1:]])) for a, b in edges]


def arrays(ids, edges):
    """The edges as two int32 arrays."""
    number = {node: at for at, node in enumerate(ids)}
    return np.array([(number[a], number[b]) for a, b in edges], np.int32).T.copy()


# -- the same work, by everybody ---------------------------------------------------------------


def answer(graph, first, last):
    return (
        graph.order(),
        graph.cycle(),
        graph.reachable(first),
        graph.reaching(last),
        graph.dominators(first),
    )


def ours(ids, edges, first, last):
    return answer(Graph(ids, edges), first, last)


def rustworkx(ids, edges, first, last):
    peer = pytest.importorskip("rustworkx")
    number = {node: at for at, node in enumerate(ids)}
    graph = peer.PyDiGraph(node_count_hint=len(ids), edge_count_hint=len(edges))
    graph.add_nodes_from(ids)
    graph.extend_from_edge_list([(number[a], number[b]) for a, b in edges])
    order = peer.topological_sort(graph)  # raises for a cycle
    after = peer.descendants(graph, number[first])
    before = peer.ancestors(graph, number[last])
    return order, after | {number[first]}, before | {number[last]}


def igraph(ids, edges, first, last):
    peer = pytest.importorskip("igraph")
    number = {node: at for at, node in enumerate(ids)}
    graph = peer.Graph(len(ids), [(number[a], number[b]) for a, b in edges], directed=True)
    order = graph.topological_sorting()  # raises for a cycle
    after = graph.subcomponent(number[first], mode="out")
    before = graph.subcomponent(number[last], mode="in")
    return order, after, before


def networkx(ids, edges, first, last):
    peer = pytest.importorskip("networkx")
    graph = peer.DiGraph()
    graph.add_nodes_from(ids)
    graph.add_edges_from(edges)
    order = list(peer.topological_sort(graph))  # raises for a cycle
    return order, peer.descendants(graph, first) | {first}, peer.ancestors(graph, last) | {last}


def graphlib(ids, edges, first, last):
    after = {node: [] for node in ids}
    before = {node: [] for node in ids}
    for a, b in edges:
        after[a].append(b)
        before[b].append(a)
    order = list(TopologicalSorter(before).static_order())  # raises for a cycle
    return order, spread(after, first), spread(before, last)


def spread(neighbours, start):
    seen = {start}
    queue = [start]
    for node in queue:
        for other in neighbours[node]:
            if other not in seen:
                seen.add(other)
                queue.append(other)
    return seen


def named(ids, answers):
    """The answers of a peer that knows numbers, in ids."""
    order, after, before = answers
    return [ids[at] for at in order], {ids[at] for at in after}, {ids[at] for at in before}


NUMBERING = (rustworkx, igraph)
PEERS = {"rustworkx", "igraph", "networkx", "graphlib"}


def interning(ids, edges):
    number = {node: at for at, node in enumerate(ids)}
    return number, [(number[a], number[b]) for a, b in edges]


def floor(edges, answers):
    deque(chain.from_iterable(edges), maxlen=0)
    return [each.copy() for each in answers if each is not None]


# -- ours --------------------------------------------------------------------------------------


def run(benchmark, n, work, *data):
    benchmark.extra_info.update(nodes=n, edges=2 * n)
    rounds = max(7, 20_000 // n)
    benchmark.pedantic(work, data, rounds=rounds, warmup_rounds=2, iterations=max(1, 1_000 // n))


@pytest.mark.parametrize("n", SIZES)
def test_graph(benchmark, n):
    run(benchmark, n, ours, *random_dag(n))


@pytest.mark.parametrize("n", SIZES)
def test_graph_copied_ids(benchmark, n):
    ids, edges, first, last = random_dag(n)
    run(benchmark, n, ours, ids, copied(edges), first, last)


@pytest.mark.parametrize("n", SIZES)
def test_graph_arrays(benchmark, n):
    ids, edges, first, last = random_dag(n)
    sources, targets = arrays(ids, edges)
    first, last = ids.index(first), ids.index(last)

    def work():
        return answer(Graph.from_arrays(n, sources, targets), first, last)

    run(benchmark, n, work)


@pytest.mark.parametrize("n", SIZES)
def test_graph_memory(benchmark, n):
    """MB by ``tracemalloc``, which sees the C arrays too: at most, afterwards, with all answers."""
    ids, edges, first, last = random_dag(n)
    gc.collect()
    tracemalloc.start()
    try:
        graph = Graph(ids, edges)
        kept, peak = (size / 1e6 for size in tracemalloc.get_traced_memory())
        answers = answer(graph, first, last)
        total = tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()
    assert answers[1] is None
    sizes = {"build_peak_MB": peak, "kept_MB": kept, "with_answers_peak_MB": total}
    benchmark.extra_info.update({name: round(size, 3) for name, size in sizes.items()})
    print(f"\n{n:9,} nodes: {benchmark.extra_info}")
    run(benchmark, n, Graph, ids, edges)


# -- peers -------------------------------------------------------------------------------------


def cpu_ms(work, *data):
    began = time.thread_time_ns()
    result = work(*data)
    return (time.thread_time_ns() - began) / 1e6, result


def take_turns(n, data, again):
    """The least CPU time of each in ms; short ones are called many times in a turn.

    ``again`` makes the edges for each call, not timed.
    """
    ids, edges, first, last = data
    works = [ours, rustworkx, igraph]
    if n <= PLAIN:
        works += [networkx, graphlib]
    number = {node: at for at, node in enumerate(ids)}
    sources, targets = arrays(ids, edges)
    answers = ours(*data)
    begin, end = number[first], number[last]

    def from_arrays():
        return answer(Graph.from_arrays(n, sources, targets), begin, end)

    least = {}

    def note(name, ms):
        least[name] = min(least.get(name, ms), ms)

    for _ in range(max(3, min(20, 300_000 // n))):
        for work in works:
            for _ in range(max(1, 5_000 // n)):
                ms, found = cpu_ms(work, ids, again(edges), first, last)
                if work in NUMBERING:
                    note(f"{work.__name__}_ints", ms)
                    more, found = cpu_ms(named, ids, found)
                    ms += more
                note(work.__name__, ms)
                del found
        for _ in range(max(1, 5_000 // n)):
            note("arrays", cpu_ms(from_arrays)[0])
            note("interning", cpu_ms(interning, ids, again(edges))[0])
            note("floor", cpu_ms(floor, edges, answers)[0])
    return least


@pytest.mark.peers
@pytest.mark.parametrize("n", SIZES)
def test_graph_peers_agree(n):
    if n > PLAIN:
        pytest.skip("smaller graphs have shown it")
    data = random_dag(n)
    order, _, after, before, _ = ours(*data)
    place = {node: at for at, node in enumerate(order)}
    assert all(place[a] < place[b] for a, b in data[1])
    for work in (rustworkx, igraph, networkx, graphlib):
        found = work(*data)
        if work in NUMBERING:
            found = named(data[0], found)
        assert len(found[0]) == len(order)
        assert (found[1], found[2]) == (after, before)


@pytest.mark.peers
@pytest.mark.parametrize("ids_are", ["shared", "copied"])
@pytest.mark.parametrize("n", SIZES)
def test_graph_peers(benchmark, n, ids_are):
    """Ours and the peers take turns; the least CPU time of each counts."""
    ids, edges, first, last = random_dag(n)
    data = ids, edges, first, last
    gc.collect()
    gc.disable()
    try:
        least = take_turns(n, data, copied if ids_are == "copied" else lambda edges: edges)
    finally:
        gc.enable()
    best = min(ms for name, ms in least.items() if name in PEERS)
    ints = min(least["rustworkx_ints"], least["igraph_ints"])
    benchmark.extra_info.update({f"{name}_ms": round(ms, 4) for name, ms in least.items()})
    benchmark.extra_info["ratio"] = round(least["ours"] / best, 3)
    benchmark.extra_info["ratio_to_ints"] = round(least["ours"] / ints, 3)
    benchmark.extra_info["ratio_to_floor"] = round(least["ours"] / least["floor"], 2)
    print(f"\n{n:9,} nodes, {ids_are} ids")
    for name, ms in sorted(least.items(), key=lambda item: item[1]):
        print(f"  {name:15} {ms:12.4f} ms  {ms / best:7.3f} of the best peer")
    run(benchmark, n, ours, *data)


GROWTH = """
import sys, re, gc, bench_graph
def status(name):
    return int(re.search(name + r":\\s+(\\d+)", open("/proc/self/status").read())[1])
data = bench_graph.random_dag(int(sys.argv[1]))
work = getattr(bench_graph, sys.argv[2])
work(*bench_graph.random_dag(100))
gc.collect()
open("/proc/self/clear_refs", "w").write("5")
before = status("VmRSS")
answers = work(*data)
print((status("VmHWM") - before) / 1e3)
"""


@pytest.mark.peers
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
@pytest.mark.parametrize("n", SIZES[3:])
def test_graph_peers_memory(n):
    """How much a process of its own grows at most, answers included: resident MB."""
    print(f"\n{n:9,} nodes")
    for name in ("ours", "rustworkx", "igraph"):
        pytest.importorskip(name if name != "ours" else "goflow")
        grown = subprocess.run(
            [sys.executable, "-c", GROWTH, str(n), name],
            cwd=Path(__file__).parent,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        print(f"  {name:15} {float(grown):12.1f} MB")

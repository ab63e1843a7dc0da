"""Graphs: build, order, cycle check, reachability both ways and dominators.

``pytest benchmarks/bench_graph.py -m "not peers"`` runs ours; ``-m peers -s`` compares with
rustworkx and igraph in one run, and says so. The graph is the worst case for memory: nodes in no
order, edges shuffled, two edges a node, everything connected to the start. Peers do the same from
the same strings, except for the dominators, which only ours include; ``ratio`` compares with the
best peer answering in ids, as ours does, and ``ratio_to_ints`` with the best peer left alone with
its own integers.
"""

from __future__ import annotations

import gc
import random
import time

import numpy as np
import pytest

from goflow._core.graph import Graph

SIZES = [100, 1_000, 10_000, 100_000, 1_000_000]


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
    """The same edges, of equal strings that are other objects, as a parser makes them."""
    return [("".join([a[:1], a[1:]]), "".join([b[:1], b[1:]])) for a, b in edges]


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


def rustworkx(ids, edges, first, last, named=True):
    peer = pytest.importorskip("rustworkx")
    number = {node: at for at, node in enumerate(ids)}
    graph = peer.PyDiGraph(node_count_hint=len(ids), edge_count_hint=len(edges))
    graph.add_nodes_from(ids)
    graph.extend_from_edge_list([(number[a], number[b]) for a, b in edges])
    order = peer.topological_sort(graph)  # raises for a cycle
    after = peer.descendants(graph, number[first])
    before = peer.ancestors(graph, number[last])
    if not named:
        return order, after, before
    return [ids[at] for at in order], {ids[at] for at in after}, {ids[at] for at in before}


def igraph(ids, edges, first, last, named=True):
    peer = pytest.importorskip("igraph")
    number = {node: at for at, node in enumerate(ids)}
    graph = peer.Graph(len(ids), [(number[a], number[b]) for a, b in edges], directed=True)
    assert graph.is_dag()
    order = graph.topological_sorting()
    after = graph.subcomponent(number[first], mode="out")
    before = graph.subcomponent(number[last], mode="in")
    if not named:
        return order, after, before
    return [ids[at] for at in order], {ids[at] for at in after}, {ids[at] for at in before}


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
    number = {node: at for at, node in enumerate(ids)}
    sources, targets = np.array([(number[a], number[b]) for a, b in edges], np.int32).T.copy()

    def work():
        return answer(Graph.from_arrays(n, sources, targets), number[first], number[last])

    run(benchmark, n, work)


def cpu_ms(work, *data):
    began = time.thread_time_ns()
    result = work(*data)
    spent = time.thread_time_ns() - began
    del result
    return spent / 1e6


@pytest.mark.peers
@pytest.mark.parametrize("ids_are", ["shared", "copied"])
@pytest.mark.parametrize("n", SIZES)
def test_graph_peers(benchmark, n, ids_are):
    """Ours and the peers take turns; the least CPU time of each counts."""
    ids, edges, first, last = random_dag(n)
    data = ids, copied(edges) if ids_are == "copied" else edges, first, last
    works = {
        "ours": (ours, *data),
        "rustworkx": (rustworkx, *data),
        "igraph": (igraph, *data),
        "rustworkx_ints": (rustworkx, *data, False),
        "igraph_ints": (igraph, *data, False),
    }
    least = dict.fromkeys(works, float("inf"))
    gc.collect()
    gc.disable()
    try:
        for _ in range(max(3, min(100, 100_000 // n))):
            for name, work in works.items():
                least[name] = min(least[name], cpu_ms(*work))
    finally:
        gc.enable()
    benchmark.extra_info.update({f"{name}_ms": round(ms, 4) for name, ms in least.items()})
    named = min(least["rustworkx"], least["igraph"])
    ints = min(least["rustworkx_ints"], least["igraph_ints"])
    benchmark.extra_info["ratio"] = round(least["ours"] / named, 3)
    benchmark.extra_info["ratio_to_ints"] = round(least["ours"] / ints, 3)
    print(f"\n{n} nodes, {ids_are} ids:", benchmark.extra_info)
    run(benchmark, n, *works["ours"])

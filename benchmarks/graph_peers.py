"""The same work on graphs by everybody: order, cycle check, reachability both ways.

Everybody gets the same list of ids and the same list of pairs of ids, and answers in ids: the
order (an error if there is a cycle), what the first node reaches and what reaches the last one.
Ours finds the dominators as well, peers do not. rustworkx and igraph want integers, so they number
the ids with a dict, the fastest way there is for them, and name their answers afterwards; ``ints``
is what they take without that naming. graphlib only orders, so the rest is breadth first search in
plain Python. Setting up and tearing down the graph counts for all, destroying the answers for none.

``interning`` is numbering alone: a dict of the ids and a list of pairs of numbers. ``floor`` is
about what nobody who answers in Python's containers can avoid: to read every edge once, and to copy
the answers.
"""

from __future__ import annotations

from collections import deque
from graphlib import TopologicalSorter
from itertools import chain

from measure import installed

from goflow._core.graph import Graph


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
    peer = installed("rustworkx")
    number = {node: at for at, node in enumerate(ids)}
    graph = peer.PyDiGraph(node_count_hint=len(ids), edge_count_hint=len(edges))
    graph.add_nodes_from(ids)
    graph.extend_from_edge_list([(number[a], number[b]) for a, b in edges])
    order = peer.topological_sort(graph)  # raises for a cycle
    after = peer.descendants(graph, number[first])
    before = peer.ancestors(graph, number[last])
    return order, after | {number[first]}, before | {number[last]}


def igraph(ids, edges, first, last):
    peer = installed("igraph")
    number = {node: at for at, node in enumerate(ids)}
    graph = peer.Graph(len(ids), [(number[a], number[b]) for a, b in edges], directed=True)
    order = graph.topological_sorting()  # raises for a cycle
    after = graph.subcomponent(number[first], mode="out")
    before = graph.subcomponent(number[last], mode="in")
    return order, after, before


def networkx(ids, edges, first, last):
    peer = installed("networkx")
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


NUMBERING = {"rustworkx": rustworkx, "igraph": igraph}
PLAIN = {"networkx": networkx, "graphlib": graphlib}


def interning(ids, edges):
    number = {node: at for at, node in enumerate(ids)}
    return number, [(number[a], number[b]) for a, b in edges]


def floor(edges, answers):
    deque(chain.from_iterable(edges), maxlen=0)
    return [each.copy() for each in answers if each is not None]

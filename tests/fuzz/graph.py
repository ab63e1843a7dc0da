"""Graphs of few nodes in every form that a graph can be given in, against the plain twin.

The core must also survive edges that change the list they are in, and refuse what is no edge.
"""

import array

import numpy as np
from fuzz.choices import Choices
from reference.graph import ReferenceGraph

from goflow._core.graph import Graph
from goflow.errors import GraphError

LONGEST = 400
DICTIONARY = ()
SEEDS = (
    b"",
    b"\x03\x00\x00\x00\x00\x00\x01\x01\x02",  # a chain
    bytes([4, 0, 0, 0, 0, 0, 1, 0, 2, 1, 3, 2, 3]),  # a diamond
    bytes([5, 0, 0, 0, 0, 0, 1, 1, 2, 2, 0, 2, 3, 3, 4]),  # a cycle with a tail
    bytes([9, 1, 3, 2, 1]) + bytes(range(9)) * 4,
    bytes([16, 2, 1, 0, 3]) + bytes(x * 7 % 251 for x in range(80)),
)


class ShrinkingPair:
    """A pair that empties the list of edges when it is read."""

    def __init__(self, edges, pair):
        self.edges = edges
        self.pair = pair

    def __iter__(self):
        self.edges.clear()
        return iter(self.pair)


def check(data):
    """Whatever is asked of the graph in ``data`` is answered as the plain twin does."""
    choices = Choices(data)
    count = choices.below(25)
    naming, form, fault = choices.below(4), choices.below(6), choices.below(16)
    start = choices.below(max(count, 1))
    names = _names(choices, count, naming)
    numbers = []
    while choices.more():
        numbers.append((choices.below(max(count, 1)), choices.below(max(count, 1))))
    if count == 0:
        numbers = []
    if form == 5:  # in node order: no cycles but self loops
        numbers = [(min(pair), max(pair)) for pair in numbers if pair[0] != pair[1]]
    edges = [(names[source], names[target]) for source, target in numbers]
    if fault in _FAULTS and count:
        _check_refused(_FAULTS[fault], names, edges, start)
    twin = ReferenceGraph(names, edges)
    _check_named(Graph(names, _in_form(edges, form)), twin, start)
    _check_numbered(_from_arrays(count, numbers, form), twin, start)


def _names(choices, count, naming):
    """Distinct ids: short ones, ones that differ late, of any characters, and with a prefix."""
    if naming == 0:
        return [chr(97 + at) for at in range(count)]
    if naming == 1:
        return ["x" * 40 + str(at) for at in range(count)]
    names = {}
    for at in range(count):
        name = choices.text()
        while name in names:
            name += str(at)
        names[name] = None
    return list(names)


def _in_form(edges, form):
    """The same edges: as tuples, lists, from an iterator, as other strings, and as a tuple."""
    if form == 1:
        return [list(edge) for edge in edges]
    if form == 2:
        return (iter(edge) for edge in edges)
    if form == 3:
        return [tuple("".join([*end, ""]) for end in edge) for edge in edges]
    return tuple(edges) if form == 4 else edges


def _from_arrays(count, numbers, form):
    sources, targets = [a for a, _ in numbers], [b for _, b in numbers]
    if form == 1:
        return Graph.from_arrays(count, array.array("q", sources), array.array("i", targets))
    if form == 2:
        return Graph.from_arrays(count, iter(sources), tuple(targets))
    table = np.array(numbers, np.int64 if form == 3 else np.int32).reshape(-1, 2)
    if form == 4:
        backwards = table[::-1].copy()
        return Graph.from_arrays(count, backwards[::-1, 0], backwards[::-1, 1])
    return Graph.from_arrays(count, table[:, 0], table[:, 1])


# -- the answers -------------------------------------------------------------------------------


def _check_named(graph, twin, start):
    nodes, order = twin.nodes, twin.order()
    assert len(graph) == len(nodes)
    assert graph.edge_count == len(twin.edges)
    cycle = graph.cycle()
    if order is None:
        assert len(cycle) == len(set(cycle)) == twin.girth()
        assert all(step in twin.edges for step in zip(cycle, [*cycle[1:], cycle[0]], strict=True))
        _refuses(graph.order)
        _refuses(graph.levels)
    else:
        assert cycle is None
        assert graph.order() == order
        assert graph.levels() == twin.levels()
    _refuses(lambda: graph.reachable("no such node"))
    if not nodes:
        return
    node, other = nodes[start], nodes[-1]
    assert node in graph
    assert graph.reachable(node) == twin.reachable(node)
    assert graph.reaching([node, other]) == twin.reaching(node, other)
    if order is None:
        _refuses(lambda: graph.dominators(node))
    else:
        answer = graph.dominators(node)
        assert answer == twin.dominators(node)
        assert list(answer) == [name for name in nodes if name in answer]


def _check_numbered(graph, twin, start):
    nodes, order = twin.nodes, twin.order()
    number = {node: at for at, node in enumerate(nodes)}
    if order is None:
        assert len(graph.cycle()) == twin.girth()
    else:
        assert graph.order().tolist() == [number[node] for node in order]
        assert [level.tolist() for level in graph.levels()] == [
            [number[node] for node in level] for level in twin.levels()
        ]
    _refuses(lambda: graph.reaching(len(nodes)))
    if not nodes:
        return
    reached = twin.reachable(nodes[start])
    assert graph.reachable(start).tolist() == [number[x] for x in nodes if x in reached]
    if order is not None:
        expected = twin.dominators(nodes[start])
        assert graph.dominators(start).tolist() == [
            -1 if expected.get(node) is None else number[expected[node]] for node in nodes
        ]


# -- what is no graph --------------------------------------------------------------------------


def _refuses(ask, errors=GraphError):
    try:
        answer = ask()
    except errors as error:
        assert str(error)
        return
    raise AssertionError(f"{answer!r} instead of an error")


def _with(edges, at, edge):
    return [*edges[:at], edge, *edges[at:]]


def _raising(edges, at):
    yield from edges[:at]
    raise KeyError(at)


_FAULTS = {
    1: lambda names, edges, at: (names, _with(edges, at, (names[at], "no such node"))),
    2: lambda names, edges, at: (names, _with(edges, at, (names[at],))),
    3: lambda names, edges, at: (names, _with(edges, at, [names[at]] * 3)),
    4: lambda names, edges, at: (names, _with(edges, at, (names[at], at))),
    5: lambda names, edges, at: (names, _with(edges, at, None)),
    6: lambda names, edges, at: (names, _with(edges, at, names[at])),
    7: lambda names, edges, at: ([*names, names[at]], edges),
    8: lambda names, edges, at: ([*names, at], edges),
    9: lambda names, edges, at: (names, _raising(edges, at)),
}


def _check_refused(fault, names, edges, at):
    bad = fault(names, edges, at)
    _refuses(lambda: Graph(*bad), (GraphError, TypeError, KeyError))
    _refuses(lambda: Graph.from_arrays(len(names), [at], [len(names)]))
    _refuses(lambda: Graph.from_arrays(len(names), np.array([-1]), np.array([at])))
    _refuses(lambda: Graph.from_arrays(len(names), [at], []))
    shrinking = list(edges)
    shrinking.insert(at, ShrinkingPair(shrinking, (names[at], names[0])))
    assert Graph(names, shrinking).edge_count <= len(edges) + 1

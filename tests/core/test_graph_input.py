"""What ``goflow.Graph`` is made of: nodes and edges of every kind, arrays, and what it refuses."""

from __future__ import annotations

import array
import subprocess
import sys
import tempfile
from enum import Enum
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest

from goflow._core.graph import Graph
from goflow.errors import GraphError

# -- what makes no graph -----------------------------------------------------------------------


def test_a_repeated_id_is_named():
    with pytest.raises(GraphError, match="'b' is repeated: nodes 1 and 3"):
        Graph(["a", "b", "c", "".join(["b"])], [])


def test_an_end_that_is_no_node_is_named_with_its_edge():
    with pytest.raises(GraphError, match="edge 1 has a target that is no node: 'z'"):
        Graph(["a", "b"], [("a", "b"), ("a", "z")])
    with pytest.raises(GraphError, match="edge 0 has a source that is no node: 'z'"):
        Graph(["a", "b"], ([end, "b"] for end in "za"))


@pytest.mark.parametrize("at", [0, 1, 31, 32, 63, 64, 99])
def test_problems_are_found_wherever_they_are(at):
    nodes = [f"n{at}" for at in range(100)]
    edges = [(node, node) for node in nodes]
    with pytest.raises(GraphError, match=f"edge {at} has a source that is no node: 'z'"):
        Graph(nodes, [*edges[:at], ("z", "n0"), *edges[at + 1 :]])
    with pytest.raises(TypeError, match=f"edge {at} has a target of type int, not str"):
        Graph(nodes, [*edges[:at], ("n0", 1), *edges[at + 1 :]])
    with pytest.raises(GraphError, match=f"edge {at} has 3 items"):
        Graph(nodes, [*edges[:at], ("n0", "n1", "n2"), *edges[at + 1 :]])
    with pytest.raises(TypeError, match=f"node {at} is of type NoneType, not str"):
        Graph([*nodes[:at], None, *nodes[at + 1 :]], [])
    with pytest.raises(GraphError, match=f"nodes {at} and 100"):
        Graph([*nodes, f"n{at}"], [])


def test_what_is_no_pair_is_refused():
    with pytest.raises(TypeError, match="edge 0 is of type str, not a pair"):
        Graph(["a", "b"], ["ab"])
    with pytest.raises(TypeError, match="edge 0 is of type bytes, not a pair"):
        Graph(["a", "b"], [b"ab"])
    with pytest.raises(TypeError, match="edge 1 is of type int, not a pair"):
        Graph(["a", "b"], [("a", "b"), 5])
    with pytest.raises(GraphError, match="edge 0 has 1 items"):
        Graph(["a", "b"], [["a"]])
    with pytest.raises(TypeError, match="nodes are of type str"):
        Graph("ab", [])
    with pytest.raises(TypeError, match="node 0 is of type int, not str"):
        Graph([1], [])
    with pytest.raises(TypeError):
        Graph(3, [])
    with pytest.raises(TypeError):
        Graph([], 3)
    with pytest.raises(TypeError):
        Graph()


def test_an_error_while_edges_are_iterated_is_passed_on():
    def edges():
        yield ("a", "b")
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        Graph(["a", "b"], edges())


# -- ids and edges of every kind ---------------------------------------------------------------


class Edge(NamedTuple):
    source: str
    target: str


class Colour(str, Enum):
    RED = "red"


@pytest.mark.parametrize(
    "edges",
    [
        [("a", "b"), ("b", "c")],
        (("a", "b"), ("b", "c")),
        [["a", "b"], ["b", "c"]],
        [Edge("a", "b"), Edge("b", "c")],
        [("a", "b"), iter(("b", "c"))],
        [{"a": 0, "b": 0}, ["b", "c"]],
        {("a", "b"): 0, ("b", "c"): 0},
        iter([("a", "b"), ("b", "c")]),
        ([source, target] for source, target in ("ab", "bc")),
        [np.array(["a", "b"]), np.array(["b", "c"])],
    ],
    ids=lambda edges: type(edges).__name__,
)
def test_edges_are_any_pairs(edges):
    assert Graph(iter("abc"), edges).order() == ["a", "b", "c"]


def test_ids_compare_by_content():
    ids = ["", "a", "\0", "é", "ÿ", "€", "😀", "a\0", "x" * 16, "x" * 17, "x" * 1000, "\ud800"]
    ids += ["ab", "abc", "abcd", "abcde", "abcdefg", "abcdefgh", "\u6261", "\U00010061"]
    copies = ["".join([*node, ""]) if len(node) > 1 else str(node) for node in ids]
    graph = Graph(ids, list(pairwise(copies)))
    assert graph.order() == ids
    assert all(node in graph for node in copies)
    assert Graph(["red", "blue"], [(Colour.RED, "blue")]).order() == ["red", "blue"]
    assert Graph([Colour.RED], []).reachable("red") == {"red"}


def copy_of(node):
    return "".join([node[:1], node[1:]])


@pytest.mark.parametrize("pick", [lambda at: False, lambda at: at > 400, lambda at: at % 7 == 0])
def test_edges_may_hold_equal_ids_that_are_other_objects(pick):
    nodes = [f"node {at}" for at in range(1000)]
    edges = [
        tuple(map(copy_of, (nodes[at // 2], nodes[at])))
        if pick(at)
        else (nodes[at // 2], nodes[at])
        for at in range(1, 1000)
    ]
    assert Graph(nodes, edges).order() == nodes
    everyone = [tuple(map(copy_of, edge)) for edge in edges]
    assert Graph(nodes, everyone).order() == nodes
    assert Graph(nodes, [*everyone, *edges]).levels() == Graph(nodes, edges).levels()
    assert Graph(nodes, edges[:3]).reachable(nodes[0]) == set(nodes[:4])


def test_edges_may_hold_ids_that_live_only_while_they_are_iterated():
    nodes = [f"node {at}" for at in range(1000)]
    edges = ((f"node {at}" for at in pair) for pair in zip(range(999), range(1, 1000), strict=True))
    assert Graph(nodes, edges).order() == nodes


def test_answers_hold_the_very_ids_that_were_given():
    nodes = ["".join(["node", str(at)]) for at in range(3)]
    graph = Graph(nodes, [("node0", "node1"), ("node1", "node2")])
    assert all(a is b for a, b in zip(graph.order(), nodes, strict=True))
    assert graph.reachable("node" + "0") == set(nodes)


def test_ids_may_stand_anywhere_in_memory():
    # Strings of 64 KiB, whose addresses agree in all of their low bits.
    nodes = [f"node {at}".ljust((1 << 16) - 100) for at in range(300)]
    between = [bytes(at % 97 * 1024) for at in range(300)]
    nodes += [f"node {at}" for at in range(300, 600)]
    assert len(between) == 300
    edges = list(pairwise(nodes))
    assert Graph(nodes, edges).order() == nodes
    assert Graph(nodes[::-1], edges).order() == nodes


@pytest.mark.parametrize("size", [1, 8, 9, 100, 5_000, 70_000, 150_000])
def test_large_answers_are_ordinary_sets_and_dicts(size):
    nodes = [f"n{at}" for at in range(size)]
    graph = Graph(nodes, [(nodes[0], node) for node in nodes[1:]])
    reached, parents = graph.reachable(nodes[0]), graph.dominators(nodes[0])
    assert type(reached) is set
    assert reached == set(nodes)
    assert sys.getsizeof(reached) <= 2 * sys.getsizeof(set(nodes))
    assert type(parents) is dict
    assert list(parents) == nodes
    assert set(parents.values()) == {None, *nodes[: size > 1]}
    assert sys.getsizeof(parents) <= 2 * sys.getsizeof(dict.fromkeys(nodes)) + 200
    for at in range(2 * size):  # they grow and shrink like others
        reached.add(at)
        parents[at] = None
    assert len(reached) == len(parents) == 3 * size
    reached.difference_update(nodes)
    for node in nodes:
        del parents[node]
    assert reached == set(parents) == set(range(2 * size))
    assert {*reached} == reached.copy()
    assert {**parents} == parents.copy()


# -- arrays ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        list,
        tuple,
        iter,
        lambda values: np.array(values, np.int32),
        lambda values: np.array(values, np.int64),
        lambda values: np.array([values, values], np.int32).T[:, 0],
        lambda values: np.array(values[::-1], np.int64)[::-1],
        lambda values: array.array("i", values),
        lambda values: array.array("q", values),
        lambda values: memoryview(array.array("l", values)),
        lambda values: [np.int8(value) for value in values],
    ],
)
def test_arrays_are_any_integers(make):
    order = Graph.from_arrays(3, make([2, 1]), make([1, 0])).order()
    assert (order.dtype, order.tolist()) == (np.int32, [2, 1, 0])


def test_a_read_only_array_is_read():
    values = np.array([0, 1], np.int32)
    values.flags.writeable = False
    assert Graph.from_arrays(3, values, [1, 2]).edge_count == 2


def test_arrays_are_checked():
    with pytest.raises(GraphError, match="edge 1 has a source that is no node: 3 of 3 nodes"):
        Graph.from_arrays(3, [0, 3], [1, 2])
    with pytest.raises(GraphError, match="edge 0 has a target that is no node: -1 of 3 nodes"):
        Graph.from_arrays(3, [0, 1], np.array([-1, 2]))
    with pytest.raises(GraphError, match="edge 0 has a source that is no node: 4294967296"):
        Graph.from_arrays(3, np.array([1 << 32]), [0])
    with pytest.raises(GraphError, match=f"no node: {1 << 70}"):
        Graph.from_arrays(3, [1 << 70], [0])
    with pytest.raises(GraphError, match="2 sources and 1 targets"):
        Graph.from_arrays(3, [0, 1], [1])
    with pytest.raises(GraphError, match="-1 nodes"):
        Graph.from_arrays(-1, [], [])
    with pytest.raises(GraphError, match="2147483647 nodes"):
        Graph.from_arrays(2**31 - 1, [], [])
    with pytest.raises(TypeError, match="targets have items of format 'd'"):
        Graph.from_arrays(3, [0], np.array([1.0]))
    with pytest.raises(TypeError, match="sources have items of format 'B'"):
        Graph.from_arrays(3, b"\0", [1])
    with pytest.raises(TypeError, match="format '>i'"):
        Graph.from_arrays(3, np.array([0], ">i4"), [1])
    with pytest.raises(TypeError, match="sources have 2 dimensions"):
        Graph.from_arrays(3, np.zeros((2, 2), np.int32), [1])
    with pytest.raises(TypeError):
        Graph.from_arrays(3, ["a"], [1])
    with pytest.raises(TypeError):
        Graph.from_arrays(3, 5, 5)
    with pytest.raises(TypeError):
        Graph.from_arrays("3", [], [])


def test_a_buffer_is_released_after_reading():
    sources, targets = array.array("i", [0, 1]), array.array("i", [1, 7])
    with pytest.raises(GraphError):
        Graph.from_arrays(2, sources, targets)
    sources.append(0)  # BufferError while somebody holds the buffer
    targets.append(0)


def test_numpy_is_imported_only_for_answers_that_are_arrays():
    script = (
        "import sys\n"
        "from goflow._core.graph import Graph\n"
        "graph = Graph(['a', 'b'], [('a', 'b')])\n"
        "graph.order(), graph.levels(), graph.cycle(), graph.dominators('a')\n"
        "numbers = Graph.from_arrays(2, [0], [1])\n"
        "assert 'numpy' not in sys.modules\n"
        "numbers.order()\n"
        "assert 'numpy' in sys.modules\n"
    )
    # In a folder without the source tree, which would be found first.
    subprocess.run([sys.executable, "-c", script], check=True, cwd=tempfile.gettempdir())

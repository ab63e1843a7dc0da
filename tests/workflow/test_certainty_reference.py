"""What is certain, in sets that share their parts, is what the plain reference says."""

import random

import pytest
from reference.certainty import Certainty as Reference
from reference.graph import ReferenceGraph
from support.deep import rounds

from goflow.workflow.certainty import Certainty
from goflow.workflow.model import (
    ConditionNode,
    Edge,
    EndNode,
    LoopNode,
    ParallelNode,
    PassthroughNode,
    StartNode,
    TransformNode,
    Workflow,
)
from goflow.workflow.races import Paths
from goflow.workflow.structure import Structure


def random_workflow(pick):
    """Nodes of every kind, edges of every kind that lead to later nodes: near ones, or any."""
    count = pick.choice([4, 8, 16, 60, 120])
    near = pick.choice([2, 5, count])
    names = [f"v{i}" for i in range(pick.choice([2, 6, count]))]
    nodes, top = [], []

    def add(depth=0):
        common = {
            "id": f"n{len(nodes)}",
            "output": pick.choice([None, pick.choice(names)]),
            "run_if": "1 > 0" if pick.random() < 0.1 else None,
        }
        at = len(nodes)
        nodes.append(None)
        kind = pick.random()
        if depth == 0 and kind < 0.3:
            made = ConditionNode(**common, condition="1 > 0")
        elif depth < 3 and kind < 0.34:
            made = LoopNode(
                **common,
                collection=pick.choice(["${v0}", [], [1, 2]]),
                body=tuple(add(depth + 1) for _ in range(pick.randrange(1, 4))),
                break_condition=pick.choice([None, None, "1 > 0"]),
            )
        elif depth < 3 and kind < 0.4:
            made = ParallelNode(
                **common,
                branches=tuple(
                    tuple(add(depth + 1) for _ in range(pick.randrange(1, 3)))
                    for _ in range(pick.randrange(2, 4))
                ),
                merge=pick.choice(["wait_all", "wait_any", "wait_first"]),
            )
        else:
            made = pick.choice([PassthroughNode, TransformNode])(**common)
        nodes[at] = made
        return made.id

    while len(nodes) < count:
        top.append(add())
    by_id = {node.id: node for node in nodes}
    ids = ["s", *top, "e"]
    edges = []
    for i, source in enumerate(ids[:-1]):
        later = ids[i + 1 : i + 1 + near]
        targets = pick.choices(later, k=pick.randrange(1, 4))
        if isinstance(by_id.get(source), ConditionNode):
            pair = pick.choices(later, k=2)
            edges += [
                Edge(source=source, target=target, condition=branch)
                for target, branch in zip(pair, ("true", "false"), strict=True)
            ]
            targets = targets if pick.random() < 0.1 else []
        for target in targets:
            on = pick.choice(["success"] * 6 + ["error", "always"]) if i else "success"
            condition = "1 > 0" if pick.random() < 0.1 else None
            edges.append(Edge(source=source, target=target, condition=condition, on=on))
    if pick.random() < 0.3:  # a join of many
        edges += [Edge(source=source, target="e") for source in top]
    nodes = (StartNode(id="s"), *nodes, EndNode(id="e"))
    pick.shuffle(edges)
    return Workflow(name="w", nodes=nodes, edges=tuple(edges))


@pytest.mark.parametrize("part", range(4))
def test_what_is_certain_is_what_the_reference_says(part):
    for seed in range(part, rounds(4_000), 4):
        pick = random.Random(seed)
        structure = Structure(random_workflow(pick))
        certainty, reference = Certainty(structure), Reference(structure)
        ids = list(structure.nodes)
        names = {node.output for node in structure.nodes.values() if node.output}
        for one in ids:
            for name in [*names, "unheard"]:
                assert certainty.is_set(name, one) is reference.is_set(name, one), (seed, name, one)
        for one in pick.sample(ids, min(len(ids), 20)):
            for other in ids:
                asked = (seed, one, other)
                assert certainty.is_done(one, other) is reference.is_done(one, other), asked
                assert certainty.is_done(other, one) is reference.is_done(other, one), asked
                assert certainty.exclude(one, other) is reference.exclude(one, other), asked


@pytest.mark.parametrize("count", [3, 80])  # few and more begun branches than are remembered
def test_branches_that_begin_above_a_join_are_followed_as_the_reference_does(count):
    """Each ``a`` goes on to ``b`` or ``h``; both lead to ``c2``, which ``n`` waits for."""
    nodes = [StartNode(id="s"), *(PassthroughNode(id=name) for name in ("c0", "d0", "c2", "n"))]
    pairs = [("c0", "c2"), ("d0", "c2"), ("c2", "n"), ("s", "n"), ("n", "e")]
    edges = [Edge(source=one, target=other) for one, other in pairs]
    for i in range(count):
        nodes += [PassthroughNode(id=f"{letter}{i}", output=f"x{i}") for letter in "abh"]
        edges += [Edge(source="s", target=f"a{i}"), Edge(source=f"a{i}", target=f"b{i}")]
        edges += [Edge(source=f"a{i}", target=f"h{i}", on="error")]
        edges += [Edge(source=f"b{i}", target="c0"), Edge(source=f"h{i}", target="d0")]
    workflow = Workflow(name="w", nodes=(*nodes, EndNode(id="e")), edges=tuple(edges))
    structure = Structure(workflow)
    certainty, reference = Certainty(structure), Reference(structure)
    for one in structure.nodes:
        for other in ("c0", "d0", "c2", "a0", "b0", "h0"):
            asked = (one, other)
            assert certainty.is_done(other, one) is reference.is_done(other, one), asked
    assert certainty.is_done("c2", "n") is (count == 3)  # else something certain is not found


def test_nodes_are_beside_each_other_when_no_path_connects_them():
    for seed in range(rounds(400)):
        pick = random.Random(seed)
        structure = Structure(random_workflow(pick))
        ids = [node.id for node in structure.top]
        graph = ReferenceGraph(ids, [(edge.source, edge.target) for edge in structure.edges])
        some = set(pick.sample(ids, min(len(ids), 30)))
        among = set(pick.sample(ids, len(ids) // 2))
        paths = Paths(structure, some)
        numbers = paths.only(among)
        for one in pick.sample(ids, min(len(ids), 10)):
            connected = graph.reachable(one) | graph.reaching(one)
            expected = [other for other in graph.order() if other in some & among - connected]
            assert list(paths.beside(one, numbers)) == expected, (seed, one)

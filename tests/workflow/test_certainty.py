"""Whether a variable is surely set where it is read: ``GF303`` and its absence."""

import itertools
import json
import random

import pytest

import goflow
from goflow.workflow.certainty import Certainty
from goflow.workflow.structure import Structure


def warned(nodes, edges):
    """Whether reading ``x`` at node ``n`` gives GF303."""
    rows = ['version: "1.0"', "name: t", "nodes:", "  - {id: s, type: start}"]
    rows += [f"  - {{id: {node}}}" for node in nodes]
    rows += ["  - {id: n, type: transform, expression: x ?? 0}", "  - {id: e, type: end}", "edges:"]
    for edge in [*edges, "n e"]:
        source, target, *more = edge.split()
        rows.append(f"  - {{from: {source}, to: {target}{''.join(f', {m}' for m in more)}}}")
    text = "\n".join(row.replace(":", ": ").replace(":  ", ": ") for row in rows)
    report = goflow.validate(text)
    assert not report.errors, report.render()
    return any(f.code == "GF303" for f in report)


SET = ", type: transform, expression: '1', output: x"
PASS = ", type: passthrough"
COND = ", type: condition, condition: 1 > 0"

CASES = {
    "set just before": (False, ["a" + SET], ["s a", "a n"]),
    "set further up": (False, ["a" + SET, "b" + PASS], ["s a", "a b", "b n"]),
    "set on another path only": (True, ["a" + SET], ["s a", "s n", "a e"]),
    "set in one branch": (
        True,
        ["c" + COND, "a" + SET, "b" + PASS],
        ["s c", "c a condition:'true'", "c b condition:'false'", "a n", "b n"],
    ),
    "set in both branches": (
        False,
        ["c" + COND, "a" + SET, "b" + SET],
        ["s c", "c a condition:'true'", "c b condition:'false'", "a n", "b n"],
    ),
    "a join waits for all its inputs": (
        False,
        ["a" + SET, "b" + PASS],
        ["s a", "s b", "a n", "b n"],
    ),
    "a join after longer paths": (
        False,
        ["a" + SET, "a2" + PASS, "b" + PASS],
        ["s a", "a a2", "s b", "a2 n", "b n"],
    ),
    "a join with a conditional input": (
        True,
        ["a" + SET, "b" + PASS],
        ["s a condition:'1>0'", "s b", "a n", "b n"],
    ),
    "a node whose 'if' may be false": (
        True,
        ["a" + SET + ", if: 1 > 0"],
        ["s a", "a n"],
    ),
    "reached when the writer failed": (True, ["a" + SET], ["s a", "a n on:error", "a e"]),
    "reached always": (True, ["a" + SET], ["s a", "a n on:always"]),
    "reached when it succeeded, although errors have an edge": (
        False,
        ["a" + SET, "h" + PASS],
        ["s a", "a n", "a h on:error", "h e"],
    ),
    "a join behind a node that may fail beside it": (
        True,
        ["p" + PASS, "a" + SET],
        ["s p", "p a", "p n on:always", "a n"],
    ),
    "a join with an input that errors may leave": (
        True,
        ["a" + SET, "b" + PASS, "h" + PASS],
        ["s a", "a h on:error", "h e", "s b", "a n", "b n"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_variable_is_surely_set(case):
    expected, nodes, edges = CASES[case]
    assert warned(nodes, edges) is expected


def generated(pick):
    """A workflow of conditions, transforms that set variables, joins and error edges."""
    count = pick.randrange(3, 10)
    kinds = ["start", *(pick.choice(["set", "set", "if", "pass"]) for _ in range(count)), "end"]
    nodes = [{"id": "n0", "type": "start"}]
    edges = []
    for i, kind in enumerate(kinds[1:-1], 1):
        if kind == "if":
            nodes.append({"id": f"n{i}", "type": "condition", "condition": f"b{i}"})
        elif kind == "set":
            nodes.append(
                {"id": f"n{i}", "type": "transform", "expression": "1",
                 "output": f"v{pick.randrange(3)}"}
            )  # fmt: skip
        else:
            nodes.append({"id": f"n{i}", "type": "passthrough"})
    last = len(kinds) - 1
    nodes.append({"id": f"n{last}", "type": "end"})
    for i, kind in enumerate(kinds[:-1]):
        later = range(i + 1, last + 1)
        if kind == "if":
            for branch in ("true", "false"):
                edges.append((i, pick.choice(later), branch))
        else:
            targets = pick.sample(later, min(len(later), pick.randrange(1, 4)))
            edges += [(i, target, None) for target in targets]
    return kinds, nodes, edges


def simulated(kinds, edges, outcome):
    """Which nodes run when each condition has its outcome; edges only lead to later nodes."""
    taken = {0}
    ran = set()
    for i, kind in enumerate(kinds):
        if i in taken:
            ran.add(i)
            for source, target, branch in edges:
                if source == i and (kind != "if" or branch == outcome[i]):
                    taken.add(target)
    return ran


def ancestors(edges, node):
    found, stack = set(), [node]
    while stack:
        at = stack.pop()
        for source, target, _ in edges:
            if target == at and source not in found:
                found.add(source)
                stack.append(source)
    return found


def test_what_is_certain_is_so_in_every_run():
    """Ten thousand workflows, each with every outcome of its conditions."""
    certain = 0
    for seed in range(10_000):
        kinds, nodes, edges = generated(random.Random(seed))
        if len({(a, b) for a, b, _ in edges}) != len(edges):
            continue
        text = json.dumps({
            "version": "1.0", "name": "t", "nodes": nodes,
            "variables": [{"name": f"b{i}", "type": "boolean", "default": True}
                          for i, kind in enumerate(kinds) if kind == "if"],
            "edges": [{"from": f"n{a}", "to": f"n{b}", **({"condition": c} if c else {})}
                      for a, b, c in edges],
        })  # fmt: skip
        certainty = Certainty(Structure(goflow.load(text)))
        conditions = [i for i, kind in enumerate(kinds) if kind == "if"]
        above = {i: ancestors(edges, i) for i in range(len(kinds))}
        for values in itertools.product(("true", "false"), repeat=len(conditions)):
            ran = simulated(kinds, edges, dict(zip(conditions, values, strict=True)))
            for i in ran:
                for name in ("v0", "v1", "v2"):
                    if certainty._set.get(name) and certainty.is_set(name, f"n{i}"):
                        certain += 1
                        writers = {j for j in ran & above[i] if nodes[j].get("output") == name}
                        assert writers, (seed, values, i, name)
                for j in range(len(kinds)):
                    if j != i and certainty.is_done(f"n{j}", f"n{i}"):
                        assert j in ran & above[i], (seed, values, i, j)
                    if j in ran and certainty.exclude(f"n{i}", f"n{j}"):
                        raise AssertionError((seed, values, i, j))
    assert certain > 10_000

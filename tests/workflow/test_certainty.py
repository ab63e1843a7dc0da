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


@pytest.mark.parametrize("words", [("yes", "no"), ("true", "yes"), ("true", "true")])
def test_branches_that_are_none_are_told_where_they_meet(words):
    branches = [f"  - {{from: c, to: {to}, condition: '{word}'}}"
                for to, word in zip("ab", words, strict=True)]  # fmt: skip
    text = """\
version: "1.0"
name: t
nodes:
  - {id: s, type: start}
  - {id: c, type: condition, condition: 1 > 0}
  - {id: a, type: passthrough}
  - {id: b, type: passthrough}
  - {id: n, type: end}
edges:
  - {from: s, to: n}
  - {from: s, to: c}
  - {from: a, to: n}
  - {from: b, to: n}
"""
    report = goflow.validate(text + "\n".join(branches))
    assert {finding.code for finding in report} == {"GF209"}


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
    "a join of both branches and of a third path": (
        False,
        ["c" + COND, "a" + SET, "b" + SET, "w" + PASS],
        ["s c", "s w", "c a condition:'true'", "c b condition:'false'", "a n", "b n", "w n"],
    ),
    "a join of one branch and of a third path": (
        True,
        ["c" + COND, "a" + SET, "b" + PASS, "w" + PASS],
        ["s c", "s w", "c a condition:'true'", "c b condition:'false'", "a n", "b n", "w n"],
    ),
    "a join that waits for what a dead input waits for": (
        False,
        ["a" + SET, "c" + COND, "b" + PASS],
        ["s a", "s n", "a c", "c b condition:'true'", "c e condition:'false'", "b n"],
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
    "a join that a condition's branches and a third path lead to": (
        False,
        ["a" + SET, "c" + COND, "t" + PASS, "f" + PASS],
        ["s n", "s a", "a c", "c t condition:'true'", "c f condition:'false'", "t n", "f n"],
    ),
    "a join with a branch that leads there at once": (
        False,
        ["a" + SET, "c" + COND, "t" + PASS],
        ["s n", "s a", "a c", "c t condition:'true'", "c n condition:'false'", "t n"],
    ),
    "set in both branches, beside a third path": (
        False,
        ["c" + COND, "t" + SET, "f" + SET],
        ["s n", "s c", "c t condition:'true'", "c f condition:'false'", "t n", "f n"],
    ),
    "set in one branch, beside a third path": (
        True,
        ["c" + COND, "t" + SET, "f" + PASS],
        ["s n", "s c", "c t condition:'true'", "c f condition:'false'", "t n", "f n"],
    ),
    "a join with a branch that is skipped once its condition is decided": (
        False,
        ["a" + SET, "c" + COND, "t" + PASS],
        ["s n", "s a", "a c", "c t condition:'true'", "c e condition:'false'", "t n"],
    ),
    "set whether a node fails or not, beside a third path": (
        False,
        ["p" + PASS, "a" + SET, "h" + SET],
        ["s n", "s p", "p a", "p h on:error", "a n", "h n"],
    ),
    "set only when a node fails, beside a third path": (
        True,
        ["p" + PASS, "a" + PASS, "h" + SET],
        ["s n", "s p", "p a", "p h on:error", "a n", "h n"],
    ),
    "set whether a node fails or not, where one way splits": (
        False,
        ["p" + PASS, "a" + PASS, "b" + SET, "h" + SET],
        ["s n", "s p", "p a", "p b", "p h on:error", "a n", "b n", "h n"],
    ),
    "set by a node that runs whether another fails or not, beside a third path": (
        False,
        ["p" + PASS, "a" + SET],
        ["s n", "s p", "p a on:always", "a n"],
    ),
    "a join with a node that completed and with what follows it": (
        False,
        ["p" + PASS, "a" + SET, "h" + PASS],
        ["s p", "p a", "p n", "p h on:error", "h e", "a n"],
    ),
    "a third path beside branches of a condition that may fail": (
        True,
        ["c" + COND, "t" + SET, "f" + SET, "h" + PASS],
        [
            "s n",
            "s c",
            "c t condition:'true'",
            "c f condition:'false'",
            "c h on:error",
            "t n",
            "f n",
            "h e",
        ],
    ),
    "a third path beside branches of a condition that need not run": (
        True,
        ["a" + SET, "c" + COND, "t" + PASS, "f" + PASS],
        [
            "s n",
            "s a condition:'1>0'",
            "a c",
            "c t condition:'true'",
            "c f condition:'false'",
            "t n",
            "f n",
        ],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_variable_is_surely_set(case):
    expected, nodes, edges = CASES[case]
    assert warned(nodes, edges) is expected


def generated(pick):
    """A workflow of conditions, transforms that set variables, joins, error and always edges."""
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
            ways = [None] * 12 + ["error", "always"] if i else [None]
            edges += [(i, target, pick.choice(ways)) for target in targets]
    return kinds, nodes, edges


def written(way):
    if way in ("true", "false"):
        return {"condition": way}
    return {"on": way} if way else {}


def simulated(kinds, edges, outcome):
    """Which nodes run when conditions and nodes that may fail have their outcomes."""
    taken = {0}
    ran = set()
    for i in range(len(kinds)):  # edges only lead to later nodes
        if i in taken:
            ran.add(i)
            went = outcome.get(i)
            for source, target, way in edges:
                if source == i and (way in ("always", went) or (way is None and went != "error")):
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


def runs(kinds, edges):
    """The nodes that run and those that complete, for every outcome of a workflow."""
    outcomes = {i: ("true", "false") for i, kind in enumerate(kinds) if kind == "if"}
    outcomes |= {source: (None, "error") for source, _, way in edges if way in ("error", "always")}
    for values in itertools.product(*outcomes.values()):
        outcome = dict(zip(outcomes, values, strict=True))
        ran = simulated(kinds, edges, outcome)
        yield ran, {i for i in ran if outcome.get(i) != "error"}


def test_what_is_certain_is_so_in_every_run_and_what_is_so_is_certain():
    """Thousands of workflows, each with every outcome of its conditions and failures."""
    certain = missed = beside_failures = 0
    for seed in range(8_000):
        kinds, nodes, edges = generated(random.Random(seed))
        if len({(a, b) for a, b, _ in edges}) != len(edges):
            continue
        text = json.dumps({
            "version": "1.0", "name": "t", "nodes": nodes,
            "variables": [{"name": f"b{i}", "type": "boolean", "default": True}
                          for i, kind in enumerate(kinds) if kind == "if"],
            "edges": [{"from": f"n{a}", "to": f"n{b}", **written(way)} for a, b, way in edges],
        })  # fmt: skip
        certainty = Certainty(Structure(goflow.load(text)))
        above = {i: ancestors(edges, i) for i in range(len(kinds))}
        always = {}
        for ran, completed in runs(kinds, edges):
            for i in ran:
                for name in certainty._set:
                    writers = {j for j in above[i] & completed if nodes[j].get("output") == name}
                    always[i, name] = always.get((i, name), True) and bool(writers)
                for j in range(len(kinds)):
                    if j != i and certainty.is_done(f"n{j}", f"n{i}"):
                        assert j in above[i] & completed, (seed, ran, i, j)
                    if j in ran and certainty.exclude(f"n{i}", f"n{j}"):
                        raise AssertionError((seed, ran, i, j))
        for (i, name), is_so in always.items():
            if certainty.is_set(name, f"n{i}"):
                assert is_so, (seed, i, name)
                certain += 1
            elif is_so and any(way in ("error", "always") for _, _, way in edges):
                beside_failures += 1
            else:
                missed += is_so
    assert certain > 8_000
    assert missed <= 2, "warnings that are false"
    assert beside_failures <= certain / 400, "the same, where nodes may fail"

"""Whether a variable is surely set where it is read: ``GF303`` and its absence."""

import pytest

import goflow


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

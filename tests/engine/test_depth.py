"""Values that grow deeper with each iteration of a loop."""

import json

import pytest
from support.workflows import transform, workflow

import goflow
from goflow.expressions.values import MAX_NESTING


def growing(expression, on_error="fail", **options):
    """A loop whose body puts ``x`` into itself, ``n`` times."""
    return workflow(
        [
            {"id": "each", "type": "loop", "collection": "range(n)", "item": "i",
             "body": ["grow"], **options},
            transform("grow", expression, output="x", on_error=on_error),
        ],
        ["start each", "each end"],
        variables=[{"name": "x", "default": 1}, {"name": "n", "type": "number", "default": 5000}],
        result="${x}",
    )  # fmt: skip


GROWING = {"a list": "[x]", "a map": "{'a': x}", "both": "[{'a': x}]"}


def error_of(text, inputs=None, node=None):
    """How a run fails, or a node of it."""
    result = goflow.run(text, inputs).to_dict()
    assert result["status"] == "failed"
    json.dumps(result)
    return result["error"] if node is None else of(result, node)["error"]


def of(result, node):
    return next(record for record in result["nodes"] if record["id"] == node)


@pytest.mark.parametrize("kind", GROWING)
def test_a_value_that_grows_too_deep_fails_its_node(kind):
    error = error_of(growing(GROWING[kind]), node="grow")
    assert error["code"] == "validation_error"
    assert error["message"] == f"its value nests deeper than {MAX_NESTING} levels"
    assert error["node"] == "grow"
    assert "append" in error["hint"]


def test_the_deepest_value_goes_through_and_one_level_more_does_not():
    deepest = goflow.run(growing("[x]"), {"n": MAX_NESTING})
    assert json.dumps(deepest.result) == "[" * MAX_NESTING + "1" + "]" * MAX_NESTING
    assert "nests deeper" in error_of(growing("[x]"), {"n": MAX_NESTING + 1})["message"]


def test_the_list_of_what_iterations_wrote_may_be_too_deep():
    text = growing("[x]", output="all").replace("${x}", "${all.iterations}")
    assert error_of(text, {"n": MAX_NESTING}, "each")["code"] == "validation_error"


@pytest.mark.parametrize("kind", ["transform", "end"])
def test_a_value_too_deep_fails_any_node_that_computes_it(kind):
    text = workflow(
        [] if kind == "end" else [transform("more", "[[x]]")],
        ["start end"] if kind == "end" else ["start more", "more end"],
        variables=[{"name": "x"}],
        result="${[[x]]}" if kind == "end" else None,
    )
    deep = json.loads("[" * MAX_NESTING + "]" * MAX_NESTING)
    assert "nests deeper" in error_of(text, {"x": deep})["message"]


def test_a_value_too_deep_is_an_error_that_can_be_handled():
    result = goflow.run(growing("[x]", on_error={"value": 0}))
    assert result.status == "completed"

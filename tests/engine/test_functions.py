"""Function nodes: callables of the host program, by the name it registered."""

import asyncio
import threading
from functools import partial

import pytest
from support.workflows import function, row, workflow

import goflow
from goflow.errors import BadCall


def call(name, go, functions, **arguments):
    text = workflow([function("f", name, output="x", **arguments)], row("f"), result="${x}")
    return go(text, functions=functions)


def test_a_function_is_called_with_its_arguments(go):
    assert call("add", go, {"add": lambda a, b: a + b}, a=1, b="${1 + 1}").result == 3


def test_a_plain_function_runs_in_a_thread(go):
    threads = []
    call("note", go, {"note": lambda: threads.append(threading.current_thread())})
    assert threads != [threading.main_thread()]


def test_a_coroutine_is_awaited(go):
    async def later(x):
        await asyncio.sleep(0)
        return x + 1

    assert call("later", go, {"later": later}, x=1).result == 2


def test_what_a_plain_function_returns_is_awaited_too(go):
    async def later(x):
        return x + 1

    assert call("later", go, {"later": partial(later)}, x=1).result == 2


def test_an_exception_fails_the_node(go):
    def broken():
        raise ValueError("no such order")

    result = call("broken", go, {"broken": broken})
    assert result.status == "failed"
    assert result.error["code"] == "tool_error"
    assert result.error["message"] == "the function 'broken' raised ValueError: no such order"


def test_wrong_arguments_fail_the_node(go):
    result = call("f", go, {"f": lambda a: a}, b=1)
    assert "unexpected keyword argument 'b'" in result.error["message"]


@pytest.mark.parametrize(
    "value",
    [object(), {1: 2}, float("nan"), (1, 2), b"x", {"a": {1}}, ["\ud800"], {"\udfff": 1}],
)
def test_a_result_that_is_no_json_fails_the_node(go, value):
    result = call("f", go, {"f": lambda: value})
    assert result.status == "failed"
    assert result.error["code"] == "validation_error"


def test_a_function_that_is_not_registered_is_told_before_anything_runs(go):
    with pytest.raises(BadCall, match="no function 'ad' is registered") as caught:
        call("ad", go, {"add": lambda: 1})
    assert caught.value.hint == "did you mean 'add'?"


def test_a_function_can_be_retried_by_rule(go):
    calls = []

    def flaky():
        calls.append(1)
        if len(calls) < 3:
            raise OSError("not yet")
        return len(calls)

    node = function("f", "flaky", output="x")
    node["retry"] = {"max_attempts": 3, "initial_delay": 0, "on": ["not yet"]}
    assert go(workflow([node], row("f"), result="${x}"), functions={"flaky": flaky}).result == 3


def test_a_function_that_takes_too_long(go):
    over = threading.Event()
    node = function("f", "slow")
    node["timeout"] = 0.05
    result = go(workflow([node], row("f")), functions={"slow": lambda: over.set() or None})
    assert result.completed

    async def forever():
        await asyncio.Event().wait()

    result = go(workflow([node], row("f")), functions={"slow": forever})
    assert result.error["code"] == "timeout"
    assert result.node("f").status == "outcome_unknown"


def test_a_timeout_error_of_the_function_is_its_own(go):
    def broken():
        raise TimeoutError("mine")

    assert call("broken", go, {"broken": broken}).error["code"] == "tool_error"


def test_what_a_function_does_to_its_arguments_stays_with_it(go):
    kept = []

    def greedy(items):
        items.append("more")
        kept.append(items)
        return items

    text = workflow(
        [function("f", "greedy", items="${items}", output="x"),
         function("g", "greedy", items=[1], output="y")],
        row("f", "g"),
        variables=[{"name": "items", "default": ["a"]}],
        result="${[items, x, y]}",
    )  # fmt: skip
    loaded = goflow.load(text)
    for _ in range(2):
        result = go(loaded, functions={"greedy": greedy})
        for items in kept:
            items.clear()
        assert result.result == [["a"], ["a", "more"], [1, "more"]]


def test_what_a_caller_does_to_a_result_stays_with_it(go):
    text = workflow([], ["start end"], variables=[{"name": "x", "default": [1]}], result="${x}")
    loaded = goflow.load(text)
    first = go(loaded)
    first.result.append(2)
    first.variables["x"].append(3)
    assert go(loaded).result == [1]

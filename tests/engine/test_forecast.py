"""What is foreseen of a run is what the run then does, wherever it is said to be certain."""

import asyncio
import json
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from support.engines import bare_engine
from support.random_runs import documents
from support.workflows import condition, loop, row, tool, transform, workflow

import goflow
from goflow.engine.forecast import forecast
from goflow.engine.inputs import bind
from goflow.engine.prepare import prepare
from goflow.errors import WorkflowInvalid


def foreseen(text, inputs=None):
    plan = prepare(goflow.load(text))
    found = forecast(plan, bind(plan.workflow, inputs or {}))
    return {one.id: one for one in found.nodes}, found


@given(documents())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_certain_happens(run):
    document, outcomes = run
    tried = Counter()

    def work(node, x):
        tried[node] += 1
        if not outcomes[node][tried[node] - 1]:
            raise ValueError("as drawn")
        return x + 1

    text = json.dumps(document)
    try:
        expected, _ = foreseen(text)
    except WorkflowInvalid:
        return

    async def main():
        async with bare_engine(functions={"work": work}) as engine:
            return await engine.run(goflow.load(text))

    result = asyncio.run(main())
    for record in result.nodes:
        outlook = expected[record.id]
        if record.status == "cancelled" or not outlook.certain:
            continue  # the run was over before it
        assert (outlook.verdict == "skip") == (record.status == "skipped"), record.id


def test_a_node_is_not_certainly_skipped_whose_edge_may_fail():
    text = workflow(
        [transform("a", "1", **{"if": "p"}), transform("b", "2")],
        ["start a", "a b n < 5", "b end"],
        variables=[{"name": "n", "default": None}, {"name": "p", "default": False}],
    )  # fmt: skip
    nodes, _ = foreseen(text)
    assert (nodes["a"].verdict, nodes["a"].certain) == ("skip", False)


def test_conditions_on_inputs_are_decided_and_their_dead_branch_is_skipped():
    text = workflow(
        [condition("big", "n > 10"), transform("yes", "1", output="x"),
         transform("no", "2", output="x")],
        ["start big", "big yes true", "big no false", "yes end", "no end"],
        variables=[{"name": "n", "default": 12}],
    )  # fmt: skip
    nodes, found = foreseen(text)
    assert (nodes["yes"].verdict, nodes["no"].verdict) == ("compute", "skip")
    assert nodes["no"].certain
    nodes, _ = foreseen(text, {"n": 1})
    assert (nodes["yes"].verdict, nodes["no"].verdict) == ("skip", "compute")
    assert found.levels == [["start"], ["big"], ["yes", "no"], ["end"]]


@pytest.mark.parametrize("read", ["nodes.w.status == 'completed'", "x == 1"])
def test_an_edge_that_reads_what_may_come_before_or_after_it_is_not_decided(read):
    text = workflow(
        [tool("ask", "say", text="x"), transform("after", "1"), transform("w", "1", output="x")],
        ["start ask", f"ask after when:{read}", "after end", "start w", "w end"],
        variables=[{"name": "x", "default": 0}],
    )
    nodes, _ = foreseen(text)
    assert not nodes["after"].certain


def test_what_depends_on_a_call_is_not_certain_but_what_follows_it_is():
    text = workflow(
        [tool("ask", "say", text="x", output="said"), condition("ok", "said == 'x'"),
         transform("yes", "1"), transform("no", "2"), transform("after", "3")],
        ["start ask", "ask ok", "ok yes true", "ok no false", "yes end", "no end", "ask after",
         "after end"],
    )  # fmt: skip
    nodes, found = foreseen(text)
    assert [nodes[name].certain for name in ("ask", "ok", "after", "end")] == [True] * 4
    assert [nodes[name].certain for name in ("yes", "no")] == [False, False]
    assert found.servers == ["lab"]


def test_loops_over_what_is_known_tell_their_items_and_members_their_owner():
    body = [loop("each", "range(n)", ["call"], item="i"), tool("call", "say", text="${i}")]
    text = workflow(body, row("each"), variables=[{"name": "n", "default": 3}])
    nodes, _ = foreseen(text)
    assert (nodes["each"].items, nodes["call"].owner) == (3, "each")
    nodes, found = foreseen(text, {"n": 0})
    assert (nodes["call"].verdict, found.servers) == ("skip", [])


@pytest.mark.parametrize("text", ["now()", "uuid()", "run.id", "run.started_at"])
def test_what_is_another_each_time_is_not_known(text):
    nodes, _ = foreseen(
        workflow(
            [condition("c", f"{text} == 'x'"), transform("a", "1"), transform("b", "2")],
            ["start c", "c a true", "c b false", "a end", "b end"],
        )
    )
    assert not nodes["a"].certain


def test_what_would_fail_says_so():
    nodes, _ = foreseen(workflow([transform("t", "1 / n")], row("t"),
                                 variables=[{"name": "n", "default": 0}]))  # fmt: skip
    assert "it would fail: " in nodes["t"].reason

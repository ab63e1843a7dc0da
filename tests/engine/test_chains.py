"""Loops and parallel nodes: chains of members in scopes of their own."""

import asyncio

import pytest
from support.workflows import (
    Started,
    condition,
    function,
    loop,
    parallel,
    row,
    tool,
    transform,
    workflow,
)

import goflow
from goflow.engine import events

ADD = transform("add", "total + item", output="total")
ZERO = [{"name": "total", "type": "number", "default": 0}]


def statuses(result):
    return {record.id: record.status for record in result.nodes}


# -- loops -------------------------------------------------------------------------------------


def test_each_iteration_sees_what_the_one_before_wrote(go):
    text = workflow(
        [loop("each", "[1, 2, 3]", ["add"]), ADD], row("each"), variables=ZERO, result="${total}"
    )
    assert go(text).result == 6


def test_the_value_of_a_loop(go):
    text = workflow(
        [
            loop("each", [5, 6], ["double", "next"], output="all"),
            transform("double", "item * 2", output="d"),
            transform("next", "d + item_index", output="n"),
        ],
        row("each"),
        result="${all}",
    )
    assert go(text).result == {
        "iterations": [{"d": 10, "n": 10}, {"d": 12, "n": 13}],
        "iteration_count": 2,
        "broken": False,
        "break_index": None,
    }


def test_the_breaking_iteration_counts_and_adds_nothing(go):
    text = workflow(
        [loop("each", "range(9)", ["add"], break_condition="total > 2", output="all"), ADD],
        row("each"),
        variables=ZERO,
        result="${all}",
    )
    assert go(text).result == {
        "iterations": [{"total": 0}, {"total": 1}, {"total": 3}, {}],
        "iteration_count": 4,
        "broken": True,
        "break_index": 3,
    }


def test_a_collection_is_a_name_an_expression_or_a_list(go):
    for collection in ("items", "${items}", "reverse(reverse(items))", [1, "${items[1]}"]):
        text = workflow(
            [loop("each", collection, ["add"]), ADD],
            row("each"),
            variables=[*ZERO, {"name": "items", "default": [1, 2]}],
            result="${total}",
        )
        assert go(text).result == 3


@pytest.mark.parametrize("collection", ["'abc'", "{}", "5", "null"])
def test_a_collection_that_is_no_list_fails_the_loop(go, collection):
    text = workflow([loop("each", collection, ["add"]), ADD], row("each"), variables=ZERO)
    result = go(text)
    assert result.status == "failed"
    assert result.error["code"] == "transform_error"
    assert "not an array" in result.error["message"]


def test_no_items_no_iterations(go):
    text = workflow(
        [loop("each", [], ["add"], output="all"), ADD], row("each"), variables=ZERO, result="${all}"
    )
    result = go(text)
    assert result.result["iteration_count"] == 0
    assert statuses(result)["add"] == "skipped"


def test_the_item_hides_a_variable_and_gives_it_back(go):
    text = workflow(
        [
            loop("each", [1, 2], ["see"], item="total"),
            transform("see", "[total, total_index]", output="seen"),
        ],
        row("each"),
        variables=[{"name": "total", "default": "outer"}, {"name": "total_index", "default": "i"}],
        result="${[total, total_index, seen]}",
    )
    assert go(text).result == ["outer", "i", [2, 1]]


def test_loops_nest(go):
    text = workflow(
        [
            loop("rows", [[1, 2], [3]], ["cells"], item="line", output="table"),
            loop("cells", "line", ["cell"], item="x", output="cells_"),
            transform("cell", "x * 10 + line_index", output="c"),
        ],
        row("rows"),
        result="${table.iterations | map(.cells_.iterations | map('c'))}",
    )
    assert go(text).result == [[10, 20], [31]]


def test_only_what_changed_is_written_back(go):
    """A node that runs beside the loop writes another variable; the loop does not undo it."""
    text = workflow(
        [
            loop("each", [1, 2], ["call", "add"]),
            tool("call", "meet", count=2),
            ADD,
            tool("beside", "meet", count=2, output="other"),
            tool("beside2", "meet", count=2),
        ],
        ["start each", "start beside", "beside beside2", "each end", "beside2 end"],
        variables=[*ZERO, {"name": "other", "default": "before"}],
        result="${[total, other]}",
    )
    assert go(text).result == [3, "met"]


def test_parallel_iterations_run_at_once_and_are_isolated(go):
    text = workflow(
        [
            loop("each", [1, 2, 3], ["call", "add"], parallel=True, output="all"),
            tool("call", "meet", count=3),
            ADD,
        ],
        row("each"),
        variables=ZERO,
        result="${[total, all.iterations | map('total')]}",
    )
    # Each began with 0; written back in the order of the items, the last one stands.
    assert go(text).result == [3, [1, 2, 3]]


def test_parallel_iterations_are_written_back_in_the_order_of_their_items():
    async def slow(item):
        await started[item + 1].wait() if item < 3 else None
        started[item].set()
        return item

    started = [asyncio.Event() for _ in range(5)]

    async def main():
        text = workflow(
            [
                loop("each", [1, 2, 3], ["call"], parallel=True),
                function("call", "slow", item="${item}", output="last"),
            ],
            row("each"),
            result="${last}",
        )
        async with goflow.Engine(functions={"slow": slow}) as engine:
            return await engine.run(goflow.load(text))

    assert asyncio.run(main()).result == 3


def test_max_parallel_of_a_loop_bounds_its_iterations(go):
    text = workflow(
        [
            loop("each", "range(6)", ["call"], parallel=True, max_parallel=1, output="all"),
            tool("call", "crowd", output="n"),
        ],
        row("each"),
        result="${all.iterations | map('n') | unique}",
    )
    assert go(text).result == ["1"]


def test_the_runs_max_parallel_bounds_members_too(go):
    text = workflow(
        [
            loop("each", "range(4)", ["call"], parallel=True, output="all"),
            tool("call", "crowd", output="n"),
            tool("beside", "crowd", output="b"),
        ],
        ["start each", "start beside", "each end", "beside end"],
        max_parallel=1,
        result="${[b, all.iterations | map('n') | unique]}",
    )
    assert go(text).result == ["1", ["1"]]


def test_a_loop_that_nobody_reads_keeps_no_iterations(go):
    nodes = [loop("each", "range(3)", ["add"], output="all"), ADD]
    text = workflow(nodes, row("each"), variables=ZERO, result="${all.iteration_count}")
    result = go(text)
    assert result.result == 3
    assert "iterations" not in result.variables["all"]


def test_a_failing_member_fails_the_loop_and_nothing_is_written_back(go):
    text = workflow(
        [
            loop("each", [1, 2, 0, 4], ["add", "divide"], on_error="continue"),
            ADD,
            transform("divide", "1 / item"),
        ],
        row("each"),
        variables=ZERO,
        result="${[total, nodes.each.status, nodes.each.error.node]}",
    )
    result = go(text)
    assert result.result == [0, "failed", "divide"]
    assert "division by zero" in result.node("each").error["message"]


def test_a_member_handles_its_own_failure(go):
    text = workflow(
        [
            loop("each", [1, 0], ["divide"], output="all"),
            transform("divide", "1 / item", output="q", on_error={"value": "none"}),
        ],
        row("each"),
        result="${all.iterations | map('q')}",
    )
    assert go(text).result == [1, "none"]


def test_a_member_whose_if_is_false_leaves_its_variable(go):
    text = workflow(
        [
            loop("each", [1, 5, 2], ["keep"], output="all"),
            transform("keep", "item", output="large", **{"if": "item > 3"}),
        ],
        row("each"),
        result="${[large, all.iterations]}",
    )
    assert go(text).result == [5, [{}, {"large": 5}, {}]]


def test_a_condition_among_members_records_its_value(go):
    text = workflow(
        [loop("each", [1, 5], ["is_large"], output="all"), condition("is_large", "item > 3")],
        row("each"),
        result="${nodes.is_large.output}",
    )
    assert go(text).result is True


def test_a_member_reads_the_record_of_the_member_before_it(go):
    text = workflow(
        [
            loop("each", [1, 2, 3], ["a", "b"], parallel=True, output="all"),
            transform("a", "item * 2"),
            transform("b", "nodes.a.output + 1", output="x"),
        ],
        row("each"),
        result="${[all.iterations | map('x'), nodes.a.output]}",
    )
    assert go(text).result == [[3, 5, 7], 6]


def test_a_member_is_retried_by_its_own_rule(go):
    text = workflow(
        [
            loop("each", ["a", "b"], ["call"], output="all"),
            tool(
                "call",
                "flaky",
                key="${item}",
                failures=1,
                output="n",
                retry={"max_attempts": 2, "initial_delay": 0, "on": ["tool_error"]},
            ),
        ],
        row("each"),
        result="${all.iterations | map('n')}",
    )
    result = go(text)
    assert result.result == ["call 2", "call 2"]
    assert result.node("call").attempts == 2


def test_a_loop_is_retried_as_a_whole_when_it_says_so(go):
    text = workflow(
        [
            loop(
                "each",
                [1, 2],
                ["add", "call"],
                retry={"max_attempts": 2, "initial_delay": 0, "on": ["tool_error"]},
            ),
            ADD,
            tool("call", "flaky", key="k", failures=1),
        ],
        row("each"),
        variables=ZERO,
        result="${[total, nodes.each.attempts]}",
    )
    assert go(text).result == [3, 2]


def test_a_loops_timeout_ends_its_members(go):
    text = workflow([loop("each", [1], ["call"], timeout=0.05), tool("call", "hang")], row("each"))
    result = go(text)
    assert result.status == "failed"
    assert result.error["code"] == "timeout"
    assert statuses(result)["each"] == "outcome_unknown"


def test_a_loop_that_only_computes_lets_others_go_on():
    """A timeout of the run is heard while a loop computes."""
    text = workflow(
        [
            loop("outer", "range(1000)", ["inner"]),
            loop("inner", "range(100000)", ["x"]),
            transform("x", "1"),
        ],
        row("outer"),
        timeout=0.05,
    )
    assert goflow.run(text).status == "timed_out"


def test_a_tools_text_reaches_a_tool_in_a_loop_unchanged(go):
    text = workflow(
        [
            tool("read", "answer", result={"content": [{"type": "text", "text": '{ "a":1 }'}]},
                 output="doc"),
            loop("each", [1], ["write"], output="all"),
            tool("write", "keep", content="${doc}", output="kept"),
        ],
        row("read", "each"),
        result="${all.iterations[0].kept}",
    )  # fmt: skip
    assert go(text).result == ["str", '{ "a":1 }']


def test_events_of_members_say_which_iteration():
    seen = []
    text = workflow([loop("each", [7, 8], ["add"]), ADD], row("each"), variables=ZERO)
    goflow.run(text, listener=seen.append)
    finished = [(e.node, e.path) for e in seen if isinstance(e, events.NodeFinished)]
    assert finished == [("start", ()), ("add", (0,)), ("add", (1,)), ("each", ()), ("end", ())]
    assert seen[0].nodes == 3


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_parallel_iterations_are_isolated_however_few_run_at_once(go, limit):
    each = loop("each", [1, 2, 3], ["add"], parallel=True, max_parallel=limit, output="all")
    text = workflow(
        [each, ADD], row("each"), variables=ZERO, result="${[total, all.iterations | map('total')]}"
    )
    assert go(text).result == [3, [1, 2, 3]]


@pytest.mark.parametrize("options", [{}, {"parallel": True}])
def test_members_of_a_failed_loop_keep_what_became_of_them(go, options):
    text = workflow(
        [
            loop("each", [1, 0], ["ok", "div"], on_error="continue", **options),
            transform("ok", "item"),
            transform("div", "1 / item"),
        ],
        row("each"),
    )
    result = go(text)
    assert (result.node("ok").status, result.node("div").status) == ("completed", "failed")


def test_members_of_a_failed_branch_keep_what_became_of_them(go):
    text = workflow(
        [
            parallel("both", [["ok", "div"], ["b"]], on_error="continue"),
            transform("ok", "1"),
            transform("div", "1 / 0"),
            tool("b", "hang"),
        ],
        row("both"),
    )
    found = statuses(go(text))
    assert (found["ok"], found["div"], found["b"]) == ("completed", "failed", "cancelled")


# -- parallel ----------------------------------------------------------------------------------


def test_branches_run_at_once_and_all_are_waited_for(go):
    text = workflow(
        [
            parallel("both", [["a", "a2"], ["b"]], output="all"),
            tool("a", "meet", count=2, output="x"),
            transform("a2", "x + '!'", output="x"),
            tool("b", "meet", count=2, output="y"),
        ],
        row("both"),
        result="${[all, x, y]}",
    )
    assert go(text).result == [
        {"branches": [{"x": "met!"}, {"y": "met"}], "branch_count": 2},
        "met!",
        "met",
    ]


def test_branches_are_written_back_in_their_order(go):
    text = workflow(
        [
            parallel("both", [["a"], ["b"]]),
            tool("a", "say", text="A", output="x"),
            transform("b", "'B'", output="x"),
        ],
        row("both"),
        result="${x}",
    )
    assert go(text).result == "B"


def test_branches_do_not_see_each_other(go):
    text = workflow(
        [
            parallel("both", [["a"], ["b", "b2"]]),
            transform("a", "'new'", output="x"),
            tool("b", "say", text="later"),
            transform("b2", "x", output="seen"),
        ],
        row("both"),
        variables=[{"name": "x", "default": "old"}],
        result="${[x, seen]}",
    )
    assert go(text).result == ["new", "old"]


def test_the_first_failure_cancels_the_other_branches(go):
    text = workflow(
        [
            parallel("both", [["a"], ["b"]], on_error="continue"),
            tool("a", "hang"),
            tool("b", "flaky", key="k", failures=9),
        ],
        row("both"),
        result="${[nodes.both.status, nodes.both.error.message]}",
    )
    result = go(text)
    assert result.result[0] == "failed"
    assert "call 1" in result.result[1]


def test_wait_any_takes_the_first_success(go):
    text = workflow(
        [
            parallel("any", [["a"], ["b"], ["c"]], merge="wait_any", output="all"),
            tool("a", "hang", output="x"),
            tool("b", "flaky", key="k", failures=9, output="x"),
            tool("c", "say", text="C", output="x"),
        ],
        row("any"),
        result="${[x, all]}",
    )
    result = go(text)
    assert result.result == ["C", {"branches": [{}, {}, {"x": "C"}], "branch_count": 3}]
    assert statuses(result)["a"] == "cancelled"


def test_wait_any_fails_with_every_cause(go):
    text = workflow(
        [
            parallel("any", [["a"], ["b"]], merge="wait_any"),
            transform("a", "1 / 0"),
            transform("b", "nodes.start.output - 1"),
        ],
        row("any"),
    )
    message = go(text).error["message"]
    assert "division by zero" in message
    assert "every branch failed" in message
    assert "cannot compute" in message


@pytest.mark.parametrize("merge", ["wait_first", "race"])
def test_wait_first_takes_the_first_end_success_or_not(go, merge):
    nodes = [
        parallel("race", [["a"], ["b"]], merge=merge),
        tool("a", "hang"),
        tool("b", "flaky", key="k", failures=1, output="x"),
    ]
    result = go(workflow(nodes, row("race")))
    assert result.status == "failed"
    nodes[2]["parameters"]["failures"] = 0
    result = go(workflow(nodes, row("race"), result="${x}"))
    assert result.result == "call 1"


def test_max_parallel_of_branches(go):
    text = workflow(
        [
            parallel("both", [["a"], ["b"]], max_parallel=1),
            tool("a", "crowd", output="x"),
            tool("b", "crowd", output="y"),
        ],
        row("both"),
        result="${[x, y]}",
    )
    assert go(text).result == ["1", "1"]


def test_a_cancelled_run_cancels_members():
    async def main():
        text = workflow(
            [parallel("both", [["a"], ["each"]]), tool("a", "hang"), loop("each", [1], ["b"]),
             tool("b", "hang")],
            row("both"),
        )  # fmt: skip
        started = Started("b")
        async with goflow.Engine() as engine:
            run = asyncio.create_task(engine.run(goflow.load(text), listener=started))
            await started.wait()
            engine.stop()
            return await run

    result = asyncio.run(main())
    assert result.status == "cancelled"
    assert statuses(result) == {
        "start": "completed",
        "both": "cancelled",
        "a": "cancelled",
        "each": "cancelled",
        "b": "cancelled",
        "end": "cancelled",
    }

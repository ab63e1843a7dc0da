"""Runs that go on after they were cut off, and runs that take over what an earlier one did."""

import asyncio

import pytest
from support.servers import eventually
from support.workflows import (
    Started,
    lab_server,
    loop,
    parallel,
    passthrough,
    row,
    tool,
    transform,
    workflow,
)

import goflow
from goflow.errors import BadCall, HistoryError, OutcomeUnknown
from goflow.history.runs import Runs

SAY = tool("say", "say", text="x", output="said")


def statuses(result):
    return {record.id: record.status for record in result.nodes}


def run(text, inputs=None, **options):
    return goflow.run(text, inputs, **options)


def resume(run_id="last", *, functions=None, **options):
    async def main():
        async with goflow.Engine(functions=functions) as engine:
            return await engine.resume(run_id, **options)

    return asyncio.run(main())


class Calls:
    """Functions that count how often they are called, and fail while they are told to."""

    def __init__(self):
        self.calls = []
        self.failing = True

    def work(self, name, value=None):
        self.calls.append(name)
        return value

    def fail(self, name):
        self.calls.append(name)
        if self.failing:
            raise ValueError("not yet")
        return name

    @property
    def functions(self):
        return {"work": self.work, "fail": self.fail}


def work(node_id, value=None, output=None, function="work"):
    arguments = {"name": node_id} | ({} if function == "fail" else {"value": value})
    node = {"id": node_id, "type": "function", "function": function, "arguments": arguments}
    return node | ({"output": output} if output else {})


def test_what_was_done_is_not_done_again():
    calls = Calls()
    text = workflow(
        [work("a", 1, "x"), work("b", function="fail"), work("c", "${x}", "y")],
        row("a", "b", "c"),
        result="${y}",
    )
    first = run(text, functions=calls.functions)
    assert (first.status, calls.calls) == ("failed", ["a", "b"])
    calls.failing = False
    second = resume(first.id, functions=calls.functions)
    assert (second.id, second.status, second.result) == (first.id, "completed", 1)
    assert calls.calls == ["a", "b", "b", "c"]
    assert set(statuses(second).values()) == {"completed"}


def test_what_was_computed_is_not_computed_again():
    """uuid() and now() give what they gave."""
    calls = Calls()
    text = workflow(
        [transform("id", "uuid()", output="token"), work("b", function="fail")],
        row("id", "b"),
        result="${token}",
    )
    first = run(text, functions=calls.functions)
    calls.failing = False
    second = resume(first.id, functions=calls.functions)
    assert second.result == first.variables["token"]


def test_edges_are_taken_as_they_were():
    calls = Calls()
    text = workflow(
        [passthrough("a"), work("yes"), work("no"), work("b", function="fail"), passthrough("j")],
        [
            "start a", "a yes when:x > 1", "a no when:x <= 1", "yes j", "no j", "j b", "b end",
        ],
        variables=[{"name": "x", "type": "number"}],
    )  # fmt: skip
    first = run(text, {"x": 2}, functions=calls.functions)
    calls.failing = False
    second = resume(first.id, functions=calls.functions)
    assert calls.calls == ["yes", "b", "b"]
    assert statuses(second)["no"] == "skipped"


def test_a_loop_goes_on_where_it_was():
    calls = Calls()

    def step(item):
        calls.calls.append(item)
        if item == 3 and calls.failing:
            raise ValueError("not yet")
        return item * 10

    body = {"id": "step", "type": "function", "function": "step", "output": "r",
            "arguments": {"item": "${item}"}}  # fmt: skip
    text = workflow(
        [loop("each", [1, 2, 3, 4], ["step"], output="all"), body], row("each"),
        result="${map(all.iterations, .r)}",
    )  # fmt: skip
    first = run(text, functions={"step": step})
    assert first.status == "failed"
    calls.failing = False
    second = resume(first.id, functions={"step": step})
    assert second.result == [10, 20, 30, 40]
    assert calls.calls == [1, 2, 3, 3, 4]


def test_variables_that_members_wrote_are_there_again():
    calls = Calls()
    add = transform("add", "n + item", output="n")
    text = workflow(
        [loop("each", [1, 2, 3], ["add"]), add, work("b", function="fail")],
        row("each", "b"),
        variables=[{"name": "n", "type": "number", "default": 0}],
        result="${n}",
    )
    first = run(text, functions=calls.functions)
    calls.failing = False
    second = resume(first.id, functions=calls.functions)
    assert second.result == 6
    assert second.node("add").output == 6


def test_branches_that_were_done_are_not_done_again():
    calls = Calls()
    text = workflow(
        [parallel("both", [["a"], ["b", "f"]]), work("a", 1, "x"), work("b", 2, "y"),
         work("f", function="fail")],
        row("both"),
        result=["${x}", "${y}"],
    )  # fmt: skip
    first = run(text, functions=calls.functions)
    assert first.status == "failed"
    done = calls.calls.copy()
    calls.failing = False
    second = resume(first.id, functions=calls.functions)
    assert second.result == [1, 2]
    assert calls.calls[len(done) :].count("b") == 0


def test_an_owner_that_is_tried_again_begins_anew():
    """What members did in the attempt before counts for nothing in a resumed run either."""
    calls = Calls()
    again = {"max_attempts": 2, "on": ["tool_error"], "initial_delay": "1ms"}
    text = workflow(
        [loop("each", [1], ["a", "f"], retry=again), work("a"), work("f", function="fail")],
        row("each"),
    )
    first = run(text, functions=calls.functions)
    assert calls.calls == ["a", "f", "a", "f"]
    calls.failing = False
    assert resume(first.id, functions=calls.functions).completed
    assert calls.calls == ["a", "f", "a", "f", "f"]


def test_a_sub_workflow_goes_on_where_it_was(tmp_path):
    calls = Calls()
    (tmp_path / "inner.json").write_text(
        workflow([work("a", 5, "x"), work("f", function="fail")], row("a", "f"), result="${x}")
    )
    outer = {"id": "sub", "type": "workflow", "workflow": "inner", "output": "v"}
    file = tmp_path / "outer.json"
    file.write_text(workflow([outer], row("sub"), result="${v}"))
    first = run(file, functions=calls.functions)
    assert first.status == "failed"
    (tmp_path / "inner.json").unlink()  # the stored definition is enough
    calls.failing = False
    second = resume(first.id, functions=calls.functions)
    assert (second.result, calls.calls) == (5, ["a", "f", "f"])


def test_both_bindings_of_a_tools_value_survive():
    calls = Calls()
    text = workflow(
        [
            tool("a", "answer", result={"content": [{"type": "text", "text": '{"k": 1}'}]},
                 output="v"),
            work("b", function="fail"),
            tool("c", "keep", content="${v}", output="kept"),
        ],
        row("a", "b", "c"),
        result=["${kept}", "${v.content[0].text}"],
    )  # fmt: skip
    first = run(text, functions=calls.functions)
    calls.failing = False
    second = resume(first.id, functions=calls.functions)
    assert second.result == [["str", '{"k": 1}'], '{"k": 1}']


def test_a_handled_failure_stays_handled():
    calls = Calls()
    text = workflow(
        [
            work("a", function="fail") | {"on_error": {"value": 7}, "output": "x"},
            work("b", function="fail"),
        ],
        row("a", "b"),
        result="${x}",
    )
    first = run(text, functions=calls.functions)
    calls.failing = False
    second = resume(first.id, functions=calls.functions)
    assert second.result == 7
    assert calls.calls == ["a", "b", "b"]


def test_a_completed_run_gives_its_result_again():
    calls = Calls()
    text = workflow([work("a", 1, "x")], row("a"), result="${x}")
    first = run(text, functions=calls.functions)
    second = resume(first.id, functions=calls.functions)
    assert (second.result, second.variables, calls.calls) == (1, {"x": 1}, ["a"])
    assert "nothing was run again" in second.warnings[-1]


# -- calls in doubt ----------------------------------------------------------------------------


def any_run():
    try:
        with Runs() as runs:
            return runs.newest()
    except HistoryError:
        return []


def lost(name="die", **options):
    return workflow([SAY, tool("t", name, output="x", **options)], row("say", "t"), result="${x}")


def test_a_call_in_doubt_waits_for_a_person():
    first = run(lost())
    assert first.node("t").status == "outcome_unknown"
    with pytest.raises(OutcomeUnknown) as error:
        resume(first.id)
    assert error.value.nodes == ("t",)
    assert "--rerun t" in error.value.hint


def test_a_node_named_is_run_again(tmp_path):
    first = run(lost("die_once", mark=str(tmp_path / "mark")))
    assert resume(first.id, rerun=["t"]).result == "survived"


def test_an_assumed_value_counts_as_the_nodes_own():
    first = run(lost())
    second = resume(first.id, assume={"t": {"k": 1}})
    assert second.result == {"k": 1}
    assert second.node("t").reason == "its outcome was assumed"
    third = resume(first.id)
    assert third.result == {"k": 1}
    assert third.node("t").status == "completed"


def test_an_assumed_value_decides_which_edges_are_taken():
    text = workflow(
        [tool("t", "die", output="x"), work("yes"), work("no"), passthrough("j")],
        ["start t", "t yes when:x > 1", "t no when:x <= 1", "yes j", "no j", "j end"],
    )
    calls = Calls()
    first = run(text, functions=calls.functions)
    assert resume(first.id, functions=calls.functions, assume={"t": 2}).completed
    assert calls.calls == ["yes"]


def test_an_assumed_member_is_written_down():
    text = workflow([loop("each", [1], ["t"]), tool("t", "die", output="x")], row("each"))
    first = run(text)
    assert resume(first.id, assume={"t@0": 5}).completed
    with Runs() as runs:
        kept = {node["id"]: node for node in runs.show(first.id)["nodes"]}
    assert (kept["t"]["status"], kept["t"]["output"]) == ("completed", 5)


def test_a_read_only_tool_is_called_again(tmp_path):
    first = run(lost("die_once_read", mark=str(tmp_path / "mark")))
    assert resume(first.id).result == "survived"


@pytest.mark.parametrize("named", [True, False])
def test_a_retry_rule_that_names_the_class_calls_again(tmp_path, named):
    mark = tmp_path / "mark"
    words = ["connection_error"] if named else ["timeout"]
    retry = {"max_attempts": 2, "on": words, "initial_delay": "1ms"}
    text = lost("hang_once", retry=retry, mark=str(mark))

    async def main():
        async with goflow.Engine() as engine:
            task = asyncio.create_task(engine.run(text))
            assert await eventually(mark.exists)
            engine.stop("interrupted")
            return await task

    first = asyncio.run(main())
    assert first.node("t").status == "cancelled"
    if named:
        second = resume(first.id)
        assert (second.result, second.node("t").attempts) == ("answered", 2)
    else:
        with pytest.raises(OutcomeUnknown):
            resume(first.id)


def test_a_stop_is_heard_while_it_is_decided_what_becomes_of_a_call(monkeypatch):
    first = run(lost())

    async def main():
        begun = asyncio.Event()

        async def hang(*_):
            begun.set()
            await asyncio.Event().wait()

        async with goflow.Engine() as engine:
            with monkeypatch.context() as patched:
                patched.setattr("goflow.engine.resume._may_try_again", hang)
                task = asyncio.create_task(engine.resume(first.id))
                await begun.wait()
                engine.stop("interrupted")
                stopped = await asyncio.wait_for(task, 30)
            with pytest.raises(OutcomeUnknown):
                await engine.resume(first.id)
            return stopped

    stopped = asyncio.run(main())
    assert stopped.status == "interrupted"
    assert {"say": "completed", "t": "cancelled"}.items() <= statuses(stopped).items()


def test_a_stop_is_heard_while_a_run_is_claimed(monkeypatch):
    first = run(lost())

    async def main():
        async with goflow.Engine() as engine:
            claimed = engine._claimed

            async def claim(run_id):
                await claimed(run_id)
                engine.stop("interrupted")

            monkeypatch.setattr(engine, "_claimed", claim)
            return await engine.resume(first.id, rerun=["t"])

    assert asyncio.run(main()).status == "interrupted"


def test_a_run_whose_engine_is_closed_as_it_is_claimed_can_be_resumed(monkeypatch):
    first = run(lost())

    async def main():
        async with goflow.Engine() as engine:
            claimed, begun = engine._claimed, asyncio.Event()

            async def claim(run_id):
                begun.set()
                await claimed(run_id)

            monkeypatch.setattr(engine, "_claimed", claim)
            task = asyncio.create_task(engine.resume(first.id, rerun=["t"]))
            await begun.wait()
        with pytest.raises(RuntimeError, match="not open"):
            await task

    asyncio.run(main())
    assert resume(first.id, rerun=["t"]).status == "failed"


def test_only_nodes_in_doubt_can_be_decided():
    first = run(lost())
    with pytest.raises(BadCall, match="no node whose outcome is unknown") as error:
        resume(first.id, rerun=["say"])
    assert error.value.hint == "these are: t"


def test_a_secret_in_an_output_makes_it_doubtful(monkeypatch):
    monkeypatch.setenv("TOKEN", "s3cr3t-value")
    calls = Calls()
    text = workflow(
        [tool("t", "environment", name="TOKEN", output="x"), work("f", function="fail")],
        row("t", "f"),
        servers=[lab_server(env={"TOKEN": "${env.TOKEN}"})],
    )
    first = run(text, functions=calls.functions)
    with pytest.raises(OutcomeUnknown):
        resume(first.id, functions=calls.functions)
    calls.failing = False
    assert resume(first.id, functions=calls.functions, rerun=["t"]).completed


# -- refusals ----------------------------------------------------------------------------------


def test_a_run_that_is_not_there():
    run(workflow([], ["start end"]))
    with pytest.raises(BadCall, match="no run 'ffffffffffff'"):
        resume("ffffffffffff")


def test_a_run_that_goes_on_is_refused():
    async def main():
        async with goflow.Engine() as engine:
            started = Started("t")
            task = asyncio.create_task(
                engine.run(workflow([tool("t", "hang")], row("t")), listener=started)
            )
            await started.wait()
            assert await eventually(any_run)
            with pytest.raises(BadCall, match="goes on in another process"):
                await engine.resume("last")
            engine.stop()
            return await task

    assert asyncio.run(main()).status == "cancelled"


def test_a_run_without_history_leaves_nothing(home):
    async def main():
        async with goflow.Engine(history=False) as engine:
            result = await engine.run(workflow([], ["start end"]))
            with pytest.raises(BadCall, match="keeps no history"):
                await engine.resume("last")
            return result

    assert asyncio.run(main()).completed
    assert not (home / "history.db").exists()


# -- from a node of an earlier run -------------------------------------------------------------


def take_over(text, run_id, start, functions, inputs=None):
    async def main():
        async with goflow.Engine(functions=functions) as engine:
            return await engine.run(text, inputs, results_of=run_id, start_at=start)

    return asyncio.run(main())


def test_a_node_and_all_that_follow_it_run_again():
    calls = Calls()
    text = workflow(
        [work("a", 1, "x"), work("b", "${x}", "y"), work("c", "${y}", "z"), work("d", 4)],
        ["start a", "a b", "b c", "c end", "start d", "d end"],
        result="${z}",
    )
    first = run(text, functions=calls.functions)
    calls.calls.clear()
    second = take_over(text, first.id, "b", calls.functions)
    assert (second.completed, second.result, calls.calls) == (True, 1, ["b", "c"])
    assert second.id != first.id
    with Runs() as runs:
        assert runs.show(second.id)["source"] == first.id
        assert {node["id"] for node in runs.show(second.id)["nodes"]} == {
            "start", "a", "b", "c", "d", "end",
        }  # fmt: skip


def test_members_of_what_follows_run_again():
    calls = Calls()
    text = workflow(
        [work("a"), loop("each", [1, 2], ["m"]), work("m"), work("b")], row("a", "each", "b")
    )
    first = run(text, functions=calls.functions)
    calls.calls.clear()
    assert take_over(text, first.id, "each", calls.functions).completed
    assert calls.calls == ["m", "m", "b"]


def test_the_definition_may_have_changed():
    calls = Calls()
    text = workflow([work("a", 1, "x"), work("b", 2, "y")], row("a", "b"), result="${x + y}")
    first = run(text, functions=calls.functions)
    calls.calls.clear()
    changed = text.replace('"value": 2', '"value": 5')
    assert take_over(changed, first.id, "b", calls.functions).result == 6
    assert calls.calls == ["b"]


@pytest.mark.parametrize("node", ["nope", "m"])
def test_only_a_node_of_the_graph_can_be_started_at(node):
    calls = Calls()
    text = workflow([loop("each", [1], ["m"]), work("m")], row("each"))
    first = run(text, functions=calls.functions)
    with pytest.raises(BadCall):
        take_over(text, first.id, node, calls.functions)

"""How a run goes: dataflow, conditions, skips, failures, retries, ends. Real servers throughout."""

import asyncio

import pytest
from support.workflows import Started, condition, lab_server, passthrough, tool, transform, workflow

import goflow
from goflow.engine import events
from goflow.errors import BadCall, InputError, RunFailed, WorkflowInvalid


def statuses(result):
    return {record.id: record.status for record in result.nodes}


# -- dataflow ----------------------------------------------------------------------------------


def test_a_workflow_without_tools_needs_no_server(go):
    text = workflow([transform("a", "1 + 1", output="x")], ["start a", "a end"], result="${x}")
    result = go(text)
    assert result.completed
    assert result.result == 2
    assert result.variables == {"x": 2}
    assert set(statuses(result).values()) == {"completed"}


def test_independent_nodes_run_at_once(go):
    """Neither call of `meet` is answered before both have arrived."""
    text = workflow(
        [tool("a", "meet", count=2), tool("b", "meet", count=2)],
        ["start a", "start b", "a end", "b end"],
    )
    assert go(text).completed


def test_a_join_sees_all_its_inputs(go):
    text = workflow(
        [
            tool("a", "say", text="A", output="a"),
            transform("b", "'B'", output="b"),
            transform("b2", "b + b", output="b"),
            transform("join", "a + b", output="both"),
        ],
        ["start a", "start b", "b b2", "a join", "b2 join", "join end"],
        result="${both}",
    )
    assert go(text).result == "ABB"


def test_max_parallel_bounds_the_nodes_in_flight(go):
    nodes = [tool(f"n{i}", "crowd", output=f"v{i}") for i in range(6)]
    edges = [e for i in range(6) for e in (f"start n{i}", f"n{i} end")]
    result = go(workflow(nodes, edges, max_parallel=1))
    assert [record.output for record in result.nodes[1:-1]] == ["1"] * 6
    nodes = [tool(f"n{i}", "meet", count=6) for i in range(6)]
    assert go(workflow(nodes, edges, max_parallel=6)).completed


def test_of_several_ends_the_last_in_topological_order_gives_the_result(go):
    text = workflow(
        [{"id": "e1", "type": "end", "return": "early"}, passthrough("p")],
        ["start e1", "start p", "p end"],
        result="late",
    )
    assert go(text).result == "late"


def test_when_no_end_is_reached_the_result_is_null_with_a_warning(go):
    text = workflow([passthrough("p")], ["start p", "p end when:1 > 2"], result="x")
    result = go(text)
    assert result.completed
    assert result.result is None
    assert result.warnings == ("no end node was reached: the result is null",)


def test_an_end_returns_any_value_with_its_types(go):
    value = {"n": "${1 + 1}", "list": ["${run.workflow}", 1.5, None], "text": "is ${2}"}
    text = workflow([], ["start end"], result=value)
    assert go(text).result == {"n": 2, "list": ["test", 1.5, None], "text": "is 2"}


# -- conditions and skips ----------------------------------------------------------------------


BRANCH = (
    [
        condition("c", "n > 3"),
        transform("yes", "'big'", output="size"),
        transform("no", "'small'", output="size"),
        passthrough("join"),
    ],
    ["start c", "c yes true", "c no false", "yes join", "no join", "join end"],
)


@pytest.mark.parametrize(("n", "size", "skipped"), [(5, "big", "no"), (1, "small", "yes")])
def test_a_condition_takes_one_of_its_two_edges(go, n, size, skipped):
    nodes, edges = BRANCH
    variables = [{"name": "n", "type": "number"}]
    text = workflow(nodes, edges, result="${size}", variables=variables)
    result = go(text, {"n": n})
    assert result.result == size
    assert statuses(result)[skipped] == "skipped"
    assert result.node("c").output is (n > 3)


def test_a_node_whose_if_is_false_is_skipped_and_the_run_goes_on_behind_it(go):
    text = workflow(
        [transform("a", "'new'", output="v", **{"if": "1 > 2"}), transform("b", "v", output="w")],
        ["start a", "a b", "b end"],
        variables=[{"name": "v", "default": "old"}],
        result="${w}",
    )
    result = go(text)
    assert result.result == "old"
    assert result.node("a").status == "skipped"
    assert result.node("a").attempts == 0
    assert result.node("b").status == "completed"


def test_an_edge_with_a_condition_is_taken_when_it_holds(go):
    text = workflow(
        [transform("a", "5", output="x"), passthrough("big"), passthrough("small")],
        ["start a", "a big when:x > 3", "a small when:x <= 3", "big end", "small end"],
    )
    assert statuses(go(text)) | {"big": "completed", "small": "skipped"} == statuses(go(text))


def test_a_skip_kills_everything_behind_it_its_always_edges_too(go):
    text = workflow(
        [passthrough("a"), passthrough("b"), passthrough("c")],
        ["start a when:1 > 2", "a b", "a c on:always", "b end", "c end", "start end"],
    )
    result = go(text)
    assert [statuses(result)[i] for i in "abc"] == ["skipped"] * 3
    assert result.node("c").reason == "no path to it was taken"
    assert result.completed


# -- tools and their answers -------------------------------------------------------------------


def block(text):
    return {"type": "text", "text": text}


ANSWERS = {
    "structured content": ({"content": [], "structuredContent": {"a": 1}}, {"a": 1}),
    "a lone result": ({"content": [], "structuredContent": {"result": [1]}}, [1]),
    "structured content that only repeats the text": (
        {"content": [block("hi")], "structuredContent": {"content": "hi"}},
        "hi",
    ),
    "structured content that repeats a JSON text": (
        {"content": [block("[1]")], "structuredContent": {"content": "[1]"}},
        [1],
    ),
    "structured content beside another text": (
        {"content": [block("hi")], "structuredContent": {"content": "ho"}},
        {"content": "ho"},
    ),
    "a text": ({"content": [block("hi")]}, "hi"),
    "a JSON object": ({"content": [block(' {"a": 1}')]}, {"a": 1}),
    "a JSON number stays text": ({"content": [block("5")]}, "5"),
    "a text that only begins like JSON": ({"content": [block("{not}")]}, "{not}"),
    "several blocks": ({"content": [block("a"), block("b")]}, [block("a"), block("b")]),
    "nothing": ({"content": []}, []),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_a_tools_answer_is_unwrapped(go, case):
    raw, value = ANSWERS[case]
    node = tool("a", "answer", output="v") | {"parameters": {"result": raw}}
    assert go(workflow([node], ["start a", "a end"], result="${v}")).result == value


@pytest.mark.parametrize(
    ("mode", "raw", "value"),
    [
        ("raw", {"content": []}, {"content": [], "structuredContent": None, "isError": False}),
        ("text", {"content": [block("[5]")]}, "[5]"),
        ("json", {"content": [block("5")]}, 5),
        ("structured", {"content": [], "structuredContent": {"result": 5}}, {"result": 5}),
    ],
)  # fmt: skip
def test_a_node_can_ask_for_one_form_of_the_answer(go, mode, raw, value):
    node = tool("a", "answer", output="v") | {"result": mode, "parameters": {"result": raw}}
    assert go(workflow([node], ["start a", "a end"], result="${v}")).result == value


@pytest.mark.parametrize(
    ("mode", "raw", "message"),
    [
        ("structured", {"content": [block("5")]}, "without structured content"),
        ("text", {"content": []}, "without one text block"),
        ("json", {"content": [block("five")]}, "text that is not JSON"),
    ],
)
def test_an_answer_without_the_form_asked_for_fails_the_node(go, mode, raw, message):
    node = tool("a", "answer") | {"result": mode, "parameters": {"result": raw}}
    result = go(workflow([node], ["start a", "a end"]))
    assert result.status == "failed"
    assert message in result.error["message"]


def test_an_answer_that_is_an_error_fails_its_node_with_the_tools_text(go):
    raw = {"content": [block("no such file: x")], "isError": True}
    node = tool("a", "answer") | {"parameters": {"result": raw}}
    result = go(workflow([node, passthrough("b")], ["start a", "a b", "b end"]))
    assert result.status == "failed"
    assert result.error["code"] == "tool_error"
    assert result.error["node"] == "a"
    assert result.error["tool"] == "answer"
    assert result.error["message"].endswith("failed: no such file: x")
    assert statuses(result) == {
        "start": "completed", "a": "failed", "b": "cancelled", "end": "cancelled",
    }  # fmt: skip
    with pytest.raises(RunFailed, match="no such file"):
        result.raise_for_status()


def test_files_written_for_raw_results_keep_working(go):
    raw = {"content": [block('{"a": 1}')]}
    text = workflow(
        [
            tool("a", "answer", output="v") | {"parameters": {"result": raw}},
            transform("t", "$.content[0].text", input="v", output="x"),
            transform("u", "$.a", input="nodes.a.output", output="y"),
            transform("w", "input.isError", input="nodes.a.output", output="z"),
        ],
        ["start a", "a t", "t u", "u w", "w end"],
        result=[
            "${v.content[0].text}",
            "${x}",
            "${y}",
            "${z}",
            "${nodes.a.output.content}",
        ],
    )
    assert go(text).result == ['{"a": 1}', '{"a": 1}', 1, False, raw["content"]]


def test_json_text_passed_on_unchanged_arrives_as_the_original_text(go):
    original = '{ "a":   [1,2 ] }\n'
    text = workflow(
        [
            tool("read", "answer", output="v", result={"content": [block(original)]}),
            tool("same", "keep", content="${v}", output="same"),
            tool("node", "keep", content="${nodes.read.output}", output="node"),
            tool("part", "keep", content="${v.a}", output="part"),
            transform("copy", "v", output="v2"),
            tool("other", "answer", output="other") | {"parameters": {"result": "${v}"}},
        ],
        ["start read", "read same", "read node", "read part", "read copy", "copy other",
         "same end", "node end", "part end", "other end"],
        result=["${same}", "${node}", "${part}"],
    )  # fmt: skip
    result = go(text)
    assert result.result == [["str", original], ["str", original], ["list", [1, 2]]]


def test_each_server_gets_what_its_definition_says_and_little_more(go, monkeypatch):
    monkeypatch.setenv("LAB_TOKEN", "t0ken-value")
    monkeypatch.setenv("UNRELATED", "x")
    server = lab_server(env={"GIVEN": "a ${env.LAB_TOKEN} b"})
    names = ["GIVEN", "UNRELATED", "PATH"]
    text = workflow(
        [tool(n, "environment", name=n, output=n.lower()) for n in names],
        [e for n in names for e in (f"start {n}", f"{n} end")],
        servers=[server],
        result=["${given}", "${unrelated}"],
    )
    assert go(text).result == ["a t0ken-value b", "unset"]
    monkeypatch.delenv("LAB_TOKEN")
    with pytest.raises(BadCall, match="LAB_TOKEN"):
        go(text)


# -- failures ----------------------------------------------------------------------------------

FAILING = {"parameters": {"result": {"content": [block("broken")], "isError": True}}}


def failing(node_id="a", **options):
    return tool(node_id, "answer", **options) | FAILING


def test_a_failure_cancels_what_is_in_flight(go):
    text = workflow(
        [failing(), tool("h", "hang")],
        ["start a", "start h", "a end", "h end"],
    )
    result = go(text)
    assert result.status == "failed"
    assert statuses(result)["h"] == "cancelled"


def test_on_error_continue_goes_on_with_null(go):
    text = workflow([failing(on_error="continue", output="x")], ["start a", "a end"],
                    variables=[{"name": "x", "default": 1}], result=["${x}"])  # fmt: skip
    result = go(text)
    assert result.completed
    assert result.result == [None]
    assert result.node("a").status == "failed"
    assert "broken" in result.node("a").error["message"]


def test_on_error_value_goes_on_with_that_value(go):
    node = failing(on_error={"value": {"was": "${nodes.a.error.code}"}}, output="x")
    text = workflow([node], ["start a", "a end"], result="${x}")
    assert go(text).result == {"was": "tool_error"}


def test_an_error_edge_handles_a_failure_and_the_success_edges_are_dead(go):
    text = workflow(
        [failing(), passthrough("ok"), transform("why", "nodes.a.error.message", output="why")],
        ["start a", "a ok", "ok end", "a why on:error", "why end"],
        variables=[{"name": "why", "default": ""}],
        result="${why}",
    )
    result = go(text)
    assert result.completed
    assert "broken" in result.result
    assert statuses(result)["ok"] == "skipped"
    assert statuses(result)["a"] == "failed"


@pytest.mark.parametrize("fails", [True, False])
def test_an_always_edge_is_taken_either_way(go, fails):
    node = failing() if fails else tool("a", "say", text="x")
    text = workflow(
        [node, transform("clean", "'clean'", output="x"), passthrough("bad")],
        ["start a", "a clean on:always", "clean end", "a bad on:error", "bad end"],
        result="${x}",
    )
    result = go(text)
    assert result.result == "clean"
    assert statuses(result)["bad"] == ("completed" if fails else "skipped")


def test_a_transform_that_cannot_be_computed_fails_its_node(go):
    text = workflow([transform("a", "run.id + 1")], ["start a", "a end"])
    result = go(text)
    assert result.error["code"] == "transform_error"
    assert "cannot add a string and a number" in result.error["message"]
    assert "character 8" in result.error["message"]


def test_arguments_that_cannot_be_computed_fail_their_node_before_anything_is_sent(go):
    text = workflow([tool("a", "say", text="${upper(length(run.id))}")], ["start a", "a end"])
    result = go(text)
    assert result.error["code"] == "transform_error"
    assert result.node("a").attempts == 0


def test_an_edge_condition_that_cannot_be_computed_fails_the_run(go):
    text = workflow([transform("a", "1")], ["start a", "a end when:run.id > 1"])
    result = go(text)
    assert result.status == "failed"
    assert result.error["node"] == "a"


def test_an_unknown_tool_fails_with_the_servers_words(go):
    result = go(workflow([tool("a", "nope")], ["start a", "a end"]))
    assert "Unknown tool: nope" in result.error["message"]


# -- retries and timeouts ----------------------------------------------------------------------

SOON = {"initial_delay": "1ms", "jitter": False}


def test_a_failure_named_in_on_is_retried(go):
    retry = {"max_attempts": 3, "on": ["tool_error"], **SOON}
    node = tool("a", "flaky", key="k", failures=2, retry=retry, output="x")
    seen = []
    result = go(workflow([node], ["start a", "a end"], result="${x}"), listener=seen.append)
    assert result.result == "call 3"
    assert result.node("a").attempts == 3
    retried = [event.attempt for event in seen if isinstance(event, events.AttemptFailed)]
    assert retried == [1, 2]


def test_attempts_are_bounded_and_the_last_error_stands(go):
    retry = {"max_attempts": 2, "on": ["tool_error"], **SOON}
    node = tool("a", "flaky", key="k", failures=9, retry=retry)
    result = go(workflow([node], ["start a", "a end"]))
    assert result.node("a").attempts == 2
    assert result.error["message"].endswith("call 2")


def test_a_failure_not_named_in_on_is_not_retried(go):
    node = tool("a", "flaky", key="k", failures=1, retry={"max_attempts": 3, **SOON})
    assert go(workflow([node], ["start a", "a end"])).node("a").attempts == 1


@pytest.mark.parametrize(
    ("name", "retry", "status", "attempts"),
    [
        ("die_once", {}, "outcome_unknown", 1),
        ("die_once", {"on": ["connection_error"]}, "completed", 2),
        ("die_once_read", {}, "completed", 2),
        ("die_once_read", {"skip_on": ["connection_error"]}, "outcome_unknown", 1),
    ],
)
def test_an_unknown_outcome_is_retried_only_where_that_is_harmless_or_asked_for(
    go, tmp_path, name, retry, status, attempts
):
    retry = {"max_attempts": 3, **SOON, **retry}
    node = tool("a", name, mark=str(tmp_path / "mark"), retry=retry)
    result = go(workflow([node], ["start a", "a end"]))
    assert result.node("a").status == status
    assert result.node("a").attempts == attempts


def test_a_node_timeout_bounds_one_attempt(go):
    # It covers connecting too, which the node before has done.
    nodes = [tool("b", "say", text="x"), tool("a", "hang", timeout="50ms")]
    result = go(workflow(nodes, ["start b", "b a", "a end"]))
    assert result.error["code"] == "timeout"
    assert result.node("a").status == "outcome_unknown"


def test_a_servers_timeout_bounds_each_call(go):
    text = workflow([tool("a", "hang")], ["start a", "a end"], servers=[lab_server(timeout="50ms")])
    assert go(text).error["code"] == "timeout"


def test_a_workflow_timeout_ends_the_run(go):
    text = workflow([tool("a", "hang")], ["start a", "a end"], timeout="300ms")
    result = go(text)
    assert result.status == "timed_out"
    assert statuses(result)["a"] == "cancelled"


def test_a_server_that_dies_in_a_call_is_named_with_the_tail_of_its_stderr(go):
    result = go(workflow([tool("a", "die")], ["start a", "a end"]))
    assert result.error["code"] == "connection_error"
    assert result.error["server"] == "lab"
    assert result.error["stderr"] == "the lab burns"
    assert "exited with status 9" in result.error["message"]


def test_a_server_that_is_not_there_fails_the_node_that_needs_it(go):
    servers = [{"id": "lab", "command": "no-such-command-here"}]
    text = workflow([tool("a", "x")], ["start a", "a end"], servers=servers)
    result = go(text)
    assert result.error["server"] == "lab"
    assert "no-such-command-here" in result.error["message"]
    assert result.error["hint"]


# -- inputs ------------------------------------------------------------------------------------

VARIABLES = [
    {"name": "who", "type": "string", "default": "World"},
    {"name": "count", "type": "number", "required": True},
]


@pytest.mark.parametrize(
    ("inputs", "message", "variable"),
    [
        ({}, "'count' is required", "count"),
        ({"count": "3"}, "must be of type number, not string", "count"),
        ({"count": True}, "must be of type number, not boolean", "count"),
        ({"count": 1, "hwo": 1}, "has no input 'hwo'", "hwo"),
        ({"count": object()}, "no JSON value", "count"),
        ({"count": 1, "who": "\ud800"}, "half of a surrogate pair", "who"),
    ],
)
def test_a_wrong_input_is_refused_before_anything_runs(go, inputs, message, variable):
    text = workflow([], ["start end"], variables=VARIABLES, result="${who} ${count}")
    with pytest.raises(InputError, match=message) as caught:
        go(text, inputs)
    assert caught.value.variable == variable


def test_the_name_of_an_input_is_a_text(go):
    with pytest.raises(BadCall, match="the name of an input is a text, not int"):
        go(workflow([], ["start end"]), {1: 2})


@pytest.mark.parametrize("limit", [0, -1, 1.5, True, None])
def test_an_engine_in_which_no_node_could_run_is_refused(limit):
    with pytest.raises(BadCall, match="max_parallel is a whole number from 1 on"):
        goflow.Engine(max_parallel=limit)


def test_defaults_fill_in_for_inputs(go):
    text = workflow([], ["start end"], variables=VARIABLES, result="${inputs.who} ${count}")
    assert go(text, {"count": 2.0}).result == "World 2"


def test_an_invalid_workflow_is_refused_with_its_report(go):
    with pytest.raises(WorkflowInvalid) as caught:
        go(workflow([passthrough("p")], ["start end"]))
    assert [f.code for f in caught.value.report.errors] == ["GF207"]


# -- the engine --------------------------------------------------------------------------------


def test_runs_share_an_engines_connections():
    text = workflow([tool("a", "say", text="x"), tool("b", "said", output="all")],
                    ["start a", "a b", "b end"], result="${all}")  # fmt: skip

    async def main():
        async with goflow.Engine() as engine:
            first = await engine.run(text)
            second = await engine.run(text)
            many = await asyncio.gather(*(engine.run(goflow.load(text)) for _ in range(5)))
        return first.result, second.result, len(many)

    assert asyncio.run(main()) == (["x"], ["x", "x"], 5)


def test_events_come_in_order_and_end_with_the_run():
    text = workflow([tool("a", "say", text="x")], ["start a", "a end"])

    async def main():
        async with goflow.Engine() as engine:
            return [event async for event in engine.stream(text)]

    seen = asyncio.run(main())
    names = [type(event).__name__ for event in seen]
    assert [name for name in names if not name.startswith("Server")] == [
        "RunStarted",
        "NodeStarted", "NodeFinished",
        "NodeStarted", "AttemptStarted", "NodeFinished",
        "NodeStarted", "NodeFinished",
        "RunFinished",
    ]  # fmt: skip
    assert len({event.run for event in seen}) == 1


def test_a_stream_that_is_left_early_cancels_its_run():
    text = workflow([tool("a", "hang")], ["start a", "a end"])

    async def main():
        async with goflow.Engine() as engine:
            stream = engine.stream(text)
            async for event in stream:
                if isinstance(event, events.NodeStarted) and event.node == "a":
                    break
            await stream.aclose()
            return repr(engine)

    assert "0 runs" in asyncio.run(main())


def test_a_listener_that_raises_breaks_nothing(go):
    def listener(event):
        raise ValueError("listener")

    assert go(workflow([], ["start end"]), listener=listener).completed


def test_cancelling_the_caller_cancels_the_run():
    text = workflow([tool("a", "hang")], ["start a", "a end"])

    async def main():
        started = Started("a")
        async with goflow.Engine() as engine:
            task = asyncio.create_task(engine.run(text, listener=started))
            await started.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())


def test_stop_ends_every_run_with_the_status_given():
    text = workflow([tool("a", "hang")], ["start a", "a end"])

    async def main():
        async with goflow.Engine() as engine:

            def listener(event):
                if isinstance(event, events.NodeStarted) and event.node == "a":
                    engine.stop("interrupted")

            return await engine.run(text, listener=listener)

    result = asyncio.run(main())
    assert result.status == "interrupted"
    assert statuses(result) == {"start": "completed", "a": "cancelled", "end": "cancelled"}


def test_an_engine_that_is_not_open_says_so():
    with pytest.raises(RuntimeError, match="async with"):
        asyncio.run(goflow.Engine().run(workflow([], ["start end"])))


def test_a_run_is_json():
    import json

    result = goflow.run(workflow([], ["start end"], result=[1]))
    document = json.loads(json.dumps(result.to_dict()))
    assert set(document) >= {"id", "workflow", "status", "result", "error", "nodes"}
    assert set(document["nodes"][0]) >= {
        "id", "status", "attempts", "started_at", "duration", "cached",
    }  # fmt: skip

"""``goflow why``: each reason on real runs over a real server."""

import pytest
from support.counted import one, read
from support.workflows import condition, loop, row, tool, transform, workflow

import goflow
from goflow.engine.why import why
from goflow.errors import BadCall
from goflow.history.runs import Runs
from goflow.results.results import Results, store_path
from goflow.workflow.model import CachePolicy


def reasons(run="last", node="a"):
    with Runs() as runs:
        return why(runs, run, node)[1]


def because(run="last", node="a"):
    (reason,) = reasons(run, node)
    (text,) = reason.because
    return text


def test_a_hit_says_how_old_the_result_was(go, counted):
    go(one(counted))
    go(one(counted))
    (reason,) = reasons()
    assert (reason.outcome, reason.status) == ("hit", "cached")
    assert reason.because == ("nothing it depends on had changed since its result, 0 s old",)
    assert reason.saved > 0


def test_the_first_result_of_a_tool(go, counted):
    go(one(counted))
    (reason,) = reasons()
    assert reason.because == ("no earlier result of this tool is kept",)
    assert (reason.outcome, reason.kept) == ("miss", True)


def test_an_argument_changed(go, counted):
    go(one(counted))
    go(one(counted, text="ho"))
    assert because() == 'argument \'text\' changed: "hi" → "ho"'


def test_an_argument_is_new_or_gone(go, counted):
    def text(**arguments):
        node = {**tool("a", "read", **arguments), "cache": True}
        return workflow([node], row("a"), servers=[counted.server()])

    go(text(text="hi"))
    go(text(text="hi", more=1))
    assert because() == "argument 'more' is new"
    go(text())
    assert "argument 'text' is gone" in because()


def test_what_is_told_stays_what_it_was_when_the_run_ran(go, counted):
    go(one(counted))
    run = go(one(counted, text="ho")).id
    go(one(counted, text="hu"))
    go(one(counted, text="ho"))
    assert because(run) == 'argument \'text\' changed: "hi" → "ho"'


def test_the_schema_of_the_tool_changed(go, counted):
    go(one(counted))
    counted.says(read={"description": "something else"})
    go(one(counted, text="ho"))  # the server is connected, and says so
    go(one(counted))
    assert because() == "the tool's schema or description changed"


def test_the_version_changed(go, counted):
    go(one(counted, cache={"version": "1"}))
    go(one(counted, cache={"version": "2"}))
    assert because() == 'the node\'s cache version changed: "1" → "2"'


def test_the_configuration_of_the_server_changed(go, counted):
    go(one(counted))
    go(one(counted, server=counted.server(env={"LEVEL": "debug"})))
    assert because() == "the server's env changed"
    go(one(counted, server=counted.server("more")))
    assert any(text.startswith("the server's args changed: ") for text in reasons()[0].because)


def test_the_scope_changed(go, counted):
    go(one(counted))
    go(one(counted, cache={"scope": "workflow"}))
    assert because() == "the scope it is kept to is new"


def test_the_result_had_expired(run, counted):
    now = [1000.0]

    async def main():
        for later in (0, 60 + 180):
            now[0] += later
            results = Results.open(clock=lambda: now[0])
            async with goflow.Engine(results=results) as engine:
                await engine.run(one(counted, cache={"ttl": "1m"}))
            results.close()

    run(main())
    assert because() == "the earlier result had expired 3 min before"


def test_not_opted_in_to_a_tool_that_is_read_only(go, counted):
    go(one(counted, cache=None))
    assert because() == "not cacheable: not opted in; the server marks it read-only"


def test_not_opted_in(go, counted):
    go(one(counted, cache=None, name="write"))
    assert because() == "not cacheable: not opted in"


def test_a_workflows_policy_does_not_cover_it(go, counted):
    node = read("a", name="write", cache=None)
    go(workflow([node], row("a"), servers=[counted.server()], cache={"ttl": "1h"}))
    assert because() == (
        "not cacheable: a policy that is not its own covers only tools that are marked read-only"
    )


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"cache": "off"}, "not cacheable: the run was started with the cache off"),
        ({"cache": "refresh"}, "refreshed: looked for nothing"),
        ({"cache": CachePolicy(mode="refresh")}, "refreshed: looked for nothing"),
    ],
)  # fmt: skip
def test_the_mode_of_the_run(run, counted, options, text):
    async def main():
        async with goflow.Engine() as engine:
            await engine.run(one(counted))
            await engine.run(one(counted), **options)

    run(main())
    assert because() == text


def test_the_mode_of_the_node(go, counted):
    go(one(counted, cache=False))
    assert because() == "not cacheable: its policy says off"
    go(one(counted, cache={"mode": "refresh"}))
    assert because() == "refreshed: looked for nothing"


def test_a_failure(go, counted):
    go(one(counted, name="fail"))
    (reason,) = reasons()
    assert reason.kept == "failures are never kept"


def test_a_secret_in_the_result(go, counted, monkeypatch):
    monkeypatch.setenv("GOFLOW_SECRET_TOKEN", "s3cr3t-s3cr3t")
    go(one(counted, name="token", server=counted.server(env={"TOKEN": "${secret.token}"})))
    (reason,) = reasons()
    assert reason.kept == "it contains a secret"


def test_a_secret_in_an_argument(go, counted, monkeypatch):
    monkeypatch.setenv("GOFLOW_SECRET_TOKEN", "s3cr3t-s3cr3t")
    server = counted.server(env={"TOKEN": "${secret.token}"})
    go(one(counted, server=server, text="s3cr3t-s3cr3t"))
    assert because() == "not cacheable: its arguments contain a secret"


def test_too_large(go, counted):
    node = {**tool("a", "large", size=2000), "cache": {"max_bytes": 1000}}
    go(workflow([node], row("a"), servers=[counted.server()]))
    (reason,) = reasons()
    assert reason.kept.startswith("it has 4")
    assert reason.kept.endswith("bytes, and at most 1000 are kept")


def test_a_server_that_does_not_say_what_its_tools_are(go, counted):
    go(one(counted, server=counted.server("SILENT")))
    assert because() == "not cacheable: the server does not say what the tool is"


def test_an_equal_call_was_in_flight(go, counted):
    nodes = [read("a"), read("b")]
    go(workflow(nodes, ["start a", "start b", "a end", "b end"], servers=[counted.server()]))
    assert because(node="b") == "an equal call was in flight, and its answer was taken"


def test_nodes_that_are_never_cached(go):
    nodes = [condition("c", "true"), transform("t", "1"), transform("e", "2")]
    go(workflow(nodes, ["start c", "c t true", "c e false", "t end", "e end"]))
    assert because(node="c") == "not cacheable: condition nodes are never cached"
    assert because(node="t") == "not cacheable: not opted in"
    assert because(node="e") == "it did not run: no path to it was taken"


def test_each_iteration_has_its_own_reason(go, counted):
    text = workflow(
        [loop("l", '["x", "y"]', ["a"]), read("a", "${item}")], row("l"), servers=[counted.server()]
    )
    go(text)
    first, second = reasons()
    assert first.because == ("no earlier result of this tool is kept",)
    assert second.because == ('argument \'text\' changed: "x" → "y"',)
    assert reasons(node="a@1") == [second]


def test_nodes_of_a_workflow_that_a_node_runs(go, counted, tmp_path):
    (tmp_path / "inner.yaml").write_text(one(counted))
    outer = tmp_path / "outer.yaml"
    outer.write_text(
        workflow([{"id": "w", "type": "workflow", "workflow": "inner.yaml"}], row("w"))
    )
    go(outer)
    assert because(node="a@w/") == "no earlier result of this tool is kept"
    assert because(node="start@w/") == "not cacheable: start nodes are never cached"


def test_a_store_that_was_cleared_or_is_gone(go, counted):
    go(one(counted))
    go(one(counted, text="ho"))
    for file in store_path().parent.iterdir():
        file.unlink()
    assert because() == "no earlier result of this tool is kept"
    assert not store_path().exists()


def test_an_unknown_node_is_told(go, counted):
    go(one(counted))
    with pytest.raises(BadCall, match="has no node 'aa'") as caught:
        reasons(node="aa")
    assert "it has" in caught.value.hint or "did you mean" in caught.value.hint


def test_an_execution_that_is_not_there_is_met_with_the_nearest_that_is(go):
    loops = [loop("outer", [1], ["inner"]), loop("inner", [1, 2], ["a"])]
    go(workflow([*loops, transform("a", "1", output="x")], row("outer")))
    with pytest.raises(BadCall, match="has no node 'a@1'") as caught:
        reasons(node="a@1")
    assert caught.value.hint == "did you mean 'a@0.1'?"

"""What a run tells of its servers, of its calls, and of the workflows in its nodes."""

import asyncio
import json
import os
import signal
import sys

import msgspec
import pytest
from support.engines import bare_engine, run_told
from support.servers import SCRIPTS, eventually
from support.workflows import function, lab_server, loop, row, tool, transform, workflow

import goflow
from goflow.engine import events
from goflow.engine.events import Within

SAY = workflow([tool("a", "say", text="x")], row("a"))


def told(text, **options):
    seen = []
    result = goflow.run(text, listener=seen.append, **options)
    return result, seen


def kinds(seen, *wanted):
    return [event for event in seen if isinstance(event, wanted)]


CONNECTING = (events.ServerConnecting, events.ServerConnected, events.ServerConnectFailed)


def test_connecting_is_told_with_its_reason_and_how_long_it_took():
    _, seen = told(SAY)
    began, done = kinds(seen, *CONNECTING)
    assert (began.server, began.reason, began.attempt) == ("lab", "prewarm", 1)
    assert (done.server, done.reason, done.attempt) == ("lab", "prewarm", 1)
    assert isinstance(done, events.ServerConnected)
    assert 0.0 < done.seconds <= done.at - began.at + 0.001


def test_a_failure_to_connect_is_told_with_its_error_and_the_next_is_another_attempt():
    retry = {"max_attempts": 2, "on": ["connection_error"], "initial_delay": "1ms"}
    gone = {"id": "gone", "command": "no-such-command-here"}
    text = workflow(
        [tool("a", "say", server="gone", text="x", retry=retry)], row("a"), servers=[gone]
    )
    _, seen = told(text)
    failed = kinds(seen, events.ServerConnectFailed)
    assert [e.attempt for e in failed] == list(range(1, len(failed) + 1))
    assert len(failed) >= 2
    assert failed[0].error["code"] == "connection_error"
    assert failed[-1].reason == "call"


def test_who_is_connected_already_is_not_told_of_again(run):
    async def main():
        seen = []
        async with bare_engine() as engine:
            await run_told(engine, SAY, lambda event: None)
            await run_told(engine, SAY, seen.append)
        return seen

    assert kinds(run(main()), *CONNECTING) == []


def test_a_server_that_ends_is_told_with_why(run):
    text = workflow([tool("a", "say", text="x"), function("wait", "wait")], row("a", "wait"))

    async def main():
        seen = []

        async def wait():
            (session,) = engine._connections.sessions()
            os.kill(session.pid, signal.SIGKILL)
            assert await eventually(lambda: kinds(seen, events.ServerClosed))

        async with bare_engine(functions={"wait": wait}) as engine:
            await run_told(engine, text, seen.append)
        return seen

    (closed,) = kinds(run(main()), events.ServerClosed)
    assert closed.server == "lab"
    assert "SIGKILL" in closed.reason


def test_what_a_server_logs_is_told_and_the_host_hears_it_too(run):
    text = workflow([tool("a", "log", data={"n": 1})], row("a"))
    heard = []

    async def main():
        seen = []
        async with bare_engine(handlers=goflow.Handlers(log=heard.append)) as engine:
            await run_told(engine, text, seen.append)
        return seen

    (said,) = kinds(run(main()), events.ServerLogged)
    assert (said.server, said.level, said.logger, said.data) == ("lab", "warning", None, {"n": 1})
    assert [message.data for message in heard] == [{"n": 1}]


def test_a_server_of_the_stateless_era_is_asked_for_its_log(run):
    server = {"id": "s", "command": sys.executable, "args": [str(SCRIPTS / "sdk_stdio.py")]}
    text = workflow([tool("a", "log", server="s", text="hi")], row("a"), servers=[server])
    _, seen = told(text)
    assert [e.data for e in kinds(seen, events.ServerLogged)] == ["hi", {"text": "hi"}]


def test_a_run_hears_only_of_servers_that_it_may_use(run):
    other = workflow([tool("a", "say", server="other", text="x")], row("a"),
                     servers=[lab_server("other")])  # fmt: skip
    waits = workflow([function("wait", "wait")], row("wait"))

    async def main():
        seen = []

        async def wait():
            await engine.run(other)

        async with bare_engine(functions={"wait": wait}) as engine:
            await run_told(engine, waits, seen.append)
        return seen

    assert [type(e).__name__ for e in run(main()) if type(e).__name__.startswith("Server")] == []


def test_a_run_that_is_over_hears_no_more(run):
    async def main():
        seen = []
        async with bare_engine() as engine:
            await run_told(engine, SAY, seen.append)
        return seen

    seen = run(main())
    assert isinstance(seen[-1], events.RunFinished)
    assert kinds(seen, events.ServerClosed) == []


def test_the_progress_of_a_call_is_told():
    text = workflow([loop("each", [2], ["m"]), tool("m", "steps", count="${item}")], row("each"))
    _, seen = told(text)
    assert [
        (e.node, e.progress, e.total, e.message, e.path) for e in kinds(seen, events.CallProgress)
    ] == [("m", 1, 2, "step 1", (0,)), ("m", 2, 2, "step 2", (0,))]


@pytest.mark.parametrize("history", [True, False])
def test_no_progress_is_asked_for_when_nobody_listens(run, history):
    text = workflow([tool("a", "steps", count=1, output="x")], row("a"), result="${x}")

    async def main():
        async with goflow.Engine(history=history) as engine:
            return (await engine.run(text)).result

    assert run(main()) == "nobody listens"


def test_progress_tells_no_secret(monkeypatch):
    monkeypatch.setenv("TOKEN", "s3cr3t-value")
    text = workflow(
        [tool("a", "steps", count=1, label="s3cr3t-value")], row("a"),
        servers=[lab_server(env={"TOKEN": "${env.TOKEN}"})],
    )  # fmt: skip
    _, seen = told(text)
    assert [e.message for e in kinds(seen, events.CallProgress)] == ["*** 1"]


@pytest.fixture
def nested(tmp_path):
    """A workflow that runs another in a loop, which runs a third."""

    def sub(name):
        return {"id": f"run_{name}", "type": "workflow", "workflow": name}

    inner = workflow([transform("x", "1", output="v")], row("x"))
    (tmp_path / "inner.json").write_text(inner)
    (tmp_path / "middle.json").write_text(workflow([sub("inner")], row("run_inner")))
    outer = workflow([loop("each", [7, 8], ["run_middle"]), sub("middle")], row("each"))
    (tmp_path / "outer.json").write_text(outer)
    return tmp_path / "outer.json"


def test_what_happens_in_a_workflow_of_a_node_is_told_with_where(nested):
    _, seen = told(nested)
    around = [(Within("run_middle", (i,)), Within("run_inner")) for i in (0, 1)]
    finished = [e for e in kinds(seen, events.NodeFinished) if e.node == "x"]
    assert [e.within for e in finished] == around
    assert [(e.name, e.within) for e in kinds(seen, events.VariableChanged)] == [
        ("v", around[0]), ("v", around[1]),
    ]  # fmt: skip
    assert len({event.run for event in seen}) == 1


def test_a_workflow_in_a_node_begins_and_ends_with_it_and_not_as_a_run(nested):
    _, seen = told(nested)
    assert len(kinds(seen, events.RunStarted, events.RunFinished)) == 2
    began = kinds(seen, events.SubworkflowStarted)
    assert [(e.node, e.workflow, e.nodes, e.path, e.within) for e in began[:2]] == [
        ("run_middle", "test", 3, (0,), ()),
        ("run_inner", "test", 3, (), (Within("run_middle", (0,)),)),
    ]


def test_where_a_node_is_can_be_read_from_json(nested):
    _, seen = told(nested)
    lines = [json.loads(msgspec.json.encode(event)) for event in seen]
    inner = next(line for line in lines if line["event"] == "node_started" and line["node"] == "x")
    assert inner["within"] == [
        {"node": "run_middle", "path": [0]}, {"node": "run_inner", "path": []},
    ]  # fmt: skip


def test_a_secret_is_in_no_event_of_a_server(monkeypatch):
    monkeypatch.setenv("TOKEN", "s3cr3t-value")
    text = workflow(
        [tool("a", "log", data=["${run.id}", "s3cr3t-value"])], row("a"),
        servers=[lab_server(env={"TOKEN": "${env.TOKEN}"})],
    )  # fmt: skip
    _, seen = told(text)
    assert kinds(seen, events.ServerLogged)[0].data[1] == "***"


def test_events_of_servers_are_lines_of_json_too(cli_events):
    assert {"server_connecting", "server_connected", "call_progress"} <= cli_events


@pytest.fixture
def cli_events(tmp_path):
    from goflow.cli.event_lines import EventLines

    with EventLines(str(tmp_path / "events")) as lines:
        goflow.run(workflow([tool("a", "steps", count=1)], row("a")), listener=lines.on_event)
    return {json.loads(line)["event"] for line in (tmp_path / "events").read_text().splitlines()}


def test_a_run_without_a_listener_observes_nothing(run):
    async def main():
        async with bare_engine() as engine:
            task = asyncio.create_task(engine.run(workflow([tool("a", "hang")], row("a"))))
            assert await eventually(lambda: engine._runs)
            observers = dict(engine._connections._observers)
            engine.stop()
            await task
        return observers

    assert run(main()) == {}

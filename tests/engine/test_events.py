"""What a run tells, to whom, and that nobody who listens can harm it."""

import asyncio
import json
import logging
import threading

import msgspec
from support.workflows import lab_server, loop, parallel, row, tool, transform, workflow

import goflow
from goflow.engine import delivery, events

ADD = transform("add", "n + item", output="n")
ZERO = [{"name": "n", "type": "number", "default": 0}]
THREE = workflow(
    [transform("a", "1", output="x"), transform("b", "2", output="y")], row("a", "b"), result="${x}"
)


def told(text, **options):
    seen = []
    result = goflow.run(text, listener=seen.append, **options)
    return result, seen


def kinds(seen, *wanted):
    return [event for event in seen if isinstance(event, wanted)]


def test_the_first_event_is_the_start_and_the_last_the_end():
    _, seen = told(THREE)
    assert isinstance(seen[0], events.RunStarted)
    assert isinstance(seen[-1], events.RunFinished)


def test_events_are_frozen():
    _, seen = told(THREE)
    for event in seen:
        try:
            event.run = "other"
        except AttributeError:
            continue
        raise AssertionError(event)


def test_a_variable_that_changes_is_told_with_its_value():
    _, seen = told(THREE)
    changes = [(e.name, e.value, e.node) for e in kinds(seen, events.VariableChanged)]
    assert changes == [("x", 1, "a"), ("y", 2, "b")]


def test_what_members_wrote_is_told_when_it_is_written_back():
    text = workflow([loop("each", [1, 2], ["add"]), ADD], row("each"), variables=ZERO)
    _, seen = told(text)
    changes = [(e.name, e.value, e.node) for e in kinds(seen, events.VariableChanged)]
    assert changes == [("n", 3, "each")]


def test_loops_tell_of_their_iterations():
    text = workflow([loop("each", [5, 6], ["add"]), ADD], row("each"), variables=ZERO)
    _, seen = told(text)
    assert [e.items for e in kinds(seen, events.LoopStarted)] == [2]
    assert [
        (type(e).__name__, e.index)
        for e in kinds(seen, events.IterationStarted, events.IterationFinished)
    ] == [
        ("IterationStarted", 0), ("IterationFinished", 0),
        ("IterationStarted", 1), ("IterationFinished", 1),
    ]  # fmt: skip


def test_branches_tell_how_they_ended():
    text = workflow(
        [
            parallel("both", [["a"], ["b"]], merge="wait_any"),
            transform("a", "1"),
            tool("b", "hang"),
        ],
        row("both"),
    )
    _, seen = told(text)
    assert {e.index: e.status for e in kinds(seen, events.BranchFinished)} == {
        0: "completed",
        1: "cancelled",
    }


def test_each_attempt_is_told():
    retry = {"max_attempts": 2, "on": ["tool_error"], "initial_delay": "1ms", "jitter": False}
    text = workflow([tool("a", "flaky", key="k", failures=1, retry=retry)], row("a"))
    _, seen = told(text)
    attempts = kinds(seen, events.AttemptStarted, events.AttemptFailed)
    assert [(type(e).__name__, e.attempt) for e in attempts] == [
        ("AttemptStarted", 1), ("AttemptFailed", 1), ("AttemptStarted", 2),
    ]  # fmt: skip


def test_why_a_node_was_skipped_is_told():
    text = workflow([transform("a", "1") | {"if": "false"}], row("a"))
    _, seen = told(text)
    (skipped,) = (e for e in kinds(seen, events.NodeFinished) if e.node == "a")
    assert (skipped.status, skipped.reason) == ("skipped", "its 'if' is false")


def test_every_event_is_json():
    _, seen = told(THREE)
    lines = [json.loads(msgspec.json.encode(event)) for event in seen]
    assert lines[0]["event"] == "run_started"
    assert all(line["run"] == lines[0]["run"] for line in lines)


def test_a_slow_listener_holds_nothing_up():
    """The run is over while its listener still looks at the first event."""
    let_go = threading.Event()
    seen = []

    def listener(event):
        let_go.wait()
        seen.append(event)

    async def main():
        async with goflow.Engine() as engine:
            result = await engine.run(THREE, listener=listener)
            heard = list(seen)
            let_go.set()
            return result, heard

    result, heard = asyncio.run(main())
    assert result.completed
    assert heard == []


def test_runs_one_after_the_other_have_one_thread_for_their_listeners(run):
    threads = []

    async def main():
        async with goflow.Engine() as engine:
            for _ in range(3):
                heard = []
                await engine.run(THREE, listener=lambda event, heard=heard: heard.append(
                    threading.get_ident()
                ))  # fmt: skip
                threads.append(heard)

    run(main())
    assert len({thread for heard in threads for thread in heard}) == 1
    assert [len(heard) for heard in threads] == [12, 12, 12]


def test_a_listener_that_never_comes_back_holds_up_no_other_runs(run):
    let_go = threading.Event()
    seen = []

    async def main():
        async with goflow.Engine() as engine:
            stuck = asyncio.create_task(engine.run(THREE, listener=lambda event: let_go.wait()))
            await engine.run(THREE, listener=seen.append)
            heard = len(seen)
            let_go.set()
            await stuck
            return heard

    assert run(main()) == 12


def test_a_listener_that_raises_is_told_nothing_more_and_the_run_goes_on(caplog):
    calls = []

    def listener(event):
        calls.append(event)
        raise ValueError("listener")

    with caplog.at_level(logging.WARNING, "goflow"):
        assert goflow.run(THREE, listener=listener).completed
    assert len(calls) == 1
    assert "told nothing more" in caplog.text


def test_a_listener_far_behind_is_told_how_much_it_missed(monkeypatch):
    monkeypatch.setattr(delivery, "BACKLOG", 3)
    let_go = threading.Event()
    done = threading.Event()
    seen = []

    def listener(event):
        let_go.wait()
        seen.append(event)
        if isinstance(event, events.RunFinished):
            done.set()

    async def main():
        async with goflow.Engine() as engine:
            await engine.run(THREE, listener=listener)
        let_go.set()

    asyncio.run(main())
    assert done.wait(30)
    (lost,) = kinds(seen, events.EventsLost)
    assert isinstance(seen[-1], events.RunFinished)
    assert lost.count + len(seen) - 1 == 12


def test_a_stream_hears_of_everything_from_the_start():
    async def main():
        async with goflow.Engine() as engine:
            return [event async for event in engine.stream(THREE)]

    seen = asyncio.run(main())
    assert isinstance(seen[0], events.RunStarted)
    assert isinstance(seen[-1], events.RunFinished)


def test_a_secret_is_in_no_event(monkeypatch):
    monkeypatch.setenv("TOKEN", "s3cr3t-value")
    server = lab_server(env={"TOKEN": "${env.TOKEN}"})
    text = workflow(
        [tool("a", "environment", name="TOKEN", output="x")], row("a"), servers=[server]
    )
    _, seen = told(text)
    assert kinds(seen, events.VariableChanged)[0].value == "***"
    assert "s3cr3t" not in repr(seen)

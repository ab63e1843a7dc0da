"""Every run ends, whatever happens at whatever moment, and says why."""

import asyncio
import contextlib
import itertools
import threading

import pytest
from support.servers import minimal
from support.workflows import (
    Started,
    lab_server,
    loop,
    parallel,
    row,
    script,
    tool,
    transform,
    workflow,
)

import goflow
from goflow.engine import events
from goflow.engine.ending import within
from goflow.history.runs import Runs
from goflow.results.results import Results

HEAVY = "count(range(200000), # % 7 == 3)"


def test_a_failure_beside_a_call_that_has_not_begun_ends_the_run(go):
    text = workflow(
        [tool("t", "hang"), transform("bad", "1 / 0")],
        ["start t", "start bad", "t end", "bad end"],
    )
    result = go(text)
    assert result.status == "failed"
    assert result.error["node"] == "bad"
    assert result.node("t").status == "cancelled"


def test_a_run_that_is_stopped_as_it_begins_ends(run):
    text = workflow([tool("t", "hang")], ["start t", "t end"])

    async def main():
        async with goflow.Engine() as engine:
            task = asyncio.create_task(engine.run(text))
            asyncio.get_running_loop().call_soon(engine.stop)
            return await task

    assert run(main()).status == "cancelled"


def test_a_listener_may_stop_the_run(run):
    text = workflow([tool("t", "hang")], ["start t", "t end"])

    async def main():
        async with goflow.Engine() as engine:

            def listener(event):
                if isinstance(event, events.NodeStarted) and event.node == "t":
                    engine.stop()

            return await engine.run(text, listener=listener)

    result = run(main())
    assert (result.status, result.node("t").status) == ("cancelled", "cancelled")


def test_closing_the_engine_cancels_its_runs(run):
    servers = [script("faulty", "hang at handshake")]
    text = workflow([tool("t", "x")], ["start t", "t end"], servers=servers)

    async def main():
        async with goflow.Engine() as engine:
            started = Started()
            task = asyncio.create_task(engine.run(text, listener=started))
            await started.wait()
        return await task

    assert run(main()).status == "cancelled"


def test_nodes_that_compute_hear_the_runs_timeout(go):
    nodes = [transform(f"n{i}", HEAVY) for i in range(500)]
    chain = ["start", *(node["id"] for node in nodes), "end"]
    edges = [f"{a} {b}" for a, b in itertools.pairwise(chain)]
    result = go(workflow(nodes, edges, timeout="100ms"))
    assert result.status == "timed_out"
    assert result.node("n499").status == "cancelled"


@pytest.mark.parametrize(
    "expression",
    ["round(1.7976931348623157e308, -299)", "sum([1e308, 1e308])", "length(run.id) + [1][0:1]"],
)
def test_what_python_cannot_compute_fails_its_node(go, expression):
    result = go(workflow([transform("a", expression)], ["start a", "a end"]))
    assert result.status == "failed"
    assert result.error["code"] == "transform_error"


@pytest.mark.parametrize("content", ["text", {"a": 1}, ["x"], [None], 7])
@pytest.mark.parametrize("failed", [True, False])
def test_an_answer_that_is_not_of_mcp_is_the_servers_error(go, content, failed):
    answer = {"content": content, "isError": failed}
    result = go(workflow([tool("a", "answer", result=answer)], ["start a", "a end"]))
    assert result.error["code"] == "server_error"
    assert "no list of blocks" in result.error["message"]


def test_a_secret_that_a_server_complains_of_is_not_shown(go, monkeypatch):
    monkeypatch.setenv("LAB_TOKEN", "s3cret-t0ken")
    answer = {"content": [{"type": "text", "text": "bad token s3cret-t0ken"}], "isError": True}
    text = workflow(
        [tool("a", "answer", result=answer)],
        ["start a", "a end"],
        servers=[lab_server(env={"TOKEN": "${env.LAB_TOKEN}"})],
    )
    result = go(text)
    assert "s3cret" not in repr(result.to_dict())
    assert "bad token ***" in result.error["message"]


@pytest.mark.parametrize("options", [{"max_in_flight": 1}, {"mode": "exclusive"}])
def test_a_server_gets_no_more_calls_at_once_than_it_takes(go, options):
    nodes = [tool(f"n{i}", "crowd") for i in range(5)]
    edges = [edge for i in range(5) for edge in (f"start n{i}", f"n{i} end")]
    result = go(workflow(nodes, edges, servers=[lab_server(**options)]))
    assert {record.output for record in result.nodes[1:-1]} == {"1"}


def test_a_connection_that_failed_for_nobody_is_tried_again(run, monkeypatch, tmp_path):
    """A warm-up's failure is no news for a later run."""
    from goflow.errors import ConnectFailed
    from goflow.servers.connections import Connections

    async def main():
        connections = Connections()
        config = minimal(cwd=str(tmp_path / "later"))
        connections.warm(config)
        await connections.prewarm([config])
        (tmp_path / "later").mkdir()
        connections.warm(config)
        lease, _ = await connections.acquire(config)
        assert not lease.connection.closed
        connections.release(lease)
        await connections.close()
        with pytest.raises(ConnectFailed):
            await connections.acquire(minimal(cwd=str(tmp_path / "never")))
        await connections.close()

    run(main())


def test_a_caller_that_is_cancelled_when_its_run_is_over_leaves_nothing_behind(run):
    """While its listener, and the history, are waited for."""
    let_go = threading.Event()

    async def main():
        async with goflow.Engine() as engine:
            text = workflow([transform("a", "1")], row("a"))
            task = asyncio.create_task(engine.run(text, listener=lambda event: let_go.wait()))
            await asyncio.sleep(0)  # a run that only computes is over in one step
            assert "0 runs" in repr(engine)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            let_go.set()

    run(main())


def stubborn(begun):
    """A function that takes its time to end when it is cancelled."""

    async def work():
        begun.set()
        for _ in range(3):
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0.05)

    return work


CALL = {"id": "f", "type": "function", "function": "work"}
OWNERS = {
    "alone": [],
    "in a loop": [loop("l", [1], ["f"])],
    "in branches": [parallel("p", [["f"], ["g"]], merge="wait_any"), {**CALL, "id": "g"}],
}


@pytest.mark.parametrize("case", OWNERS)
def test_a_caller_that_is_cancelled_twice_leaves_nothing_of_its_run_behind(run, case):
    nodes = [*OWNERS[case], CALL]
    text = workflow(nodes, row(nodes[0]["id"]))

    async def main():
        begun = asyncio.Event()
        async with goflow.Engine(functions={"work": stubborn(begun)}) as engine:
            task = asyncio.create_task(engine.run(text))
            await begun.wait()
            alive = asyncio.all_tasks() - {task, asyncio.current_task()}
            for _ in range(3):
                task.cancel()
                await asyncio.sleep(0.01)
            with pytest.raises(asyncio.CancelledError):
                await task
            assert all(one.done() for one in alive)
            await engine._journal.flush()
            assert not engine._journal.broken
            return await engine.run(workflow([transform("a", "1")], row("a")))

    assert run(main()).warnings == ()


def test_what_took_too_long_has_ended_when_who_waits_is_cancelled(run):
    async def main():
        begun = asyncio.Event()
        work = asyncio.create_task(stubborn(begun)())
        task = asyncio.create_task(within(work, 0.01))
        await begun.wait()
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert work.done()

    run(main())


def test_closing_the_engine_waits_until_what_its_runs_did_is_written(run, monkeypatch):
    flush = Results.flush
    nodes = [
        {"id": "a", "type": "function", "function": "quick", "cache": {"ttl": "1h"}},
        {"id": "b", "type": "function", "function": "work"},
    ]

    async def quick():
        return 1

    async def main():
        begun = asyncio.Event()
        written = threading.Event()

        def slow(results):
            written.wait(10)
            flush(results)

        monkeypatch.setattr(Results, "flush", slow)
        engine = goflow.Engine(functions={"quick": quick, "work": stubborn(begun)})
        async with engine:
            task = asyncio.create_task(engine.run(workflow(nodes, row("a", "b"))))
            await begun.wait()
            asyncio.get_running_loop().call_later(0.3, written.set)
        assert task.done()
        return await task

    result = run(main())
    assert result.status == "cancelled"
    with Runs() as runs:
        assert runs.kept(result.id).status == "cancelled"

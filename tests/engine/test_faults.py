"""What a run survives: large values, long loops, being stopped, jumping clocks, many at once."""

import asyncio
import gc
import itertools
import sys
import time
import tracemalloc

import pytest
from support.deep import rounds
from support.workflows import (
    Started,
    condition,
    function,
    loop,
    row,
    script,
    tool,
    transform,
    workflow,
)

import goflow
from goflow.engine import events
from goflow.history.runs import Runs

MIB = 1 << 20


def statuses(result):
    return {record.id: record.status for record in result.nodes}


# -- large and long ----------------------------------------------------------------------------


def test_a_result_of_50_mib_goes_through_whole(go):
    """From a tool to a variable, to another node's function, to the run's result."""

    async def measure(x):
        return len(x)

    text = workflow(
        [tool("t", "large", size=50 * MIB, output="x"), function("f", "measure", x="${x}")],
        row("t", "f"),
        result="${[nodes.f.output, x]}",
    )
    result = go(text, functions={"measure": measure})
    assert result.status == "completed", result.error
    assert result.result[0] == 50 * MIB
    assert result.result[1] == "x" * (50 * MIB)


@pytest.mark.parametrize(("history", "most"), [(False, 1_000_000), (True, 400_000)])
def test_a_long_loop_that_nobody_reads_takes_no_memory_for_what_it_did(history, most):
    count = rounds(most)
    text = workflow(
        [
            loop("each", "items", ["next", "big"], output="all"),
            transform("next", "total + 1", output="total"),
            transform("big", "[total, total, total]", output="last"),
        ],
        row("each"),
        variables=[{"name": "items"}, {"name": "total", "default": 0}],
        result="${[all.iteration_count, last]}",
    )
    items = [None] * count

    async def main():
        async with goflow.Engine(history=history) as engine:
            await engine.run(text, {"items": items[:100]})  # what is imported and compiled once
            tracemalloc.start()
            try:
                result = await engine.run(text, {"items": items})
                return result, tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()

    result, peak = asyncio.run(main())
    assert result.result == [count, [count] * 3]
    # A list of the items is 8 bytes for each, and there may be a few of them; the smallest record
    # of what an iteration wrote would be hundreds. What waits to be written is bounded too.
    assert peak < 64 * count + (8 if history else 2) * MIB


# -- cancelled in each state -------------------------------------------------------------------


def started(node):
    return lambda event: isinstance(event, events.NodeStarted) and event.node == node


def retrying(event):
    return isinstance(event, events.AttemptFailed)


HOUR = {"max_attempts": 2, "initial_delay": 3600, "max_delay": 3600, "jitter": False,
        "on": ["tool_error"]}  # fmt: skip
FOREVER = function("f", "forever")
STATES = {
    "while a call is in flight": ([FOREVER], row("f"), started("f"), {"f"}),
    "while a retry waits": (
        [function("f", "broken") | {"retry": HOUR}], row("f"), retrying, {"f"},
    ),
    "while a node waits for its place": (
        [FOREVER, function("g", "forever")],
        ["start f", "start g", "f end", "g end"], started("f"), {"f", "g"},
    ),
    "inside a loop": ([loop("each", [1, 2], ["f"]), FOREVER], row("each"), started("f"),
                      {"each", "f"}),
    "inside a loop, waiting for a place": (
        [loop("each", [1, 2, 3], ["f"], parallel=True), FOREVER],
        row("each"), started("f"), {"each", "f"},
    ),
    "inside a parallel node": (
        [{"id": "p", "type": "parallel", "branches": [["f"], ["g"]]}, FOREVER,
         function("g", "forever")],
        row("p"), started("g"), {"p", "f"},
    ),
    "inside a parallel node, in a retry's wait": (
        [{"id": "p", "type": "parallel", "branches": [["f"], ["b"]], "merge": "wait_any"}, FOREVER,
         function("b", "broken") | {"retry": HOUR}],
        row("p"), retrying, {"p"},
    ),
}  # fmt: skip


class Calls:
    """Functions that end only when they are cancelled, and how many of them go on."""

    def __init__(self):
        self.going = 0
        self.begun = asyncio.Event()

    async def forever(self):
        self.going += 1
        self.begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.going -= 1

    async def broken(self):
        raise ValueError("as ever")

    @property
    def functions(self):
        return {"forever": self.forever, "broken": self.broken}


@pytest.mark.parametrize("state", STATES)
def test_a_run_that_is_stopped_ends_and_says_so(run, state):
    nodes, edges, reached, cancelled = STATES[state]
    text = workflow(nodes, edges, max_parallel=1 if "place" in state else 8)
    calls = Calls()

    async def main():
        async with goflow.Engine(functions=calls.functions) as engine:

            def listen(event):
                if reached(event):
                    engine.stop()

            return await engine.run(text, listener=listen)

    result = run(main())
    assert result.status == "cancelled"
    ended = statuses(result)
    assert {node: ended[node] for node in cancelled} == dict.fromkeys(cancelled, "cancelled")
    assert ended["start"] == "completed"
    assert ended["end"] == "cancelled"
    assert calls.going == 0


@pytest.mark.parametrize("state", STATES)
def test_a_caller_that_is_cancelled_leaves_nothing_behind(run, state):
    nodes, edges, reached, _ = STATES[state]
    text = workflow(nodes, edges, max_parallel=1 if "place" in state else 8)
    calls = Calls()

    async def main():
        loop = asyncio.get_running_loop()
        there = asyncio.Event()
        ends = []

        def listen(event):
            if reached(event):
                loop.call_soon_threadsafe(there.set)
            if isinstance(event, events.RunFinished):
                ends.append(event.status)

        async with goflow.Engine(functions=calls.functions) as engine:
            task = asyncio.create_task(engine.run(text, listener=listen))
            await there.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert calls.going == 0
            assert "0 runs" in repr(engine)
        return ends

    assert run(main()) == ["cancelled"]
    with Runs() as runs:
        assert [kept["status"] for kept in runs.newest()] == ["cancelled"]


def test_a_run_that_is_cancelled_before_it_starts_never_starts(run):
    seen = []

    async def main():
        async with goflow.Engine() as engine:
            task = asyncio.create_task(
                engine.run(workflow([], ["start end"]), listener=seen.append)
            )
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    run(main())
    assert seen == []


@pytest.mark.parametrize("how", ["stop", "cancel"])
def test_a_run_that_ends_while_a_server_connects(run, how):
    text = workflow([tool("t", "x")], row("t"), servers=[script("faulty", "hang at handshake")])

    async def main():
        async with goflow.Engine() as engine:
            there = Started("t")
            task = asyncio.create_task(engine.run(text, listener=there))
            await there.wait()
            if how == "stop":
                engine.stop()
                return (await task).node("t").status
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return "cancelled"

    assert run(main()) == "cancelled"


def test_a_sub_workflow_is_stopped_with_the_run_that_runs_it(run, tmp_path):
    (tmp_path / "inner.json").write_text(workflow([FOREVER], row("f")))
    main_file = tmp_path / "main.json"
    main_file.write_text(workflow([{"id": "s", "type": "workflow", "workflow": "inner"}], row("s")))
    calls = Calls()

    async def main():
        async with goflow.Engine(functions=calls.functions) as engine:
            task = asyncio.create_task(engine.run(main_file))
            await calls.begun.wait()  # the inner run's events are its own
            engine.stop()
            return await task

    result = run(main())
    assert (result.status, result.node("s").status) == ("cancelled", "cancelled")
    assert calls.going == 0


# -- listeners ---------------------------------------------------------------------------------


def test_a_listener_that_raises_at_any_event_changes_nothing(go):
    text = workflow(
        [
            condition("c", "n > 1"),
            loop("each", [1, 2], ["add"]),
            transform("add", "n + item", output="n"),
            transform("bad", "1 / 0", on_error="continue"),
        ],
        ["start c", "c each true", "c bad false", "each end", "bad end"],
        variables=[{"name": "n", "default": 2}],
        result="${n}",
    )
    seen = []
    expected = go(text, listener=seen.append)
    for at in range(len(seen)):
        turns = itertools.count()

        def listener(event, at=at, turns=turns):
            if next(turns) == at:
                raise RuntimeError("this listener is broken")

        result = go(text, listener=listener)
        assert statuses(result) == statuses(expected)
        assert (result.status, result.result) == ("completed", 5)


# -- clocks ------------------------------------------------------------------------------------


@pytest.mark.parametrize("jump", [1e9, -1e9])
def test_a_clock_that_jumps_changes_no_duration_and_no_status(go, monkeypatch, jump):
    real, jumps = time.time, itertools.count()
    monkeypatch.setattr(time, "time", lambda: real() + jump * (next(jumps) % 3))

    async def later():
        await asyncio.sleep(0)

    flaky = iter([ValueError("not yet"), None])

    async def once_more():
        if error := next(flaky):
            raise error

    result = go(
        workflow(
            [
                function("f", "later") | {"timeout": 1000},
                function("g", "once_more")
                | {"retry": {"max_attempts": 2, "initial_delay": 0, "on": ["tool_error"]}},
                loop("each", [1, 2], ["x"]),
                transform("x", "item"),
            ],
            row("f", "g", "each"),
            timeout=1000,
        ),
        functions={"later": later, "once_more": once_more},
    )
    assert result.status == "completed", result.error
    assert set(statuses(result).values()) == {"completed"}
    durations = [result.duration, *(record.duration for record in result.nodes)]
    assert all(0 <= duration < 1000 for duration in durations)
    assert len(result.to_dict()["nodes"]) == 6


# -- many --------------------------------------------------------------------------------------


def test_many_runs_at_once_leave_no_memory_behind(run):
    """Of a workflow of ten nodes, in one engine; what the first time keeps is kept once."""
    count = rounds(20_000)

    async def later(x):
        await asyncio.sleep(0)
        return x + 1

    nodes = [
        *(function(f"f{i}", "later", x="${n}", output="n") for i in range(4)),
        *(transform(f"t{i}", "[n, item_of[0]]", output=f"x{i}") for i in range(2)),
        condition("c", "n > 2"),
        {"id": "p", "type": "passthrough"},
    ]
    text = workflow(
        nodes,
        ["start f0", "f0 f1", "f1 c", "c f2 true", "c p false", "start t0", "t0 f3",
         "f3 t1", "f2 end", "p end", "t1 end"],
        variables=[{"name": "n", "required": True}, {"name": "item_of", "default": ["a" * 1000]}],
        result="${n}",
    )  # fmt: skip

    async def main():
        async with goflow.Engine(functions={"later": later}) as engine:
            loaded = goflow.load(text)

            async def many():
                runs = [engine.run(loaded, {"n": i}) for i in range(count)]
                results = await asyncio.gather(*runs)
                assert {result.status for result in results} == {"completed"}
                del results, runs
                gc.collect()
                return sys.getallocatedblocks()

            await many()
            # The writer's thread may still hold what it writes: the least of some is compared.
            return [await many() for _ in range(3)], [await many() for _ in range(3)]

    before, after = map(min, run(main()))
    # What one run would leave is dozens of blocks.
    assert after - before < count

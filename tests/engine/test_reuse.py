"""What runs take from kept results and keep: real servers whose starts and calls are counted."""

import asyncio
from contextlib import suppress

import pytest
from support.counted import Counted, one, read, twice
from support.servers import eventually
from support.workflows import (
    condition,
    function,
    passthrough,
    row,
    script,
    tool,
    transform,
    workflow,
)

import goflow
from goflow.engine import events
from goflow.errors import BadCall, HistoryError
from goflow.history.runs import Runs
from goflow.results.results import Results, store_path
from goflow.workflow.model import CachePolicy


def statuses(result):
    return {record.id: record.status for record in result.nodes}


# -- what is taken -----------------------------------------------------------------------------


def test_a_run_that_hits_everywhere_starts_no_server(go, counted):
    text = workflow(
        [read("a", output="x"), read("b", "${x}!", output="y")],
        row("a", "b"),
        result="${y}",
        servers=[counted.server()],
    )
    first, second = twice(go, text)
    assert (first.result, second.result) == ("hi!", "hi!")
    assert statuses(second) == {
        "start": "completed", "a": "cached", "b": "cached", "end": "completed",
    }  # fmt: skip
    assert counted.starts == 1
    assert len(counted.calls) == 2


def test_a_hit_says_what_it_saves(go, counted):
    _, second = twice(go, one(counted))
    record = second.node("a")
    assert record.cached
    assert record.saved > 0
    assert record.attempts == 0
    assert second.cache.to_dict() == {
        "hits": 1, "misses": 0, "stored": 0, "saved": record.saved, "hit_rate": 1.0,
    }  # fmt: skip
    assert second.to_dict()["nodes"][1]["saved"] == record.saved
    assert second.to_dict()["cache"]["hits"] == 1


def test_a_server_all_of_whose_nodes_hit_is_not_started_beside_one_that_is(go, counted, tmp_path):
    other = Counted(tmp_path / "other")

    def text(word):
        return workflow(
            [read("a", output="x"), {**read("b", word, output="y"), "server": "other"}],
            ["start a", "start b", "a end", "b end"],
            result="${y}",
            servers=[counted.server(), other.server(server_id="other")],
        )

    go(text("one"))
    second = go(text("two"))
    assert second.result == "two"
    assert statuses(second)["a"] == "cached"
    assert (counted.starts, other.starts) == (1, 2)


def test_a_node_without_a_policy_runs_each_time(go, counted):
    first, second = twice(go, one(counted, cache=None))
    assert first.cache is None
    assert second.node("a").status == "completed"
    assert len(counted.calls) == 2


def test_a_tool_that_is_not_read_only_is_cached_when_its_node_asks(go, counted):
    twice(go, one(counted, name="write"))
    assert len(counted.calls) == 1


def test_a_workflow_asks_for_its_read_only_tools_only(go, counted):
    text = workflow(
        [read("a", cache=None), read("b", "w", name="write", cache=None)],
        row("a", "b"),
        servers=[counted.server()],
        cache={"ttl": "1h"},
    )
    _, second = twice(go, text)
    assert statuses(second)["a"] == "cached"
    assert statuses(second)["b"] == "completed"
    assert [line.split()[0] for line in counted.calls] == ["read", "write", "write"]


def test_a_run_asks_for_its_read_only_tools_only(run, counted):
    text = workflow(
        [read("a", cache=None), read("b", "w", name="write", cache=None)],
        row("a", "b"),
        servers=[counted.server()],
    )

    async def main():
        for _ in range(2):
            async with goflow.Engine() as engine:
                result = await engine.run(text, cache="use")
        return result

    assert statuses(run(main())) == {
        "start": "completed", "a": "cached", "b": "completed", "end": "completed",
    }  # fmt: skip


def test_an_engine_asks_for_its_runs(run, counted):
    async def main():
        for _ in range(2):
            async with goflow.Engine(cache=CachePolicy(ttl=60)) as engine:
                result = await engine.run(one(counted, cache=None))
        return result

    assert run(main()).node("a").cached


def test_refresh_does_everything_anew_and_keeps_it(run, counted):
    async def main():
        async with goflow.Engine() as engine:
            await engine.run(one(counted))
            again = await engine.run(one(counted), cache="refresh")
            after = await engine.run(one(counted))
        return again, after

    again, after = run(main())
    assert not again.node("a").cached
    assert again.cache.stored == 1
    assert after.node("a").cached
    assert len(counted.calls) == 2


def test_off_looks_for_nothing_and_keeps_nothing(run, counted):
    async def main():
        async with goflow.Engine(cache="off") as engine:
            for _ in range(2):
                result = await engine.run(one(counted))
        return result

    assert run(main()).cache is None
    assert len(counted.calls) == 2
    assert not store_path().exists()


def test_an_unknown_mode_is_told(run, counted):
    async def main():
        async with goflow.Engine() as engine:
            with pytest.raises(BadCall, match="'sometimes' is no way to use the cache"):
                await engine.run(one(counted), cache="sometimes")

    run(main())


def test_a_renamed_workflow_and_node_find_the_result(go, counted):
    go(one(counted))
    text = workflow(
        [read("other", output="x")],
        row("other"),
        servers=[counted.server(server_id="lab")],
        result="${x}",
        name="renamed",
    )
    assert go(text).node("other").cached


def test_a_node_whose_inputs_came_out_the_same_is_skipped(go, counted):
    """Early cut-off: what fed it ran again, and gave the same."""

    def text(word):
        return workflow(
            [
                read("a", word, output="x"),
                transform("t", "length(x)", output="n"),
                read("b", "${string(n)}", output="y"),
            ],
            row("a", "t", "b"),
            result="${y}",
            servers=[counted.server()],
        )

    go(text("one"))
    second = go(text("two"))
    assert statuses(second) == {
        "start": "completed", "a": "completed", "t": "completed", "b": "cached",
        "end": "completed",
    }  # fmt: skip


@pytest.mark.parametrize("value", [None, "", 0, False, [], {}, "text", {"k": [1, None]}])
def test_any_value_comes_back_as_it_was(run, value):
    calls = []

    def give():
        calls.append(1)
        return value

    node = {**function("f", "give", output="x"), "cache": True}
    text = workflow([node], row("f"), result={"v": "${x}"})

    async def main():
        for _ in range(2):
            async with goflow.Engine(functions={"give": give}) as engine:
                result = await engine.run(text)
        return result

    result = run(main())
    assert result.result == {"v": value}
    assert result.node("f").cached
    assert len(calls) == 1


def test_both_bindings_survive_the_cache(go, counted):
    """The raw result and the text that a value was read from."""
    text = workflow(
        [
            read("a", '{"k": 1}', output="x"),
            {**tool("b", "keep", content="${x}", output="kept"), "server": "keeper"},
        ],
        row("a", "b"),
        result=["${x.k}", "${x.content[0].text}", "${kept}"],
        servers=[counted.server(), script("lab", server_id="keeper")],
    )
    first, second = twice(go, text)
    assert second.node("a").cached
    assert first.result == second.result == [1, '{"k": 1}', ["str", '{"k": 1}']]


def test_a_cached_node_reads_as_completed(go, counted):
    """What a workflow sees of its nodes does not depend on the cache."""
    text = workflow(
        [read("a"), condition("c", "nodes.a.status == 'completed'"), transform("yes", "1")],
        ["start a", "a c", "c yes true", "c end false", "yes end"],
        servers=[counted.server()],
    )
    _, second = twice(go, text)
    assert second.node("a").status == "cached"
    assert second.node("yes").status == "completed"


def test_changing_a_value_that_was_taken_changes_no_kept_one(run, counted):
    async def main():
        async with goflow.Engine() as engine:
            text = one(counted, text='{"k": [1]}')
            first = await engine.run(text)
            first.result["k"].append(2)
            first.node("a").output["k"].append(3)
            second = await engine.run(text)
            second.result["k"].append(4)
            second.node("a").output["k"].append(5)
            return await engine.run(text)

    assert run(main()).result == {"k": [1]}


# -- the key -----------------------------------------------------------------------------------


def test_another_argument_is_another_result(go, counted):
    go(one(counted))
    assert not go(one(counted, text="ho")).node("a").cached


def test_ignored_arguments_are_no_part_of_it(go, counted):
    go(one(counted, cache={"ignore": ["text"]}))
    assert go(one(counted, cache={"ignore": ["text"]}, text="ho")).result == "hi"


def test_another_version_is_another_result(go, counted):
    go(one(counted, cache={"version": "1"}))
    assert not go(one(counted, cache={"version": "2"})).node("a").cached
    assert go(one(counted, cache={"version": "1"})).node("a").cached


def test_another_environment_of_the_server_is_another_result(go, counted):
    go(one(counted, server=counted.server(env={"A": "1"})))
    assert not go(one(counted, server=counted.server(env={"A": "2"}))).node("a").cached


def test_a_schema_that_changed_at_connect_invalidates(run, counted):
    """What the server says of a tool is checked again whenever it is connected."""

    async def once(*texts):
        async with goflow.Engine() as engine:
            return [await engine.run(text) for text in texts]

    async def main():
        await once(one(counted))
        counted.says(read={"description": "now it reads something else"})
        (stale,) = await once(one(counted))  # nobody connects: as last seen
        fresh = await once(one(counted, text="other"), one(counted))
        return stale, fresh[1]

    stale, fresh = run(main())
    assert stale.node("a").cached
    assert not fresh.node("a").cached
    assert counted.calls == ['read {"text": "hi"}', 'read {"text": "other"}', 'read {"text": "hi"}']


def test_a_result_is_kept_under_what_the_server_says_when_it_gave_it(go, counted):
    go(one(counted))
    counted.says(read={"description": "now it reads something else"})
    go(one(counted, text="other"))
    assert go(one(counted, text="other")).node("a").cached
    assert counted.starts == 2


def test_a_tool_that_is_no_longer_read_only_is_no_longer_cached(go, counted):
    def text(word):
        return workflow(
            [read("a", word, cache=None)], row("a"), servers=[counted.server()], cache=True
        )

    go(text("hi"))
    counted.says(read={"annotations": {"readOnlyHint": False}})
    go(text("other"))  # it is connected, and says so
    assert not go(text("hi")).node("a").cached
    assert not go(text("other")).node("a").cached


# -- scope and lifetime ------------------------------------------------------------------------


def test_the_scope_run_keeps_a_result_to_the_run(run, counted):
    text = workflow(
        [read("a", cache={"scope": "run"}), read("b", cache={"scope": "run"})],
        row("a", "b"),
        servers=[counted.server()],
    )

    async def main():
        async with goflow.Engine() as engine:
            return [await engine.run(text) for _ in range(2)]

    for result in run(main()):
        assert statuses(result)["a"] == "completed"
        assert statuses(result)["b"] == "cached"


def test_the_scope_workflow_keeps_a_result_to_workflows_of_its_name(go, counted):
    cache = {"scope": "workflow"}
    go(one(counted, cache=cache))
    assert not go(one(counted, cache=cache, name="other")).node("a").cached
    assert go(one(counted, cache=cache)).node("a").cached


def test_a_result_is_over_after_its_ttl(run, counted):
    now = [1000.0]
    text = one(counted, cache={"ttl": "1m"})

    async def main():
        found = []
        for later in (0, 59, 2, 1):
            now[0] += later
            results = Results.open(clock=lambda: now[0])
            async with goflow.Engine(results=results) as engine:
                found.append((await engine.run(text)).node("a").cached)
            results.close()
        return found

    assert run(main()) == [False, True, False, True]


# -- what is never kept ------------------------------------------------------------------------


def test_a_failure_is_never_kept(go, counted):
    first, second = twice(go, one(counted, name="fail"))
    assert first.status == second.status == "failed"
    assert len(counted.calls) == 2


def test_what_on_error_gives_is_never_kept(go, counted):
    text = workflow(
        [read("a", name="fail", output="x", on_error={"value": "instead"})],
        row("a"), result="${x}", servers=[counted.server()],
    )  # fmt: skip
    first, second = twice(go, text)
    assert first.result == second.result == "instead"
    assert len(counted.calls) == 2


def test_a_cancelled_call_is_never_kept(run, tmp_path):
    text = workflow([{**tool("a", "hang"), "cache": True}], row("a"), servers=[script("lab")])

    async def main():
        async with goflow.Engine() as engine:
            seen = asyncio.Event()
            loop = asyncio.get_running_loop()

            def hear(event):
                if isinstance(event, events.AttemptStarted):
                    loop.call_soon_threadsafe(seen.set)

            task = asyncio.create_task(engine.run(text, listener=hear))
            await seen.wait()
            engine.stop()
            return await task

    result = run(main())
    assert result.status == "cancelled"
    assert result.cache.stored == 0


def test_a_value_over_the_limit_is_never_kept(go, counted):
    def text(size):
        node = {**tool("a", "large", size=size), "cache": {"max_bytes": 10_000}}
        return workflow([node], row("a"), servers=[counted.server()])

    assert not twice(go, text(10_000))[1].node("a").cached
    assert twice(go, text(1_000))[1].node("a").cached


def test_a_value_with_a_secret_is_never_kept(go, counted, monkeypatch):
    monkeypatch.setenv("GOFLOW_SECRET_TOKEN", "s3cr3t-s3cr3t")
    server = counted.server(env={"TOKEN": "${secret.token}"})
    _, second = twice(go, one(counted, name="token", server=server))
    assert second.result == "the token is s3cr3t-s3cr3t"
    assert len(counted.calls) == 2
    assert b"s3cr3t-s3cr3t" not in store_path().read_bytes()


def test_a_call_with_a_secret_among_its_arguments_is_neither_looked_up_nor_kept(
    go, counted, monkeypatch
):
    monkeypatch.setenv("GOFLOW_SECRET_TOKEN", "s3cr3t-s3cr3t")
    server = counted.server(env={"TOKEN": "${secret.token}"})
    _, second = twice(go, one(counted, server=server, text="s3cr3t-s3cr3t"))
    assert second.node("a").lookup.reason == "its arguments contain a secret"
    assert len(counted.calls) == 2


def test_a_server_that_lists_no_tools_is_called_each_time(go, counted):
    first, second = twice(go, one(counted, server=counted.server("SILENT")))
    assert (first.status, second.status) == ("completed", "completed")
    assert second.node("a").lookup.reason == "the server does not say what the tool is"
    assert len(counted.calls) == 2


def test_a_condition_is_never_cached(go, counted):
    node = {**condition("c", "1 == 1"), "cache": True}
    text = workflow([node, passthrough("p")], ["start c", "c end true", "c p false", "p end"])
    _, second = twice(go, text)
    assert second.node("c").status == "completed"
    assert second.cache is None


# -- equal calls at once -----------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"timeout": "60s"}])
def test_equal_calls_in_flight_run_once(go, counted, options):
    ids = [f"n{i}" for i in range(5)]
    text = workflow(
        [read(i, output=i, **options) for i in ids],
        [edge for i in ids for edge in (f"start {i}", f"{i} end")],
        result=[f"${{{i}}}" for i in ids],
        servers=[counted.server()],
    )
    result = go(text)
    assert result.result == ["hi"] * 5
    assert len(counted.calls) == 1
    assert sorted(statuses(result).values()) == ["cached"] * 4 + ["completed"] * 3
    assert result.cache.stored == 1


def test_equal_calls_of_two_runs_run_once(run, counted):
    async def main():
        async with goflow.Engine() as engine:
            return await asyncio.gather(*(engine.run(one(counted)) for _ in range(3)))

    assert [result.result for result in run(main())] == ["hi"] * 3
    assert len(counted.calls) == 1


def test_equal_calls_of_two_engines_of_a_process_run_once(run, counted):
    async def main():
        async with goflow.Engine() as first, goflow.Engine() as second:
            return await asyncio.gather(*(e.run(one(counted)) for e in (first, second)))

    assert [result.result for result in run(main())] == ["hi"] * 2
    assert len(counted.calls) == 1


def test_what_an_equal_call_kept_since_the_look_up_is_taken(go, counted, monkeypatch):
    once = Results.once
    others = iter(["an equal call that begins and ends before this one begins"])

    async def late(self, key, work, **apart):
        for _ in others:
            await once(self, key, work, **apart)
        return await once(self, key, work, **apart)

    monkeypatch.setattr(Results, "once", late)
    assert go(one(counted)).result == "hi"
    assert len(counted.calls) == 1


def test_a_run_that_refreshes_takes_nothing_that_was_kept_since(go, counted, monkeypatch):
    once = Results.once

    async def late(self, key, work, **apart):
        await once(self, key, work, **apart)
        return await once(self, key, work, **apart)

    go(one(counted))
    monkeypatch.setattr(Results, "once", late)
    assert go(one(counted), cache="refresh").result == "hi"
    assert len(counted.calls) == 3


def test_a_failure_fails_all_that_waited_each_under_its_own_name(go, counted):
    text = workflow(
        [read("a", name="fail", on_error="continue"), read("b", name="fail", on_error="continue")],
        ["start a", "start b", "a end", "b end"],
        servers=[counted.server()],
    )
    result = go(text)
    assert len(counted.calls) == 1
    assert [result.node(name).error["node"] for name in "ab"] == ["a", "b"]


def test_when_the_one_that_works_is_cancelled_another_takes_its_place(run, tmp_path):
    node = {**tool("a", "hang_once", mark=str(tmp_path / "mark"), output="x"), "cache": True}
    text = workflow([node], row("a"), result="${x}", servers=[script("lab")])

    async def main():
        async with goflow.Engine() as engine, goflow.Engine() as other:
            begun = asyncio.Event()
            loop = asyncio.get_running_loop()

            def hear(event):
                if isinstance(event, events.AttemptStarted):
                    loop.call_soon_threadsafe(begun.set)

            first = asyncio.create_task(engine.run(text, listener=hear))
            await begun.wait()
            assert await eventually((tmp_path / "mark").exists)
            begun.clear()
            second = asyncio.create_task(other.run(text, listener=hear))
            await begun.wait()
            first.cancel()
            return await second

    assert run(main()).result == "answered"


def test_a_shared_value_is_each_nodes_own(run, counted):
    text = workflow(
        [read("a", '{"k": []}', output="x"), read("b", '{"k": []}', output="y")],
        ["start a", "start b", "a end", "b end"],
        servers=[counted.server()],
    )

    async def main():
        async with goflow.Engine() as engine:
            return await engine.run(text)

    result = run(main())
    result.node("a").output["k"].append(1)
    assert result.node("b").output == {"k": []}


# -- a store that is no good -------------------------------------------------------------------


def test_a_damaged_store_is_a_warning_and_the_run_goes_on(go, counted):
    go(one(counted))
    store_path().write_bytes(b"no database at all" * 100)
    result = go(one(counted))
    assert result.completed
    assert "is damaged" in result.warnings[0]
    assert go(one(counted)).node("a").cached


# -- what is told ------------------------------------------------------------------------------


def test_lookups_are_events(go, counted):
    heard = []
    text = one(counted)
    go(text, listener=heard.append)
    go(text, listener=heard.append)
    lookups = [event for event in heard if isinstance(event, events.CacheLookup)]
    assert [(event.node, event.outcome) for event in lookups] == [
        ("a", "miss"), ("a", "stored"), ("a", "hit"),
    ]  # fmt: skip
    finished = [e for e in heard if isinstance(e, events.NodeFinished) and e.node == "a"]
    assert [(event.status, event.saved) for event in finished] == [
        ("completed", None), ("cached", lookups[2].saved),
    ]  # fmt: skip
    ends = [event for event in heard if isinstance(event, events.RunFinished)]
    assert [(event.hits, event.misses) for event in ends] == [(0, 1), (1, 0)]


# -- resumed ----------------------------------------------------------------------------------


class Gate:
    """A function that fails until it is opened."""

    def __init__(self):
        self.open = True

    def __call__(self):
        if not self.open:
            raise ValueError("shut")


def gated(counted, cache):
    """A node that asks the cache once the gate let the run through."""
    return workflow(
        [function("gate", "gate"), {**read("a", output="x"), "cache": cache}],
        row("gate", "a"),
        result="${x}",
        servers=[counted.server()],
    )


def resumed(run_id, gate):
    async def main():
        async with goflow.Engine(functions={"gate": gate}) as engine:
            return await engine.resume(run_id)

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("own", "asked", "calls"),
    [(True, None, 1), (True, "off", 2), (True, "refresh", 2), (None, "use", 1), (None, None, 2)],
)
def test_a_resumed_run_asks_of_the_cache_what_it_asked_at_first(go, counted, own, asked, calls):
    text, gate = gated(counted, own), Gate()
    go(text, functions={"gate": gate}, cache="use")
    gate.open = False
    failed = go(text, functions={"gate": gate}, cache=asked)
    gate.open = True
    assert failed.status == "failed"
    assert resumed(failed.id, gate).result == "hi"
    assert len(counted.calls) == calls


def test_what_a_run_asks_of_the_cache_is_kept_from_its_beginning(go):
    """So that a run that was killed asks the same when it is resumed."""
    kept = []

    async def look():
        def began():
            with suppress(HistoryError), Runs() as runs:
                kept.append(runs.kept("last").statistics)
            return kept

        await eventually(began)

    text = workflow([function("look", "look")], row("look"))
    assert go(text, functions={"look": look}, cache="off").completed
    assert kept == [{"cache": {"mode": "off"}}]

"""Connecting before anybody asks: from use, from the plan, and on request."""

import asyncio

import pytest
from support.servers import eventually, faulty, minimal, open_descriptors
from support.workflows import lab_server, tool, workflow

import goflow
from goflow.errors import BadCall
from goflow.servers.connections import Connections
from goflow.servers.prewarm import HALF_LIFE, UseCounts
from goflow.servers.process import ServerProcess


@pytest.fixture
def counts(tmp_path):
    now = [1_000_000.0]
    made = UseCounts(tmp_path / "uses.json", clock=lambda: now[0])
    return made, now


def test_the_most_used_servers_are_named_first(counts):
    uses, _ = counts
    uses.add({"a": 2, "b": 7, "c": 0})
    uses.add({"a": 3, "d": 6})
    assert uses.most_used(2, ["a", "b", "c", "d"]) == ["b", "d"]
    assert uses.most_used(9, ["a", "c", "d", "unknown"]) == ["d", "a"]


def test_uses_are_worth_half_after_a_week(counts):
    uses, now = counts
    uses.add({"old": 10})
    now[0] += HALF_LIFE
    uses.add({"new": 6})
    assert uses.most_used(2, ["old", "new"]) == ["new", "old"]
    now[0] += 5 * HALF_LIFE
    assert uses.most_used(2, ["old", "new"]) == []
    now[0] += 20 * HALF_LIFE
    uses.add({"x": 1})
    assert repr(uses) == "<UseCounts of 1 servers>"


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"at": "x", "uses": {}}', '{"at": 1, "uses": [1]}', "\0"]
)
def test_a_file_that_says_nothing_counts_as_empty(counts, tmp_path, text):
    uses, _ = counts
    (tmp_path / "uses.json").write_text(text)
    assert uses.most_used(3, ["a"]) == []
    uses.add({"a": 1})
    assert uses.most_used(3, ["a"]) == ["a"]


def test_counts_that_cannot_be_written_are_let_be(tmp_path):
    (tmp_path / "file").touch()
    UseCounts(tmp_path / "file" / "uses.json").add({"a": 1})


def test_an_engine_counts_uses_and_warms_the_most_used_at_its_start(run, home):
    async def main():
        servers = [minimal(server_id=name) for name in ("often", "once", "never")]
        text = workflow([tool("a", "say", text="x")], ["start a", "a end"])
        async with goflow.Engine(servers=servers) as engine:
            assert engine._connections.sessions() == []
            await engine.run(text)
            for config, count in zip(servers, (5, 2, 0), strict=True):
                for _ in range(count):
                    lease, _ = await engine._connections.acquire(config)
                    engine._connections.release(lease)
        assert (home / "uses.json").stat().st_mode & 0o777 == 0o600
        async with goflow.Engine(servers=servers, most_used=1) as engine:
            assert await eventually(engine._connections.sessions)
            (session,) = engine._connections.sessions()
            assert session.config.id == "often"

    run(main())


def test_a_server_that_asks_for_it_is_warmed_at_the_start(run):
    async def main():
        servers = [minimal(server_id="a", prewarm=True), minimal(server_id="b")]
        async with goflow.Engine(servers=servers) as engine:
            assert await eventually(lambda: len(engine._connections.sessions()) == 1)

    run(main())


def test_prewarm_connects_by_id_or_config_and_returns_when_all_are_there(run):
    async def main():
        text = workflow([tool("a", "say", text="x")], ["start a", "a end"])
        model = goflow.load(text)
        async with goflow.Engine(servers=[minimal(server_id="known")]) as engine:
            await engine.run(model)
            broken = faulty("exit at once", server_id="broken")
            await engine.prewarm(["known", "lab", minimal(server_id="other"), broken])
            ids = sorted(session.config.id for session in engine._connections.sessions())
            assert ids == ["known", "lab", "other"]
            with pytest.raises(BadCall, match="knows no server 'knwon'") as caught:
                await engine.prewarm(["knwon"])
            assert "known" in caught.value.hint
        with pytest.raises(RuntimeError, match="not open"):
            await engine.prewarm([])

    run(main())


def test_the_statistics_show_what_waiting_was_saved(run):
    """What connects while something else is done costs nobody its time."""

    async def main():
        connections = Connections()
        warmed, cold = minimal(server_id="warmed"), minimal(server_id="cold")
        await connections.prewarm([warmed])
        own = connections.for_run()
        for config in (warmed, cold):
            lease, _ = await own.acquire(config)
            own.release(lease)
        whole = {item.server: item for item in connections.connecting()}
        assert whole["warmed"].waited == 0
        assert whole["warmed"].saved == whole["warmed"].seconds
        assert whole["cold"].saved <= 0.5 * whole["cold"].seconds
        (of_run,) = own.connecting()
        assert of_run.server == "cold"
        assert of_run.connects == 1
        own.end()
        await connections.close()

    run(main())


def test_a_process_that_booted_before_the_loop_counts_from_its_start(run):
    config = minimal()
    process = ServerProcess.spawn(config)

    async def main():
        connections = Connections([process])
        await asyncio.sleep(0.05)
        await connections.prewarm([config])
        (item,) = connections.connecting()
        assert item.seconds >= 0.05
        assert connections.sessions()[0].pid == process.pid
        await connections.close()

    run(main())


def test_a_spawned_process_that_nobody_needed_is_ended(run):
    async def main():
        before = open_descriptors().keys()
        connections = Connections([ServerProcess.spawn(minimal())])
        await connections.close()
        assert open_descriptors().keys() == before

    run(main())


def test_a_run_starts_its_first_calls_on_connections_that_are_warm():
    """While a first node works, the servers of later ones are connected."""
    text = workflow(
        [
            tool("a", "say", text="x"),
            tool("b", "say", server="second", text="y"),
            tool("c", "say", server="third", text="z"),
        ],
        ["start a", "a b", "b c", "c end"],
        servers=[lab_server(), lab_server("second"), lab_server("third")],
    )

    async def main():
        async with goflow.Engine() as engine:
            await engine.run(text)
            return {item.server: item for item in engine._connections.connecting()}

    found = asyncio.run(main())
    assert set(found) == {"lab", "second", "third"}
    assert sum(item.saved for item in found.values()) > 0

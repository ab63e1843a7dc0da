"""Connecting before anybody asks: from use, from the plan, and on request."""

import asyncio
import gc

import pytest
from support.servers import eventually, faulty, minimal, open_descriptors
from support.workflows import lab_server, tool, workflow

import goflow
from goflow.cli.run import command
from goflow.errors import BadCall
from goflow.servers import registry
from goflow.servers.connections import Connections
from goflow.servers.process import ServerProcess
from goflow.servers.usage import Usage, UsageFile


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
        own.count((warmed, cold))
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


def test_the_command_connects_first_to_those_of_its_servers_that_were_used_most(
    monkeypatch, tmp_path
):
    """Of one's own servers too, and to none that the workflow cannot reach."""
    order = []
    warm = Connections.warm

    def noted(self, config):
        order.append(config.id)
        warm(self, config)

    monkeypatch.setattr(Connections, "warm", noted)
    monkeypatch.setattr(gc, "freeze", lambda: None)  # of a process that runs once
    definition = lab_server()
    registry.add({name: {k: definition[k] for k in ("command", "args")} for name in "abc"})
    UsageFile().add({"a": Usage(2), "b": Usage(5), "c": Usage(9)})
    nodes = [tool("x", "say", server="a", text="x"), tool("y", "say", server="b", text="y")]
    file = tmp_path / "flow.yaml"
    file.write_text(workflow(nodes, ["start x", "x y", "y end"], servers=[]))
    assert command.main(["--quiet", str(file)], standalone_mode=False) == 0
    assert order[:2] == ["b", "a"]
    assert set(order) == {"a", "b"}
    assert {server: one.usage.uses for server, one in UsageFile().servers().items()} == {
        "a": 3,
        "b": 6,
        "c": 9,
    }

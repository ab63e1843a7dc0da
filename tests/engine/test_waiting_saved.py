"""Connecting ahead of need: what it saved is in the run's result and in its history, exactly."""

import asyncio
import os
import subprocess
import time

import pytest
from support.workflows import function, lab_server, row, tool, workflow

import goflow
from goflow.engine import events
from goflow.history.runs import Runs

TICKS = 0.02
"""Seconds in which the pool's clock, which is a coarse one, moves on."""


async def clock_moves_on():
    began = time.monotonic()
    while time.monotonic() - began < TICKS:  # noqa: ASYNC110 - no event says so
        await asyncio.sleep(0)


class Gate:
    """A FIFO that holds a lab server up before it reads anything, until it is opened."""

    def __init__(self, path):
        self.path = path
        os.mkfifo(path)

    async def open(self):
        """Returns when the server has come to it."""
        descriptor = await asyncio.to_thread(os.open, self.path, os.O_WRONLY)
        os.close(descriptor)


@pytest.fixture
def gate(tmp_path):
    return Gate(tmp_path / "gate")


class Heard:
    """A listener, and a wait until it has heard what a test waits for."""

    def __init__(self):
        self._loop = asyncio.get_running_loop()
        self._more = asyncio.Event()
        self.events = []

    def __call__(self, event):
        self.events.append(event)
        self._loop.call_soon_threadsafe(self._more.set)

    async def until(self, kind, **fields):
        while not any(
            isinstance(event, kind) and all(getattr(event, k) == v for k, v in fields.items())
            for event in self.events
        ):
            self._more.clear()
            await self._more.wait()


def test_what_connects_while_another_node_works_is_waited_for_by_nobody(run, gate):
    text = workflow(
        [function("work", "work"), tool("call", "say", server="late", text="x")],
        row("work", "call"),
        servers=[lab_server("late", gate.path)],
    )

    async def main():
        heard = Heard()

        async def work():
            await heard.until(events.ServerConnecting, server="late")
            await gate.open()
            await heard.until(events.ServerConnected, server="late")

        async with goflow.Engine(functions={"work": work}) as engine:
            return await engine.run(text, listener=heard)

    result = run(main())
    assert result.completed, result.error
    (late,) = result.connections
    assert (late.server, late.connects, late.waited) == ("late", 1, 0.0)
    assert late.saved == late.seconds > 0.0
    assert result.to_dict()["connections"] == [late.to_dict()]
    with Runs() as runs:
        assert runs.show(result.id)["connections"] == [late.to_dict()]


def test_a_call_that_comes_while_its_server_connects_waits_for_the_rest_only(run, gate):
    text = workflow(
        [function("work", "work"), tool("call", "say", server="late", text="x")],
        row("work", "call"),
        servers=[lab_server("late", gate.path)],
    )

    async def main():
        heard = Heard()

        async def work():
            await heard.until(events.ServerConnecting, server="late")
            await clock_moves_on()

        async def opener():
            await heard.until(events.AttemptStarted, node="call")
            await clock_moves_on()
            await gate.open()

        # Without a history: a call that waits until it is written down might come too late to wait.
        async with goflow.Engine(functions={"work": work}, history=False) as engine:
            opening = asyncio.create_task(opener())
            result = await engine.run(text, listener=heard)
            await opening
            return result

    (late,) = run(main()).connections
    assert 0.0 < late.waited < late.seconds
    assert late.saved == late.seconds - late.waited


def test_a_server_that_was_there_before_the_run_cost_it_nothing(run):
    text = workflow([tool("a", "say", text="x")], row("a"))

    async def main():
        async with goflow.Engine() as engine:
            return [(await engine.run(text)).connections for _ in range(2)]

    first, second = run(main())
    assert [one.server for one in first] == ["lab"]
    assert second == ()


def test_a_run_counts_its_own_servers_only(run):
    mine = workflow([function("other", "other")], row("other"))
    other = workflow([tool("a", "say", text="x")], row("a"))

    async def main():
        async def run_other():
            return (await engine.run(other)).status

        async with goflow.Engine(functions={"other": run_other}) as engine:
            return await engine.run(mine)

    assert run(main()).connections == ()


def test_two_servers_of_one_name_are_told_apart(run):
    """In two workflows the same id may be two servers."""
    first = workflow([tool("a", "say", text="x")], row("a"))
    second = workflow(
        [tool("a", "say", text="x")], row("a"), servers=[lab_server(env={"OTHER": "1"})]
    )

    async def main():
        async with goflow.Engine() as engine:
            await engine.run(first)
            return await engine.run(second)

    (one,) = run(main()).connections
    assert (one.server, one.connects) == ("lab", 1)


PUBLIC = """
version: "1.0"
name: three-servers
variables: [{{name: folder, type: string, required: true}}]
servers:
  - {{id: time, command: mcp-server-time, args: [--local-timezone, UTC]}}
  - {{id: git, command: mcp-server-git}}
  - {{id: files, command: node, args: [{files}, "{folder}"]}}
nodes:
  - {{id: start, type: start}}
  - {{id: note, type: mcp_tool, server: files, tool: read_text_file,
     parameters: {{path: "${{folder}}/note.txt"}}, output: note}}
  - {{id: now, type: mcp_tool, server: time, tool: get_current_time,
     parameters: {{timezone: UTC}}, output: now}}
  - {{id: status, type: mcp_tool, server: git, tool: git_status,
     parameters: {{repo_path: "${{folder}}"}}, output: status}}
  - {{id: end, type: end, return: ["${{note}}", "${{now.timezone}}", "${{status}}"]}}
edges:
  - {{from: start, to: note}}
  - {{from: note, to: now}}
  - {{from: now, to: status}}
  - {{from: status, to: end}}
"""


@pytest.mark.node
def test_three_public_servers_are_connected_side_by_side(tmp_path, node_modules):
    """Each later call finds its server connected, or on its way since the run began."""
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "note.txt").write_text("hello")
    subprocess.run(["git", "init", "-q", "-b", "main", str(folder)], check=True)
    files = node_modules / "@modelcontextprotocol" / "server-filesystem" / "dist" / "index.js"
    text = PUBLIC.format(files=files, folder=folder)
    seen = []
    result = goflow.run(text, {"folder": str(folder)}, listener=seen.append)
    assert result.completed, result.error
    note, zone, status = result.result
    assert (note.get("content", note) if isinstance(note, dict) else note) == "hello"
    assert zone == "UTC"
    assert "note.txt" in status
    connecting = [event for event in seen if isinstance(event, events.ServerConnecting)]
    assert {event.server: event.reason for event in connecting} == dict.fromkeys(
        ("files", "time", "git"), "prewarm"
    )
    by_server = {one.server: one for one in result.connections}
    assert set(by_server) == {"files", "time", "git"}
    for one in by_server.values():
        assert one.waited < one.seconds
    with Runs() as runs:
        assert len(runs.show(result.id)["connections"]) == 3

"""What runs do with servers of each transport, and when one goes away between calls."""

import asyncio
import os
import signal
import sys
from urllib.parse import urlsplit

import pytest
from support.servers import SCRIPTS, eventually
from support.web import web_server
from support.workflows import Started, lab_server, row, script, tool, workflow

import goflow
from goflow.servers.config import ServerConfig
from goflow.servers.connections import Connections


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def asking(url, transport="http"):
    """A workflow that asks the server at ``url`` for a sum."""
    return workflow(
        [tool("sum", "add", server="web", a=1, b=2, output="sum")],
        ["start sum", "sum end"],
        servers=[{"id": "web", "transport": transport, "url": url}],
        result="${sum.sum}",
    )


@pytest.mark.parametrize("kind", ["http", "json", "sse"])
def test_a_workflow_runs_over_http_and_sse(go, kind):
    with web_server("sdk_web", kind) as server:
        result = go(asking(server.url, "sse" if kind == "sse" else "http"))
    assert result.result == 3.0, result.error


def test_streamable_http_is_another_name_of_http(go):
    with web_server("sdk_web", "http") as server:
        assert go(asking(server.url, "streamable-http")).result == 3.0


def test_an_http_server_that_is_not_there_fails_its_node(go):
    with web_server("sdk_web", "http") as server:
        url = server.url
    error = go(asking(url)).error
    assert error["code"] == "connection_error"
    assert error["server"] == "web"


def test_a_server_that_died_while_idle_is_connected_again():
    """Nothing was sent to the dead one, so the call may go to the new one."""

    async def main():
        with web_server("sdk_web", "json") as first:
            port = str(urlsplit(first.url).port)
            text = asking(first.url)
            async with goflow.Engine() as engine:
                before = await engine.run(text)
                first.stop()
                with web_server("sdk_web", "json", port):
                    after = await engine.run(text)
        return before, after

    before, after = asyncio.run(main())
    assert before.completed
    assert after.completed, after.error
    assert after.node("sum").attempts == 1


def test_a_stdio_server_that_died_while_idle_is_started_again():
    text = workflow(
        [tool("a", "say", text="x"), tool("b", "said", output="said")],
        ["start a", "a b", "b end"],
        result="${said}",
    )

    async def main():
        async with goflow.Engine() as engine:
            assert (await engine.run(text)).completed
            assert (await engine.run(text)).result == ["x", "x"]
            (session,) = engine._connections.sessions()
            os.kill(session.pid, signal.SIGKILL)
            await eventually(lambda: session.closed)
            return await engine.run(text)

    assert asyncio.run(main()).result == ["x"]


def test_servers_are_connected_while_earlier_nodes_run():
    """The second server is there before the first one's call, which waits for it, is answered."""
    text = workflow(
        [tool("a", "hang"), tool("b", "say", server="other", text="x")],
        ["start a", "a b", "b end"],
        servers=[lab_server(), lab_server("other")],
    )

    async def main():
        async with goflow.Engine() as engine:
            started = Started("a")
            task = asyncio.create_task(engine.run(text, listener=started))
            await started.wait()
            assert await eventually(lambda: "2 open" in repr(engine))
            engine.stop()
            return await task

    assert asyncio.run(main()).status == "cancelled"


def test_a_server_that_no_path_needs_is_never_started(go, tmp_path):
    mark = tmp_path / "mark"
    unused = {"id": "unused", "command": "sh", "args": ["-c", f"touch {mark}"]}
    text = workflow(
        [tool("a", "say", text="x")],
        ["start a", "a end"],
        servers=[lab_server(), unused],
    )
    assert go(text).completed
    assert not mark.exists()


def test_a_host_program_answers_what_servers_ask_and_hears_what_they_log(run):
    said = []

    async def elicit(server, params):
        return {"action": "accept", "content": {"server": server, "question": params["message"]}}

    nodes = [
        tool("ask", "ask", server="asks", output="answer"),
        tool("log", "log", server="logs", text="hi"),
    ]
    servers = [
        script("eras", "new", server_id="asks"),
        {"id": "logs", "command": sys.executable, "args": [str(SCRIPTS / "sdk_stdio.py")]},
    ]
    text = workflow(nodes, row("ask", "log"), result="${answer[0].who.content}", servers=servers)

    async def main():
        handlers = goflow.Handlers(elicit=elicit, log=said.append)
        async with goflow.Engine(handlers=handlers) as engine:
            return await engine.run(text)

    assert run(main()).result == {"server": "asks", "question": "Who?"}
    assert (said[0].server, said[0].data) == ("logs", "hi")


def test_tools_that_changed_are_asked_for_again(run):
    async def main():
        config = ServerConfig(id="s", command=sys.executable, args=(str(SCRIPTS / "sdk_stdio.py"),))
        connections = Connections()
        lease, _ = await connections.acquire(config)
        session = lease.connection
        told = []
        session.on_tools_changed(lambda: told.append("changed"))
        assert await connections.tool(config, "grown_up") == {}
        for name in ("grown_up", "another"):
            await session.call_tool("grow", {"name": name})
        # That the server begins to tell counts as a change, if it comes this late.
        assert await eventually(lambda: len(told) >= 2)
        connections.release(lease)
        described = await connections.tool(config, "grown_up")
        await connections.close()
        return described

    assert run(main())["name"] == "grown_up"

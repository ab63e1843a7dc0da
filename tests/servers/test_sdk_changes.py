"""Tools that change behind HTTP: what a session is told, and what an engine makes of it."""

import asyncio
import json

import pytest
from support.servers import eventually, minimal
from support.web import web_server

from goflow.servers.connections import Connections

pytest.importorskip("mcp")

from goflow.servers import sdk_changes
from goflow.servers.sdk import SdkSession


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    """A proxy in the environment is not for these servers."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    """What broke off begins again at once."""
    monkeypatch.setattr(sdk_changes, "RETRY_AFTER", 0.0)


async def names(session):
    return {tool["name"] for tool in await session.list_tools()}


async def listens(session):
    """How often the server was asked to tell."""
    heard = json.loads((await session.call_tool("heard", {}))["content"][0]["text"])
    return [message.get("method") for message in heard].count("subscriptions/listen")


def told_by(session):
    told = []
    session.on_tools_changed(lambda: told.append("changed"))
    return told


@pytest.mark.parametrize(
    ("kind", "era"),
    [
        *((kind, "auto") for kind in ("http", "json", "stateless", "sse")),
        *((kind, "handshake") for kind in ("http", "json", "sse")),
    ],
)
def test_a_change_of_the_tools_is_told(run, kind, era):
    """In the newer era because we ask; in the older one where a stream can carry it."""
    version = "2025-11-25" if era == "handshake" or kind == "sse" else "2026-07-28"

    async def main():
        with web_server("sdk_web", kind) as server:
            session = await SdkSession.connect(server.config(kind, era=era))
            assert session.protocol_version == version
            told = told_by(session)
            before = await names(session)
            for name in ("new_one", "another"):
                await session.call_tool("grow", {"name": name})
            # That it begins to tell counts as a change, in the newer era and if it comes this late.
            assert await eventually(lambda: len(told) >= 2)
            assert await names(session) - before == {"new_one", "another"}
            await session.close()

    run(main())


def test_an_engine_asks_again_for_tools_that_changed(run):
    async def main():
        with web_server("sdk_web", "http") as server:
            connections = Connections()
            config = server.config("http")
            lease, _ = await connections.acquire(config)
            session = lease.connection
            assert await connections.described(session, "new_one") == {}
            await session.call_tool("grow", {"name": "new_one"})
            assert await eventually(lambda: session not in connections._tools)
            assert "inputSchema" in await connections.described(session, "new_one")
            connections.release(lease)
            await connections.close()

    run(main())


def test_a_change_while_the_tools_are_asked_for_cancels_nobody(run):
    async def main():
        connections = Connections()
        lease, _ = await connections.acquire(minimal())
        session = lease.connection
        asking = asyncio.create_task(connections.described(session, "echo"))
        await asyncio.sleep(0)
        listed = connections._tools[session]
        connections._unlist(session)  # as it is told to when they change
        assert "inputSchema" in await asking
        assert connections._tools[session] is not listed
        connections.release(lease)
        await connections.close()

    run(main())


@pytest.mark.parametrize("fault", ["listen cut", "listen 503"])
def test_a_stream_that_broke_off_begins_again(run, fault):
    async def main():
        with web_server("faulty_web", fault, isolated=True) as server:
            session = await SdkSession.connect(server.config())
            told = told_by(session)
            wanted = 4 if fault == "listen cut" else 2  # a beginning and a change of each stream
            assert await eventually(lambda: len(told) == wanted)
            assert await listens(session) == 2
            assert not session.closed
            await session.close()

    run(main())


def test_a_stream_that_the_server_ended_begins_again(run):
    async def main():
        with web_server("sdk_web", "http") as server:
            session = await SdkSession.connect(server.config())
            told = told_by(session)
            assert await eventually(lambda: told)
            await session.call_tool("cut", {})
            assert await eventually(lambda: told == ["changed"] * 2)
            await session.close()

    run(main())


@pytest.mark.parametrize("fault", ["listen 403", "listen rejected", "listen in vain"])
def test_a_server_that_does_not_tell_is_asked_once_and_the_session_lives(run, fault):
    async def main():
        with web_server("faulty_web", fault, isolated=True) as server:
            session = await SdkSession.connect(server.config())
            assert await eventually(lambda: not session._tasks)
            assert await listens(session) == 1
            await session.close()

    run(main())


def test_a_session_that_listens_ends_with_its_server(run):
    async def main():
        with web_server("sdk_web", "http") as server:
            session = await SdkSession.connect(server.config())
            told = told_by(session)
            assert await eventually(lambda: told)
            server.process.kill()
            await session.wait_closed()
            assert session.closed

    run(main())


def test_a_session_closed_at_any_moment_of_listening_leaves_nothing(run):
    async def main():
        with web_server("sdk_web", "http") as server:
            for steps in range(0, 120, 3):
                session = await SdkSession.connect(server.config())
                for _ in range(steps):
                    await asyncio.sleep(0)
                await session.close()
                assert not session._tasks

    run(main())

"""A session with a server that behaves: its identity, its calls, its end, its cost."""

import asyncio
import gc
import os
import sys
import tracemalloc

import pytest
from support.servers import eventually, faulty, minimal, text_of

from goflow.errors import ConnectionLost
from goflow.servers.process import ServerProcess
from goflow.servers.session import Session
from goflow.servers.stdio import StdioSession


def test_a_session_knows_its_server(run):
    async def main():
        config = minimal()
        session = await StdioSession.connect(config)
        assert isinstance(session, Session)
        assert session.config is config
        assert session.server_info == {"name": "minimal", "version": "1.0"}
        assert session.protocol_version == "2025-11-25"
        assert session.capabilities == {"tools": {}}
        assert session.instructions is None
        assert repr(session) == f"<StdioSession 'test' pid {session.pid} 0 in flight>"
        await session.close()
        assert repr(session) == f"<StdioSession 'test' pid {session.pid} closed (was disconnected)>"

    run(main())


def test_a_process_spawned_before_the_loop_is_taken_over(run):
    process = ServerProcess.spawn(minimal())

    async def main():
        session = await StdioSession.connect(process.config, process)
        assert session.pid == process.pid
        assert text_of(await session.call_tool("echo", {"text": "hi"})) == "hi"
        await session.close()

    run(main())


def test_calls_come_from_any_task_many_at_once(run):
    async def main():
        session = await StdioSession.connect(minimal())
        calls = [
            asyncio.create_task(session.call_tool("echo", {"text": f"{n}" * 100}))
            for n in range(500)
        ]
        results = await asyncio.gather(*calls)
        assert [text_of(result) for result in results] == [f"{n}" * 100 for n in range(500)]
        await session.close()

    run(main())


def test_a_session_is_closed_by_another_task_than_opened_it(run):
    async def main():
        session = await asyncio.create_task(StdioSession.connect(minimal()))
        await asyncio.create_task(session.close())
        assert session.closed

    run(main())


def test_all_pages_of_tools_are_listed(run):
    async def main():
        session = await StdioSession.connect(faulty())
        tools = await session.list_tools()
        assert [tool["name"] for tool in tools] == ["tool-0", "tool-1", "tool-2"]
        await session.close()

    run(main())


def test_integers_keep_every_digit_both_ways(run):
    async def main():
        session = await StdioSession.connect(minimal())
        result = await session.call_tool("add", {"a": 2**200, "b": -1})
        assert result["structuredContent"] == {"sum": 2**200 - 1}
        await session.close()

    run(main())


def test_closing_fails_the_calls_in_flight(run):
    async def main():
        session = await StdioSession.connect(faulty("hang in call"))
        call = asyncio.create_task(session.call_tool("echo", {"text": "hi"}))
        await asyncio.sleep(0.01)
        await session.close()
        with pytest.raises(ConnectionLost, match="was disconnected before it answered tools/call"):
            await call

    run(main())


def test_those_who_asked_are_told_when_a_session_ends(run):
    async def main():
        told = []
        session = await StdioSession.connect(minimal())
        session.on_closed(told.append)
        await asyncio.sleep(0)
        assert told == []
        os.kill(session.pid, 9)
        await session.wait_closed()
        assert told == [session]
        session.on_closed(told.append)
        await asyncio.sleep(0)
        assert told == [session, session]

    run(main())


def test_a_server_is_watched_without_pidfds_too(run, monkeypatch):
    monkeypatch.delattr(os, "pidfd_open", raising=False)

    async def main():
        session = await StdioSession.connect(minimal())
        assert text_of(await session.call_tool("echo", {"text": "hi"})) == "hi"
        await session.close()
        session = await StdioSession.connect(faulty("hang in call"))
        call = asyncio.create_task(session.call_tool("echo", {"text": "hi"}))
        await asyncio.sleep(0.01)
        os.kill(session.pid, 9)
        with pytest.raises(ConnectionLost, match="was killed by SIGKILL"):
            await call
        assert await eventually(lambda: session.closed)
        await session.wait_closed()

    run(main())


def test_a_session_costs_less_than_12_kib(run):
    async def main():
        asyncio.get_running_loop().set_debug(False)  # which keeps where each callback was made
        count = 10
        warm = await StdioSession.connect(minimal())
        gc.collect()
        tracemalloc.start()
        before, _ = tracemalloc.get_traced_memory()
        sessions = [await StdioSession.connect(minimal()) for _ in range(count)]
        for session in sessions:
            await session.call_tool("echo", {"text": "hi"})
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        await asyncio.gather(*(session.close() for session in [warm, *sessions]))
        return (after - before) / count

    assert run(main()) < 12 * 1024


def test_calls_leave_no_memory_behind(run):
    async def main():
        session = await StdioSession.connect(minimal())

        async def calls(count):
            for _ in range(count):
                await session.call_tool("echo", {"text": "hi"})

        await calls(100)
        gc.collect()
        before = sys.getallocatedblocks()
        await calls(1000)
        gc.collect()
        grown = sys.getallocatedblocks() - before
        await session.close()
        return grown

    assert run(main()) < 100

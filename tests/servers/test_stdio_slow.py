"""A server that does not answer in time: timeouts and cancelled calls."""

import asyncio
import json

import pytest
from support.servers import faulty, group_exists, text_of

from goflow.errors import ConnectFailed, ServerTimeout
from goflow.servers.stdio import StdioSession


def test_a_timed_out_call_is_cancelled_on_the_wire_and_the_session_lives(run):
    async def main():
        session = await StdioSession.connect(faulty("hang in call"))
        with pytest.raises(ServerTimeout) as caught:
            await session.call_tool("echo", {"text": "hi"}, timeout=0.05)
        assert str(caught.value) == "server 'test' did not answer tools/call within 0.05 s"
        assert caught.value.seconds == 0.05
        assert caught.value.code == "timeout"
        heard = json.loads(text_of(await session.call_tool("heard", {})))
        assert [message["method"] for message in heard] == [
            "notifications/initialized",
            "notifications/cancelled",
        ]
        assert heard[1]["params"]["requestId"] == 2
        assert not session.closed
        await session.close()

    run(main())


def test_the_timeout_is_the_configs_by_default(failing_call):
    error = failing_call("hang in call", ServerTimeout, timeout=0.07)
    assert error.seconds == 0.07


def test_two_timeouts_in_a_row_retire_the_session(run):
    async def main():
        session = await StdioSession.connect(faulty("hang for good"))
        for _ in range(2):
            assert not session.closed
            with pytest.raises(ServerTimeout):
                await session.call_tool("echo", {"text": "hi"}, timeout=0.05)
        assert session.closed
        with pytest.raises(ConnectFailed, match="left two calls in a row unanswered"):
            await session.call_tool("echo", {"text": "hi"})
        await session.wait_closed()
        assert not group_exists(session.pid)

    run(main())


def test_an_answer_between_two_timeouts_keeps_the_session(run):
    async def main():
        session = await StdioSession.connect(faulty("hang in call"))
        for _ in range(4):
            with pytest.raises(ServerTimeout):
                await session.call_tool("echo", {"text": "hi"}, timeout=0.02)
            await session.ping()
        assert not session.closed
        await session.close()

    run(main())


def test_calls_that_time_out_together_count_as_one(run):
    async def main():
        session = await StdioSession.connect(faulty("hang in call"))
        calls = [session.call_tool("echo", {"text": "x"}, timeout=0.02 + n / 100) for n in range(5)]
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(result) for result in results] == [ServerTimeout] * 5
        assert [result.seconds for result in results] == [0.02, 0.03, 0.04, 0.05, 0.06]
        assert not session.closed
        await session.close()

    run(main())


def test_a_cancelled_caller_is_cancelled_on_the_wire(run):
    async def main():
        session = await StdioSession.connect(faulty("hang in call"))
        task = asyncio.create_task(session.call_tool("echo", {"text": "hi"}))
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        heard = json.loads(text_of(await session.call_tool("heard", {})))
        assert heard[-1]["method"] == "notifications/cancelled"
        assert heard[-1]["params"]["requestId"] == 2
        await session.close()

    run(main())


def test_a_late_answer_is_ignored(run):
    async def main():
        session = await StdioSession.connect(faulty())
        with pytest.raises(ServerTimeout):
            await session.call_tool("sleep", {"seconds": 0.1}, timeout=0.03)
        assert text_of(await session.call_tool("echo", {"text": "next"})) == "next"
        await session.close()

    run(main())


def test_a_server_that_hangs_when_it_lists_its_tools_fails_that_in_time(run):
    async def main():
        session = await StdioSession.connect(faulty("hang in list", timeout=0.05))
        with pytest.raises(ServerTimeout, match="did not answer tools/list"):
            await session.list_tools()
        assert text_of(await session.call_tool("echo", {"text": "hi"}, timeout=5)) == "hi"
        await session.close()

    run(main())

"""A server that dies or will not die: what its calls get, and that nothing is left of it."""

import asyncio
import os
import signal

import pytest
from support.servers import (
    eventually,
    faulty,
    group_exists,
    process_exists,
    script_server,
    text_of,
    wait_until,
)

from goflow.errors import ConnectFailed, ConnectionLost
from goflow.servers.log import log_path
from goflow.servers.stdio import StdioSession


def test_a_server_that_exits_after_initialize_retires_the_session(run):
    async def main():
        session = await StdioSession.connect(faulty("exit after initialize"))
        await session.wait_closed()
        assert session.closed
        assert "exited with status 4" in repr(session)
        with pytest.raises(ConnectFailed, match="nothing was sent") as caught:
            await session.call_tool("echo", {"text": "hi"})
        assert caught.value.stderr == "goodbye"

    run(main())


def test_a_server_that_exits_as_we_connect_fails_connecting_or_closes_the_session(run):
    async def main():
        session = await StdioSession.connect(faulty("exit after answering"))
        await session.wait_closed()
        await session.ping()

    for _ in range(10):
        with pytest.raises(ConnectFailed, match="exited with status 5"):
            run(main())


def test_a_server_that_exits_mid_call_fails_the_call_with_its_last_words(failing_call):
    error = failing_call("exit mid-call", ConnectionLost)
    assert str(error) == "server 'test' exited with status 7 before it answered tools/call"
    assert error.stderr == "out of cheese"
    assert error.code == "connection_error"


def test_a_server_killed_mid_call_is_reported_with_the_signal(failing_call):
    assert "was killed by SIGSEGV" in str(failing_call("killed mid-call", ConnectionLost))


def test_a_server_that_closes_its_output_fails_the_call_at_once(failing_call):
    assert "closed its output" in str(failing_call("close output mid-call", ConnectionLost))


def test_all_calls_in_flight_fail_when_the_server_dies(run):
    async def main():
        session = await StdioSession.connect(faulty("hang in call"))
        calls = [asyncio.create_task(session.call_tool("echo", {"text": "x"})) for _ in range(9)]
        await asyncio.sleep(0.05)
        os.kill(session.pid, signal.SIGKILL)
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(result) for result in results] == [ConnectionLost] * 9
        assert len({id(result) for result in results}) == 9
        await session.wait_closed()

    run(main())


def test_an_answer_written_just_before_the_exit_counts(run):
    async def main():
        session = await StdioSession.connect(faulty("answer and exit"))
        assert text_of(await session.call_tool("echo", {})) == "last words"
        await session.wait_closed()
        session = await StdioSession.connect(faulty("answer without newline"))
        assert await session.call_tool("echo", {}) == {}
        await session.wait_closed()

    run(main())


def test_a_server_that_stops_reading_is_retired(run):
    async def main():
        session = await StdioSession.connect(faulty("close input"))
        assert await eventually(lambda: log_path("test").exists())
        with pytest.raises(ConnectFailed, match=r"closed its input.*nothing was sent"):
            await session.call_tool("echo", {"text": "hi"})
        assert session.closed
        await session.close()

    run(main())


def test_a_server_that_ignores_sigterm_is_killed(run):
    async def main():
        session = await StdioSession.connect(faulty("ignore SIGTERM"))
        await session.close()
        assert not group_exists(session.pid)
        assert "closed (was disconnected)" in repr(session)

    run(main())


@pytest.mark.parametrize("crash", [False, True])
def test_what_a_server_started_goes_with_it(run, tmp_path, crash):
    pid_file = tmp_path / "grandchild"

    async def main():
        session = await StdioSession.connect(faulty("grandchild", str(pid_file)))
        grandchild = int(pid_file.read_text())
        assert process_exists(grandchild)
        if crash:
            os.kill(session.pid, signal.SIGKILL)
            assert await eventually(lambda: session.closed)
        await session.close()
        return grandchild

    grandchild = run(main())
    assert wait_until(lambda: not process_exists(grandchild))


def test_a_server_that_flushes_much_at_its_end_can_exit(run):
    async def main():
        loop = asyncio.get_running_loop()
        session = await StdioSession.connect(faulty("flush at the end"))
        begun = loop.time()
        await session.close()
        return loop.time() - begun

    assert run(main()) < 0.9  # less than the grace before SIGTERM


def test_closing_twice_and_from_many_tasks_is_fine(run):
    async def main():
        session = await StdioSession.connect(script_server("minimal"))
        await asyncio.gather(*(session.close() for _ in range(5)))
        await session.close()

    run(main())

"""A server that cannot be connected: what the error says, and that nothing is left of it."""

import asyncio

import pytest
from support.servers import faulty, group_exists, minimal, text_of

from goflow.errors import ConnectFailed
from goflow.servers.config import ServerConfig
from goflow.servers.process import ServerProcess
from goflow.servers.stdio import StdioSession


async def connect_fails(config):
    """The error that connecting gives; the process is gone by then."""
    process = ServerProcess.spawn(config)
    with pytest.raises(ConnectFailed) as caught:
        await StdioSession.connect(config, process)
    assert not group_exists(process.pid)
    assert caught.value.server == config.id
    assert caught.value.code == "connection_error"
    return caught.value


def test_a_command_that_is_not_there_says_so_with_a_hint(run):
    config = ServerConfig(id="ghost", command="no-such-command-anywhere")
    with pytest.raises(ConnectFailed, match="no command 'no-such-command-anywhere'") as caught:
        run(StdioSession.connect(config))
    assert caught.value.hint


@pytest.mark.parametrize("command", ["python serve.py", "./python serve.py"])
def test_a_command_line_for_a_command_is_told_how_to_write_it(run, command):
    with pytest.raises(ConnectFailed) as caught:
        run(StdioSession.connect(ServerConfig(id="s", command=command)))
    program = command.split()[0]
    assert f"command: {program}, args: [serve.py]" in caught.value.hint


def test_a_server_that_exits_at_once_is_reported_with_status_and_stderr(run):
    error = run(connect_fails(faulty("exit at once")))
    assert "exited with status 3" in str(error)
    assert "missing module: frobnicate" in str(error)
    assert error.stderr == "missing module: frobnicate"


def test_a_server_killed_at_once_is_reported_with_the_signal(run):
    error = run(connect_fails(faulty("killed at once")))
    assert "was killed by SIGKILL before the handshake was complete" in str(error)


def test_a_server_that_prints_usage_and_exits_is_quoted(run):
    error = run(connect_fails(faulty("garbage and exit")))
    assert "exited with status 2" in str(error)
    assert "Usage: server [options]" in str(error)


def test_a_server_that_only_prints_garbage_times_out_and_is_quoted(run):
    error = run(connect_fails(faulty("only garbage", connect_timeout=0.3)))
    assert "did not answer initialize within 0.3 s" in str(error)
    assert "Welcome to the server!" in str(error)


def test_a_server_that_hangs_at_the_handshake_is_killed_in_time(run):
    async def main():
        begun = asyncio.get_running_loop().time()
        error = await connect_fails(faulty("hang at handshake", connect_timeout=0.3))
        return error, asyncio.get_running_loop().time() - begun

    error, seconds = run(main())
    assert "did not answer initialize within 0.3 s" in str(error)
    assert error.stderr == "waiting for a licence"
    assert seconds < 5


def test_a_server_that_refuses_to_initialize_is_quoted(run):
    error = run(connect_fails(faulty("refuse")))
    assert "rejected initialize: not today (JSON-RPC -32000)" in str(error)


@pytest.mark.parametrize("version", ["2023-01-01", "2026-07-28"])
def test_a_server_of_another_era_is_refused_with_the_versions_we_speak(run, version):
    error = run(connect_fails(faulty("version", version)))
    assert f"speaks protocol version '{version}'" in str(error)
    assert "2025-11-25" in str(error)


def test_a_server_without_a_protocol_version_is_refused(run):
    assert "speaks protocol version None" in str(run(connect_fails(faulty("no version"))))


@pytest.mark.parametrize("version", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"])
def test_every_handshake_era_is_spoken(run, version):
    async def main():
        session = await StdioSession.connect(faulty("version", version))
        assert session.protocol_version == version
        assert text_of(await session.call_tool("echo", {"text": "hi"})) == "hi"
        await session.close()

    run(main())


@pytest.mark.parametrize("seconds", [0, 0.001, 0.005, 0.01, 0.02, 0.03, 0.05])
@pytest.mark.parametrize("fault", ["none", "hang at handshake"])
def test_a_cancelled_connect_leaves_no_process(run, fault, seconds):
    async def main():
        config = faulty(fault)
        process = ServerProcess.spawn(config)
        task = asyncio.create_task(StdioSession.connect(config, process))
        await asyncio.sleep(seconds)
        if not task.cancel():
            await (await task).close()
        await asyncio.wait((task,))
        assert not group_exists(process.pid)

    run(main())


def test_a_connect_cancelled_at_the_moment_of_success_leaves_no_process(run, monkeypatch):
    complete = StdioSession._complete_handshake
    tasks = []

    def complete_and_cancel(session, *what):
        tasks[0].cancel()
        return complete(session, *what)

    monkeypatch.setattr(StdioSession, "_complete_handshake", complete_and_cancel)

    async def main():
        process = ServerProcess.spawn(minimal())
        tasks.append(asyncio.create_task(StdioSession.connect(process.config, process)))
        with pytest.raises(asyncio.CancelledError):
            await tasks[0]
        assert not group_exists(process.pid)

    run(main())


def test_an_interrupted_loop_leaves_no_process_and_complains_of_nothing(caplog):
    """`asyncio.run` that ends with sessions open cancels their owners."""
    pids = []

    async def main():
        for _ in range(3):
            session = await StdioSession.connect(faulty("ignore SIGTERM"))
            pids.append(session.pid)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(main())
    assert len(pids) == 3
    assert not any(group_exists(pid) for pid in pids)
    assert caplog.records == []

"""Server processes: quick to start, and never left behind, however their parent ends."""

import gc
import os
import signal
import subprocess
import sys
import textwrap

import pytest
from support.servers import SCRIPTS, faulty, group_exists, minimal, process_exists, wait_until

from goflow.errors import ConnectFailed
from goflow.servers.config import ServerConfig
from goflow.servers.process import ServerProcess


def run_program(code, *, ends, server="ignore SIGTERM"):
    """Run a program that prints the pid of a server; its exit status; the server must be gone."""
    program = f"""
        import os, signal, sys
        from goflow.servers.config import ServerConfig
        from goflow.servers.process import ServerProcess
        script = {str(SCRIPTS / "faulty.py")!r}
        config = ServerConfig(
            id="s", command=sys.executable, args=("-S", "-E", script, {server!r})
        )
        process = ServerProcess.spawn(config)
        os.read(process.stdout, 0)
        print(process.pid, flush=True)
    """
    source = textwrap.dedent(program) + textwrap.dedent(code)
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == ends, done.stderr
    pid = int(done.stdout.split()[0])
    assert wait_until(lambda: not process_exists(pid))
    return done


def test_spawning_needs_no_asyncio():
    code = f"""
        import sys
        sys.path[:0] = {sys.path!r}
        from goflow.servers.process import ServerProcess
        slow = set("asyncio dataclasses ssl shutil mcp".split())
        print(sorted(slow & set(sys.modules)))
    """
    done = subprocess.run(
        [sys.executable, "-S", "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"


def test_a_spawned_server_is_greeted_already():
    process = ServerProcess.spawn(minimal(era="handshake"))  # else as another test left it
    os.set_blocking(process.stdout, True)
    assert b'"protocolVersion"' in os.read(process.stdout, 65536)
    assert process.poll() is None
    assert repr(process) == f"<ServerProcess 'test' pid {process.pid} running>"
    process.kill_now()
    assert process.describe_exit() == "was killed by SIGKILL"
    assert (process.stdin, process.stdout, process.stderr) == (-1, -1, -1)
    process.kill_now()


def test_a_server_leads_a_session_of_its_own():
    process = ServerProcess.spawn(minimal())
    assert os.getsid(process.pid) == os.getpgid(process.pid) == process.pid
    process.kill_now()
    assert not group_exists(process.pid)


def test_a_server_inherits_no_descriptor_but_its_pipes(tmp_path):
    with open(tmp_path / "ours", "w") as ours:
        os.set_inheritable(ours.fileno(), True)
        process = ServerProcess.spawn(minimal())
        os.set_blocking(process.stdout, True)
        os.read(process.stdout, 65536)
        inherited = {
            os.readlink(f"/proc/{process.pid}/fd/{fd}")
            for fd in os.listdir(f"/proc/{process.pid}/fd")
        }
        process.kill_now()
    assert all(name.startswith("pipe:") for name in inherited)


def test_a_dropped_process_is_killed():
    process = ServerProcess.spawn(faulty("ignore SIGTERM"))
    pid = process.pid
    del process
    gc.collect()
    assert not group_exists(pid)


def test_looking_at_an_exit_does_not_reap():
    process = ServerProcess.spawn(faulty("exit at once"))
    assert wait_until(lambda: process.poll() is not None)
    assert process.describe_exit() == "exited with status 3"
    assert group_exists(process.pid)  # as a zombie, so that its number stays its own
    process.kill_now()
    assert not group_exists(process.pid)
    assert process.describe_exit() == "exited with status 3"


@pytest.mark.parametrize(
    ("code", "ends"),
    [
        ("", 0),
        ("sys.exit(3)", 3),
        ("raise RuntimeError", 1),
        ("os.kill(os.getpid(), signal.SIGINT); signal.pause()", -signal.SIGINT),
    ],
    ids=["end", "exit", "error", "interrupt"],
)
def test_an_interpreter_that_exits_takes_its_servers_along(code, ends):
    run_program(code, ends=ends)


def test_a_parent_that_is_killed_outright_ends_its_servers_input():
    run_program("os.kill(os.getpid(), signal.SIGKILL)", ends=-signal.SIGKILL, server="none")


def test_a_forked_copy_that_exits_leaves_the_server_alone():
    run_program(
        """
        child = os.fork()
        if child == 0:
            sys.exit(0)  # runs the exit handlers of the copy
        os.waitpid(child, 0)
        os.kill(process.pid, 0)
        assert process.poll() is None
        """,
        ends=0,
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"command": "/no/such/file"}, "/no/such/file does not exist"),
        ({"command": "/etc"}, "/etc is not executable"),
        ({"cwd": "/no/such/folder"}, "working folder /no/such/folder does not exist"),
        ({"args": ("\0",)}, "null byte"),
        ({"args": ("x" * (4 << 20),)}, "Argument list too long"),
        ({"env": {"A=B": "1"}}, "illegal environment variable name"),
    ],
)
def test_what_cannot_be_started_fails_with_the_reason_and_leaves_no_pipe(options, message):
    config = ServerConfig(**{"id": "s", "command": sys.executable, **options})
    with pytest.raises(ConnectFailed, match=message) as caught:
        ServerProcess.spawn(config)
    assert caught.value.hint


def test_a_file_that_is_no_program_fails_with_the_reason(tmp_path):
    path = tmp_path / "no-program"
    path.write_bytes(b"\x00\x01")
    path.chmod(0o755)
    with pytest.raises(ConnectFailed, match="Exec format error"):
        ServerProcess.spawn(ServerConfig(id="s", command=str(path)))

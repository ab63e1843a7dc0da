"""A server's child process: spawned at once, ended surely.

Nothing here imports asyncio or a JSON library: the engine spawns its servers before it loads
them, so that the children boot meanwhile.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
import weakref
from typing import TYPE_CHECKING, Any

from goflow.errors import ConnectFailed
from goflow.servers.config import child_environment, resolve_command
from goflow.servers.handshake import greeting, greeting_line

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from goflow.servers.config import Era, ServerConfig

__all__ = ["ServerProcess"]

# Seconds: from end of input to SIGTERM, from there to SIGKILL; what outlives the leader gets less.
EXIT_GRACE = 1.0
TERMINATE_GRACE = 1.0
GROUP_GRACE = 0.5
# A killed process can only be late in an uninterruptible system call.
KILL_WAIT = 2.0
_POLL = 0.01

_STDIN, _STDOUT, _STDERR, _PIDFD = range(4)


class ServerProcess:
    """A running stdio server and our ends of its pipes, all non-blocking.

    It leads its own session and process group, so that a Ctrl-C in the terminal does not reach
    it and a signal to the group reaches all that it started. A descendant that leaves the group
    (a daemon) escapes, by its own design.

    However it ends (`terminate`, `kill_now`, dropped, or the interpreter exits), the group is
    gone, the leader reaped and the pipes closed. When this process is killed outright, servers
    see the end of their input, which tells them to exit. (The kernel's parent-death signal would
    need code between fork and exec, which costs the fast spawn, and it fires when the spawning
    *thread* ends.)

    Thread-safety: none; use it from one thread at a time.
    """

    __slots__ = ("__weakref__", "_child", "_finalizer", "config", "greeted", "pid", "started_at")

    def __init__(self, config: ServerConfig, child: _Child, greeted: Era) -> None:
        self.config = config
        self.greeted: Era = greeted  # the era of the request that it was sent
        self.pid = child.popen.pid
        self.started_at = time.monotonic()
        self._child = child
        # Runs when this object is dropped, and at interpreter exit.
        self._finalizer: weakref.finalize[Any, Any] = weakref.finalize(self, child.destroy)

    @classmethod
    def spawn(
        cls,
        config: ServerConfig,
        *,
        era: Era | None = None,
        capabilities: dict[str, Any] | None = None,
    ) -> ServerProcess:
        """Start the server and write the first request into its input. Never waits.

        That is ``server/discover`` or ``initialize``, by ``era``, which is the config's by default.
        ``capabilities`` are what the client offers to servers.

        Raises ConnectFailed when the command or the working folder is not there or cannot be
        used. A server that exits at once is noticed by whoever connects.
        """
        environment = child_environment(config)
        executable = resolve_command(config, environment)
        if config.cwd is not None and not os.path.isdir(config.cwd):
            raise ConnectFailed(
                f"server {config.id!r} cannot be started: its working folder"
                f" {config.cwd} does not exist",
                server=config.id,
                hint="check 'cwd'",
            )
        ours: list[int] = []
        theirs: list[int] = []
        try:
            for writes in (True, False, False):
                read, write = os.pipe()
                ours.append(write if writes else read)
                theirs.append(read if writes else write)
                os.set_blocking(ours[-1], False)
            popen = subprocess.Popen(
                [executable, *config.args],
                stdin=theirs[_STDIN],
                stdout=theirs[_STDOUT],
                stderr=theirs[_STDERR],
                cwd=config.cwd,
                env=environment,
                close_fds=True,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            for fd in ours:
                os.close(fd)
            reason = getattr(error, "strerror", None) or str(error)
            raise ConnectFailed(
                f"server {config.id!r} cannot be started: {executable}: {reason}",
                server=config.id,
                hint="check 'command', 'args', 'env' and 'cwd'",
            ) from error
        finally:
            for fd in theirs:
                os.close(fd)
        greeted = greeting((config.command, *config.args), era or config.era)
        process = cls(config, _Child(popen, [*ours, -1]), greeted)
        # A pipe that is empty takes the whole line. A server that is gone already closed it.
        with contextlib.suppress(BrokenPipeError):
            os.write(ours[_STDIN], greeting_line(greeted, capabilities or {}))
        return process

    @property
    def stdin(self) -> int:
        """The file descriptor that writes to the server's input; -1 when closed."""
        return self._child.fds[_STDIN]

    @property
    def stdout(self) -> int:
        """The file descriptor that reads the server's output; -1 when closed."""
        return self._child.fds[_STDOUT]

    @property
    def stderr(self) -> int:
        """The file descriptor that reads the server's error output; -1 when closed."""
        return self._child.fds[_STDERR]

    def unread(self) -> int:
        """How many bytes the server has not read from its input; 0 where nobody can tell."""
        try:
            import array  # noqa: PLC0415 - only until a server has answered
            import fcntl  # noqa: PLC0415
            import termios  # noqa: PLC0415

            count = array.array("i", [0])
            fcntl.ioctl(self.stdin, termios.FIONREAD, count)
        except (ImportError, OSError, ValueError):
            return 0
        return count[0]

    def open_pidfd(self) -> int | None:
        """A descriptor that is readable once the server has exited; None where there are none.

        It is closed with the pipes.
        """
        if self._child.fds[_PIDFD] < 0 and hasattr(os, "pidfd_open"):
            with contextlib.suppress(OSError):
                self._child.fds[_PIDFD] = os.pidfd_open(self.pid)
        return self._child.fds[_PIDFD] if self._child.fds[_PIDFD] >= 0 else None

    def poll(self) -> int | None:
        """The exit code, negative for a signal's number, or None while it runs.

        Where the platform can, it looks without reaping: a zombie keeps its pid, hence the
        group's number, from being given to a stranger before the group was signalled.
        """
        if self._child.popen.returncode is not None:
            return self._child.popen.returncode
        if not hasattr(os, "waitid"):
            return self._child.popen.poll()
        try:
            info = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return self._child.popen.poll()
        if info is None:
            return None
        return info.si_status if info.si_code == os.CLD_EXITED else -info.si_status

    def wait(self) -> int:
        """Block until the server has exited, and reap it; for platforms without pidfds."""
        return self._child.popen.wait()

    def describe_exit(self) -> str | None:
        """How it ended, in words: ``exited with status 3``, ``was killed by SIGKILL``; or None."""
        code = self.poll()
        if code is None:
            return None
        if code >= 0:
            return f"exited with status {code}"
        try:
            return f"was killed by {signal.Signals(-code).name}"
        except ValueError:
            return f"was killed by signal {-code}"

    def close_stdin(self) -> None:
        """Close the server's input, which asks it to exit."""
        self._child.close(_STDIN)

    async def terminate(
        self,
        exited: Callable[[float], Awaitable[object]],
        sleep: Callable[[float], Awaitable[object]],
    ) -> None:
        """End the server politely, then less so, and reap it.

        ``exited(seconds)`` waits until the server has exited, but no longer than that;
        ``sleep(seconds)`` just waits. The caller keeps reading the server's output meanwhile, or
        a server that flushes into a full pipe never gets to exit; afterwards it stops watching
        the pipes and calls `kill_now`, which closes them. When cancelled, it kills.
        """
        child = self._child
        try:
            self.close_stdin()
            if self.poll() is None:
                await exited(EXIT_GRACE)
            if self.poll() is None:
                _signal_group(self.pid, signal.SIGTERM)
                await exited(TERMINATE_GRACE)
            if self.poll() is not None:
                # What it started and left behind. Once the leader is reaped, the group answers
                # a signal only if it has other members.
                _signal_group(self.pid, signal.SIGTERM)
                child.popen.poll()
                for _ in range(int(GROUP_GRACE / _POLL)):
                    if not _signal_group(self.pid, 0):
                        child.gone = True
                        break
                    await sleep(_POLL)
        finally:
            child.kill()

    def kill_now(self) -> None:
        """Kill what is left of the group, reap the leader and close the pipes, without a grace.

        For a Ctrl-C, an interpreter that exits, a loop that is gone; and after `terminate`.
        Idempotent.
        """
        self._finalizer()

    def __repr__(self) -> str:
        state = self.describe_exit() or "running"
        return f"<ServerProcess {self.config.id!r} pid {self.pid} {state}>"


class _Child:
    """What must be ended and closed, apart from the object whose end triggers it."""

    __slots__ = ("creator", "fds", "gone", "popen")

    def __init__(self, popen: subprocess.Popen[bytes], fds: list[int]) -> None:
        self.popen = popen
        self.fds = fds  # stdin, stdout, stderr, pidfd; -1 when closed
        self.creator = os.getpid()
        self.gone = False  # no member of the group is left: its number may be a stranger's

    def kill(self) -> None:
        if self.gone:
            return
        self.gone = True
        _signal_group(self.popen.pid, signal.SIGKILL)
        deadline = time.monotonic() + KILL_WAIT
        # Popen.wait would sleep longer and longer between its looks.
        while self.popen.poll() is None and time.monotonic() < deadline:
            time.sleep(0.0005)

    def close(self, which: int) -> None:
        fd, self.fds[which] = self.fds[which], -1
        if fd >= 0:
            os.close(fd)

    def destroy(self) -> None:
        if os.getpid() != self.creator:
            return  # a forked copy of us ends: the server is not its own
        self.kill()
        for which in range(len(self.fds)):
            self.close(which)


def _signal_group(group: int, number: int) -> bool:
    """Whether the group had a member to signal (0 only asks)."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # a member changed its user: it is there, and beyond our reach
    return True

"""What comes out of a server's process, watched by the event loop: lines, errors, its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from typing import TYPE_CHECKING

from goflow.servers.lines import LINE_LIMIT, LineBuffer, LineTooLong

if TYPE_CHECKING:
    from collections.abc import Callable

    from goflow.servers.process import ServerProcess

__all__ = ["ProcessWatch"]

_CHUNK = 64 << 10
# Reads once a server has exited: what its pipe still holds, not what a descendant goes on to
# write into it.
_LAST_READS = 64


class ProcessWatch:
    """Reads a process's pipes as they fill and notices its exit.

    ``on_line(line)`` gets each line of its output, ``on_stderr(data)`` its error output in
    pieces, ``on_end(reason)`` is told, once, that no more lines will come: the process exited,
    closed its output, or sent a line over the limit. Both outputs are read until `stop`, so that
    an ending server can flush.
    """

    __slots__ = (
        "_ended",
        "_exited",
        "_fds",
        "_lines",
        "_loop",
        "_on_end",
        "_on_line",
        "_on_stderr",
        "_process",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        process: ServerProcess,
        *,
        on_line: Callable[[bytes], None],
        on_stderr: Callable[[bytes], None],
        on_end: Callable[[str], None],
    ) -> None:
        self._loop = loop
        self._process = process
        self._on_line = on_line
        self._on_stderr = on_stderr
        self._on_end = on_end
        self._lines = LineBuffer()
        self._fds: set[int] = set()  # those that the loop watches
        self._ended = False
        self._exited: asyncio.Future[None] = loop.create_future()

    def start(self) -> None:
        """Begin to watch."""
        self._add(self._process.stdout, self._read_stdout)
        self._add(self._process.stderr, self._read_stderr)
        pidfd = self._process.open_pidfd()
        if pidfd is not None:
            self._add(pidfd, self._on_exit)
        else:
            threading.Thread(
                target=self._await_exit, name=f"goflow wait {self._process.pid}", daemon=True
            ).start()

    def stop(self) -> None:
        """Stop watching, before the descriptors are closed. Idempotent."""
        for fd in list(self._fds):
            self._remove(fd)
        self._ended = True

    @property
    def exited(self) -> bool:
        """Whether the process's exit was noticed."""
        return self._exited.done()

    async def wait_exit(self, seconds: float) -> None:
        """Wait until the process has exited, but no longer than this."""
        if not self._exited.done():
            await asyncio.wait((self._exited,), timeout=seconds)

    def drain_stderr(self) -> None:
        """Read what the error output holds now."""
        for _ in range(_LAST_READS):
            if self._process.stderr not in self._fds or not self._read_stderr():
                return

    def _add(self, fd: int, callback: Callable[[], object]) -> None:
        self._loop.add_reader(fd, callback)
        self._fds.add(fd)

    def _remove(self, fd: int) -> None:
        self._loop.remove_reader(fd)
        self._fds.discard(fd)

    def _read_stdout(self) -> bool:
        """Read once; whether there was something."""
        try:
            data = os.read(self._process.stdout, _CHUNK)
        except BlockingIOError:
            return False
        if not data:
            self._remove(self._process.stdout)
            rest = self._lines.finish()
            if rest and not self._ended:
                self._on_line(rest)
            self._end("closed its output")
            return False
        if self._ended:
            return True
        try:
            lines = self._lines.feed(data)
        except LineTooLong:
            self._end(f"sent a line longer than {LINE_LIMIT >> 20} MiB")
            return True
        for line in lines:
            self._on_line(line)
        return True

    def _read_stderr(self) -> bool:
        """Read once; whether there was something."""
        try:
            data = os.read(self._process.stderr, _CHUNK)
        except BlockingIOError:
            return False
        if data:
            self._on_stderr(data)
        else:
            self._remove(self._process.stderr)
        return bool(data)

    def _on_exit(self) -> None:
        pidfd = self._process.open_pidfd()
        if pidfd is not None:
            self._remove(pidfd)
        if self._exited.done():
            return
        self._exited.set_result(None)
        # Answers that it wrote before it exited still count.
        for _ in range(_LAST_READS):
            if self._process.stdout not in self._fds or not self._read_stdout():
                break
        self._end(self._process.describe_exit() or "exited")

    def _await_exit(self) -> None:
        self._process.wait()
        # The loop may be closed by then.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._on_exit)

    def _end(self, reason: str) -> None:
        if not self._ended:
            self._ended = True
            self._on_end(reason)

"""Writing to a pipe from an event loop: at once if it takes it, else as it drains."""

from __future__ import annotations

import os
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

__all__ = ["Outbox"]


class Outbox:
    """Lines on their way into a non-blocking pipe, in order.

    `send` raises OSError (BrokenPipeError) when the reader is gone; when the loop finds that
    out later, ``broken`` is set and the rest dropped. The reader's own end will be noticed by
    whoever reads from it.
    """

    __slots__ = ("_fd", "_loop", "_waiting", "broken")

    def __init__(self, loop: asyncio.AbstractEventLoop, fd: int) -> None:
        self._loop = loop
        self._fd = fd
        self._waiting: deque[bytes | memoryview] = deque()
        self.broken = False

    def send(self, line: bytes) -> None:
        """Write the line, or as much as the pipe takes now and the rest later."""
        if self._waiting:
            self._waiting.append(line)
            return
        try:
            written = os.write(self._fd, line)
        except BlockingIOError:
            written = 0
        if written < len(line):
            # A view, so that what is left of many MiB is never copied.
            self._waiting.append(memoryview(line)[written:])
            self._loop.add_writer(self._fd, self._drain)

    def close(self) -> None:
        """Drop what is waiting and stop watching the pipe (before it is closed). Idempotent."""
        if self._waiting:
            self._waiting.clear()
            self._loop.remove_writer(self._fd)

    def _drain(self) -> None:
        waiting = self._waiting
        try:
            while waiting:
                line = waiting[0]
                written = os.write(self._fd, line)
                if written < len(line):
                    waiting[0] = memoryview(line)[written:]
                    return
                waiting.popleft()
        except BlockingIOError:
            return
        except OSError:
            self.broken = True
            waiting.clear()
        self._loop.remove_writer(self._fd)

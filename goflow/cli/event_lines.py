"""``--events FILE`` and ``--progress jsonl``: every event of a run as one line of JSON."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec

from goflow.cli.output import say
from goflow.errors import BadCall

if TYPE_CHECKING:
    from types import TracebackType

    from goflow.engine.events import Event

__all__ = ["EventLines"]


class EventLines:
    """Writes to a file, a pipe, ``-`` for standard output, or an open ``fd``.

    Each line is whole and there at once.

    Each has ``event`` (its kind), ``run``, ``at`` and the fields of its class in
    ``goflow.engine.events``. Raises ``BadCall`` when the file cannot be written; later failures are
    told once, and nothing more is written.
    """

    def __init__(self, name: str, fd: int | None = None) -> None:
        self._name = name
        if name == "-":
            fd = 1
        try:
            self._fd = (
                os.dup(fd)
                if fd is not None
                else os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
            )
        except OSError as error:
            raise BadCall(f"--events: cannot write {name}: {error.strerror}") from None
        self._encoder = msgspec.json.Encoder()

    def __enter__(self) -> EventLines:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def on_event(self, event: Event) -> None:
        """Write one line."""
        if self._fd < 0:
            return
        line = memoryview(self._encoder.encode(event) + b"\n")
        try:
            while line:
                line = line[os.write(self._fd, line) :]
        except OSError as error:
            os.close(self._fd)
            self._fd = -1
            say(f"warning: --events: {self._name} cannot be written any more: {error.strerror}")

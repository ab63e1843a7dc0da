"""What a server says on its error output: kept on disk, capped, and its end kept at hand."""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING

from goflow.servers.redaction import RedactingStream

if TYPE_CHECKING:
    from pathlib import Path

    from goflow.servers.redaction import Redactor

__all__ = ["ServerLog", "log_path"]

# Bytes: of a log file before it is rotated to `<name>.log.1`, and of the tail for errors.
LOG_LIMIT = 1 << 20
TAIL_LIMIT = 8 << 10
_NOTE_LIMIT = 500


def log_path(server_id: str) -> Path:
    """The log file of a server; it exists once the server has said something."""
    from goflow.home import home_folder  # noqa: PLC0415 (most servers say nothing, and it is slow)

    # Ids from a file are checked; one from elsewhere must not name another folder.
    name = "".join(c if c.isalnum() or c in "-_." else "_" for c in server_id).lstrip(".")
    return home_folder() / "logs" / f"{name or '_'}.log"


class ServerLog:
    """One session's way into its server's log file, and the last 8 KiB it said.

    Everything is redacted before it is kept anywhere. The file (mode 0600, in a folder of mode
    0700) is created at the first output, shared by all sessions of the server, and rotated once
    at 1 MiB. A log that cannot be written is given up silently: it never fails a session.
    """

    __slots__ = ("_broken", "_fd", "_path", "_pid", "_server_id", "_stream", "_tail", "redactor")

    def __init__(self, server_id: str, redactor: Redactor, pid: int) -> None:
        self.redactor = redactor
        self._server_id = server_id
        self._pid = pid
        self._stream = RedactingStream(redactor)
        self._tail = b""
        self._path = ""
        self._fd = -1
        self._broken = False

    def output(self, data: bytes) -> None:
        """Keep a piece of the server's error output, cut anywhere."""
        self._keep(self._stream.feed(data))

    def finish_output(self) -> None:
        """The error output has ended."""
        self._keep(self._stream.finish())

    def note(self, text: str) -> None:
        """Write a line of our own, about the conversation; cut to 500 characters."""
        text = self.redactor.text(text)
        if len(text) > _NOTE_LIMIT:
            text = text[:_NOTE_LIMIT] + "…"
        line = f"[goflow {self._pid}] {text}\n"
        self._write(line.encode("utf-8", "backslashreplace"))

    def tail(self) -> str:
        """The end of the error output so far, at most 8 KiB, redacted."""
        return self._tail.decode("utf-8", "replace").strip()

    def close(self) -> None:
        """Close the file. Idempotent."""
        fd, self._fd = self._fd, -1
        self._broken = True
        if fd >= 0:
            os.close(fd)

    def _keep(self, shown: bytes) -> None:
        if shown:
            self._tail = (self._tail + shown)[-TAIL_LIMIT:]
            self._write(shown)

    def _write(self, data: bytes) -> None:
        if self._broken:
            return
        try:
            if self._fd < 0:
                self._open()
            elif os.fstat(self._fd).st_size + len(data) > LOG_LIMIT:
                self._rotate()
            os.write(self._fd, data)
        except OSError:
            self.close()

    def _open(self) -> None:
        if not self._path:
            from goflow.home import private_folder  # noqa: PLC0415 (as in `log_path`)

            private_folder("logs")
            self._path = str(log_path(self._server_id))
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._fd = os.open(self._path, flags, 0o600)
        if os.fstat(self._fd).st_size > LOG_LIMIT:
            self._rotate()
        else:
            began = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            os.write(self._fd, f"[goflow {self._pid}] first output at {began}\n".encode())

    def _rotate(self) -> None:
        # Unless another session already did: then this file is the old one.
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.stat(self._path), os.fstat(self._fd)):
                os.replace(self._path, self._path + ".1")
        os.close(self._fd)
        self._fd = -1
        self._open()

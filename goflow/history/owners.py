"""Which runs belong to a process that lives: locks that the system lets go of when it ends.

Each owner holds a lock on one byte of a shared file; the byte's place is its token. However a
process ends, its locks end with it, and no process can be taken for another that had its number.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Owner", "is_alive"]

_TOKENS = 1 << 40


class _LockFile:
    """One open file of locks; closing any other would let go of this process's locks in it."""

    def __init__(self, path: str) -> None:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
        self.fd = os.open(path, flags, 0o600)
        self.pid = os.getpid()
        self.held: set[int] = set()

    def take(self, token: int) -> bool:
        """Lock a byte; false when another process holds it."""
        try:
            _lock(self.fd, token)
        except OSError:
            return False
        return True


_files: dict[str, _LockFile] = {}
_guard = threading.Lock()


def _random_token() -> int:
    return 1 + int.from_bytes(os.urandom(8), "big") % (_TOKENS - 1)


class Owner:
    """A living owner of runs, known by ``token`` until it is released. Thread-safe.

    Raises ``OSError`` when the file of locks cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        with _guard:
            file = _opened(self._path)
            self.token = _random_token()
            while self.token in file.held or not file.take(self.token):
                self.token = _random_token()
            file.held.add(self.token)

    def release(self) -> None:
        """Stop being alive. Idempotent."""
        with _guard:
            file = _files.get(self._path)
            if file is None or self.token not in file.held:
                return
            file.held.discard(self.token)
            _unlock(file.fd, self.token)
            _closed_if_idle(self._path, file)

    def __repr__(self) -> str:
        return f"<Owner {self.token}>"


def is_alive(path: Path, token: int) -> bool:
    """Whether the owner of this token still lives, in this process or another."""
    with _guard:
        try:
            file = _opened(str(path))
        except OSError:
            return False
        try:
            if token in file.held:
                return True
            if not file.take(token):
                return True
            _unlock(file.fd, token)
            return False
        finally:
            _closed_if_idle(str(path), file)


def _opened(path: str) -> _LockFile:
    file = _files.get(path)
    if file is None or file.pid != os.getpid():  # locks are not inherited by a fork
        file = _files[path] = _LockFile(path)
    return file


def _closed_if_idle(path: str, file: _LockFile) -> None:
    if not file.held:
        del _files[path]
        os.close(file.fd)


if sys.platform == "win32":
    import msvcrt

    def _lock(fd: int, token: int) -> None:
        os.lseek(fd, token, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)

    def _unlock(fd: int, token: int) -> None:
        os.lseek(fd, token, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_UNLCK, 1)
else:
    import fcntl

    def _lock(fd: int, token: int) -> None:
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, token)

    def _unlock(fd: int, token: int) -> None:
        fcntl.lockf(fd, fcntl.LOCK_UN, 1, token)

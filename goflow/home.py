"""The folder where GoFlow keeps what it writes, and how private files in it are written."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["home_folder", "only_writer", "private_folder", "write_private"]


def home_folder() -> Path:
    """``$GOFLOW_HOME`` if it is set and not empty, else the platform's user data folder.

    It may not exist yet; `private_folder` makes it.
    """
    moved = os.environ.get("GOFLOW_HOME")
    if moved:
        return Path(moved).expanduser().absolute()
    from platformdirs import user_data_path  # noqa: PLC0415 (rarely needed at start-up)

    return user_data_path("goflow", appauthor=False)


def private_folder(name: str) -> Path:
    """A folder in the home folder, made if it is not there; what is made is the user's alone.

    Raises OSError when it cannot be made.
    """
    home = home_folder()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = home / name
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def write_private(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Write a file whole or not at all; only the user may read it. Raises OSError.

    Unless ``durable``, it may be empty after a loss of power.
    """
    # Beside it, so that the replacing cannot cross a file system.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
    try:
        with open(os.open(temporary, flags, 0o600), "wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def only_writer(path: Path) -> Iterator[None]:
    """Keep other processes out of changing ``path`` meanwhile; its folder is made if need be.

    Where the system has no such locks it does nothing. Raises OSError.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        import fcntl  # noqa: PLC0415 - not on every system
    except ImportError:
        yield
        return
    # A file of its own, for the other one is replaced.
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
    with open(os.open(path.with_name(f".{path.name}.lock"), flags, 0o600), "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield

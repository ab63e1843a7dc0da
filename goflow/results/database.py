"""The file that results are kept in: opened, made, or moved aside when it is damaged."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from typing import TYPE_CHECKING

from goflow.results.schema import APPLICATION, SCHEMA, VERSION
from goflow.wal import use_wal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["StoreUnavailable", "is_damage", "move_aside", "open_or_begin_anew"]

_BUSY = 2.0  # seconds to wait for another process


class StoreUnavailable(Exception):
    """The store cannot be opened; the message says why."""


def open_or_begin_anew(
    path: Path, clock: Callable[[], float], warn: Callable[[str], None]
) -> tuple[sqlite3.Connection, bool]:
    """A connection to the file, in autocommit mode, and whether it can only be read.

    A damaged file is moved aside, which ``warn`` is told, and a new one begun. Raises
    StoreUnavailable when there is no place for it, it is locked for too long, or it is of a newer
    release.
    """
    try:
        return _open(path)
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise StoreUnavailable(f"{path}: {error}") from None
        aside = move_aside(path, clock)
        warn(f"the result cache {path} is damaged ({error}); it is now {aside}")
    try:
        return _open(path)
    except sqlite3.DatabaseError as error:
        raise StoreUnavailable(f"{path}: {error}") from None


def _open(path: Path) -> tuple[sqlite3.Connection, bool]:
    read_only = False
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite gives its side files the mode of the file itself.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        if not os.access(path, os.R_OK):
            raise StoreUnavailable(f"{path}: {error.strerror or error}") from None
        read_only = True
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rw'}",
        uri=True,
        timeout=_BUSY,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        if not read_only:
            _make(connection)
        _check(path, connection)
        if not read_only:
            connection.execute("PRAGMA synchronous = NORMAL")
    except BaseException:
        connection.close()
        raise
    return connection, read_only


def _make(connection: sqlite3.Connection) -> None:
    """Make the tables where there are none."""
    if _ask(connection, "user_version"):
        return
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    use_wal(connection, _BUSY)
    connection.execute("BEGIN IMMEDIATE")
    try:
        if _ask(connection, "user_version") == 0:  # no other process was quicker
            for statement in SCHEMA.split(";"):
                connection.execute(statement)
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _check(path: Path, connection: sqlite3.Connection) -> None:
    """See that it is a file of ours; raises ``sqlite3.DatabaseError`` when it is not."""
    version = _ask(connection, "user_version")
    if _ask(connection, "application_id") != APPLICATION or version < VERSION:
        raise sqlite3.DatabaseError("file is not a database of results")
    if version > VERSION:
        raise StoreUnavailable(f"{path}: written by a newer release of GoFlow")
    tables = connection.execute(
        "SELECT count(*) FROM sqlite_master WHERE name IN ('actions', 'blobs', 'tools')"
    ).fetchone()
    if tables[0] != 3:
        raise sqlite3.DatabaseError("tables are missing")
    connection.execute("SELECT key FROM actions LIMIT 1").fetchone()


def _ask(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def move_aside(path: Path, clock: Callable[[], float]) -> Path:
    """Give a damaged file another name, its side files too; the name."""
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(clock()))
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    for end in ("", "-wal", "-shm"):
        with contextlib.suppress(OSError):
            os.replace(f"{path}{end}", f"{aside}{end}")
    return aside


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file itself is broken, as opposed to locked, full or out of reach."""
    return type(error) is sqlite3.DatabaseError

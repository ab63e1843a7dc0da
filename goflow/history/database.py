"""The file that runs are kept in: opened, migrated, or moved aside when it is no good.

One SQLite file, shared by any number of processes (write-ahead log). The user's alone (mode 0600):
it holds the exact values that resuming needs. A process that is killed loses nothing of what was
committed; a machine that loses power may lose the last moments.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from goflow.errors import HistoryError
from goflow.home import home_folder, private_folder
from goflow.wal import use_wal

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "CACHED",
    "EXACT",
    "SETTLED",
    "SUPERSEDED",
    "VERSION",
    "corrupt",
    "history_file",
    "is_corrupt",
    "open_database",
    "owners_file",
]

VERSION = 2
"""Of the tables. A file of an older one is migrated, a newer one is left alone and moved aside."""
_STEPS = {1: "ALTER TABLE runs ADD COLUMN statistics TEXT"}

SETTLED, EXACT, CACHED, SUPERSEDED = 1, 2, 4, 8
"""Bits of ``marks``: resuming takes it as it is; its output is whole; it came from the cache; its
owner was tried again."""

BUSY = 10.0
"""Seconds to wait for another process that writes."""

# The number of a row in `attempts` and `nodes` is `run << 32 | seq`: one range holds one run's rows
# in the order in which they happened. Columns are few, since each costs a row 0.1 µs: `marks` are
# bits, and what most nodes have none of (reason, raw, writes, taken, error) is one JSON object.
_TABLES = """
CREATE TABLE definitions(
    digest BLOB PRIMARY KEY,
    body   TEXT NOT NULL,
    types  BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE runs(
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT NOT NULL UNIQUE,
    workflow   TEXT NOT NULL,
    status     TEXT NOT NULL,
    started_at REAL NOT NULL,
    duration   REAL,
    owner      INTEGER,
    definition BLOB NOT NULL,
    strict     INTEGER NOT NULL,
    inputs     BLOB NOT NULL,
    exact      INTEGER NOT NULL,
    result     BLOB,
    error      BLOB,
    warnings   BLOB,
    source     TEXT,
    statistics TEXT
);
CREATE INDEX runs_by_time ON runs(started_at);
CREATE TABLE attempts(
    key        INTEGER PRIMARY KEY,
    node       TEXT NOT NULL,
    path       TEXT NOT NULL,
    attempt    INTEGER NOT NULL,
    at         REAL NOT NULL,
    harmless   INTEGER NOT NULL,
    input      BLOB,
    error      BLOB,
    delay      REAL,
    superseded INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE nodes(
    key        INTEGER PRIMARY KEY,
    node       TEXT NOT NULL,
    path       TEXT NOT NULL,
    status     TEXT NOT NULL,
    marks      INTEGER NOT NULL,
    attempts   INTEGER NOT NULL,
    started_at REAL,
    duration   REAL,
    variable   TEXT,
    output     BLOB,
    more       BLOB
);
"""


def history_file() -> Path:
    """Where the runs are kept; the file may not exist yet."""
    return home_folder() / "history.db"


def owners_file() -> Path:
    """Where the processes that own runs hold their locks."""
    return home_folder() / "owners.lock"


def open_database(*, create: bool = True) -> sqlite3.Connection:
    """A connection to the history, made if it is not there and ``create``.

    Raises ``HistoryError`` when it cannot be opened; a file that is corrupt or of a newer version
    is moved aside first, and the error says where. The connection is in autocommit mode.
    """
    path = history_file()
    try:
        private_folder("")
        if not path.exists() and not create:
            raise HistoryError("no run was ever kept", hint=f"they would be in {path}", empty=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600))
        opened = os.stat(path)
        connection = sqlite3.connect(
            path, timeout=BUSY, isolation_level=None, check_same_thread=False
        )
    except (OSError, sqlite3.Error) as error:
        raise _unusable(path, error) from None
    try:
        version = _prepare(connection)
    except sqlite3.Error as error:
        connection.close()
        if is_corrupt(error):
            raise corrupt(path, error, opened) from None
        raise _unusable(path, error) from None
    if version > VERSION:
        connection.close()
        raise HistoryError(
            f"the history was written by a newer GoFlow (version {version} of its tables, this "
            f"one knows {VERSION}); it is now in {_moved_aside(path, 'newer', opened)}",
            hint="a new one is begun; update GoFlow and move the file back to have it again",
            renewed=True,
        )
    return connection


def _prepare(connection: sqlite3.Connection) -> int:
    """Make the tables, or bring older ones up to date; the version of those that are there."""
    connection.execute("PRAGMA synchronous = NORMAL")
    version = _version(connection)
    if version >= VERSION:
        return version
    if version == 0:
        use_wal(connection, BUSY)
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = _version(connection)  # somebody may have been quicker
        if version == 0:
            for statement in _TABLES.split(";\n"):
                connection.execute(statement)
        else:
            for older in range(version, VERSION):
                connection.execute(_STEPS[older])
        connection.execute(f"PRAGMA user_version = {max(version, VERSION)}")
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise
    return max(version, VERSION)


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def is_corrupt(error: sqlite3.Error) -> bool:
    """Whether the file itself is no good, rather than busy, full or forbidden."""
    # NOTADB and CORRUPT are the ones that have no class of their own.
    return type(error) is sqlite3.DatabaseError


def corrupt(path: Path, error: sqlite3.Error, opened: os.stat_result) -> HistoryError:
    """Move a corrupt file aside; the error that says so. ``opened`` is the file that was opened."""
    return HistoryError(
        f"the history was corrupt ({error}); it is now in {_moved_aside(path, 'corrupt', opened)}",
        hint="a new one is begun",
        renewed=True,
    )


def _moved_aside(path: Path, why: str, opened: os.stat_result) -> Path:
    """Rename the file and its logs, unless another process did and a new one is there already."""
    aside = path.with_name(f"{path.name}.{why}-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}")
    with suppress(OSError):
        if os.path.samestat(os.stat(path), opened):
            for suffix in ("-wal", "-shm", ""):
                with suppress(FileNotFoundError):
                    os.replace(f"{path}{suffix}", f"{aside}{suffix}")
    return aside


def _unusable(path: Path, error: Exception) -> HistoryError:
    reason = getattr(error, "strerror", None) or str(error)
    return HistoryError(
        f"the history in {path} cannot be used: {reason}",
        hint="GOFLOW_HOME moves it to another folder",
    )

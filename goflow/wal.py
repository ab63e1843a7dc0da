"""SQLite's write-ahead log, begun by several processes at once."""

from __future__ import annotations

import sqlite3
import time

__all__ = ["use_wal"]

_PAUSE = 0.005
_BUSY = 5  # SQLITE_BUSY


def use_wal(connection: sqlite3.Connection, patience: float) -> None:
    """Have a file use a write-ahead log; waits up to ``patience`` seconds for others that open it.

    SQLite does not wait by itself here, whatever the connection's timeout: changing the mode needs
    the file alone. Raises ``sqlite3.OperationalError`` when others never let go.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            # Python 3.10 does not say which error it is.
            busy = getattr(error, "sqlite_errorcode", _BUSY) & 0xFF == _BUSY
            if not busy or time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE)
        else:
            return

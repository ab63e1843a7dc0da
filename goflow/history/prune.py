"""Forgetting old runs: by age and by number, never one that goes on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from goflow.history.database import owners_file
from goflow.history.owners import is_alive

if TYPE_CHECKING:
    import sqlite3

__all__ = ["prune"]


def prune(
    connection: sqlite3.Connection, *, keep_days: float | None = None, keep_runs: int | None = None
) -> int:
    """Forget runs older than ``keep_days`` and all but the newest ``keep_runs``; how many went.

    Runs inside a transaction of its own, unless there is one.
    """
    outer = connection.in_transaction
    if not outer:
        connection.execute("BEGIN IMMEDIATE")
    old: dict[int, int | None] = {}
    if keep_days is not None:
        since = time.time() - keep_days * 86400
        query = "SELECT number, owner FROM runs WHERE started_at < ?"
        old |= dict(connection.execute(query, (since,)))
    if keep_runs is not None:
        query = "SELECT number, owner FROM runs ORDER BY number DESC LIMIT -1 OFFSET ?"
        old |= dict(connection.execute(query, (keep_runs,)))
    gone = [n for n, owner in old.items() if owner is None or not is_alive(owners_file(), owner)]
    for number in gone:
        rows = number << 32, (number + 1) << 32
        connection.execute("DELETE FROM nodes WHERE key >= ? AND key < ?", rows)
        connection.execute("DELETE FROM attempts WHERE key >= ? AND key < ?", rows)
        connection.execute("DELETE FROM runs WHERE number = ?", (number,))
    if gone:
        connection.execute(
            "DELETE FROM definitions WHERE digest NOT IN (SELECT definition FROM runs)"
        )
    if not outer:
        connection.execute("COMMIT")
    return len(gone)

"""The thread side of a journal: operations into rows, rows into one commit."""

from __future__ import annotations

import os
import sqlite3
from collections import defaultdict
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeAlias

from goflow._core import canonical
from goflow.errors import HistoryError
from goflow.history.database import (
    CACHED,
    EXACT,
    SETTLED,
    SUPERSEDED,
    corrupt,
    history_file,
    is_corrupt,
    open_database,
    owners_file,
)
from goflow.history.owners import Owner
from goflow.history.prune import prune
from goflow.history.values import encode, kept

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from goflow.history.journal import Journal, Operation, Record, RunHead

__all__ = ["Writer"]

_Row: TypeAlias = "tuple[Any, ...]"

KEEP_DAYS = 90
KEEP_RUNS = 10_000
"""What is kept of finished runs, looked at once in `_PRUNE_EVERY`."""
_PRUNE_EVERY = 100

_DIGESTS = 64
"""Definitions whose digest is remembered."""

_ATTEMPTS = (
    "attempts",
    ("key", "node", "path", "attempt", "at", "harmless", "input", "error", "delay"),
)
_NODES = (
    "nodes",
    ("key", "node", "path", "status", "marks", "attempts", "started_at", "duration", "variable",
     "output", "more"),
)  # fmt: skip
_SUPERSEDE = (
    "UPDATE attempts SET superseded = 1",
    f"UPDATE nodes SET marks = marks | {SUPERSEDED}",
)


class Writer:
    """Writes for one journal, from its thread; owns the runs that it writes.

    When the file cannot be written, the journal is told that it is broken and all else is dropped.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._connection: sqlite3.Connection | None = None
        self._opened: os.stat_result | None = None
        self._owner: Owner | None = None
        self._first_keys: dict[str, int] = {}
        self._digests: dict[str, bytes] = {}

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
        if self._owner is not None:
            self._owner.release()

    def commit(self, operations: Sequence[Operation]) -> None:
        """Write all of them in one transaction, then tell who waits."""
        if not self._journal.broken:
            try:
                self._transaction(self._open(), operations)
            except sqlite3.Error as error:
                self._journal.give_up(self._explained(error))
            except Exception as error:
                self._journal.give_up(error)
        waiting: dict[Any, list[Any]] = {}
        for operation in operations:
            name, _, fields = operation
            if name == "wait":
                loop, done = fields
                waiting.setdefault(loop, []).append(done)
        for loop, futures in waiting.items():
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(_wake, futures)

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            try:
                self._connection = open_database()
            except HistoryError as error:
                if not error.renewed:
                    raise
                self._journal.warn(error)
                self._connection = open_database()
            self._opened = os.stat(history_file())
            self._owner = Owner(owners_file())
        return self._connection

    def _explained(self, error: sqlite3.Error) -> Exception:
        if is_corrupt(error) and self._opened is not None:
            assert self._connection is not None
            self._connection.close()
            self._connection = None
            return corrupt(history_file(), error, self._opened)
        return error

    def _transaction(self, connection: sqlite3.Connection, operations: Sequence[Operation]) -> None:
        connection.execute("BEGIN IMMEDIATE")
        try:
            attempts: dict[int, list[_Row]] = defaultdict(list)
            nodes: dict[int, list[_Row]] = defaultdict(list)
            last: list[Operation] = []
            for operation in operations:
                name, head, fields = operation
                if head is None:
                    continue
                if name == "node":
                    row = self._node(head, *fields)
                    nodes[len(row)].append(row)
                elif name == "attempt":
                    row = self._attempt(head, *fields)
                    attempts[len(row)].append(row)
                elif name == "begin":
                    self._begin(connection, head)
                elif name == "resume":
                    self._resume(connection, head, *fields)
                else:
                    last.append(operation)
            _insert(connection, *_ATTEMPTS, attempts)
            _insert(connection, *_NODES, nodes)
            for name, head, fields in last:
                assert head is not None
                if name == "supersede":
                    self._supersede(connection, head, *fields)
                else:
                    self._finish(connection, head, *fields)
            connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise

    # -- operations ----------------------------------------------------------------------------

    def _begin(self, connection: sqlite3.Connection, head: RunHead) -> None:
        assert self._owner is not None
        digest = self._define(connection, head)
        inputs, exact = kept(head.inputs, head.redact)
        added = connection.execute(
            "INSERT INTO runs(id, workflow, status, started_at, owner, definition, strict, inputs, "
            "exact, source, statistics) VALUES(?, ?, 'running', ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                head.id,
                head.workflow,
                head.started_at,
                self._owner.token,
                digest,
                head.strict,
                inputs,
                exact,
                head.source,
                encode(head.statistics) if head.statistics else None,
            ),
        )
        assert added.lastrowid is not None
        self._first_keys[head.id] = added.lastrowid << 32

    def _define(self, connection: sqlite3.Connection, head: RunHead) -> bytes:
        """See that a run's definition is kept; its digest."""
        # Mostly the same few, again and again, each of the size of its workflow.
        digest = self._digests.get(head.definition)
        if digest is None:
            # Whatever code points it has; hashlib would load OpenSSL.
            octets = head.definition.encode("utf-8", "surrogatepass").decode("latin-1")
            digest = canonical.digest(octets)
            if len(self._digests) >= _DIGESTS:
                self._digests.clear()
            self._digests[head.definition] = digest
        there = "SELECT 1 FROM definitions WHERE digest = ?"
        # It may have been pruned since it was last seen.
        if connection.execute(there, (digest,)).fetchone() is None:
            connection.execute(
                "INSERT INTO definitions(digest, body, types) VALUES(?, ?, ?)",
                (digest, head.definition, encode(head.types)),
            )
        return digest

    def _resume(self, connection: sqlite3.Connection, head: RunHead, owner: int | None) -> None:
        """Take over a run from an owner that is dead, unless another process was quicker."""
        assert self._owner is not None
        taken = connection.execute(
            "UPDATE runs SET status = 'running', owner = ?, duration = NULL, error = NULL "
            "WHERE id = ? AND owner IS ? RETURNING number",
            (self._owner.token, head.id, owner),
        ).fetchone()
        if taken is None:
            self._journal.refused.add(head.id)
        else:
            self._first_keys[head.id] = taken[0] << 32

    def _attempt(
        self,
        head: RunHead,
        seq: int,
        node: str,
        path: str,
        attempt: int,
        at: float,
        harmless: bool,
        given: Any,
        error: dict[str, Any] | None,
        delay: float | None,
    ) -> _Row:
        key = self._first_keys[head.id] + seq
        if error is None:
            return (key, node, path, attempt, at, harmless, kept(given, head.redact)[0])
        return (key, node, path, attempt, at, harmless, None, _shown(error, head), delay)

    def _node(
        self,
        head: RunHead,
        seq: int,
        record: Record,
        path: str,
        settled: bool,
        variable: str | None,
        raw: dict[str, Any] | None,
        writes: dict[str, Any] | None,
        taken: list[str] | None,
    ) -> _Row:
        marks = SETTLED if settled else 0
        output, exact = None, True
        if record.output is not None:
            output, exact = kept(record.output, head.redact)
        more = None
        error, reason = record.error, record.reason
        looked = None if record.lookup is None else record.lookup.told()
        if raw or writes or taken is not None or error or reason or looked:
            rest = {
                "raw": raw,
                "writes": writes,
                "taken": taken,
                "error": error,
                "reason": reason,
                "saved": record.saved,
                "cache": looked,
            }
            more, whole = kept({k: v for k, v in rest.items() if v is not None}, head.redact)
            exact = exact and whole
        if exact:
            marks |= EXACT
        if record.cached:
            marks |= CACHED
        row = (
            self._first_keys[head.id] + seq,
            record.id,
            path,
            record.status,
            marks,
            record.attempts,
            record.started_at,
            record.duration,
        )
        if more is not None:
            return (*row, variable, output, more)
        return row if variable is None and output is None else (*row, variable, output)

    def _supersede(
        self,
        connection: sqlite3.Connection,
        head: RunHead,
        seq: int,
        nodes: tuple[str, ...],
        path: str,
        inside: str,
    ) -> None:
        """What members did in an attempt of their owner that failed is no part of the next one."""
        first = self._first_keys[head.id]
        under = f"{path}." if path and not path.endswith("/") else path
        for change in _SUPERSEDE:
            connection.execute(
                f"{change} WHERE key >= ? AND key < ? AND substr(path, 1, ?) = ?",
                (first, first + seq, len(inside), inside),
            )
            connection.executemany(
                f"{change} WHERE key >= ? AND key < ? AND substr(path, 1, ?) = ? AND node = ?",
                [(first, first + seq, len(under), under, node) for node in nodes],
            )

    def _finish(
        self,
        connection: sqlite3.Connection,
        head: RunHead,
        seq: int,
        status: str,
        duration: float,
        result: Any,
        error: dict[str, Any] | None,
        warnings: Sequence[str],
        statistics: dict[str, Any] | None,
    ) -> None:
        first = self._first_keys.pop(head.id)
        connection.execute(
            "UPDATE runs SET status = ?, duration = ?, result = ?, error = ?, warnings = ?, "
            "statistics = ?, owner = NULL WHERE id = ?",
            (
                status,
                duration,
                kept(result, head.redact)[0],
                _shown(error, head),
                encode(warnings) if warnings else None,
                encode(statistics) if statistics else None,
                head.id,
            ),
        )
        if (first >> 32) % _PRUNE_EVERY == 0:
            prune(connection, keep_days=KEEP_DAYS, keep_runs=KEEP_RUNS)


def _insert(
    connection: sqlite3.Connection,
    table: str,
    columns: Sequence[str],
    rows: Mapping[int, Sequence[_Row]],
) -> None:
    """Insert rows by how many of the columns each has: what it has not is null.

    ``sqlite3`` looks for an adapter for each None that it binds: three of them cost nearly as much
    as the rest of a row.
    """
    for count, some in rows.items():
        names, places = ", ".join(columns[:count]), ", ".join("?" * count)
        connection.executemany(f"INSERT INTO {table}({names}) VALUES({places})", some)


def _shown(error: dict[str, Any] | None, head: RunHead) -> bytes | None:
    """An error without secrets."""
    return None if error is None else kept(error, head.redact)[0]


def _wake(futures: list[Any]) -> None:
    for future in futures:
        if not future.done():
            future.set_result(None)

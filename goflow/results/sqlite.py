"""Results on disk: an action table that leads to content-addressed blobs, in one SQLite file.

The file is in WAL mode and may be used by any number of processes. Everything read is checked
against its hash. Writes happen in one thread of ours, in batches, so that an event loop never waits
for a disk; what is not yet written when a process is killed is lost, and nothing else.

Nothing here fails a run. What goes wrong is told once, through ``warn``, and the store is then as
if it were empty; a file that is damaged is moved aside and a new one begun.
"""

from __future__ import annotations

import contextlib
import json
import math
import queue
import sqlite3
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from goflow.results.database import is_damage, move_aside, open_or_begin_anew
from goflow.results.memory import Kept
from goflow.results.schema import blob_hash, checksum, pack, unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from goflow.results.key import ResultKey

__all__ = ["DISK_BYTES", "MAX_AGE", "Earlier", "Store", "Verdict", "encode"]

DISK_BYTES = 512 * 1024 * 1024
"""Bytes that the file may have before what was used least recently is removed."""
MAX_AGE = 30 * 24 * 3600.0
"""Seconds after its last use after which a result is removed."""

_USED_EVERY = 3600.0  # seconds between two notes that an entry was used
_BATCH = 256


class Verdict(NamedTuple):
    """What `Store.verify` found: how much there is, and in words what is wrong with it."""

    entries: int
    blobs: int
    unreferenced: int
    problems: list[str]


class Earlier(NamedTuple):
    """An entry as it is compared with a key: whose it is, and the `summary` of its own key."""

    origin: str
    stored: float
    summary: dict[str, list[str]]


class _Row(NamedTuple):
    """One result on its way to the disk."""

    key: ResultKey
    origin: str
    stored: float
    expires: float | None
    duration: float
    content: bytes


def encode(value: Any, raw: dict[str, Any] | None) -> bytes:
    """A result as the bytes that are kept; raises ValueError for what is no JSON value."""
    try:
        text = json.dumps([value, raw], ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, RecursionError) as error:
        raise ValueError(str(error)) from None
    return text.encode("utf-8", "surrogatepass")


class Store:
    """The store in ``path``; made, with its file private to the user, when it is not there.

    Raises StoreUnavailable when it cannot be used: no place for it, locked for too long, or written
    by a newer release. May be used from any thread. ``close`` writes what is still to be written.
    """

    def __init__(
        self,
        path: Path,
        *,
        max_bytes: int = DISK_BYTES,
        max_age: float = MAX_AGE,
        clock: Callable[[], float] = time.time,
        warn: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.path = path
        self._max_bytes = max_bytes
        self._max_age = max_age
        self._clock = clock
        self._warn = warn
        self._lock = threading.Lock()
        self._giving = threading.Lock()  # to the writer, which nothing reaches after its last
        self._broken = False
        self._closed = False
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._writer: threading.Thread | None = None
        self._connection, self._read_only = open_or_begin_anew(path, clock, warn)

    # -- looking ------------------------------------------------------------------------------

    def get(self, key: bytes) -> Kept | None:
        """The result under a digest, though its time may be over; what is damaged is removed."""
        if self._broken:
            return None
        with self._guarded():
            row = self._execute(
                "SELECT blob, family, origin, stored, expires, duration, summary, checksum, used, "
                "size, packed, data FROM actions LEFT JOIN blobs ON blob = hash WHERE key = ?",
                key,
            ).fetchone()
            if row is None:
                return None
            blob, family, origin, stored, expires, duration, summary, check, used = row[:9]
            try:
                if check != checksum(key, blob, family, origin, stored, expires, duration, summary):
                    raise ValueError("its row does not match its checksum")
                value, raw = _content(blob, *row[9:])
            except ValueError as error:
                self._warn(f"a result in {self.path} is damaged ({error}) and was dropped")
                self._put(("drop", key))
                return None
            if self._clock() - used > _USED_EVERY:
                self._put(("used", key))
            return Kept(value, raw, stored, expires, duration)
        return None

    def has_family(self, family: bytes) -> bool:
        """Whether there is an entry of a key's family whose time is not over."""
        if self._broken:
            return False
        with self._guarded():
            row = self._execute(
                "SELECT 1 FROM actions WHERE family = ? AND (expires IS NULL OR expires > ?) "
                "LIMIT 1",
                family,
                self._clock(),
            ).fetchone()
            return row is not None
        return False

    def nearest(self, family: bytes, origin: str, before: float = math.inf) -> list[Earlier]:
        """Entries of a key's family that were stored before a Unix time, 50 at most.

        Those of ``origin`` come first, then the newest.
        """
        found: list[Earlier] = []
        if self._broken:
            return found
        with self._guarded():
            rows = self._execute(
                "SELECT origin, stored, summary FROM actions WHERE family = ? AND stored < ? "
                "ORDER BY origin <> ?, stored DESC LIMIT 50",
                family,
                before,
                origin,
            ).fetchall()
            for where, stored, summary in rows:
                with contextlib.suppress(ValueError):
                    found.append(Earlier(where, stored, json.loads(summary)))
        return found

    def tools(self, server: bytes) -> dict[str, tuple[str, bool]]:
        """What was last seen of a server's tools: name → (schema, read-only)."""
        if self._broken:
            return {}
        with self._guarded():
            row = self._execute("SELECT tools FROM tools WHERE server = ?", server).fetchone()
            if row is not None:
                with contextlib.suppress(ValueError):
                    told = json.loads(row[0])
                    return {
                        name: (str(schema), bool(read)) for name, (schema, read) in told.items()
                    }
        return {}

    # -- keeping ------------------------------------------------------------------------------

    def set(self, key: ResultKey, content: bytes, kept: Kept, *, origin: str) -> None:
        """Have a result written; ``content`` is what `encode` made of it."""
        self._put(_Row(key, origin, kept.stored, kept.expires, kept.duration, content))

    def set_tools(self, server: bytes, tools: dict[str, tuple[str, bool]]) -> None:
        """Remember what a server's tools are now."""
        self._put(("tools", server, json.dumps(tools)))

    def flush(self) -> None:
        """Wait until all that was given is written."""
        done = threading.Event()
        with self._giving:
            if self._writer is None:
                return
            self._queue.put(done)
        done.wait()

    def close(self) -> None:
        """Write what is left, make room if there is too much, and close the file. Idempotent."""
        with self._giving:
            self._closed = True
            writer, self._writer = self._writer, None
            if writer is not None:
                self._queue.put(None)
        if writer is not None:
            writer.join()
            self._prune_if_due()
        self._broken = True
        with self._lock:
            self._connection.close()

    def _put(self, item: Any) -> None:
        if self._broken or self._read_only:
            return
        with self._giving:
            if self._closed:
                return
            if self._writer is None:
                self._writer = threading.Thread(
                    target=self._write_all, name="goflow results", daemon=True
                )
                self._writer.start()
            self._queue.put(item)

    def _write_all(self) -> None:
        while True:
            batch = [self._queue.get()]
            while len(batch) < _BATCH and batch[-1] is not None:
                try:
                    batch.append(self._queue.get_nowait())
                except queue.Empty:
                    break
            work = [item for item in batch if item is not None]
            rows = [item for item in work if not isinstance(item, threading.Event)]
            if rows:
                packed = {
                    id(row): (blob_hash(row.content), *pack(row.content), _summary(row.key))
                    for row in rows
                    if isinstance(row, _Row)
                }
                if not self._broken:
                    with self._guarded(), self._transaction():
                        for row in rows:
                            self._write(row, packed.get(id(row)))
            for item in work:
                if isinstance(item, threading.Event):
                    item.set()
            if batch[-1] is None:
                return

    def _write(self, row: Any, packed: tuple[bytes, int, bytes, str] | None) -> None:
        if packed is not None:
            blob, how, data, summary = packed
            key, family = row.key.digest, row.key.family
            told = row.origin, row.stored, row.expires, row.duration, summary
            self._connection.execute(
                "INSERT OR IGNORE INTO blobs VALUES (?, ?, ?, ?)",
                (blob, len(row.content), how, data),
            )
            self._connection.execute(
                "INSERT OR REPLACE INTO actions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(key, blob, family, row.origin, row.stored, row.stored, row.expires),
                    *(row.duration, summary, checksum(key, blob, family, *told)),
                ),
            )
        elif row[0] == "used":
            self._connection.execute(
                "UPDATE actions SET used = ? WHERE key = ?", (self._clock(), row[1])
            )
        elif row[0] == "drop":
            # The blob too: others that it would answer would be refused anyway.
            self._connection.execute(
                "DELETE FROM blobs WHERE hash = (SELECT blob FROM actions WHERE key = ?)", row[1:]
            )
            self._connection.execute("DELETE FROM actions WHERE key = ?", row[1:])
        else:
            self._connection.execute(
                "INSERT OR REPLACE INTO tools VALUES (?, ?, ?)", (row[1], self._clock(), row[2])
            )

    # -- tending ------------------------------------------------------------------------------

    def stats(self) -> dict[str, Any]:
        """How much there is: ``entries``, ``expired``, ``blobs``, ``bytes``, ``saved_seconds``…"""
        now = self._clock()
        if self._broken:
            return {}
        with self._guarded():
            entries, expired, oldest, newest, duration = self._execute(
                "SELECT count(*), count(CASE WHEN expires <= ? THEN 1 END), min(stored), "
                "max(stored), total(duration) FROM actions",
                now,
            ).fetchone()
            blobs, size = self._execute("SELECT count(*), total(size) FROM blobs").fetchone()
            return {
                "entries": entries,
                "expired": expired,
                "blobs": blobs,
                "content_bytes": int(size),
                "file_bytes": self._file_bytes(),
                "max_bytes": self._max_bytes,
                "oldest": oldest,
                "newest": newest,
                "work_seconds": duration,
            }
        return {}

    def clear(self) -> int:
        """Remove every result and give how many there were."""
        self.flush()
        removed = 0
        if self._broken:
            return removed
        with self._guarded():
            with self._transaction():
                removed = self._execute("DELETE FROM actions").rowcount
                self._execute("DELETE FROM blobs")
                self._execute("DELETE FROM tools")
            self._give_back()
        return removed

    def prune(self, max_bytes: int | None = None, max_age: float | None = None) -> int:
        """Remove what is expired, unused for too long, or too much; give how many entries."""
        self.flush()
        now, removed = self._clock(), 0
        oldest = now - (self._max_age if max_age is None else max_age)
        most = self._max_bytes if max_bytes is None else max_bytes
        if self._read_only or self._broken:
            return 0
        with self._guarded():
            with self._transaction():
                removed += self._execute(
                    "DELETE FROM actions WHERE expires <= ? OR used < ?", now, oldest
                ).rowcount
                self._drop_unreferenced()
            while self._file_bytes() > most:
                with self._transaction():
                    gone = self._execute(
                        "DELETE FROM actions WHERE key IN (SELECT key FROM actions ORDER BY used "
                        "LIMIT (SELECT count(*) / 10 + 1 FROM actions))"
                    ).rowcount
                    self._drop_unreferenced()
                removed += gone
                if gone == 0:
                    break
            self._give_back()
        return removed

    def _prune_if_due(self) -> None:
        due = False
        if not self._broken:
            with self._guarded():
                (oldest,) = self._execute("SELECT min(used) FROM actions").fetchone()
                due = self._file_bytes() > self._max_bytes or (
                    oldest is not None and oldest < self._clock() - self._max_age
                )
        if due:
            self.prune()

    def verify(self) -> Verdict:
        """Read everything and compare it with its checksums."""
        self.flush()
        problems: list[str] = []
        entries = blobs = unreferenced = 0
        if self._broken:
            return Verdict(0, 0, 0, ["the store cannot be read"])
        with self._guarded():
            for (text,) in self._execute("PRAGMA integrity_check").fetchall():
                if text != "ok":
                    problems.append(f"SQLite: {text}")
            for blob, size, packed, data in self._execute(
                "SELECT hash, size, packed, data FROM blobs"
            ):
                blobs += 1
                try:
                    _content(blob, size, packed, data)
                except ValueError as error:
                    problems.append(f"blob {blob.hex()[:16]}: {error}")
            for row in self._execute(
                "SELECT key, blob, family, origin, stored, expires, duration, summary, checksum, "
                "EXISTS (SELECT 1 FROM blobs WHERE hash = blob) FROM actions"
            ):
                entries += 1
                if checksum(*row[:8]) != row[8]:
                    problems.append(f"entry {row[0].hex()[:16]}: it does not match its checksum")
                if not row[9]:
                    problems.append(f"entry {row[0].hex()[:16]}: its blob is missing")
            (unreferenced,) = self._execute(
                "SELECT count(*) FROM blobs WHERE hash NOT IN (SELECT blob FROM actions)"
            ).fetchone()
        return Verdict(entries, blobs, unreferenced, problems)

    def _drop_unreferenced(self) -> None:
        self._execute("DELETE FROM blobs WHERE hash NOT IN (SELECT blob FROM actions)")

    def _give_back(self) -> None:
        """Let the file become shorter."""
        # A script, because `execute` takes one step, which is one page.
        self._connection.executescript("PRAGMA incremental_vacuum;")
        self._execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _file_bytes(self) -> int:
        """Bytes in use, of the file."""
        pages, free, size = (
            int(self._execute(f"PRAGMA {name}").fetchone()[0])
            for name in ("page_count", "freelist_count", "page_size")
        )
        return (pages - free) * size

    # -- trouble ------------------------------------------------------------------------------

    def _execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        return self._connection.execute(statement, values)

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        """One at a time; what goes wrong becomes a warning, and the end of the store."""
        with self._lock:
            try:
                yield
            except sqlite3.Error as error:
                if not self._broken:
                    self._trouble(error)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self._execute("ROLLBACK")
            raise
        self._execute("COMMIT")

    def _trouble(self, error: sqlite3.Error) -> None:
        self._broken = True
        if is_damage(error):
            self._connection.close()
            aside = move_aside(self.path, self._clock)
            self._warn(f"the result cache {self.path} is damaged ({error}); it is now {aside}")
        else:
            self._warn(f"the result cache {self.path} cannot be used any more: {error}")


def _summary(key: ResultKey) -> str:
    return json.dumps(key.summary(), ensure_ascii=False)


def _content(
    blob: bytes, size: int | None, packed: int | None, data: bytes | None
) -> tuple[Any, dict[str, Any] | None]:
    if data is None or size is None or packed is None:
        raise ValueError("its blob is missing")
    content = unpack(packed, data, size)
    if blob_hash(content) != blob:
        raise ValueError("its content does not match its hash")
    value, raw = json.loads(content.decode("utf-8", "surrogatepass"))
    return value, raw

"""Writing down what a run does, as the event loop sees it.

The loop only appends small tuples; a thread encodes them and commits many at a time
(`history.writer`). Who must be sure that something is on disk awaits `RunJournal.flushed`: whatever
comes while one commit is under way shares the next.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["Journal", "Operation", "Record", "RunHead", "RunJournal"]

LINGER = 0.005
"""Seconds that rows which nobody waits for may gather before they are given to the writer: to wake
it, and to commit, costs more than the rows do."""
CROWD = 4_000
"""Operations that may wait to be written before a run that makes more of them waits too."""


class Lookup(Protocol):
    """What became of looking a node up in the cache."""

    def told(self) -> dict[str, Any]:
        """What is written of it; asked for in the writer's thread."""
        ...


class Record(Protocol):
    """What is written of a node that is done with: the engine's own record of it."""

    id: str
    status: str
    reason: str | None
    attempts: int
    started_at: float | None
    duration: float | None
    cached: bool
    output: Any
    error: dict[str, Any] | None
    saved: float | None
    lookup: Lookup | None


class RunHead(msgspec.Struct, frozen=True):
    """A run as it begins; ``types`` are those of its nodes.

    ``redact`` takes the secrets that the run knows out of a text.

    ``first`` is the first free number of a row: not 0 for a run that was cut off and goes on.
    ``source`` is the run whose results it takes over. ``statistics`` are what is known already of
    those it ends with: what it asks of the cache, which it asks again when it is resumed.
    """

    id: str
    workflow: str
    started_at: float
    definition: str
    types: dict[str, str]
    strict: bool
    inputs: dict[str, Any]
    redact: Callable[[bytes], bytes] | None = None
    first: int = 0
    source: str | None = None
    statistics: dict[str, Any] | None = None


# Something to write: the writer's method, the run, and the fields that the method takes. A plain
# tuple, since one is made for each node of each run.
Operation: TypeAlias = "tuple[str, RunHead | None, tuple[Any, ...]]"


class Journal:
    """What one engine writes down; its thread starts with the first run.

    A history that cannot be written never fails a run: it is ``broken``, a warning says why, and
    nothing more is kept. ``refused`` are the runs that another process resumed first. Belongs to
    one event loop.
    """

    def __init__(self) -> None:
        self.broken = False
        self.warnings: list[str] = []
        self.refused: set[str] = set()
        self.written = 0
        self._appended = 0
        self._pending: list[Operation] = []
        self._timer: asyncio.TimerHandle | None = None
        self._queue: SimpleQueue[list[Operation] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def begin(self, head: RunHead, *owner: int | None) -> RunJournal:
        """Begin to write a run down, or go on with one that had this ``owner``."""
        self.append(("resume" if owner else "begin", head, owner))
        if self._thread is None:
            self._thread = threading.Thread(target=self._write, name="goflow journal", daemon=True)
            self._thread.start()
            self.hand_over()  # the file is opened while the servers boot
        return RunJournal(self, head)

    def append(self, operation: Operation) -> None:
        """Have something written, soon and in this order."""
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(LINGER, self._on_time)
        self._pending.append(operation)
        self._appended += 1

    def _on_time(self) -> None:
        self._timer = None
        self.hand_over()

    def hand_over(self) -> None:
        """Give the writer all that waits."""
        if self._pending:
            pending, self._pending = self._pending, []
            self._queue.put(pending)

    def flush(self) -> asyncio.Future[None]:
        """Done when everything so far is committed (or given up)."""
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        self.append(("wait", None, (loop, done)))
        self.hand_over()
        return done

    @property
    def crowded(self) -> bool:
        """Whether so much waits to be written that the run should wait too."""
        return self._appended - self.written > CROWD

    def warn(self, error: Exception) -> None:
        """Tell the runs of something that they go on in spite of."""
        self.warnings.append(str(error))

    def give_up(self, error: Exception) -> None:
        """Nothing more can be written."""
        self.broken = True
        self.warnings.append(f"this run is not kept in the history: {error}")

    async def close(self) -> None:
        """Write what is left and end the thread. Idempotent."""
        thread, self._thread = self._thread, None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if thread is not None:
            self.hand_over()
            self._queue.put(None)
            await asyncio.get_running_loop().run_in_executor(None, thread.join)

    def _write(self) -> None:
        from goflow.history.writer import Writer  # noqa: PLC0415 - SQLite loads beside the loop

        with Writer(self) as writer:
            going = True
            while going:
                batch = []
                waiting = True
                while waiting:
                    some = self._queue.get()
                    if some is None:
                        going = False
                        break
                    batch += some
                    waiting = not self._queue.empty()
                writer.commit(batch)
                self.written += len(batch)

    def __repr__(self) -> str:
        state = "broken" if self.broken else "writing" if self._thread else "idle"
        return f"<Journal {state}>"


class RunJournal:
    """One run's rows; ``within`` is empty, or the place of the workflow node that runs it.

    Rows are numbered as they happen. Paths are texts: indices of the iterations and branches
    around, joined by dots, after the place of the workflow that they are in.
    """

    __slots__ = ("_append", "_head", "_journal", "_next", "within")

    def __init__(
        self, journal: Journal, head: RunHead, within: str = "", following: Any = None
    ) -> None:
        self._journal = journal
        self._append = journal.append
        self._head = head
        self._next: Callable[[], int] = following or itertools.count(head.first).__next__
        self.within = within

    def inside(self, node: str, path: Sequence[int]) -> RunJournal:
        """The journal for the workflow that a node runs."""
        within = place_within(self.within, node, path)
        return RunJournal(self._journal, self._head, within, self._next)

    def attempt(
        self, node: str, path: Sequence[int], attempt: int, at: float, harmless: bool, given: Any
    ) -> None:
        """An attempt begins, with ``given`` for input."""
        self._add("attempt", node, self.path(path), attempt, at, harmless, given, None, None)

    def failed(
        self,
        node: str,
        path: Sequence[int],
        attempt: int,
        at: float,
        error: dict[str, Any],
        delay: float | None,
    ) -> None:
        """An attempt failed, and another begins in ``delay`` seconds."""
        self._add("attempt", node, self.path(path), attempt, at, True, None, error, delay)

    def node(
        self,
        record: Record,
        path: Sequence[int] = (),
        *,
        settled: bool = True,
        variable: str | None = None,
        raw: dict[str, Any] | None = None,
        writes: dict[str, Any] | None = None,
        taken: list[str] | None = None,
    ) -> None:
        """A node is done with; ``settled`` when resuming takes it as it is.

        ``variable`` is where its output went, ``writes`` are what its members wrote: values with
        their raw results; ``taken`` are the nodes its edges lead on to, None for all.
        """
        place = self.path(path) if path else self.within
        fields = (self._next(), record, place, settled, variable, raw, writes, taken)
        self._append(("node", self._head, fields))

    def superseded(self, nodes: Iterable[str], node: str, path: Sequence[int]) -> None:
        """What ``nodes``, the members of ``node``, did until now counts no more: it begins anew."""
        inside = place_within(self.within, node, path)
        self._add("supersede", tuple(nodes), self.path(path), inside)

    async def flushed(self) -> None:
        """Wait until everything so far is committed (or given up)."""
        await self._journal.flush()

    def catch_up(self) -> asyncio.Future[None] | None:
        """What to wait for before more is done, if too much waits to be written."""
        return self._journal.flush() if self._journal.crowded else None

    def finish(
        self,
        status: str,
        duration: float,
        result: Any,
        error: dict[str, Any] | None,
        warnings: Sequence[str],
        statistics: dict[str, Any] | None = None,
    ) -> asyncio.Future[None]:
        """The run ended; done when that is committed (or given up).

        ``statistics`` are JSON values about the run as a whole, by what they are about.
        """
        self._add("finish", status, duration, result, error, warnings, statistics)
        return self._journal.flush()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is wrong with the history, if anything."""
        return tuple(self._journal.warnings)

    def path(self, path: Sequence[int]) -> str:
        """The text of a path."""
        return self.within + ".".join(map(str, path)) if path else self.within

    def _add(self, name: str, *fields: Any) -> None:
        self._append((name, self._head, (self._next(), *fields)))

    def __repr__(self) -> str:
        return f"<RunJournal of {self._head.id}{' within ' + self.within if self.within else ''}>"


def place_within(within: str, node: str, path: Sequence[int]) -> str:
    """The place of what a workflow node at ``path`` runs: ``2.0:node/``, after those around."""
    where = ".".join(map(str, path))
    return f"{within}{where}{':' if where else ''}{node}/"

"""The runs that are kept, as people and programs ask for them: without secrets, cut to a size."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any, NamedTuple

from goflow.errors import BadCall, HistoryError
from goflow.history.database import CACHED, SETTLED, history_file, open_database, owners_file
from goflow.history.owners import is_alive
from goflow.history.prune import prune
from goflow.history.replay import Replay
from goflow.history.values import decode, text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

__all__ = ["Entry", "Kept", "Runs", "last_changes"]

SHOWN = 64 * 1024
"""Characters of a value's JSON text from which on it is shown cut."""


class Kept(NamedTuple):
    """What resuming needs to know of a run; ``exact`` unless its inputs held a secret."""

    number: int
    id: str
    workflow: str
    status: str
    started_at: float
    owner: int | None
    strict: bool
    inputs: dict[str, Any]
    exact: bool
    definition: str
    duration: float | None
    result: Any
    statistics: dict[str, Any]


class Entry(NamedTuple):
    """One thing that happened in a run; ``what`` is attempt, failed attempt, or a node's status.

    Or ``connected``: what connecting to a server cost, which is of no node and no moment.
    """

    at: float
    node: str
    path: str
    what: str
    detail: dict[str, Any]


class Runs:
    """The history, opened for reading; ``with Runs() as runs``. Raises ``HistoryError``.

    Runs are named by their id, by the beginning of it, or as ``last``.
    """

    def __init__(self) -> None:
        self._connection = open_database(create=False)

    def __enter__(self) -> Runs:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._connection.close()

    def newest(
        self, *, limit: int | None = 50, workflow: str | None = None, status: str | None = None
    ) -> list[dict[str, Any]]:
        """Summaries, newest first. A run whose process is gone counts as ``interrupted``."""
        found = []
        query = f"SELECT {_SUMMARY} FROM runs ORDER BY number DESC"
        for row in self._read(query):
            summary = _summary(row)
            if workflow not in (None, summary["workflow"]) or status not in (
                None,
                summary["status"],
            ):
                continue
            found.append(summary)
            if len(found) == limit:
                break
        return found

    def show(self, name: str) -> dict[str, Any]:
        """One run: its summary, inputs, result and error, its nodes and what its variables were."""
        number = self._number(name)
        row = next(self._read(f"SELECT {_SUMMARY} FROM runs WHERE number = ?", number))
        shown = _summary(row)
        inputs, result, error, warnings, statistics = next(
            self._read(
                "SELECT inputs, result, error, warnings, statistics FROM runs WHERE number = ?",
                number,
            )
        )
        nodes, changes = self._nodes(number, alive=shown["status"] == "running")
        return {
            **shown,
            "inputs": _value(inputs),
            "result": _value(result),
            "error": decode(error),
            "warnings": decode(warnings) or [],
            "statistics": decode(statistics) or {},
            "connections": (decode(statistics) or {}).get("connections", []),
            "nodes": nodes,
            "variables": changes,
        }

    def log(self, name: str) -> list[Entry]:
        """What happened in a run, in its order."""
        number = self._number(name)
        rows = (number << 32, (number + 1) << 32)
        entries: list[tuple[int, Entry]] = []
        for key, node, path, attempt, at, given, error, delay in self._read(_ATTEMPTS, *rows):
            if error is None:
                detail = {"attempt": attempt, "input": _value(given)}
                entries.append((key, Entry(at, node, path, "attempt", detail)))
            else:
                detail = {"attempt": attempt, "error": decode(error), "delay": delay}
                entries.append((key, Entry(at, node, path, "failed attempt", detail)))
        for row in self._read(_NODES, *rows):
            node = _node(row)
            at = (row[6] or 0.0) + (row[7] or 0.0)
            entries.append((row[0], Entry(at, row[1], row[2], node.pop("status"), node)))
        entries.sort(key=lambda pair: pair[0])
        return [*self._connected(number), *(entry for _, entry in entries)]

    def _connected(self, number: int) -> list[Entry]:
        """What connecting to each server cost, known when the run is over."""
        ((statistics,),) = self._read("SELECT statistics FROM runs WHERE number = ?", number)
        found = (decode(statistics) or {}).get("connections", [])
        return [Entry(0.0, "", "", "connected", detail) for detail in found]

    def kept(self, name: str) -> Kept:
        """What resuming a run needs; ``replay`` has its rows."""
        number = self._number(name)
        row = next(
            self._read(
                "SELECT number, id, workflow, status, started_at, owner, strict, inputs, exact, "
                "body, duration, result, statistics "
                "FROM runs JOIN definitions ON digest = definition WHERE number = ?",
                number,
            )
        )
        kept = Kept(*row)
        return kept._replace(
            strict=bool(kept.strict),
            inputs=decode(row[7]),
            exact=bool(kept.exact),
            result=decode(row[11]),
            statistics=decode(row[12]) or {},
        )

    def alive(self, kept: Kept) -> bool:
        """Whether the run goes on, here or in another process."""
        owner = kept.owner
        return kept.status == "running" and owner is not None and is_alive(owners_file(), owner)

    def replay(self, kept: Kept) -> Replay:
        """What a run did so far, exactly."""
        try:
            return Replay(self._connection, kept.number)
        except sqlite3.Error as error:
            raise _unreadable(error) from None

    def prune(self, *, keep_days: float | None, keep_runs: int | None) -> int:
        """Forget old runs; how many. What goes on is kept."""
        try:
            gone = prune(self._connection, keep_days=keep_days, keep_runs=keep_runs)
            if gone:
                self._connection.execute("VACUUM")
        except sqlite3.Error as error:
            raise _unreadable(error) from None
        return gone

    def _number(self, name: str) -> int:
        if name == "last":
            found = list(self._read("SELECT number FROM runs ORDER BY number DESC LIMIT 1"))
            if not found:
                raise BadCall("no run is kept yet")
            return int(found[0][0])
        pattern = name.replace("\\", "").replace("%", "").replace("_", "") + "%"
        found = list(self._read("SELECT number, id FROM runs WHERE id LIKE ? LIMIT 5", pattern))
        exact = [number for number, run in found if run == name]
        if exact or (len(found) == 1 and len(name) >= 2):
            return int(exact[0] if exact else found[0][0])
        if not found or len(name) < 2:
            raise BadCall(f"there is no run {name!r}", hint="goflow runs lists them")
        raise BadCall(
            f"{name!r} may be any of the runs {', '.join(run for _, run in found)}",
            hint="give more of its id",
        )

    def _nodes(self, number: int, *, alive: bool) -> tuple[list[dict[str, Any]], list[Any]]:
        rows = (number << 32, (number + 1) << 32)
        nodes: dict[tuple[str, str], dict[str, Any]] = {}
        changes: list[dict[str, Any]] = []
        for _, node, path, attempt, at, given, error, _ in self._read(_ATTEMPTS, *rows):
            place = (path, node)
            entry = nodes.setdefault(place, {"id": node, "path": path, "tries": []})
            if error is None:
                entry["tries"].append({"attempt": attempt, "at": at, "input": _value(given)})
            elif entry["tries"]:
                entry["tries"][-1]["error"] = decode(error)
        for row in self._read(_NODES, *rows):
            shown = _node(row)
            entry = nodes.pop((row[2], row[1]), {"tries": []})
            nodes[row[2], row[1]] = {**shown, "tries": entry["tries"]}
            if shown["variable"] is not None and row[4] & SETTLED:
                changes.append(_change(row, shown["variable"], shown["output"]))
            for name, (value, _) in (decode(row[10]) or {}).get("writes", {}).items():
                changes.append(_change(row, name, value))
        (types,) = next(
            self._read(
                "SELECT types FROM runs JOIN definitions ON digest = definition WHERE number = ?",
                number,
            )
        )
        type_of = decode(types)
        for entry in nodes.values():
            entry["type"] = type_of.get(entry["id"]) if "/" not in entry["path"] else None
            if "status" not in entry:
                entry["status"] = "running" if alive else "outcome_unknown"
        return list(nodes.values()), changes

    def _read(self, query: str, *parameters: Any) -> Iterator[tuple[Any, ...]]:
        try:
            yield from self._connection.execute(query, parameters)
        except sqlite3.Error as error:
            raise _unreadable(error) from None


_SUMMARY = "id, workflow, status, started_at, duration, owner, source"
_ATTEMPTS = (
    "SELECT key, node, path, attempt, at, input, error, delay FROM attempts "
    "WHERE key >= ? AND key < ? ORDER BY key"
)
_NODES = (
    "SELECT key, node, path, status, marks, attempts, started_at, duration, variable, output, more "
    "FROM nodes WHERE key >= ? AND key < ? ORDER BY key"
)


def _summary(row: tuple[Any, ...]) -> dict[str, Any]:
    run, workflow, status, started_at, duration, owner, source = row
    if status == "running" and (owner is None or not is_alive(owners_file(), owner)):
        status = "interrupted"
    return {
        "id": run,
        "workflow": workflow,
        "status": status,
        "started_at": started_at,
        "duration": duration,
        "source": source,
    }


def _node(row: tuple[Any, ...]) -> dict[str, Any]:
    _, node, path, status, marks, attempts, started_at, duration, variable, output, more = row
    rest = decode(more) or {}
    return {
        "id": node,
        "path": path,
        "status": status,
        "reason": rest.get("reason"),
        "attempts": attempts,
        "started_at": started_at,
        "duration": duration,
        "cached": bool(marks & CACHED),
        "saved": rest.get("saved"),
        "cache": rest.get("cache"),
        "variable": variable,
        "output": _value(output),
        "error": rest.get("error"),
    }


def _change(row: tuple[Any, ...], name: str, value: Any) -> dict[str, Any]:
    return {"name": name, "value": value, "node": row[1], "path": row[2]}


def last_changes(changes: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The last change of each of the run's variables; the workflows it runs have their own."""
    return {change["name"]: change for change in changes if "/" not in change["path"]}


def _value(data: bytes | None) -> Any:
    """A value as it is, or the beginning of its text when that is long."""
    shown = text(data, SHOWN)
    return None if shown is None else decode(data) if len(shown) <= SHOWN else shown


def _unreadable(error: sqlite3.Error) -> HistoryError:
    return HistoryError(f"the history in {history_file()} cannot be read: {error}")

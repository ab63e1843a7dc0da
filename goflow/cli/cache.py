"""``goflow cache``: what is in the store of results, and tending it."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from goflow.cli.output import emit, emit_json, say

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from goflow.results.sqlite import Store

__all__ = ["command"]

_SIZES = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


@click.group("cache")
def command() -> None:
    """Look at the results that are kept between runs, and tend them.

    \b
    Examples:
      goflow cache stats
      goflow cache prune --max-bytes 100M
      goflow cache clear --yes
      goflow cache verify --json

    The store is the file cache/results.db in GoFlow's data folder; GOFLOW_HOME moves that.
    """


_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@command.command("stats")
@_json
def stats(as_json: bool) -> int:
    """Show how many results are kept, their size and age."""
    from goflow.engine.record import timestamp  # noqa: PLC0415

    told: dict[str, Any] = {"path": str(_path()), "entries": 0}
    with _opened() as store:
        if store is not None:
            told |= store.stats()
    if as_json:
        for name in ("oldest", "newest"):
            told[name] = timestamp(told.get(name))
        emit_json(told)
        return 0
    emit(f"{told['path']}")
    if not told["entries"]:
        emit("no results are kept")
        return 0
    emit(
        f"{_counted(told['entries'], 'result')} in {_size(told['file_bytes'])} "
        f"of at most {_size(told['max_bytes'])}, {told['expired']} expired"
    )
    emit(f"from {timestamp(told['oldest'])} to {timestamp(told['newest'])}")
    emit(f"they took {told['work_seconds']:.1f} s to get")
    return 0


@command.command("clear")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@_json
def clear(yes: bool, as_json: bool) -> int:
    """Remove every result."""
    if not yes and (as_json or not sys.stdin.isatty()):
        from goflow.errors import BadCall  # noqa: PLC0415

        raise BadCall("there is nobody to ask whether to remove every result", hint="add --yes")
    if not yes:
        click.confirm("Remove every result that is kept?", abort=True, err=True)
    removed = 0
    with _opened() as store:
        if store is not None:
            removed = store.clear()
    return _removed(removed, as_json)


@command.command("prune")
@click.option("--max-bytes", metavar="SIZE", help="Bytes to keep at most: 500000, 100M, 2G.")
@click.option("--max-age", metavar="DURATION", help="Remove what is unused for so long: 90m, 12h.")
@_json
def prune(max_bytes: str | None, max_age: str | None, as_json: bool) -> int:
    """Remove what has expired, and what is too old or too much."""
    most = None if max_bytes is None else _read_size(max_bytes)
    age = None if max_age is None else _read_duration(max_age)
    removed = 0
    with _opened() as store:
        if store is not None:
            removed = store.prune(most, age)
    return _removed(removed, as_json)


@command.command("verify")
@_json
def verify(as_json: bool) -> int:
    """Read everything and compare it with its checksums; exit code 1 when something is wrong."""
    from goflow.results.sqlite import Verdict  # noqa: PLC0415

    verdict = Verdict(0, 0, 0, [])
    with _opened() as store:
        if store is not None:
            verdict = store.verify()
    if as_json:
        emit_json({"path": str(_path()), "valid": not verdict.problems, **verdict._asdict()})
    else:
        for problem in verdict.problems:
            emit(problem)
        found = len(verdict.problems) or "no"
        emit(f"{_counted(verdict.entries, 'result')}, {found} problems")
    return 1 if verdict.problems else 0


def _path() -> Path:
    from goflow.results.results import store_path  # noqa: PLC0415

    return store_path()


@contextmanager
def _opened() -> Iterator[Store | None]:
    """The store, or None if there is none yet: looking makes none.

    Raises ``CacheFailed`` when it cannot be used.
    """
    from goflow.errors import CacheFailed  # noqa: PLC0415
    from goflow.results.database import StoreUnavailable  # noqa: PLC0415
    from goflow.results.sqlite import Store  # noqa: PLC0415

    path = _path()
    if not path.exists():
        yield None
        return
    problems: list[str] = []
    try:
        store = Store(path, warn=problems.append)
    except StoreUnavailable as error:
        raise CacheFailed(f"the result cache cannot be used: {error}") from None
    for problem in problems:
        say(f"warning: {problem}")
    told = len(problems)
    try:
        yield store
    finally:
        store.close()
    if len(problems) > told:
        raise CacheFailed(problems[-1])


def _removed(count: int, as_json: bool) -> int:
    if as_json:
        emit_json({"path": str(_path()), "removed": count})
    else:
        emit(f"removed {_counted(count, 'result')}")
    return 0


def _read_size(text: str) -> int:
    from goflow.errors import BadCall  # noqa: PLC0415

    plain = text.strip().lower().removesuffix("b").removesuffix("i")
    digits, unit = (plain[:-1], plain[-1:]) if plain[-1:] in _SIZES else (plain, "")
    try:
        size = float(digits) * _SIZES[unit]
    except ValueError:
        size = -1.0
    if not 0 <= size < 1 << 62:
        raise BadCall(f"--max-bytes {text!r} is no size", hint="like 500000, 100M or 2G")
    return int(size)


def _read_duration(text: str) -> float:
    from goflow.errors import BadCall  # noqa: PLC0415
    from goflow.workflow.fields import duration  # noqa: PLC0415

    seconds = duration(text)
    if seconds is None:
        raise BadCall(f"--max-age {text!r} is no duration", hint="like 90m, 12h or 1h30m")
    return seconds


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _size(count: float) -> str:
    for unit in ("bytes", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"

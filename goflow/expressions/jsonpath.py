"""JSONPath over JSON values: RFC 9535, ``.length()`` at the end, ``contains`` in filters.

A path of names and indices only is answered here; the library behind ``jsonpath_library`` is
imported when the first path needs more.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Any, NoReturn

from goflow.errors import ExpressionError
from goflow.expressions.budget import Budget
from goflow.expressions.values import EvalError, View

__all__ = ["JSONPath", "path_end"]

MAX_NESTING = 64
"""Deepest nesting of brackets in a path."""
NAME = r"[A-Za-z_\u0080-\ud7ff\ue000-\U0010ffff][A-Za-z0-9_\u0080-\ud7ff\ue000-\U0010ffff]*"
"""A member's name after a dot, as a regular expression."""
LENGTH = ".length()"

_CLOSING = {"[": "]", "(": ")"}


@cache
def _step() -> re.Pattern[str]:
    # The patterns are compiled when the first path is met: that takes 7 ms, and most files have
    # none.
    return re.compile(
        rf"""\.(?P<name>{NAME})
      | \[(?P<index>0|-?[1-9][0-9]{{0,14}})\]
      | \[(?P<quote>["'])(?P<key>[^"'\\\x00-\x1f]*)(?P=quote)\]""",
        re.VERBOSE,
    )


@cache
def _dotted() -> re.Pattern[str]:
    return re.compile(rf"\.length\(\)|\.\.?(?:\*|{NAME})|(?:\.\.)?(?=\[)")


@cache
def _string() -> re.Pattern[str]:
    return re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'", re.DOTALL)


class JSONPath:
    """A compiled path; ``find`` applies it.

    ``first`` is the name that it begins with, if it does; ``simple`` when it needs no library and
    no budget.
    """

    __slots__ = ("_length", "_query", "_steps", "first", "source")

    def __init__(self, source: str) -> None:
        self.source = source
        self._length = source.endswith(LENGTH)
        path = source.removesuffix(LENGTH)
        self._steps = _simple_steps(path)
        self._query = None
        if self._steps is None:
            from goflow.expressions.jsonpath_library import Query  # noqa: PLC0415 - 50 ms

            self._query = Query(path)
        begin = _step().match(path, 1)
        key = begin and (begin["name"] if begin["key"] is None else begin["key"])
        self.first: str | None = key

    @staticmethod
    @lru_cache(maxsize=512)
    def of(source: str) -> JSONPath:
        """The path of a text; raises ``ExpressionError`` with the place of its mistake."""
        return JSONPath(source)

    @property
    def simple(self) -> bool:
        """Whether it is only names and indices."""
        return self._query is None

    def find(self, root: Any, budget: Budget | None = None) -> Any:
        """What it selects of ``root``: a value or null, or a list when it can match several.

        Visits of nodes and tests in filters are steps of ``budget``, which a path that is not
        ``simple`` needs; raises ``EvalError`` past it.
        """
        if isinstance(root, View) and self.first is not None:
            root = {self.first: _member(root, self.first)}
        if self._query is None:
            value = _follow(root, self._steps or ())
        else:
            value = self._query.find(root, budget or Budget())
        if not self._length:
            return value
        return len(value) if isinstance(value, (list, dict, str)) else None

    def __repr__(self) -> str:
        return f"<JSONPath {self.source!r}>"


def path_end(source: str, start: int) -> int:
    """The offset after the path whose ``$`` is at ``start``.

    It ends where no further segment follows: at a blank, an operator, or a closing bracket that is
    not its own. Raises ``ExpressionError`` for a bracket that is never closed.
    """
    at = start + 1
    while (match := _dotted().match(source, at)) is not None:
        if match.group() == LENGTH:
            return match.end()
        at = match.end()
        if source.startswith("[", at):
            at = _bracket_end(source, at)
    return at


def _bracket_end(source: str, start: int) -> int:
    open_at = [start]
    at = start + 1
    while open_at:
        character = source[at : at + 1]
        if character in ("'", '"') and (string := _string().match(source, at)) is not None:
            at = string.end()
            continue
        if character in ("", "'", '"'):
            where = open_at[-1] if character == "" else at
            _fail(f"{source[where]} in a JSONPath is not closed", source, where)
        if character in _CLOSING:
            open_at.append(at)
            if len(open_at) > MAX_NESTING:
                _fail(f"nested deeper than {MAX_NESTING} levels", source, at)
        elif character in ("]", ")") and _CLOSING[source[open_at.pop()]] != character:
            _fail(f"unexpected {character!r} in a JSONPath", source, at)
        at += 1
    return at


def _fail(message: str, source: str, at: int) -> NoReturn:
    raise ExpressionError(message, source=source, position=at)


def _simple_steps(path: str) -> tuple[str | int, ...] | None:
    """The names and indices of a path that is nothing else, else None."""
    if not path.startswith("$"):
        return None
    steps: list[str | int] = []
    at = 1
    while at < len(path):
        match = _step().match(path, at)
        if match is None:
            return None
        if match["index"] is not None:
            steps.append(int(match["index"]))
        else:
            steps.append(match["name"] if match["key"] is None else match["key"])
        at = match.end()
    return tuple(steps)


def _follow(value: Any, steps: tuple[str | int, ...]) -> Any:
    for step in steps:
        if type(value) is dict:
            if step not in value:
                return None
            value = value[step]
        elif type(value) is list and type(step) is int:
            if not -len(value) <= step < len(value):
                return None
            value = value[step]
        elif isinstance(value, View) and type(step) is str:
            value = _member(value, step)
        else:
            return None
    return value


def _member(view: View, key: str) -> Any:
    try:
        return view.member(key)
    except KeyError as error:
        raise EvalError(str(error.args[0])) from None

"""Where the indentation of a YAML text that cannot be read goes wrong.

Parsers tell what they expected next, seldom that a line stands a little too far left or right. This
looks at nothing but the columns in which keys and list items begin.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["Misplaced", "misplaced"]

_KEY = re.compile(
    r"""(?:"[^"]*"|'[^']*'|[^\s#&*!|>'"%@`{}\[\],-][^#'"{}\[\]]*?|-\w[\w-]*)[ ]*:(?=\s|$)"""
)
_BLOCK_TEXT = re.compile(r"[|>][-+0-9]*\s*(#.*)?$")
_TOP = ("variables", "servers", "nodes", "edges", "metadata")
"""Keys that stand in the first column of a workflow file."""


class Misplaced(NamedTuple):
    """A line, from 0, that begins in ``column`` and should in ``wanted``, both from 0."""

    line: int
    column: int
    wanted: int
    item: bool


class _Level(NamedTuple):
    """An open list or map: the column of its items or keys."""

    column: int
    item: bool


def misplaced(lines: list[str], until: int) -> Misplaced | None:
    """The first line up to ``until`` that begins where neither its neighbours nor a new level do.

    Linear in the lines. Texts over several lines and flow collections are passed over.
    """
    levels: list[_Level] = []
    opened = True  # whether the line before lets a deeper level begin
    text_at: int | None = None  # the column of the key whose block text goes on
    inside = _Inside()
    for number, line in enumerate(lines[: until + 1]):
        bare = line.lstrip(" ")
        column = len(line) - len(bare)
        if not bare or bare.isspace() or (bare.startswith("#") and not inside.open):
            continue
        if text_at is not None:
            if column > text_at:
                continue
            text_at = None
        if inside.open:
            inside.read(bare)
            continue
        if bare.startswith(("---", "...", "%")):
            levels, opened = [], True
            continue
        while True:
            item = bare == "-" or bare.startswith("- ")
            key = None if item else _KEY.match(bare)
            if not item and key is None:
                opened = False  # a text, a flow collection, or what goes on with those
                break
            found = _step(levels, _Level(column, item), opened)
            if found is not None:
                wanted = _wanted(found, _Level(column, item), bare)
                return None if wanted is None else Misplaced(number, column, wanted, item)
            rest = bare[1:] if item else bare[key.end() :]  # type: ignore[union-attr]
            after = rest.lstrip(" ")
            opened = not after.strip() or after.startswith(("#", "&", "!"))
            if not item or opened:
                break
            column += len(bare) - len(after)
            bare, opened = after, True
        if _BLOCK_TEXT.search(bare) and not bare.startswith("#"):
            text_at = levels[-1].column if levels else -1
        inside.read(bare)
    return None


def _step(levels: list[_Level], here: _Level, opened: bool) -> list[_Level] | None:
    """Go on to a line that begins ``here``; the levels there were when none of them takes it."""
    before = list(levels)
    while levels and levels[-1].column > here.column:
        levels.pop()
    top = levels[-1] if levels else None
    if top == here:
        return None
    if top is not None and top.column == here.column:
        if top.item:  # a list in the column of the key that it belongs to has ended
            if len(levels) > 1 and levels[-2] == here:
                levels.pop()
                return None
            return before
        if not opened or len(before) != len(levels):
            return before
    elif before and (not opened or len(before) != len(levels)):
        return before
    levels.append(here)
    return None


def _wanted(levels: list[_Level], here: _Level, text: str) -> int | None:
    """The column of the nearest level that takes such a line, the deeper of two."""
    columns = [level.column for level in levels if level.item == here.item]
    if not columns:
        return None
    if not here.item and text.partition(":")[0] in _TOP:
        return columns[0]
    return min(reversed(columns), key=lambda column: abs(column - here.column))


class _Inside:
    """Whether a quoted text or a flow collection goes on at the end of what was read."""

    __slots__ = ("_depth", "_quote")

    def __init__(self) -> None:
        self._depth = 0
        self._quote = ""

    @property
    def open(self) -> bool:
        return bool(self._depth or self._quote)

    def read(self, text: str) -> None:
        before = " "
        skip = False
        for char in text:
            if skip:
                skip = False
            elif self._quote:
                if char == self._quote:
                    self._quote = ""
                skip = char == "\\" and self._quote == '"'
            elif char in "\"'" and before in " [{,:":
                self._quote = char
            elif char == "#" and before == " ":
                return
            elif char in "[{" and (self._depth or before == " "):
                self._depth += 1
            elif char in "]}" and self._depth:
                self._depth -= 1
            before = char

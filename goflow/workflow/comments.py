"""The comments of a YAML text: which element each belongs to, and putting them into another text.

A comment on a line of its own belongs to what follows it, or to what it is indented with when what
follows stands further left; one at the end of a line belongs to what begins in that line. Blank
lines between elements count as comments without text.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from goflow.workflow.diagnostics import Path

__all__ = ["Comment", "has_aliases", "read_comments", "with_comments"]

_COMMENT = re.compile(r"(?<![^ \t\n])#[^\n]*")


class Comment(NamedTuple):
    """``text`` with its ``#``, or nothing for a blank line; ``()`` is the path of the file."""

    path: Path
    place: Literal["above", "beside", "below"]
    text: str


class _Element(NamedTuple):
    """An entry of a map or an item of a list; ``column`` is that of its key or dash.

    ``end`` is where the next token begins, or the last one ends; ``end_mark`` the same as a line
    and a column.
    """

    start: int
    end: int
    path: Path
    line: int
    column: int
    end_mark: tuple[int, int]


def has_aliases(text: str) -> bool:
    """Whether parts of a YAML text stand for others: written out, they would be copies."""
    return any(
        isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.CSafeLoader)
    )


def read_comments(text: str) -> list[Comment]:
    """The comments of ``text``, in its order. Raises ``yaml.YAMLError``. Log-linear."""
    root = yaml.compose(text, Loader=yaml.CSafeLoader)
    if root is None:
        return []
    scalars: list[yaml.ScalarNode] = []
    elements = sorted(_elements(root, text, scalars), key=lambda one: (one.start, len(one.path)))
    scalars.sort(key=lambda node: node.start_mark.index)
    return list(_attached(text, elements, scalars))


def _elements(root: Any, text: str, scalars: list[yaml.ScalarNode]) -> Iterator[_Element]:
    stack: list[tuple[Any, Path]] = [(root, ())]
    while stack:
        node, path = stack.pop()
        if isinstance(node, yaml.ScalarNode):
            scalars.append(node)
        elif isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                scalars.append(key)
                begin = key.start_mark
                yield _element(begin.index, value, (*path, key.value), begin.line, begin.column)
                stack.append((value, (*path, key.value)))
        else:
            for i, value in enumerate(node.value):
                begin = value.start_mark
                column = begin.column
                if not node.flow_style:
                    column = _dash(text, begin.index, column)
                yield _element(begin.index, value, (*path, i), begin.line, column)
                stack.append((value, (*path, i)))


def _element(start: int, value: Any, path: Path, line: int, column: int) -> _Element:
    end = value.end_mark
    return _Element(start, end.index, path, line, column, (end.line, end.column))


def _dash(text: str, index: int, column: int) -> int:
    """The column of the dash before an item."""
    line_start = index - column
    before = text[line_start:index]
    return before.rindex("-") if "-" in before else column


def _attached(
    text: str, elements: list[_Element], scalars: list[yaml.ScalarNode]
) -> Iterator[Comment]:
    starts = [element.start for element in elements]
    spans = [(node.start_mark.index, _end(node, text)) for node in scalars]
    begins = [begin for begin, _ in spans]
    columns = {element.path: element.column for element in elements}
    position = 0
    blank = False
    for line in text.split("\n"):
        start, position = position, position + len(line) + 1
        near = bisect_right(begins, start) - 1
        inside = near >= 0 and spans[near][0] < start < spans[near][1]
        if not line.strip():
            blank = not inside
            continue
        found = None if inside else _comment(text, start, position - 1, begins, spans)
        if found is None:
            if blank and not inside and not line.startswith(("%", "---")):
                after = bisect_left(starts, start)
                if 0 < after < len(elements) and elements[after].start < position:
                    yield Comment(elements[after].path, "above", "")
            blank = False
            continue
        words = text[found : position - 1].rstrip()
        if text[start:found].strip(" \t-") or "-" in text[start:found]:
            yield Comment(_beside(elements, starts, start, found), "beside", words)
        else:
            place = _alone(elements, starts, columns, found, found - start)
            if blank and (place[0] or place[1] == "below"):
                yield Comment(*place, "")
            yield Comment(*place, words)
        blank = False


def _end(node: yaml.ScalarNode, text: str) -> int:
    """Where the scalar ends; of block text, where its last line does."""
    start, end = node.start_mark.index, node.end_mark.index
    if node.style in ("|", ">"):
        return start + len(text[start:end].rstrip("\n "))
    return end


def _comment(
    text: str, start: int, end: int, begins: list[int], spans: list[tuple[int, int]]
) -> int | None:
    """Where in a line the comment begins, if it has one."""
    for match in _COMMENT.finditer(text, start, end):
        at = match.start()
        near = bisect_right(begins, at) - 1
        if near < 0 or at >= spans[near][1]:
            return at
        if text[spans[near][0]] in "|>" and "\n" not in text[spans[near][0] : at]:
            return at  # after the head of block text
        # A line can hold one more after the scalar.
        rest = _COMMENT.search(text, spans[near][1], end)
        if rest is not None and spans[near][1] <= end:
            return _comment(text, rest.start(), end, begins, spans)
        return None
    return None


def _beside(elements: list[_Element], starts: list[int], line_start: int, at: int) -> Path:
    first, last = bisect_left(starts, line_start), bisect_left(starts, at)
    here = elements[first:last]
    whole = [element for element in here if element.end <= at]
    if whole:
        return min(whole, key=lambda element: len(element.path)).path
    if here:
        return here[-1].path
    # After a bracket that closes what began in an earlier line.
    before = [element for element in elements[:first] if element.end <= at]
    if before:
        return max(before, key=lambda element: (element.end, -len(element.path))).path
    return elements[last].path if last < len(elements) else ()


def _alone(
    elements: list[_Element],
    starts: list[int],
    columns: dict[Path, int],
    at: int,
    column: int,
) -> tuple[Path, Literal["above", "below"]]:
    following = bisect_left(starts, at)
    if following == 0:
        return (), "above"
    left_of_it = elements[following].column if following < len(elements) else 0
    if following < len(elements) and column <= left_of_it:
        return elements[following].path, "above"
    if column == 0:
        return (), "below"
    path = elements[following - 1].path
    around = [path[: i + 1] for i in range(len(path)) if path[: i + 1] in columns]
    # What an item holds is right of its dash, which may be in the column of the list's key.
    fitting = [
        each
        for each in around
        if columns[each] <= column and left_of_it < columns[each] + _is_item(each)
    ]
    if fitting:
        widest = max(columns[each] for each in fitting)
        same = [each for each in fitting if columns[each] == widest]
        return same[-1 if column > widest else 0], "below"
    if following < len(elements):
        return elements[following].path, "above"
    return (), "below"


def _is_item(path: Path) -> bool:
    return isinstance(path[-1], int)


# -- putting them back -------------------------------------------------------------------------


def with_comments(text: str, comments: Iterable[Comment]) -> str:
    """``text`` with comments, whose paths are those of its elements.

    One whose path is not there goes to the innermost part of it that is.
    """
    root = yaml.compose(text, Loader=yaml.CSafeLoader)
    elements = {element.path: element for element in _elements(root, text, [])}
    lines = text.rstrip("\n").split("\n")
    above: dict[int, list[str]] = {}
    beside: dict[int, str] = {}
    below: dict[int, list[str]] = {}
    for comment in comments:
        element = _innermost(elements, comment.path)
        if element is None:
            place = (
                above.setdefault(0, [])
                if comment.place == "above"
                else below.setdefault(len(lines) - 1, [])
            )
            place.append(comment.text)
        elif comment.place == "below":
            last = _last_line(element, lines)
            column = element.column + 2 * _is_item(element.path)
            indent = " " * column if comment.text else ""
            below.setdefault(last, []).append(indent + comment.text)
        elif comment.place == "beside" and element.line not in beside:
            beside[element.line] = comment.text
        else:
            line = lines[element.line]
            indent = line[: len(line) - len(line.lstrip())] if comment.text else ""
            above.setdefault(element.line, []).append(indent + comment.text)
    return _merged(lines, above, beside, below)


def _merged(
    lines: list[str],
    above: dict[int, list[str]],
    beside: dict[int, str],
    below: dict[int, list[str]],
) -> str:
    written: list[str] = []
    for number, line in enumerate(lines):
        for each in above.get(number, ()):
            if each or (written and written[-1]):
                written.append(each)
        written.append(f"{line}  {beside[number]}" if number in beside else line)
        written += below.get(number, ())
    return "\n".join(written).rstrip("\n") + "\n"


def _last_line(element: _Element, lines: list[str]) -> int:
    last, column = element.end_mark
    if last >= len(lines) or not lines[last][:column].strip():
        last = min(last, len(lines)) - 1
    while not lines[last].strip():
        last -= 1
    return last


def _innermost(elements: dict[Path, _Element], path: Path) -> _Element | None:
    while path and path not in elements:
        path = path[:-1]
    return elements.get(path)

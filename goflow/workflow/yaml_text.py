"""Plain values as YAML text, written so that readers of YAML 1.1 and 1.2 agree on every word.

The values become YAML nodes, with the style of each chosen here; libyaml writes them. What it
does not do: a list stands two columns further in than its key, long texts are folded.
"""

from __future__ import annotations

import re
from math import isnan
from typing import TYPE_CHECKING, Any

import yaml

from goflow.errors import BadCall
from goflow.workflow import yaml12

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["write"]

FLOW_WIDTH = 84
"""A map or list that is no wider than this, and nests at most once, is one line; so is a text."""
WIDTH = 100
"""How far the lines of a longer text go."""
_SECTIONS = frozenset({"variables", "servers", "nodes", "edges"})


def write(tree: dict[str, Any], *, blocks: frozenset[int] = frozenset()) -> str:
    """The text of a workflow file's ``tree``, with a blank line around each of its sections.

    ``blocks`` are the ids of maps and lists in it that take more lines than one, however short.

    Raises ``BadCall`` for a value that is no JSON value, for a lone surrogate, and for values that
    nest deeper than a file may. Linear.
    """
    sections: list[dict[str, Any]] = [{}]
    for key, value in tree.items():
        if key in _SECTIONS:
            sections += [{key: value}, {}]
        else:
            sections[-1][key] = value
    try:
        return "\n".join(_written(section, blocks) for section in sections if section)
    except UnicodeEncodeError:
        raise BadCall("the workflow holds a lone surrogate, which YAML cannot write") from None


_TAG = "tag:yaml.org,2002:"
_RESOLVER: Any = yaml.resolver.Resolver()
_LIKE_A_NUMBER = re.compile(r"[-+.]*[0-9][0-9_.,:eE+-]*")
_SWITCHES = frozenset("yYnN")
"""Booleans of YAML 1.1 that PyYAML does not take for any."""


def _written(section: dict[str, Any], blocks: frozenset[int]) -> str:
    node = _map(section, 0, blocks, one_line=False)
    text = yaml.serialize(node, Dumper=yaml.CSafeDumper, allow_unicode=True, width=2**31 - 1)
    return "\n".join(_laid_out(text.split("\n")))


_BLOCK_TEXT = re.compile(r"(?:^|[:-] )([|>])[0-9]?[-+]?$")
_FOLD = re.compile(r"(?<! ) (?! )")


def _laid_out(lines: Iterable[str]) -> Iterator[str]:
    """libyaml's lines, with lists that begin in their key's column moved in, and folded texts."""
    moved: list[int] = []  # the columns of the lists around that are
    key = -1  # that of a key whose value begins in the next line
    above = -1  # that of the key or dash of block text, which stands further in
    style = ""  # of that text
    for line in lines:
        column = len(line) - len(line.lstrip(" "))
        if not line or -1 < above < column:
            indented = "  " * len(moved) + line if line else line
            if style == ">":
                yield from _folded(indented)
            else:
                yield indented
            continue
        item = line.startswith("- ", column)
        while moved and (column < moved[-1] or (column == moved[-1] and not item)):
            moved.pop()
        if item and column == key:
            moved.append(column)
        yield "  " * len(moved) + line
        while line.startswith("- ", column):
            column += 2
        key = column if line.endswith(":") else -1
        above, style = -1, ""
        if begins := _BLOCK_TEXT.search(line):
            above = column - 2 if line.startswith(("|", ">"), column) else column
            style = begins[1]


def _folded(line: str) -> Iterator[str]:
    """One line of a folded text as several, as far as it has single blanks to part at."""
    text = line.lstrip(" ")
    indent = line[: len(line) - len(text)]
    parts = _FOLD.split(text)
    done = parts[0]
    for part in parts[1:]:
        if len(indent) + len(done) + 1 + len(part) > WIDTH:
            yield indent + done
            done = part
        else:
            done += f" {part}"
    yield indent + done


def _yaml(value: Any, depth: int, blocks: frozenset[int], *, flow: bool = False) -> yaml.Node:
    """The node of a value that stands inside ``depth`` maps and lists."""
    if isinstance(value, str):
        return yaml.ScalarNode(f"{_TAG}str", value, style=_style(value, flow=flow))
    if isinstance(value, (dict, list, tuple)):
        if depth >= yaml12.MAX_DEPTH:
            raise BadCall(f"the values nest deeper than {yaml12.MAX_DEPTH} levels")
        one_line = flow or (id(value) not in blocks and _width(value) <= FLOW_WIDTH)
        if isinstance(value, dict):
            return _map(value, depth, blocks, one_line=one_line)
        items = [_yaml(item, depth + 1, blocks, flow=one_line) for item in value]
        return yaml.SequenceNode(f"{_TAG}seq", items, flow_style=one_line)
    if value is None:
        return yaml.ScalarNode(f"{_TAG}null", "null")
    if isinstance(value, bool):
        return yaml.ScalarNode(f"{_TAG}bool", "true" if value else "false")
    if isinstance(value, int):
        return yaml.ScalarNode(f"{_TAG}int", str(value))
    if isinstance(value, float):
        return yaml.ScalarNode(f"{_TAG}float", _float(value))
    raise BadCall(f"a workflow holds JSON values only, not {type(value).__name__}")


def _map(value: dict[str, Any], depth: int, blocks: frozenset[int], *, one_line: bool) -> yaml.Node:
    pairs: list[tuple[yaml.Node, yaml.Node]] = []
    for key, item in value.items():
        if not isinstance(key, str):
            raise BadCall(f"a key must be text, not {type(key).__name__}")
        name = yaml.ScalarNode(f"{_TAG}str", key, style=_style(key, flow=True))
        if not depth and key in _SECTIONS and isinstance(item, list) and item:
            # Each element of a section has lines of its own.
            elements = [_yaml(element, 2, blocks) for element in item]
            node: yaml.Node = yaml.SequenceNode(f"{_TAG}seq", elements, flow_style=False)
        else:
            node = _yaml(item, depth + 1, blocks, flow=one_line)
        pairs.append((name, node))
    return yaml.MappingNode(f"{_TAG}map", pairs, flow_style=one_line)


def _float(value: float) -> str:
    if isnan(value):
        return ".nan"
    if value in (float("inf"), float("-inf")):
        return ".inf" if value > 0 else "-.inf"
    # YAML 1.1 asks for a point and a sign of the exponent.
    mantissa, e, exponent = repr(value).partition("e")
    if "." not in mantissa:
        mantissa += ".0"
    return f"{mantissa}e{int(exponent):+d}" if e else mantissa


def _width(value: Any, depth: int = 2) -> float:
    """About how many columns one line of ``value`` takes; infinite for what should have more."""
    if isinstance(value, str):
        return float("inf") if "\n" in value else len(value)
    if isinstance(value, (dict, list, tuple)):
        if value and not depth:
            return float("inf")
        items = value.values() if isinstance(value, dict) else value
        keys = sum(len(str(key)) + 2 for key in value) if isinstance(value, dict) else 0
        width = keys + 2.0
        for item in items:
            width += 2 + _width(item, depth - 1)
            if width > FLOW_WIDTH:
                break
        return width
    return 5


def _style(text: str, *, flow: bool) -> str | None:
    """How to write a string: None for plain, ``|`` for block text, ``>`` for folded, or a quote.

    libyaml goes over to double quotes where a style cannot hold the text.
    """
    if "\n" in text:
        return "|" if not flow and _is_block(text) else '"'
    if len(text) > FLOW_WIDTH and not flow and _is_block(text) and _FOLD.search(text):
        return ">"
    if not text.isprintable() or text != text.strip():
        return '"'
    if not _needs_quotes(text, flow=flow):
        return None
    return "'" if ('"' in text or "\\" in text) and "'" not in text else '"'


def _is_block(text: str) -> bool:
    """Whether block text shows every character: no blanks at ends, at most one final break."""
    lines = text.removesuffix("\n").split("\n")
    return (
        all(line.isprintable() and line == line.rstrip() for line in lines)
        and lines[0] != ""
        and lines[-1] != ""
        and not lines[0].startswith(" ")
    )


def _needs_quotes(text: str, *, flow: bool) -> bool:
    if text == "" or "${" in text or text in _SWITCHES or _LIKE_A_NUMBER.fullmatch(text):
        return True
    if yaml12.plain(text) != text:
        return True
    if _RESOLVER.resolve(yaml.ScalarNode, text, (True, False)) != f"{_TAG}str":
        return True
    if text[0] in "?:,[]{}#&*!|>'\"%@`=" or text.startswith(("- ", "---", "...", "<<")):
        return True
    if ": " in text or " #" in text or text.endswith(":"):
        return True
    return flow and any(character in ",[]{}?:" for character in text)

"""YAML text to plain values, by the 1.2 core schema.

libyaml reads the text into events; values are built from them here, in one loop without recursion
and without PyYAML's node objects. So ``on``, ``yes`` and dates stay words, keys are always strings,
a repeated key is an error, and neither nesting nor aliases can take more than their limits.
"""

from __future__ import annotations

import re
from math import isfinite
from typing import Any

import yaml
from yaml.cyaml import CParser  # type: ignore[attr-defined]

__all__ = ["MAX_DEPTH", "MAX_VALUES", "DuplicateKey", "TooLarge", "parse", "plain"]

MAX_DEPTH = 200
"""Deepest nesting of a document."""
MAX_VALUES = 1_000_000
"""Most values in a document, each alias counted as what it stands for."""


class DuplicateKey(yaml.MarkedYAMLError):
    """A key is written twice in one map."""


class TooLarge(yaml.MarkedYAMLError):
    """The document passes one of the limits."""


class _Frame:
    """A list or map under construction; ``count`` is how many values it holds in all."""

    __slots__ = ("anchor", "count", "items", "key", "merges")

    def __init__(self, items: list[Any] | dict[str, Any], anchor: str | None) -> None:
        self.items = items
        self.anchor = anchor
        self.count = 1
        self.key: str | None = None
        self.merges: list[dict[str, Any]] | None = None

    def value(self) -> Any:
        """What was built; merged maps give way to the map's own keys."""
        if self.merges is None:
            return self.items
        merged: dict[str, Any] = {}
        for other in reversed(self.merges):
            merged.update(other)
        merged.update(self.items)
        return merged


def parse(text: str) -> Any:
    """The one document in ``text``; None for an empty one.

    Raises ``yaml.YAMLError`` with the place of the mistake. Linear in the text.
    """
    parser = CParser(text)
    try:
        return _build(parser)
    finally:
        parser.dispose()


def _build(parser: Any) -> Any:
    next_event = parser.get_event
    stack: list[_Frame] = []
    anchors: dict[str, tuple[Any, int]] = {}
    frame: _Frame | None = None
    root: Any = None
    documents = total = 0
    while True:
        event = next_event()
        kind = type(event)
        count = 1
        if kind is yaml.ScalarEvent:
            if frame is not None and type(frame.items) is dict and frame.key is None:
                _open_key(frame, event)
                continue
            value = _scalar(event)
            anchor = event.anchor
        elif kind in (yaml.MappingStartEvent, yaml.SequenceStartEvent):
            _check_container(event, frame, len(stack))
            frame = _Frame({} if kind is yaml.MappingStartEvent else [], event.anchor)
            stack.append(frame)
            continue
        elif kind in (yaml.MappingEndEvent, yaml.SequenceEndEvent):
            assert frame is not None
            value, count, anchor = frame.value(), frame.count, frame.anchor
            stack.pop()
            frame = stack[-1] if stack else None
        elif kind is yaml.AliasEvent:
            if event.anchor not in anchors:
                raise _error("this alias stands for nothing that was read before it", event)
            value, count = anchors[event.anchor]
            anchor = None
            total += count
            if frame is not None and type(frame.items) is dict and frame.key is None:
                raise _error("a key must be text", event)
        elif kind is yaml.DocumentStartEvent:
            documents += 1
            if documents > 1:
                raise _error("a file holds one document", event)
            continue
        elif kind is yaml.StreamEndEvent:
            return root
        else:
            continue
        total += 1
        if total > MAX_VALUES:
            raise TooLarge(
                problem=f"the document holds more than {MAX_VALUES:,} values",
                problem_mark=event.start_mark,
            )
        if anchor is not None:
            anchors[anchor] = (value, count)
        if frame is None:
            root = value
        else:
            frame.count += count
            _attach(frame, value, event)


def _open_key(frame: _Frame, event: Any) -> None:
    key = event.value
    if key == "<<" and event.implicit[0]:
        frame.key = key
        frame.merges = frame.merges or []
        return
    if key in frame.items:
        raise DuplicateKey(
            problem=f"the key {key!r} is written twice", problem_mark=event.start_mark
        )
    frame.key = key


def _attach(frame: _Frame, value: Any, event: Any) -> None:
    if type(frame.items) is list:
        frame.items.append(value)
        return
    assert isinstance(frame.items, dict)
    assert frame.key is not None
    if frame.key == "<<" and frame.merges is not None:
        others = value if isinstance(value, list) else [value]
        if not all(isinstance(other, dict) for other in others):
            raise _error("'<<' merges a map or a list of maps", event)
        frame.merges.extend(others)
    else:
        frame.items[frame.key] = value
    frame.key = None


def _check_container(event: Any, frame: _Frame | None, depth: int) -> None:
    if depth >= MAX_DEPTH:
        raise TooLarge(
            problem=f"the values nest deeper than {MAX_DEPTH} levels",
            problem_mark=event.start_mark,
        )
    if frame is not None and type(frame.items) is dict and frame.key is None:
        raise _error("a key must be text", event)
    tag = event.tag
    if tag is not None and tag not in ("!", f"{_TAG}map", f"{_TAG}seq"):
        raise _error(f"the tag {tag!r} is not supported", event)


def _error(problem: str, event: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)


# -- the core schema's scalars -----------------------------------------------------------------

_TAG = "tag:yaml.org,2002:"
_WORDS: dict[str, Any] = {
    word: value
    for value, words in (
        (True, ("true", "True", "TRUE")),
        (False, ("false", "False", "FALSE")),
        (None, ("", "~", "null", "Null", "NULL")),
    )
    for word in words
}
_INTEGER = re.compile(r"[-+]?[0-9]{1,4000}|0o[0-7]{1,4000}|0x[0-9a-fA-F]{1,4000}")
_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_NUMERIC = frozenset("-+.0123456789")


def _scalar(event: Any) -> Any:
    text = event.value
    if event.tag is not None:
        return _tagged(text, event)
    return _json_value(plain(text), event) if event.implicit[0] else text


def plain(text: str) -> Any:
    """What ``text`` means without quotes."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMERIC:
        return text
    if _INTEGER.fullmatch(text):
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    if _FLOAT.fullmatch(text):
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    return text


def _json_value(value: Any, event: Any) -> Any:
    """``value`` if JSON has such a number, and an expression could hold it."""
    if type(value) is int and value.bit_length() > 256:
        raise _error("an integer has at most 256 bits", event)
    if type(value) is float and not isfinite(value):
        raise _error("a number must be finite", event)
    return value


def _tagged(text: str, event: Any) -> Any:
    tag = event.tag
    if tag in ("!", f"{_TAG}str"):
        return text
    value = _json_value(plain(text), event)
    kinds = {"int": int, "float": (int, float), "bool": bool, "null": type(None)}
    wanted = kinds.get(tag.removeprefix(_TAG)) if tag.startswith(_TAG) else None
    if wanted is None:
        raise _error(f"the tag {tag!r} is not supported", event)
    if not isinstance(value, wanted):  # type: ignore[arg-type]
        raise _error(f"{text!r} is not of the type that its tag says", event)
    return float(value) if tag.endswith(":float") else value

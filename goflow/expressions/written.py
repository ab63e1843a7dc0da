"""Values as text: inside other text, and as JSON, which is measured before it is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from goflow.expressions.budget import TEXT
from goflow.expressions.values import EvalError, a_kind

if TYPE_CHECKING:
    from goflow.expressions.budget import Budget

__all__ = ["json_text", "size_of", "text"]

MAX_DEPTH = 400
"""Deepest nesting of a value that is written as JSON text."""


def text(value: Any, budget: Budget) -> str:
    """How ``value`` reads inside text: strings as they are, null as nothing, the rest as JSON.

    What is new text is paid for from ``budget`` before it is made.
    """
    if type(value) is str:
        return value
    if value is None:
        return ""
    if value is True:
        return "true"
    if value is False:
        return "false"
    if type(value) in (int, float):
        result = str(int(value)) if type(value) is float and value.is_integer() else str(value)
        budget.text(result)
        return result
    return json_text(value, budget)


def json_text(value: Any, budget: Budget) -> str:
    """``value`` as compact JSON; measured and paid for from ``budget`` before it is made."""
    budget.build(TEXT + size_of(value, budget))
    return msgspec.json.encode(value).decode()


def size_of(value: Any, budget: Budget) -> int:
    """The length of the JSON text of ``value``, to a byte or two for each number.

    It is known before the text is made: a list that holds another a thousand times is measured
    once. Each element of each distinct list and map is a step of ``budget``. Raises ``EvalError``
    for what has no JSON text, and as soon as it is longer than ``budget`` allows.
    """
    return _Measure(budget).of(value, 0)


class _Measure:
    __slots__ = ("_budget", "_known")

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._known: dict[int, int] = {}

    def of(self, value: Any, depth: int) -> int:
        name = type(value)
        if name is str:
            return self._text(value)
        if name is int:
            return int(value.bit_length() * 10 // 33 + 1 + (value < 0))
        if name is float:
            return len(repr(value))
        if value is None or name is bool:
            return 5 if value is False else 4
        if name is not list and name is not dict:
            raise EvalError(f"{a_kind(value)} has no JSON text")
        size = self._known.get(id(value))
        if size is None:
            if depth > MAX_DEPTH:
                raise EvalError(f"the value nests deeper than {MAX_DEPTH} levels")
            size = self._known[id(value)] = self._container(value, depth + 1)
            if size > self._budget.bytes:
                self._budget.build(size)
        return size

    def _container(self, value: Any, depth: int) -> int:
        self._budget.visit(len(value))
        of = self.of
        size = 1 + (len(value) or 1)
        if type(value) is list:
            return size + sum([of(item, depth) for item in value])
        for key, item in value.items():
            size += self._text(key) + 1 + of(item, depth)
        return size

    def _text(self, value: str) -> int:
        if len(value) < 64:
            return _written(value)
        size = self._known.get(id(value))
        if size is None:
            self._budget.scan(value)
            size = self._known[id(value)] = _written(value)
        return size


def _written(value: str) -> int:
    try:
        return len(msgspec.json.encode(value))
    except UnicodeEncodeError:
        raise EvalError("half of a surrogate pair has no JSON text") from None

"""Functions of any value: what type it has, another when it is null, and as another type."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec

from goflow.expressions.functions.numbers import whole
from goflow.expressions.functions.registry import as_text, function, need, utf8
from goflow.expressions.values import EvalError, exact, kind, not_json
from goflow.expressions.written import json_text, text

if TYPE_CHECKING:
    from goflow.expressions.budget import Budget

__all__: list[str] = []

_LONGEST = 400
"""Most characters of a number in a text."""


@function("type(value)")
def _type(value: Any) -> str:
    """The JSON type: string, number, boolean, null, array or object."""
    return kind(value)


@function("default(value, other)")
def _default(value: Any, other: Any) -> Any:
    """The value, or the other one when it is null."""
    return other if value is None else value


@function("if(condition, then, else)")
def _if(condition: Any, then: Any, other: Any = None) -> Any:
    """The second argument when the first is truthy, else the third (or null)."""
    return then if condition else other


@function("string(value)")
def _string(budget: Budget, value: Any) -> str:
    """The value as text, as in interpolation."""
    return text(value, budget)


@function("int(value)")
def _int(value: Any) -> int:
    """A number cut to an integer, a string read as one, a boolean as 0 or 1."""
    if type(value) is bool:
        return int(value)
    return int(_read(int, value)) if type(value) is str else whole(math.trunc, value)


@function("float(value)")
def _float(value: Any) -> float:
    """A number as a float, a string read as one."""
    return float(_read(float, value) if type(value) is str else need(value, "number"))


def _read(convert: type[int] | type[float], value: str) -> int | float:
    """The number in a text: plain digits, none of Python's own spellings."""
    if len(value) <= _LONGEST and value.isascii() and "_" not in value:
        try:
            return exact(convert(value))
        except (ValueError, EvalError):
            pass
    what = "an integer" if convert is int else "a number"
    raise EvalError(f"{value[:40]!r} is not {what} that can be held")


@function("bool(value)")
def _bool(budget: Budget, value: Any) -> bool:
    """Whether the value is truthy; the strings "false", "no", "off" and "0" are not."""
    if type(value) is not str:
        return bool(value)
    budget.text(value)
    return value.strip().lower() not in ("", "false", "no", "off", "0")


@function("toJSON(value)", "tojson")
def _to_json(budget: Budget, value: Any) -> str:
    """The value as compact JSON text."""
    return json_text(value, budget)


@function("fromJSON(text)", "fromjson")
def _from_json(budget: Budget, value: Any) -> Any:
    """The value that a JSON text holds."""
    # An element is a step; the smallest, like "[]," and "{},", take 72 bytes in memory.
    elements = sum(map(as_text(value).count, ",[{"))
    budget.visit(elements)
    budget.build(72 * elements)
    budget.text(value)
    try:
        result = msgspec.json.decode(utf8(value))
    except (msgspec.MsgspecError, RecursionError) as error:
        raise EvalError(f"this is not JSON: {error}") from None
    problem = not_json(result)
    if problem is not None:
        raise EvalError(f"this JSON cannot be held: {problem}")
    return result

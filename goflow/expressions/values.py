"""JSON values as expressions see them: types by name, strict equality, text, and a work budget."""

from __future__ import annotations

from math import isfinite
from typing import Any

import msgspec

__all__ = [
    "MAX_BYTES",
    "MAX_INTEGER",
    "MAX_STEPS",
    "TOO_LARGE",
    "UNCOMPUTABLE",
    "Budget",
    "EvalError",
    "View",
    "a_kind",
    "copied",
    "equal",
    "exact",
    "kind",
    "not_json",
    "text",
    "uncomputable",
]

MAX_STEPS = 1_000_000
"""Elements that one evaluation may visit."""
MAX_BYTES = 16 * 1024 * 1024
"""Bytes of strings, lists and maps that one evaluation may build."""
MAX_INTEGER = 1 << 256
"""Integers are exact below this in magnitude; beyond it they are errors."""

MAX_NESTING = 200
"""Deepest nesting of a value that a run is given."""
TOO_LARGE = "the result is too large for a number"

_KINDS = {
    str: "string",
    int: "number",
    float: "number",
    bool: "boolean",
    type(None): "null",
    list: "array",
    dict: "object",
}
_NUMBERS = frozenset((int, float))


class EvalError(Exception):
    """Evaluation stopped; ``at`` is the offset in the source, or None until somebody knows it."""

    def __init__(self, message: str, at: int | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.at = at
        self.hint = hint


class View:
    """A read-only object of the run (``nodes``, a node's record) whose members are JSON values."""

    __slots__ = ()

    def member(self, key: str) -> Any:
        """The member ``key``; raises ``KeyError`` when there is none."""
        raise KeyError(key)


class Budget:
    """What one evaluation may still do: elements to visit and bytes to build."""

    __slots__ = ("bytes", "steps")

    def __init__(self) -> None:
        self.steps = MAX_STEPS
        self.bytes = MAX_BYTES

    def visit(self, count: int) -> None:
        """Account for ``count`` elements; raises ``EvalError`` past the limit."""
        self.steps -= count
        if self.steps < 0:
            raise EvalError(f"the expression takes more than {MAX_STEPS:,} steps")

    def build(self, size: int) -> None:
        """Account for ``size`` bytes of new value; raises ``EvalError`` past the limit."""
        self.bytes -= size
        if self.bytes < 0:
            raise EvalError(f"the expression builds more than {MAX_BYTES >> 20} MiB")

    def elements(self, count: int) -> None:
        """Account for visiting ``count`` elements into a new list."""
        self.visit(count)
        self.build(8 * count)


UNCOMPUTABLE = (
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What Python raises for values that no rule of the language foresees."""


def uncomputable(error: BaseException) -> EvalError:
    """Such an error as one of the language."""
    return EvalError(f"this cannot be computed: {error or type(error).__name__}")


def kind(value: Any) -> str:
    """The JSON type of ``value``: string, number, boolean, null, array or object.

    What is no JSON value is named by its own type.
    """
    return _KINDS.get(type(value)) or type(value).__name__


def a_kind(value: Any) -> str:
    """The JSON type of a value with its article, for messages."""
    name = kind(value)
    return name if name == "null" else f"{'an' if name[0] in 'ao' else 'a'} {name}"


def copied(value: Any) -> Any:
    """A JSON value that shares no list or map with ``value``. Linear in its size."""
    if type(value) is dict:
        return {key: copied(item) for key, item in value.items()}
    return [copied(item) for item in value] if type(value) is list else value


def not_json(value: Any, depth: int = 0) -> str | None:
    """Why ``value`` is no JSON value that a run can hold, or None when it is one."""
    name = type(value)
    if depth > MAX_NESTING:
        return f"it nests deeper than {MAX_NESTING} levels"
    if name is list:
        return next(filter(None, (not_json(item, depth + 1) for item in value)), None)
    if name is dict:
        if not all(type(key) is str for key in value):
            return "a key that is no string"
        return next(filter(None, (not_json(item, depth + 1) for item in value.values())), None)
    if name is float:
        return None if isfinite(value) else "a number that is not finite"
    if name is int:
        return None if -MAX_INTEGER < value < MAX_INTEGER else "an integer of more than 256 bits"
    return None if name in _KINDS else name.__name__


def equal(left: Any, right: Any) -> bool:
    """JSON equality: strict by type, numbers by value (``1 == 1.0``, never ``1 == true``).

    Linear in the smaller value; raises ``EvalError`` when they nest too deeply to compare.
    """
    try:
        return _equal(left, right)
    except RecursionError:
        raise EvalError("the values nest too deeply to compare") from None


def _equal(left: Any, right: Any) -> bool:
    a, b = type(left), type(right)
    if a is not b:
        return a in _NUMBERS and b in _NUMBERS and bool(left == right)
    if a is list:
        return len(left) == len(right) and all(map(_equal, left, right))
    if a is dict:
        return left.keys() == right.keys() and all(_equal(left[k], right[k]) for k in left)
    return bool(left == right)


def exact(value: int | float) -> int | float:
    """``value`` if it is a finite float or an integer in range; raises ``EvalError`` otherwise."""
    if type(value) is int:
        if not -MAX_INTEGER < value < MAX_INTEGER:
            raise EvalError("the result has more than 256 bits")
    elif not isfinite(value):
        raise EvalError(TOO_LARGE)
    return value


def text(value: Any) -> str:
    """How ``value`` reads inside text: strings as they are, null as nothing, the rest as JSON."""
    if type(value) is str:
        return value
    if value is None:
        return ""
    if value is True:
        return "true"
    if value is False:
        return "false"
    if type(value) is float and value.is_integer():
        return str(int(value))
    if type(value) in _NUMBERS:
        return str(value)
    try:
        return msgspec.json.encode(value).decode()
    except (msgspec.MsgspecError, TypeError, RecursionError, OverflowError) as error:
        raise EvalError(f"this value has no JSON text: {error}") from None

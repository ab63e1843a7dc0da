"""JSON values as expressions see them: types by name, limits, and strict equality."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from goflow.expressions.budget import Budget

__all__ = [
    "MAX_INTEGER",
    "TOO_LARGE",
    "UNCOMPUTABLE",
    "EvalError",
    "View",
    "a_kind",
    "copied",
    "equal",
    "exact",
    "fingerprint",
    "kind",
    "not_json",
    "uncomputable",
]

MAX_INTEGER = 1 << 256
"""Integers are exact below this in magnitude; beyond it they are errors."""

MAX_NESTING = 200
"""Deepest nesting of a value that a run is given, or a node comes to."""
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
    """A JSON value that shares no list or map with ``value``, however deep. Linear in its size."""
    if type(value) is not dict and type(value) is not list:
        return value
    result = value.copy()
    stack = [result]
    while stack:
        container = stack.pop()
        for key, item in list(
            container.items() if type(container) is dict else enumerate(container)
        ):
            if type(item) is dict or type(item) is list:
                container[key] = item.copy()
                stack.append(container[key])
    return result


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
        parts = (part for entry in value.items() for part in entry)
        return next(filter(None, (not_json(part, depth + 1) for part in parts)), None)
    if name is str:
        return None if is_unicode(value) else "half of a surrogate pair"
    if name is float:
        return None if isfinite(value) else "a number that is not finite"
    if name is int:
        return None if -MAX_INTEGER < value < MAX_INTEGER else "an integer of more than 256 bits"
    return None if name in _KINDS else name.__name__


def is_unicode(text: str) -> bool:
    """Whether ``text`` has no half of a surrogate pair, which neither JSON nor UTF-8 can hold."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def equal(left: Any, right: Any, budget: Budget) -> bool:
    """JSON equality: strict by type, numbers by value (``1 == 1.0``, never ``1 == true``).

    Linear in the smaller value; its elements are steps of ``budget``. Raises ``EvalError`` when the
    values nest too deeply to compare.
    """
    try:
        return _equal(left, right, budget)
    except RecursionError:
        raise EvalError("the values nest too deeply to compare") from None


def _equal(left: Any, right: Any, budget: Budget) -> bool:
    a, b = type(left), type(right)
    if a is not b:
        return a in _NUMBERS and b in _NUMBERS and bool(left == right)
    if a is str:
        if len(left) != len(right):
            return False
        budget.scan(left)
    elif a is list:
        if len(left) != len(right):
            return False
        budget.visit(len(left))
        return all(_equal(x, y, budget) for x, y in zip(left, right, strict=True))
    elif a is dict:
        if left.keys() != right.keys():
            return False
        budget.visit(len(left))
        return all(_equal(value, right[key], budget) for key, value in left.items())
    return bool(left == right)


def fingerprint(value: Any, budget: Budget) -> int:
    """A number that equal values share, and different ones hardly ever.

    Linear in the value; its elements are steps of ``budget``.
    """
    name = type(value)
    if name is str:
        budget.scan(value)
    elif name is list:
        budget.visit(len(value))
        return hash(tuple([fingerprint(item, budget) for item in value]))
    elif name is dict:
        budget.visit(len(value))
        return hash(frozenset([(key, fingerprint(item, budget)) for key, item in value.items()]))
    elif name is bool:
        return 2 + int(value)
    return hash(value)


def exact(value: int | float) -> int | float:
    """``value`` if it is a finite float or an integer in range; raises ``EvalError`` otherwise."""
    if type(value) is int:
        if not -MAX_INTEGER < value < MAX_INTEGER:
            raise EvalError("the result has more than 256 bits")
    elif not isfinite(value):
        raise EvalError(TOO_LARGE)
    return value

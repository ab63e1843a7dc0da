"""What the binary operators do to JSON values: each makes the closure of ``left sign right``.

``and or ??`` evaluate their right side only when they need it. Types are strict: what an operator
does not apply to is an error with the operator's position.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from goflow.expressions.budget import LIST, TEXT
from goflow.expressions.regex import PatternError, found
from goflow.expressions.values import (
    MAX_INTEGER,
    TOO_LARGE,
    EvalError,
    a_kind,
    equal,
    exact,
)

if TYPE_CHECKING:
    from goflow.expressions.budget import Budget

__all__ = ["BUDGET", "COMPARISONS", "SEARCHES", "Env", "Run", "binary"]

Env = dict[str, Any]
"""What an expression is evaluated in; see ``compile``."""
Run = Callable[[Env], Any]
"""A compiled expression: its value in an environment; raises ``EvalError``."""

BUDGET = "%"
"""Where the environment keeps the budget of the evaluation that goes on."""

COMPARISONS = frozenset(("==", "!=", "<", "<=", ">", ">=", "startsWith", "endsWith"))
"""Operators whose work is as long as the shorter side: with a literal there it is short."""
SEARCHES = frozenset(("in", "contains", "matches"))
"""Operators that look through a value."""

_NUMERIC = frozenset((int, float))
_SCALARS = frozenset((int, float, bool, type(None)))
_ORDER = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def binary(sign: str, left: Run, right: Run, at: int, *, short: bool = False) -> Run:
    """The closure of one binary operator; ``at`` is its position.

    ``short`` when one side is a literal, so that a comparison needs no budget.
    """
    if sign == "and":
        return lambda env: left(env) and right(env)
    if sign == "or":
        return lambda env: left(env) or right(env)
    if sign == "??":
        return lambda env: right(env) if (value := left(env)) is None else value
    if sign in ("==", "!="):
        return _equality(left, right, wanted=sign == "==", short=short)
    if sign in _ORDER:
        return _ordering(left, right, sign, at, short=short)
    if sign == "in":
        return lambda env: _contains(env, item=left(env), holder=right(env), at=at)
    if sign == "contains":
        return lambda env: _contains(env, holder=left(env), item=right(env), at=at)
    if sign == "matches":
        return _matches(left, right, at)
    if sign in ("startsWith", "endsWith"):
        return _affix(left, right, sign, at, short=short)
    return _addition(left, right, at) if sign == "+" else _arithmetic(left, right, sign, at)


def _equality(left: Run, right: Run, *, wanted: bool, short: bool) -> Run:
    def run(env: Env) -> bool:
        a, b = left(env), right(env)
        x, y = type(a), type(b)
        if x is not y:
            return (x in _NUMERIC and y in _NUMERIC and a == b) is wanted
        if short or x in _SCALARS:
            return (a == b) is wanted
        return equal(a, b, env[BUDGET]) is wanted

    return run


def _ordering(left: Run, right: Run, sign: str, at: int, *, short: bool) -> Run:
    compare = _ORDER[sign]

    def run(env: Env) -> bool:
        a, b = left(env), right(env)
        x, y = type(a), type(b)
        if x in _NUMERIC and y in _NUMERIC:
            return bool(compare(a, b))
        if x is str and y is str:
            if not short:
                env[BUDGET].scan(a)
            return bool(compare(a, b))
        raise EvalError(f"cannot compare {a_kind(a)} {sign} {a_kind(b)}", at)

    return run


def _contains(env: Env, *, holder: Any, item: Any, at: int) -> bool:
    if type(holder) is list:
        budget: Budget = env[BUDGET]
        if type(item) is str:  # equal to no value of another type in Python either
            budget.visit(len(holder) * (1 + (len(item) >> 8)) >> 3)
            return item in holder
        budget.visit(len(holder) >> 1)
        return any(equal(item, other, budget) for other in holder)
    if type(holder) is dict and type(item) is str:
        return item in holder
    if type(holder) is str and type(item) is str:
        env[BUDGET].scan(holder, item)
        return item in holder
    raise EvalError(f"cannot look for {a_kind(item)} in {a_kind(holder)}", at)


def _affix(left: Run, right: Run, sign: str, at: int, *, short: bool) -> Run:
    test = str.startswith if sign == "startsWith" else str.endswith

    def run(env: Env) -> bool:
        a, b = left(env), right(env)
        if type(a) is str and type(b) is str:
            if not short:
                env[BUDGET].scan(b)
            return test(a, b)
        raise EvalError(f"{sign} needs two strings, got {a_kind(a)} and {a_kind(b)}", at)

    return run


def _matches(left: Run, right: Run, at: int) -> Run:
    def run(env: Env) -> bool:
        a, b = left(env), right(env)
        if type(a) is not str or type(b) is not str:
            raise EvalError(f"matches needs two strings, got {a_kind(a)} and {a_kind(b)}", at)
        try:
            return found(b, a, env[BUDGET])
        except PatternError as error:
            raise EvalError(str(error), at) from None

    return run


def _addition(left: Run, right: Run, at: int) -> Run:
    def run(env: Env) -> Any:
        a, b = left(env), right(env)
        x, y = type(a), type(b)
        try:
            if x in _NUMERIC and y in _NUMERIC:
                return exact(a + b)
            if x is y and x in (str, list):
                budget: Budget = env[BUDGET]
                if x is list:
                    budget.build(LIST + 8 * (len(a) + len(b)))
                else:
                    width = 1 if a.isascii() and b.isascii() else 4
                    budget.build(TEXT + width * (len(a) + len(b)))
                return a + b
        except OverflowError:
            raise EvalError(TOO_LARGE, at) from None
        except EvalError as error:
            raise EvalError(error.message, at) from None
        raise EvalError(f"cannot add {a_kind(a)} and {a_kind(b)}", at, _join_hint(x, y))

    return run


def _join_hint(x: type, y: type) -> str | None:
    return "string(…) makes text of any value" if str in (x, y) else None


def _power(a: int | float, b: int | float) -> int | float:
    if type(a) is int and type(b) is int and b > 0 and a.bit_length() * b > 600:  # noqa: SIM102
        # |a| >= 2 means at least (bits - 1) * b bits: far too many, so do not compute them.
        if abs(a) > 1 and (a.bit_length() - 1) * b > MAX_INTEGER.bit_length():
            raise EvalError("the result has more than 256 bits")
    result = a**b
    if isinstance(result, complex):
        raise EvalError("a root of a negative number is no number")
    return result


_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": operator.mod,
    "**": _power,
}


def _arithmetic(left: Run, right: Run, sign: str, at: int) -> Run:
    compute = _ARITHMETIC[sign]

    def run(env: Env) -> Any:
        a, b = left(env), right(env)
        if type(a) not in _NUMERIC or type(b) not in _NUMERIC:
            raise EvalError(f"cannot compute {a_kind(a)} {sign} {a_kind(b)}", at)
        try:
            return exact(compute(a, b))
        except ZeroDivisionError:
            raise EvalError("division by zero", at) from None
        except OverflowError:
            raise EvalError(TOO_LARGE, at) from None
        except EvalError as error:
            raise EvalError(error.message, at) from None

    return run

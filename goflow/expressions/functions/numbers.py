"""Functions of numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from goflow.expressions.functions.registry import as_integer, as_list, function, need
from goflow.expressions.values import EvalError, exact, kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from goflow.expressions.budget import Budget

__all__ = ["whole"]


def _numbers(budget: Budget, values: Any) -> list[int | float]:
    budget.visit(len(as_list(values)))
    for value in values:
        need(value, "number")
    return values  # type: ignore[no-any-return]


@function("sum(list)")
def _sum(budget: Budget, values: Any) -> int | float:
    """The sum of a list of numbers; 0 for none."""
    return sum(_numbers(budget, values))


@function("avg(list)")
def _avg(budget: Budget, values: Any) -> float | None:
    """The mean of a list of numbers; null for none."""
    return sum(_numbers(budget, values)) / len(values) if values else None


def _extreme(budget: Budget, pick: Callable[[Any], Any], values: tuple[Any, ...]) -> Any:
    items = values[0] if len(values) == 1 and type(values[0]) is list else values
    budget.visit(len(items))
    kinds = {kind(item) for item in items}
    if not items:
        return None
    if kinds == {"string"}:
        for item in items:
            budget.scan(item)
    elif kinds != {"number"}:
        raise EvalError(f"expected numbers or strings, got {' and '.join(sorted(kinds))}")
    return pick(items)


@function("min(list) or min(a, b, …)")
def _min(budget: Budget, *values: Any) -> Any:
    """The smallest number or string; null for none."""
    return _extreme(budget, min, values)


@function("max(list) or max(a, b, …)")
def _max(budget: Budget, *values: Any) -> Any:
    """The largest number or string; null for none."""
    return _extreme(budget, max, values)


@function("round(number, decimals)")
def _round(value: Any, decimals: Any = 0) -> int | float:
    """The nearest number with so many decimals, halves to even; an integer when decimals is 0."""
    places = as_integer(decimals)
    if not -300 <= places <= 300:
        raise EvalError("decimals must be from -300 to 300")
    if not places:
        return whole(round, value)
    return round(need(value, "number"), places)  # type: ignore[no-any-return]


def whole(convert: Callable[[Any], int], value: Any) -> int:
    """The integer that ``convert`` makes of a number."""
    return int(exact(convert(exact(need(value, "number")))))


@function("abs(number)")
def _abs(value: Any) -> int | float:
    """The number without its sign."""
    return abs(need(value, "number"))  # type: ignore[no-any-return]


@function("floor(number)")
def _floor(value: Any) -> int:
    """The largest integer not above the number."""
    return whole(math.floor, value)


@function("ceil(number)")
def _ceil(value: Any) -> int:
    """The smallest integer not below the number."""
    return whole(math.ceil, value)


@function("formatNumber(number, decimals)")
def _format_number(budget: Budget, value: Any, decimals: Any = 2) -> str:
    """A number with a fixed count of decimals and commas between thousands."""
    places = as_integer(decimals)
    if not 0 <= places <= 20:
        raise EvalError("decimals must be from 0 to 20")
    result = f"{need(value, 'number'):,.{places}f}"
    budget.text(result)
    return result

"""Functions of lists. An argument ``each`` is evaluated for an element, which it is called with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goflow.expressions.budget import LIST
from goflow.expressions.functions.registry import as_integer, as_list, function
from goflow.expressions.values import EvalError, equal, fingerprint, kind

if TYPE_CHECKING:
    from goflow.expressions.budget import Budget
    from goflow.expressions.functions.registry import Each

__all__: list[str] = []


@function("map(list, expression)")
def _map(budget: Budget, items: Any, each: Each) -> list[Any]:
    """The expression's value for each element."""
    budget.elements(len(as_list(items)))
    return [each(item) for item in items]


@function("filter(list, condition)")
def _filter(budget: Budget, items: Any, each: Each) -> list[Any]:
    """The elements for which the condition is truthy."""
    budget.elements(len(as_list(items)))
    return [item for item in items if each(item)]


@function("find(list, condition)")
def _find(budget: Budget, items: Any, each: Each) -> Any:
    """The first element for which the condition is truthy, or null."""
    budget.visit(len(as_list(items)))
    return next((item for item in items if each(item)), None)


@function("any(list, condition)")
def _any(budget: Budget, items: Any, each: Each = bool) -> bool:
    """Whether the condition is truthy for an element."""
    budget.visit(len(as_list(items)))
    return any(each(item) for item in items)


@function("all(list, condition)")
def _all(budget: Budget, items: Any, each: Each = bool) -> bool:
    """Whether the condition is truthy for every element."""
    budget.visit(len(as_list(items)))
    return all(each(item) for item in items)


@function("count(list, condition)")
def _count(budget: Budget, items: Any, each: Each | None = None) -> int:
    """How many elements there are, or for how many the condition is truthy."""
    budget.visit(len(as_list(items)))
    return len(items) if each is None else sum(1 for item in items if each(item))


@function("sort(list, key)")
def _sort(budget: Budget, items: Any, each: Each | None = None) -> list[Any]:
    """The elements in ascending order of the key: all numbers or all strings. Stable."""
    rounds = max(1, len(as_list(items)).bit_length())
    budget.build(LIST + 16 * len(items))
    budget.visit(len(items) * rounds >> 2)  # a comparison takes a fraction of a step
    keys = items if each is None else [each(item) for item in items]
    kinds = {kind(key) for key in keys}
    if len(kinds) > 1 or not kinds <= {"number", "string"}:
        raise EvalError(f"only numbers or strings can be sorted, got {' and '.join(sorted(kinds))}")
    if kinds == {"string"}:
        budget.visit(rounds * sum(len(key) >> 8 for key in keys))
    return [items[i] for i in sorted(range(len(items)), key=keys.__getitem__)]


@function("unique(list, key)")
def _unique(budget: Budget, items: Any, each: Each | None = None) -> list[Any]:
    """The first element for each different key."""
    budget.elements(len(as_list(items)))
    seen: dict[int, list[Any]] = {}
    result = []
    for item in items:
        key = item if each is None else each(item)
        alike = seen.setdefault(fingerprint(key, budget), [])
        if not any(equal(key, other, budget) for other in alike):
            alike.append(key)
            result.append(item)
    return result


@function("first(list)")
def _first(items: Any) -> Any:
    """The first element, or null."""
    return as_list(items)[0] if items else None


@function("last(list)")
def _last(items: Any) -> Any:
    """The last element, or null."""
    return as_list(items)[-1] if items else None


@function("reverse(list)")
def _reverse(budget: Budget, items: Any) -> list[Any]:
    """The elements from last to first."""
    budget.elements(len(as_list(items)))
    return items[::-1]  # type: ignore[no-any-return]


@function("flatten(list)")
def _flatten(budget: Budget, items: Any) -> list[Any]:
    """The elements of the lists in a list; elements that are no lists stay."""
    budget.elements(len(as_list(items)))
    result: list[Any] = []
    for item in items:
        if type(item) is list:
            budget.visit(len(item))
            budget.build(8 * len(item))
            result.extend(item)
        else:
            result.append(item)
    return result


@function("range(start, stop, step)")
def _range(budget: Budget, start: Any, stop: Any = None, step: Any = 1) -> list[int]:
    """The integers from start up to, not including, stop; range(n) starts at 0."""
    first, last = (0, as_integer(start)) if stop is None else (as_integer(start), as_integer(stop))
    stride = as_integer(step)
    if not stride:
        raise EvalError("the step cannot be 0")
    # len(range) overflows beyond 64 bits, so the count is computed.
    count = max(0, -((first - last) // stride) if stride > 0 else -((last - first) // -stride))
    budget.elements(count)
    budget.build(28 * count)
    return list(range(first, last, stride))

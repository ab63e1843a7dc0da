"""Functions of objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goflow.expressions.budget import ENTRY, MAP
from goflow.expressions.functions.registry import function, need

if TYPE_CHECKING:
    from goflow.expressions.budget import Budget

__all__: list[str] = []


@function("keys(object)")
def _keys(budget: Budget, value: Any) -> list[str]:
    """The keys of an object, in order."""
    budget.elements(len(need(value, "object")))
    return list(value)


@function("values(object)")
def _values(budget: Budget, value: Any) -> list[Any]:
    """The values of an object, in order."""
    budget.elements(len(need(value, "object")))
    return list(value.values())


@function("entries(object)")
def _entries(budget: Budget, value: Any) -> list[dict[str, Any]]:
    """The entries of an object, each as {"key": …, "value": …}."""
    budget.elements(len(need(value, "object")))
    budget.build(232 * len(value))
    return [{"key": key, "value": item} for key, item in value.items()]


@function("merge(object, …)")
def _merge(budget: Budget, *objects: Any) -> dict[str, Any]:
    """One object with the entries of all; later ones win."""
    budget.build(MAP)
    result: dict[str, Any] = {}
    for value in objects:
        budget.visit(len(need(value, "object")))
        budget.build(ENTRY * len(value))
        result.update(value)
    return result

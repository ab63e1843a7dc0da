"""How deep a value may nest that a node came to."""

from __future__ import annotations

from typing import Any

from goflow._core.copies import nests_deeper
from goflow.errors import NodeFailed
from goflow.expressions.values import MAX_NESTING

__all__ = ["CONTAINERS", "check_depth"]

CONTAINERS = frozenset((dict, list))
"""Types of values that nest: no other needs to be checked."""


def check_depth(value: Any) -> None:
    """Raise ``NodeFailed`` for a value whose lists and maps nest deeper than ``MAX_NESTING``.

    Such a value can grow where each iteration of a loop puts it into another; neither JSON nor
    Python's own recursion would carry it. Linear in the value, some nanoseconds an element: a
    small part of what writing it to the history costs.
    """
    if nests_deeper(value, MAX_NESTING):
        failed = NodeFailed(
            f"its value nests deeper than {MAX_NESTING} levels",
            hint="a loop that puts a variable into itself makes it deeper each time: "
            "append(list, item) keeps it flat",
        )
        failed.code = "validation_error"
        raise failed

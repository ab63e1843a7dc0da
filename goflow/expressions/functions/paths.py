"""Functions of paths, which have slashes, as texts; nothing is looked up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goflow.expressions.functions.registry import as_text, function

if TYPE_CHECKING:
    from goflow.expressions.budget import Budget

__all__: list[str] = []


@function("path.basename(path)")
def _basename(budget: Budget, value: Any) -> str:
    """What follows the last slash."""
    budget.text(as_text(value))
    return value.rpartition("/")[2]  # type: ignore[no-any-return]


@function("path.dirname(path)")
def _dirname(budget: Budget, value: Any) -> str:
    """What precedes the last slash."""
    budget.text(as_text(value))
    head, slash, _ = as_text(value).rpartition("/")
    return head or slash


@function("path.ext(path)")
def _ext(budget: Budget, value: Any) -> str:
    """The extension with its dot, or nothing."""
    budget.text(as_text(value))
    stem, dot, extension = value.rpartition("/")[2].rpartition(".")
    return dot + extension if stem.strip(".") else ""


@function("path.join(part, …)")
def _path_join(budget: Budget, *parts: Any) -> str:
    """The parts with one slash between them; a part that begins with a slash starts over."""
    result = ""
    for part in parts:
        budget.text(result)
        budget.text(as_text(part))
        if part.startswith("/") or not result:
            result = part
        else:
            result += part if result.endswith("/") else f"/{part}"
    return result

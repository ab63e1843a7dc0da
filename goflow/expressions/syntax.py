"""The syntax tree of an expression: what the grammar makes and the compiler reads.

Every node carries ``at``, the 0-based character offset in the source that an error points at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "Binary",
    "Call",
    "Choice",
    "Expr",
    "Index",
    "ListOf",
    "Literal",
    "MapOf",
    "Member",
    "Name",
    "Path",
    "Project",
    "Slice",
    "Unary",
    "children",
    "walk",
]


class _Node(msgspec.Struct, frozen=True, gc=False):
    at: int


class Literal(_Node, frozen=True, gc=False):
    """A number, string, boolean or null."""

    value: Any


class Name(_Node, frozen=True, gc=False):
    """A variable, a reserved name, ``#`` (the element) or ``$`` (the input)."""

    name: str


class Member(_Node, frozen=True, gc=False):
    """``target.key``, or ``target?.key`` when ``safe``."""

    target: Expr
    key: str
    safe: bool


class Index(_Node, frozen=True, gc=False):
    """``target[index]``."""

    target: Expr
    index: Expr


class Slice(_Node, frozen=True, gc=False):
    """``target[start:stop]``; either end may be absent."""

    target: Expr
    start: Expr | None
    stop: Expr | None


class Project(_Node, frozen=True, gc=False):
    """``target[*]`` followed by ``tail``, an expression over ``Name("*")``, the one element."""

    target: Expr
    tail: Expr


class Path(_Node, frozen=True, gc=False):
    """A JSONPath, ``text``, applied to ``target``, the input ``$``."""

    target: Expr
    text: str


class Unary(_Node, frozen=True, gc=False):
    """``-operand`` or ``not operand``."""

    operator: str
    operand: Expr


class Binary(_Node, frozen=True, gc=False):
    """``left operator right``; ``and or ??`` evaluate the right side only when they need it."""

    operator: str
    left: Expr
    right: Expr


class Choice(_Node, frozen=True, gc=False):
    """``test ? then : other``."""

    test: Expr
    then: Expr
    other: Expr


class Call(_Node, frozen=True, gc=False):
    """``function(arguments…)``; a pipe is a call with its left side first."""

    function: str
    arguments: tuple[Expr, ...]


class ListOf(_Node, frozen=True, gc=False):
    """``[a, b]``."""

    items: tuple[Expr, ...]


class MapOf(_Node, frozen=True, gc=False):
    """``{"k": v}``."""

    items: tuple[tuple[str, Expr], ...]


Expr: TypeAlias = (
    Literal
    | Name
    | Member
    | Index
    | Slice
    | Project
    | Path
    | Unary
    | Binary
    | Choice
    | Call
    | ListOf
    | MapOf
)


def children(node: Expr) -> tuple[Expr, ...]:
    """The direct sub-expressions of ``node``, in source order."""
    if isinstance(node, (Literal, Name)):
        return ()
    if isinstance(node, (Member, Path)):
        return (node.target,)
    if isinstance(node, Index):
        return (node.target, node.index)
    if isinstance(node, Slice):
        return tuple(part for part in (node.target, node.start, node.stop) if part is not None)
    if isinstance(node, Project):
        return (node.target, node.tail)
    if isinstance(node, Unary):
        return (node.operand,)
    if isinstance(node, Binary):
        return (node.left, node.right)
    if isinstance(node, Choice):
        return (node.test, node.then, node.other)
    if isinstance(node, Call):
        return node.arguments
    if isinstance(node, ListOf):
        return node.items
    return tuple(value for _, value in node.items)


def walk(node: Expr) -> Iterator[Expr]:
    """``node`` and everything below it, parents first."""
    yield node
    for child in children(node):
        yield from walk(child)

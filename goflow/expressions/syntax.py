"""The syntax tree of an expression: what the grammar makes and the compiler reads.

Every node carries ``at``, the 0-based character offset in the source that an error points at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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
    return _CHILDREN[type(node)](node)


_CHILDREN: dict[type, Callable[[Any], tuple[Expr, ...]]] = {
    Literal: lambda node: (),
    Name: lambda node: (),
    Member: lambda node: (node.target,),
    Path: lambda node: (node.target,),
    Index: lambda node: (node.target, node.index),
    Slice: lambda node: tuple(
        part for part in (node.target, node.start, node.stop) if part is not None
    ),
    Project: lambda node: (node.target, node.tail),
    Unary: lambda node: (node.operand,),
    Binary: lambda node: (node.left, node.right),
    Choice: lambda node: (node.test, node.then, node.other),
    Call: lambda node: node.arguments,
    ListOf: lambda node: node.items,
    MapOf: lambda node: tuple(value for _, value in node.items),
}


def walk(node: Expr) -> Iterator[Expr]:
    """``node`` and everything below it, parents first."""
    stack = [node]
    while stack:
        node = stack.pop()
        yield node
        stack += children(node)[::-1]

"""What an expression reads, found in one walk through its tree and kept with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from goflow.expressions.syntax import Binary, Literal, Member, Name, Unary, children

if TYPE_CHECKING:
    from goflow.expressions.syntax import Expr

__all__ = ["Facts", "facts_of"]


class Facts(NamedTuple):
    """Each with its offset in the source.

    ``names`` are variables and reserved names, elements left out; ``nodes``, ``inputs`` and ``run``
    the members that ``nodes.…``, ``inputs.…`` and ``run.…`` name, ``records`` those that
    ``nodes.ID.…`` does. ``typed`` when the types of values may make a difference.
    """

    names: tuple[tuple[str, int], ...]
    nodes: tuple[tuple[str, int], ...]
    inputs: tuple[tuple[str, int], ...]
    run: tuple[tuple[str, int], ...]
    records: tuple[tuple[str, int], ...]
    typed: bool


_KEPT = 4096
_known: dict[int, tuple[Expr, Facts]] = {}
"""By the identity of trees, which are kept too, so that no other takes their place."""


def facts_of(tree: Expr) -> Facts:
    """The facts of a tree. Linear in its size the first time."""
    known = _known.get(id(tree))
    if known is not None:
        return known[1]
    facts = _walked(tree)
    if len(_known) >= _KEPT:
        _known.clear()
    _known[id(tree)] = (tree, facts)
    return facts


def _walked(tree: Expr) -> Facts:
    names: list[tuple[str, int]] = []
    members: dict[str, list[tuple[str, int]]] = {"nodes": [], "inputs": [], "run": []}
    records: list[tuple[str, int]] = []
    typed = False
    stack = [tree]
    while stack:
        node = stack.pop()
        kind = type(node)
        if kind is Literal:
            continue
        if isinstance(node, Name):
            if node.name not in ("#", "*"):
                names.append((node.name, node.at))
            continue
        if isinstance(node, Member):
            typed = True
            target = node.target
            if isinstance(target, Name) and target.name in members:
                members[target.name].append((node.key, node.at))
            elif isinstance(target, Member) and getattr(target.target, "name", "") == "nodes":
                records.append((node.key, node.at))
        elif kind is Binary or kind is Unary:
            typed = True
        below = children(node)
        stack += below[::-1]
    return Facts(
        tuple(names),
        tuple(members["nodes"]),
        tuple(members["inputs"]),
        tuple(members["run"]),
        tuple(records),
        typed,
    )

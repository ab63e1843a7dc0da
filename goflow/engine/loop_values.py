"""Which loops must keep what each iteration wrote, because something can read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goflow.expressions import syntax
from goflow.workflow.fields import Findings
from goflow.workflow.model import LoopNode
from goflow.workflow.reads import edge_reads, node_reads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goflow.workflow.structure import Structure

__all__ = ["shown"]

_COUNTS = frozenset(("iteration_count", "broken", "break_index"))


def shown(structure: Structure) -> frozenset[str]:
    """The ids of those loops: an expression reads their value, and not just its counts.

    The value of a loop within another is part of what that one shows.
    """
    loops = [node for node in structure.nodes.values() if isinstance(node, LoopNode)]
    if not loops:
        return frozenset()
    whole: set[str] = set()
    for tree in _trees(structure):
        whole |= _read_whole(tree)
    found = {loop.id for loop in loops if loop.output in whole or f"nodes.{loop.id}" in whole}
    for loop in loops:
        if loop.output is not None and any(
            owner.id in found or (owner.output in whole or f"nodes.{owner.id}" in whole)
            for owner in structure.owners(loop.id)
        ):
            found.add(loop.id)
    return frozenset(found)


def _trees(structure: Structure) -> Iterator[syntax.Expr]:
    nowhere = Findings(None)
    for node in structure.nodes.values():
        for read in node_reads(node, (), nowhere):
            yield read.tree
    for edge in structure.workflow.edges:
        for read in edge_reads(edge, (), nowhere):
            yield read.tree


def _read_whole(tree: syntax.Expr) -> set[str]:
    """The names, and ``nodes.<id>``, that are read as more than a count of a loop."""
    found = set()
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, syntax.Member):
            if isinstance(node.target, syntax.Name):
                if node.target.name == "nodes":
                    found.add(f"nodes.{node.key}")
                elif node.key not in _COUNTS:
                    found.add(node.target.name)
                continue
        elif isinstance(node, syntax.Name):
            found.add(node.name)
        stack.extend(syntax.children(node))
    return found

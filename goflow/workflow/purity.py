"""Whether a transform gives the same each time it reads the same, and what it reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from goflow.expressions.compile import INPUT
from goflow.expressions.facts import facts_of
from goflow.expressions.functions import FUNCTIONS
from goflow.expressions.syntax import Call, Member, Name, children
from goflow.workflow.fields import Findings
from goflow.workflow.reads import node_reads

if TYPE_CHECKING:
    from collections.abc import Iterable

    from goflow.expressions.syntax import Expr
    from goflow.workflow.model import TransformNode

__all__ = ["Reads", "reads_of"]


class Reads(NamedTuple):
    """What a pure transform reads: variables, and the nodes of ``nodes.…``, by name."""

    variables: tuple[str, ...]
    nodes: tuple[str, ...]


def reads_of(node: TransformNode) -> Reads | None:
    """What a transform reads; None unless the same values always give the same.

    ``now``, ``uuid``, ``run.…``, and how and how often a node ran, differ from run to run.
    """
    own = {"input", INPUT} if node.input is not None else set()
    variables: dict[str, None] = {}
    nodes: dict[str, None] = {}
    for read in node_reads(node, (), Findings(None)):
        if read.within[:1] not in (("input",), ("expression",)):
            continue
        if not _is_pure(read.tree):
            return None
        facts = facts_of(read.tree)
        names = [name for name, _ in facts.names]
        if "run" in names or names.count("nodes") != len(facts.nodes):
            return None
        variables.update(dict.fromkeys(n for n in names if n != "nodes" and n not in own))
        nodes.update(dict.fromkeys(name for name, _ in facts.nodes))
    return Reads(tuple(variables), tuple(nodes))


def _is_pure(tree: Expr) -> bool:
    return all(
        not (isinstance(part, Call) and not FUNCTIONS[part.function].pure)
        and not (isinstance(part, Member) and _is_timing(part))
        for part in _parts(tree)
    )


def _is_timing(member: Member) -> bool:
    """Whether it is ``nodes.….duration`` or its like."""
    target = member.target
    return (
        member.key in ("duration", "attempts", "status")
        and isinstance(target, Member)
        and isinstance(target.target, Name)
        and target.target.name == "nodes"
    )


def _parts(tree: Expr) -> Iterable[Expr]:
    stack = [tree]
    while stack:
        part = stack.pop()
        yield part
        stack += children(part)

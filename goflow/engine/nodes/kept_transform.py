"""``transform`` with a cache policy of its own: found by what it reads, kept if it was costly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from goflow.engine.nodes import Answer
from goflow.engine.nodes.transform import TransformWork
from goflow.expressions.compile import INPUT, RAW
from goflow.expressions.facts import facts_of
from goflow.expressions.functions import FUNCTIONS
from goflow.expressions.syntax import Call, Member, Name, children
from goflow.results.key import transform_key
from goflow.workflow.fields import Findings
from goflow.workflow.reads import node_reads

if TYPE_CHECKING:
    from collections.abc import Iterable

    from goflow.engine.resources import Resources
    from goflow.engine.sending import Sending
    from goflow.expressions.compile import Env
    from goflow.expressions.syntax import Expr
    from goflow.results.key import ResultKey
    from goflow.results.results import Results
    from goflow.workflow.model import CachePolicy, TransformNode

__all__ = ["KEEP_FROM", "KeptTransformWork", "reads_of"]

KEEP_FROM = 0.001
"""Seconds of computing from which on a result is kept: looking one up takes a tenth of that."""


class Reads(NamedTuple):
    """What a pure transform reads: variables, and the nodes of ``nodes.…``, by name."""

    variables: tuple[str, ...]
    nodes: tuple[str, ...]


class Request(NamedTuple):
    """What is read, for the key, and where it is read from: the variables as they are now."""

    reads: dict[str, Any]
    env: Env


class KeptTransformWork:
    """Computes as ``TransformWork`` does, in a task, when no result is kept.

    Asked for by a node's own policy only: most transforms take less time than a key does.
    """

    __slots__ = ("_node", "_reads", "_work")

    waits = False
    keep_from = KEEP_FROM

    def __init__(self, node: TransformNode, reads: Reads, *, strict: bool = False) -> None:
        self._node = node
        self._reads = reads
        self._work = TransformWork(node, strict=strict)

    def prepare(self, env: Env) -> Request:
        """What it reads, as it is now."""
        raws = env[RAW]
        reads: dict[str, Any] = {}
        for name in self._reads.variables:
            if name in env:
                value = env[name]
                reads[name] = value if raws.get(name) is None else [value, raws[name]]
        for name in self._reads.nodes:
            node = env["nodes"].member(name)
            reads[f"nodes.{name}"] = [node["output"], node["error"], env["nodes"].raw(name)]
        own = env.copy()
        own[RAW] = raws.copy()
        return Request(reads, own)

    def key(
        self,
        request: Request,
        policy: CachePolicy,
        within: str | None,
        results: Results,
        schema: str,
    ) -> ResultKey:
        """What a kept result is found by; raises ``NotJson``."""
        node = self._node
        return transform_key(
            expression=[node.expression, node.input],
            kind=node.kind,
            reads=request.reads,
            version=policy.version,
            within=within,
        )

    def given(self, request: Request) -> Any:
        """The names that it reads."""
        return {"reads": sorted(request.reads)}

    async def attempt(
        self,
        request: Request,
        resources: Resources,
        timeout: float | None,
        sending: Sending | None,
    ) -> Answer:
        """Compute it; raises ``ExpressionError``."""
        return Answer(self._work.now(request.env))

    def harmless(self, resources: Resources) -> bool:
        """Computing it again is always harmless."""
        return True

    async def repeatable(self, resources: Resources) -> bool:
        """Computing it again is always harmless."""
        return True


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

"""``transform`` with a cache policy of its own: found by what it reads, kept if it was costly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from goflow.engine.nodes import Answer
from goflow.engine.nodes.transform import TransformWork
from goflow.expressions.compile import RAW
from goflow.results.key import transform_key

if TYPE_CHECKING:
    from goflow.engine.resources import Resources
    from goflow.engine.sending import Sending
    from goflow.expressions.compile import Env
    from goflow.results.key import ResultKey
    from goflow.results.results import Results
    from goflow.workflow.model import CachePolicy, TransformNode
    from goflow.workflow.purity import Reads

__all__ = ["KEEP_FROM", "KeptTransformWork"]

KEEP_FROM = 0.001
"""Seconds of computing from which on a result is kept: looking one up takes a tenth of that."""


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

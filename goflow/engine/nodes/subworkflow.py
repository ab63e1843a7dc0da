"""``workflow``: another workflow's run as one node."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from goflow.engine.inputs import bind
from goflow.engine.nodes import Answer
from goflow.errors import NodeFailed, NodeTimeout
from goflow.expressions.text import fill

if TYPE_CHECKING:
    from goflow.engine.plan import Plan
    from goflow.engine.resources import Resources
    from goflow.expressions.compile import Env
    from goflow.workflow.model import SubworkflowNode

__all__ = ["SubworkflowWork"]


class SubworkflowWork:
    """Runs ``plan`` with inputs of its own; its result is the value."""

    __slots__ = ("_inputs", "plan")

    def __init__(self, node: SubworkflowNode, plan: Plan, *, strict: bool = False) -> None:
        self.plan = plan
        self._inputs, _ = fill(node.inputs, strict=strict)

    def prepare(self, env: Env) -> dict[str, Any]:
        """Its variables; raises ``ExpressionError`` and ``InputError``."""
        return bind(self.plan.workflow, self._inputs(env))

    async def attempt(
        self, request: dict[str, Any], resources: Resources, timeout: float | None
    ) -> Answer:
        """Run it once, within ``timeout`` seconds; raises ``NodeFailed`` unless it completes."""
        from goflow.engine.run import Run  # noqa: PLC0415 - a run has nodes, and these have runs

        run = Run(self.plan, request, resources)
        try:
            result = await asyncio.wait_for(run.wait(), timeout)
        except asyncio.TimeoutError:
            raise NodeTimeout(
                f"the workflow {self.plan.workflow.name!r} took longer than {timeout:g} s",
                seconds=timeout or 0.0,
            ) from None
        if result.completed:
            return Answer(result.result)
        error = result.error or {}
        where = f"node {error['node']!r}: " if "node" in error else ""
        message = error.get("message", f"it was {result.status}")
        failed = NodeFailed(
            f"the workflow {result.workflow!r} failed: {where}{message}", hint=error.get("hint")
        )
        failed.code = error.get("code", failed.code)
        raise failed

    async def repeatable(self, resources: Resources) -> bool:
        """Its nodes may have had effects."""
        return False

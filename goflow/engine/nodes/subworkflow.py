"""``workflow``: another workflow's run as one node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goflow.engine import events
from goflow.engine.inputs import bind
from goflow.engine.nodes import Answer
from goflow.errors import NodeFailed
from goflow.expressions.text import fill

if TYPE_CHECKING:
    from goflow.engine.attempts import Attempts
    from goflow.engine.plan import Plan
    from goflow.engine.resources import Resources
    from goflow.engine.scope import Scope
    from goflow.expressions.compile import Env
    from goflow.workflow.model import SubworkflowNode

__all__ = ["SubworkflowWork"]


class SubworkflowWork:
    """Runs ``plan`` with inputs of its own; its result is the value."""

    __slots__ = ("_inputs", "id", "plan")

    waits = True

    def __init__(self, node: SubworkflowNode, plan: Plan, *, strict: bool = False) -> None:
        self.id = node.id
        self.plan = plan
        self._inputs, _ = fill(node.inputs, strict=strict)

    def prepare(self, env: Env) -> dict[str, Any]:
        """Its variables; raises ``ExpressionError`` and ``InputError``."""
        return bind(self.plan.workflow, self._inputs(env))

    def given(self, request: dict[str, Any]) -> Any:
        """Its variables."""
        return request

    async def run(self, request: dict[str, Any], scope: Scope, attempts: Attempts) -> Answer:
        """Run it once; raises ``NodeFailed`` unless it completes."""
        from goflow.engine.run import Run  # noqa: PLC0415 - a run has nodes, and these have runs

        plan = self.plan
        nodes = len(plan) - len(plan.members)
        attempts.emit(events.SubworkflowStarted, self.id, plan.workflow.name, nodes, scope.path)
        context = attempts.context.inside(self.id, scope.path)
        run = Run(plan, request, context)
        try:
            await run.wait()
        finally:
            result = run.result()  # of what it did not reach it says so
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

"""What each node type does when it runs: one file a type, compiled once for all runs of a plan.

A node's work is one of two kinds. ``NowWork`` gives its value at once, without a task;
``LaterWork`` prepares a request from the environment and may then be attempted several times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from goflow.errors import BadCall
from goflow.workflow.model import (
    ConditionNode,
    EndNode,
    Node,
    PassthroughNode,
    StartNode,
    ToolNode,
    TransformNode,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goflow.expressions.compile import Env
    from goflow.servers.config import ServerConfig
    from goflow.servers.connections import Connections

__all__ = ["Answer", "LaterWork", "NowWork", "Work", "compile_node"]


class Answer(NamedTuple):
    """A node's value, and the raw tool result it came from, if any."""

    value: Any
    raw: dict[str, Any] | None = None


class NowWork(Protocol):
    """Work that is done by computing."""

    def now(self, env: Env) -> Any:
        """The node's value; raises ``ExpressionError``."""


class LaterWork(Protocol):
    """Work that waits for something."""

    def prepare(self, env: Env) -> Any:
        """The request, with everything it needs of the run; raises ``ExpressionError``."""

    async def attempt(
        self, request: Any, connections: Connections, timeout: float | None
    ) -> Answer:
        """Do it once, within ``timeout`` seconds; raises a ``GoFlowError`` when it fails."""

    async def repeatable(self, connections: Connections) -> bool:
        """Whether doing it again is harmless although nobody knows if it was done."""


Work = NowWork | LaterWork


class _Nothing:
    """Start nodes and joins: nothing to do, and null for a value."""

    def now(self, env: Env) -> Any:
        return None


def compile_node(node: Node, servers: Mapping[str, ServerConfig], *, strict: bool = False) -> Work:
    """The work of one node; raises ``ExpressionError`` for text that does not parse."""
    # A node type's module is imported when the first workflow needs it.
    if isinstance(node, ToolNode):
        from goflow.engine.nodes.tool import ToolWork  # noqa: PLC0415

        return ToolWork(node, servers[node.server], strict=strict)
    if isinstance(node, TransformNode):
        from goflow.expressions.transform import is_jq  # noqa: PLC0415

        if is_jq(node.expression, node.kind):
            from goflow.engine.nodes.jq import JqWork  # noqa: PLC0415

            return JqWork(node, strict=strict)
        from goflow.engine.nodes.transform import TransformWork  # noqa: PLC0415

        return TransformWork(node, strict=strict)
    if isinstance(node, ConditionNode):
        from goflow.engine.nodes.condition import ConditionWork  # noqa: PLC0415

        return ConditionWork(node, strict=strict)
    if isinstance(node, EndNode):
        from goflow.engine.nodes.end import EndWork  # noqa: PLC0415

        return EndWork(node, strict=strict)
    if isinstance(node, (StartNode, PassthroughNode)):
        return _Nothing()
    raise BadCall(f"this release does not run {node.type!r} nodes yet")

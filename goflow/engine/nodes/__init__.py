"""What each node type does when it runs: one file a type, compiled once for all runs of a plan.

A node's work is one of three kinds. ``NowWork`` gives its value at once, without a task;
``LaterWork`` prepares a request from the environment and may then be attempted several times;
``OwnerWork`` has members that do it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

import msgspec

from goflow.workflow.model import (
    ConditionNode,
    EndNode,
    FunctionNode,
    LoopNode,
    Node,
    ParallelNode,
    SubworkflowNode,
    ToolNode,
    TransformNode,
)

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable, Mapping

    from goflow.engine.attempts import Attempts
    from goflow.engine.plan import Plan
    from goflow.engine.resources import Resources
    from goflow.engine.scope import Scope
    from goflow.engine.sending import Sending
    from goflow.expressions.compile import Env
    from goflow.results.key import ResultKey
    from goflow.results.results import Results
    from goflow.servers.config import ServerConfig
    from goflow.workflow.model import CachePolicy

__all__ = [
    "Answer",
    "CacheableWork",
    "Context",
    "LaterWork",
    "NowWork",
    "OwnerWork",
    "Work",
    "compile_node",
    "settle",
]


T = TypeVar("T")


class Answer(NamedTuple):
    """A node's value, and the raw tool result it came from, if any.

    ``writes`` are the variables that its members wrote: values with their raw results.
    """

    value: Any
    raw: dict[str, Any] | None = None
    writes: dict[str, Any] | None = None


class NowWork(Protocol):
    """Work that is done by computing."""

    def now(self, env: Env) -> Any:
        """The node's value; raises ``ExpressionError``."""
        ...


class LaterWork(Protocol):
    """Work that waits for something."""

    def prepare(self, env: Env) -> Any:
        """The request, with everything it needs of the run; raises ``ExpressionError``."""
        ...

    async def attempt(
        self, request: Any, resources: Resources, timeout: float | None, sending: Sending | None
    ) -> Answer:
        """Do it once, within ``timeout`` seconds; raises a ``GoFlowError`` when it fails."""
        ...

    def given(self, request: Any) -> Any:
        """What the history shows of the request, a JSON value."""
        ...

    def harmless(self, resources: Resources) -> bool:
        """Whether it is known already that doing it again changes nothing."""
        ...

    async def repeatable(self, resources: Resources) -> bool:
        """Whether doing it again is harmless although nobody knows if it was done."""
        ...


class CacheableWork(LaterWork, Protocol):
    """Work whose result may be kept."""

    def key(
        self,
        request: Any,
        policy: CachePolicy,
        within: str | None,
        results: Results,
        schema: str,
    ) -> ResultKey:
        """What a kept result is found by; raises ``NotJson``.

        ``within`` is the workflow or run it is for, ``schema`` what the server says of the tool.
        """
        ...


class OwnerWork(Protocol):
    """Work that is done by other nodes; ``waits`` when it counts as in flight itself."""

    waits: bool

    def prepare(self, env: Env) -> Any:
        """The request, with everything it needs of the run; raises ``ExpressionError``."""
        ...

    def given(self, request: Any) -> Any:
        """What the history shows of the request, a JSON value."""
        ...

    async def run(self, request: Any, scope: Scope, attempts: Attempts) -> Answer:
        """Have the members run; raises a ``GoFlowError`` when one fails."""
        ...

    async def repeatable(self, resources: Resources) -> bool:
        """Whether doing it again is harmless although nobody knows if it was done."""
        ...


Work = NowWork | LaterWork | OwnerWork


async def settle(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """What they return, in their order; the first that fails cancels the others, and is raised."""
    import asyncio  # noqa: PLC0415 - plans are made without it

    from goflow.engine.ending import until_done  # noqa: PLC0415 - likewise

    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        return list(await asyncio.gather(*tasks))
    except BaseException:
        for task in tasks:
            task.cancel()
        await until_done(asyncio.gather(*tasks, return_exceptions=True))
        raise


class _Nothing:
    """Start nodes and joins: nothing to do, and null for a value."""

    def now(self, env: Env) -> Any:
        return None


class Context(msgspec.Struct, frozen=True):
    """What compiling a node needs of its plan.

    ``shown`` are the loops whose ``iterations`` something can read; ``workflows`` are the plans of
    the workflows that it runs, by the name it calls them; ``policy`` is its cache policy.
    """

    servers: Mapping[str, ServerConfig]
    positions: Mapping[str, int]
    shown: frozenset[str]
    workflows: Mapping[str, Plan]
    strict: bool
    policy: CachePolicy | None = None


def compile_node(node: Node, context: Context) -> Work:
    """The work of one node; raises ``ExpressionError`` for text that does not parse."""
    # A node type's module is imported when the first workflow needs it.
    strict = context.strict
    if isinstance(node, ToolNode):
        from goflow.engine.nodes.tool import ToolWork  # noqa: PLC0415

        return ToolWork(node, context.servers[node.server], strict=strict)
    if isinstance(node, TransformNode):
        from goflow.expressions.transform import is_jq  # noqa: PLC0415

        if is_jq(node.expression, node.kind):
            from goflow.engine.nodes.jq import JqWork  # noqa: PLC0415

            return JqWork(node, strict=strict)
        if node.cache is not None and node.cache.mode != "off":
            from goflow.engine.nodes.kept_transform import KeptTransformWork  # noqa: PLC0415
            from goflow.workflow.purity import reads_of  # noqa: PLC0415

            reads = reads_of(node)
            if reads is not None:
                return KeptTransformWork(node, reads, strict=strict)
        from goflow.engine.nodes.transform import TransformWork  # noqa: PLC0415

        return TransformWork(node, strict=strict)
    if isinstance(node, ConditionNode):
        from goflow.engine.nodes.condition import ConditionWork  # noqa: PLC0415

        return ConditionWork(node, strict=strict)
    if isinstance(node, EndNode):
        from goflow.engine.nodes.end import EndWork  # noqa: PLC0415

        return EndWork(node, strict=strict)
    if isinstance(node, LoopNode):
        from goflow.engine.nodes.loop import LoopWork  # noqa: PLC0415

        return LoopWork(node, context.positions, shown=node.id in context.shown, strict=strict)
    if isinstance(node, ParallelNode):
        from goflow.engine.nodes.parallel import ParallelWork  # noqa: PLC0415

        return ParallelWork(node, context.positions)
    if isinstance(node, SubworkflowNode):
        from goflow.engine.nodes.subworkflow import SubworkflowWork  # noqa: PLC0415

        return SubworkflowWork(node, context.workflows[node.workflow], strict=strict)
    if isinstance(node, FunctionNode):
        from goflow.engine.nodes.function import FunctionWork  # noqa: PLC0415

        return FunctionWork(node, strict=strict)
    return _Nothing()

"""What a workflow file says, as frozen values: one class a node type, durations in seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

if TYPE_CHECKING:
    from goflow.workflow.document import Document

__all__ = [
    "ERROR_CLASSES",
    "NAME",
    "RESERVED",
    "TIMESTAMP",
    "VARIABLE_TYPES",
    "CachePolicy",
    "ConditionNode",
    "Edge",
    "EndNode",
    "FunctionNode",
    "LoopNode",
    "Node",
    "ParallelNode",
    "PassthroughNode",
    "Retry",
    "Server",
    "StartNode",
    "SubworkflowNode",
    "ToolNode",
    "TransformNode",
    "Variable",
    "Workflow",
]


ERROR_CLASSES = frozenset(
    {
        "connection_error",
        "timeout",
        "tool_error",
        "rate_limit",
        "validation_error",
        "transform_error",
        "service_unavailable",
        "bad_request",
        "unauthorized",
        "not_found",
    }
)
"""Words in ``on`` and ``skip_on`` that name a class; any other word matches the message."""


NAME = r"[A-Za-z_][A-Za-z0-9_]*"
"""What a variable's name looks like."""
RESERVED = frozenset(
    [
        "nodes",
        "run",
        "inputs",
        "input",
        "env",
        "secret",
        "true",
        "false",
        "null",
        "nil",
        "and",
        "or",
        "not",
        "in",
    ]
)
"""Words that no variable can be called."""
TIMESTAMP = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2}))?"
)
"""A time as RFC 3339 writes it; a date alone is welcome."""
VARIABLE_TYPES = ("string", "number", "boolean", "object", "array", "any")


class Variable(msgspec.Struct, frozen=True, kw_only=True):
    """A variable of the run; ``type`` is string, number, boolean, object, array or any."""

    name: str
    type: str = "any"
    default: Any = None
    has_default: bool = False
    required: bool = False
    description: str | None = None


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """A server as the file defines it, ``${env.NAME}`` not yet filled in."""

    id: str
    name: str | None = None
    description: str | None = None
    transport: str = "stdio"
    command: str | None = None
    args: tuple[str, ...] = ()
    env: dict[str, str] = {}
    cwd: str | None = None
    url: str | None = None
    headers: dict[str, str] = {}
    credential_ref: str | None = None
    credential_env: str | None = None
    timeout: float = 30.0
    connect_timeout: float = 30.0
    max_sessions: int = 1
    max_in_flight: int | None = None
    mode: str = "multiplex"
    prewarm: bool = False


class Retry(msgspec.Struct, frozen=True, kw_only=True):
    """When and how often a failed attempt is tried again; delays in seconds."""

    max_attempts: int = 1
    backoff: str = "exponential"
    initial_delay: float = 1.0
    max_delay: float = 30.0
    multiplier: float = 2.0
    jitter: bool = True
    on: tuple[str, ...] = (
        "connection_error",
        "timeout",
        "rate_limit",
        "service_unavailable",
    )
    on_given: bool = False
    skip_on: tuple[str, ...] = ()


class CachePolicy(msgspec.Struct, frozen=True, kw_only=True):
    """When a node's result may be taken from an earlier run; ``ttl`` in seconds.

    ``cache: true`` is the policy of all defaults, ``cache: false`` the one whose mode is ``off``.
    """

    ttl: float | None = None
    version: str | None = None
    ignore: tuple[str, ...] = ()
    scope: str = "shared"
    mode: str = "use"
    max_bytes: int | None = None


class Node(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What every node has; ``run_if`` is the file's ``if``.

    ``on_error`` is ``"fail"``, ``"continue"`` or ``{"value": …}``.
    """

    type: ClassVar[str] = ""
    id: str
    description: str | None = None
    output: str | None = None
    run_if: str | None = None
    timeout: float | None = None
    retry: Retry | None = None
    cache: CachePolicy | None = None
    on_error: str | dict[str, Any] = "fail"


class StartNode(Node, frozen=True, kw_only=True):
    """Where a run begins."""

    type: ClassVar[str] = "start"


class EndNode(Node, frozen=True, kw_only=True):
    """Where a run ends; ``value`` is the file's ``return``."""

    type: ClassVar[str] = "end"
    value: Any = None


class ToolNode(Node, frozen=True, kw_only=True):
    """A call of ``tool`` on ``server``; ``result`` says how its answer becomes a value."""

    type: ClassVar[str] = "mcp_tool"
    server: str
    tool: str
    parameters: dict[str, Any] = {}
    result: str = "auto"


class TransformNode(Node, frozen=True, kw_only=True):
    """A value computed from ``input`` and the variables by ``expression``, read as ``kind``."""

    type: ClassVar[str] = "transform"
    input: str | None = None
    expression: Any = None
    kind: str = "auto"


class ConditionNode(Node, frozen=True, kw_only=True):
    """A boolean that decides which of its edges are taken."""

    type: ClassVar[str] = "condition"
    condition: str


class ParallelNode(Node, frozen=True, kw_only=True):
    """Branches that run at once, each a list of member ids that run in that order.

    ``merge`` is ``wait_all``, ``wait_any`` (the first success) or ``wait_first`` (the first end).
    """

    type: ClassVar[str] = "parallel"
    branches: tuple[tuple[str, ...], ...]
    merge: str = "wait_all"
    max_parallel: int | None = None


class LoopNode(Node, frozen=True, kw_only=True):
    """Runs the members of ``body`` in order for each item of ``collection``.

    ``collection`` is the text of an expression, or a list. ``item`` names the variable of the item;
    ``<item>_index`` is its place, from 0.
    """

    type: ClassVar[str] = "loop"
    collection: str | list[Any]
    body: tuple[str, ...]
    item: str = "item"
    break_condition: str | None = None
    parallel: bool = False
    max_parallel: int | None = None


class SubworkflowNode(Node, frozen=True, kw_only=True):
    """Runs another workflow, a path or a name, with ``inputs``."""

    type: ClassVar[str] = "workflow"
    workflow: str
    inputs: dict[str, Any] = {}


class FunctionNode(Node, frozen=True, kw_only=True):
    """Calls a function that the host program registered under this name."""

    type: ClassVar[str] = "function"
    function: str
    arguments: dict[str, Any] = {}


class PassthroughNode(Node, frozen=True, kw_only=True):
    """Joins paths; its value is null."""

    type: ClassVar[str] = "passthrough"


class Edge(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """From ``source`` to ``target``, taken on success, error or always."""

    source: str
    target: str
    condition: str | None = None
    label: str | None = None
    on: str = "success"


class Workflow(msgspec.Struct, frozen=True, kw_only=True):
    """One workflow; ``document`` is the text it was read from, if any."""

    name: str
    version: str = "1.0"
    description: str | None = None
    metadata: dict[str, Any] = {}
    variables: tuple[Variable, ...] = ()
    servers: tuple[Server, ...] = ()
    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()
    timeout: float | None = None
    max_parallel: int | None = None
    cache: CachePolicy | None = None
    document: Document | None = None

    def to_yaml(self) -> str:
        """The workflow as canonical YAML, which ``load`` reads back equal.

        Raises ``BadCall`` for values that a file cannot hold. Linear in the size of the workflow.
        """
        from goflow.workflow.export import to_yaml  # noqa: PLC0415 - a run never exports

        return to_yaml(self)

    def __repr__(self) -> str:
        return f"<Workflow {self.name!r} {len(self.nodes)} nodes, {len(self.edges)} edges>"

"""A workflow as canonical YAML: the model's plain values in the order of the format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goflow.workflow.fields import duration
from goflow.workflow.model import (
    CachePolicy,
    ConditionNode,
    Edge,
    EndNode,
    FunctionNode,
    LoopNode,
    Node,
    ParallelNode,
    PassthroughNode,
    Retry,
    Server,
    StartNode,
    SubworkflowNode,
    ToolNode,
    TransformNode,
    Variable,
    Workflow,
)
from goflow.workflow.yaml_text import write

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["duration_text", "server_tree", "to_tree", "to_yaml"]


def to_yaml(workflow: Workflow) -> str:
    """The text of ``workflow``; ``load`` reads it back equal.

    Raises ``BadCall`` for a value that a file cannot hold: one that is no JSON value, a lone
    surrogate, one that nests too deeply. Linear in the size of the workflow.
    """
    return write(to_tree(workflow))


def to_tree(workflow: Workflow) -> dict[str, Any]:
    """The plain values of the canonical file: keys in their order, defaults left out."""
    return _without_defaults(
        ("version", workflow.version, None),
        ("name", workflow.name, None),
        ("description", workflow.description, None),
        ("metadata", workflow.metadata, {}),
        ("variables", [_variable(item) for item in workflow.variables], []),
        ("servers", [server_tree(item) for item in workflow.servers], []),
        ("nodes", [_node(item) for item in workflow.nodes], None),
        ("edges", [_edge(item) for item in workflow.edges], None),
        ("timeout", _seconds(workflow.timeout), None),
        ("max_parallel", workflow.max_parallel, None),
        ("cache", _cache(workflow.cache), None),
    )


# -- elements ----------------------------------------------------------------------------------

_Entry = tuple[str, Any, Any]
_ALWAYS = object()
"""The default of what is written whatever it is."""


def _without_defaults(*entries: _Entry) -> dict[str, Any]:
    """The entries (key, value, default) whose value is not their default."""
    # 1 and True are equal, and only one of them is a default.
    return {
        key: value
        for key, value, default in entries
        if value != default or type(value) is not type(default)
    }


def _variable(variable: Variable) -> dict[str, Any]:
    tree = _without_defaults(("name", variable.name, None), ("type", variable.type, "any"))
    if variable.has_default:
        tree["default"] = variable.default
    return tree | _without_defaults(
        ("required", variable.required, False),
        ("description", variable.description, None),
    )


def server_tree(server: Server) -> dict[str, Any]:
    """The plain values of one server, defaults left out."""
    return _without_defaults(
        ("id", server.id, None),
        ("name", server.name, None),
        ("description", server.description, None),
        ("transport", server.transport, "stdio"),
        ("command", server.command, None),
        ("args", list(server.args), []),
        ("env", server.env, {}),
        ("cwd", server.cwd, None),
        ("url", server.url, None),
        ("headers", server.headers, {}),
        ("credential_ref", server.credential_ref, None),
        ("credential_env", server.credential_env, None),
        ("timeout", _seconds(server.timeout), "30s"),
        ("connect_timeout", _seconds(server.connect_timeout), "30s"),
        ("max_sessions", server.max_sessions, 1),
        ("max_in_flight", server.max_in_flight, None),
        ("mode", server.mode, "multiplex"),
        ("prewarm", server.prewarm, False),
    )


def _node(node: Node) -> dict[str, Any]:
    return _without_defaults(
        ("id", node.id, None),
        ("type", node.type, None),
        ("description", node.description, None),
        *_own(node),
        *_shared(node),
    )


def _own(node: Node) -> Iterator[_Entry]:
    """What only this type of node says."""
    if isinstance(node, EndNode):
        yield "return", node.value, None
    elif isinstance(node, ToolNode):
        yield "server", node.server, None
        yield "tool", node.tool, None
        yield "parameters", node.parameters, {}
        yield "result", node.result, "auto"
    elif isinstance(node, TransformNode):
        yield "input", node.input, None
        yield "expression", node.expression, _ALWAYS  # null is one too
        yield "kind", node.kind, "auto"
    elif isinstance(node, ConditionNode):
        yield "condition", node.condition, None
    elif isinstance(node, ParallelNode):
        yield "branches", [list(branch) for branch in node.branches], None
        yield "merge", node.merge, "wait_all"
        yield "max_parallel", node.max_parallel, None
    elif isinstance(node, LoopNode):
        yield "collection", node.collection, None
        yield "item", node.item, "item"
        yield "body", list(node.body), None
        yield "break_condition", node.break_condition, None
        yield "parallel", node.parallel, False
        yield "max_parallel", node.max_parallel, None
    elif isinstance(node, SubworkflowNode):
        yield "workflow", node.workflow, None
        yield "inputs", node.inputs, {}
    elif isinstance(node, FunctionNode):
        yield "function", node.function, None
        yield "arguments", node.arguments, {}


def _shared(node: Node) -> Iterator[_Entry]:
    """What every node that does work may say."""
    if not isinstance(node, EndNode):
        yield "output", node.output, None
    if isinstance(node, (StartNode, EndNode)):
        return
    yield "if", node.run_if, None
    if not isinstance(node, PassthroughNode):
        yield "timeout", _seconds(node.timeout), None
        yield "retry", None if node.retry is None else _retry(node.retry), None
        yield "cache", _cache(node.cache), None
        yield "on_error", node.on_error, "fail"


def _retry(retry: Retry) -> dict[str, Any]:
    return _without_defaults(
        ("max_attempts", retry.max_attempts, 1),
        ("backoff", retry.backoff, "exponential"),
        ("initial_delay", _seconds(retry.initial_delay), "1s"),
        ("max_delay", _seconds(retry.max_delay), "30s"),
        ("multiplier", retry.multiplier, 2.0),
        ("jitter", retry.jitter, True),
        ("on", list(retry.on) if retry.on_given else None, None),
        ("skip_on", list(retry.skip_on), []),
    )


def _cache(policy: CachePolicy | None) -> bool | dict[str, Any] | None:
    if policy is None:
        return None
    tree = _without_defaults(
        ("ttl", _seconds(policy.ttl), None),
        ("version", policy.version, None),
        ("ignore", list(policy.ignore), []),
        ("scope", policy.scope, "shared"),
        ("mode", policy.mode, "use"),
        ("max_bytes", policy.max_bytes, None),
    )
    return False if tree == {"mode": "off"} else tree or True


def _edge(edge: Edge) -> dict[str, Any]:
    return _without_defaults(
        ("from", edge.source, None),
        ("to", edge.target, None),
        ("condition", edge.condition, None),
        ("label", edge.label, None),
        ("on", edge.on, "success"),
    )


def _seconds(value: float | None) -> str | float | None:
    return None if value is None else duration_text(value)


def duration_text(seconds: float) -> str | float:
    """``1m30s`` for 90.0; the number itself where no text reads back as exactly that."""
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    parts = [f"{count:.0f}{unit}" for count, unit in ((hours, "h"), (minutes, "m")) if count]
    last = f"{rest * 1000:.0f}ms" if 0 < rest < 1 else f"{rest:.15g}s"
    if rest or not parts:
        parts.append(last)
    for text in ("".join(parts), f"{seconds!r}s"):
        if duration(text) == seconds:
            return text
    return seconds

"""The nodes of a file: one reader a type. To add a type, add its class, its reader and its row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goflow.expressions.functions import nearest
from goflow.workflow.fields import MISSING, Fields, text_item
from goflow.workflow.load_policies import read_cache, read_on_error, read_retry
from goflow.workflow.model import (
    ConditionNode,
    EndNode,
    FunctionNode,
    LoopNode,
    Node,
    ParallelNode,
    PassthroughNode,
    StartNode,
    SubworkflowNode,
    ToolNode,
    TransformNode,
)

if TYPE_CHECKING:
    from goflow.workflow.diagnostics import Path
    from goflow.workflow.fields import Findings

__all__ = ["OUTPUT", "READERS", "read_node"]

OUTPUT = ("output", "output_variable", "output_var")
"""The names of the key that says which variable receives a node's value."""


def read_node(data: Any, path: Path, findings: Findings) -> Node:
    """One node of a file; one that cannot be read is a passthrough, so that edges still count."""
    fields = Fields(data, path, findings, "a node")
    type_ = fields.text("type", required=True)
    common: dict[str, Any] = {
        "id": fields.word(
            r"[A-Za-z0-9_.-]+", "id", required=True, hint="letters, digits, '_', '.' and '-'"
        )
        or "",
        "description": fields.text("description"),
    }
    read = READERS.get(type_)
    if read is None:
        if type_ is not None:
            known = ", ".join(READERS)
            findings.add(
                "GF108",
                f"there is no node type {type_!r}",
                (*path, "type"),
                hint=nearest(type_, READERS) or f"the types are {known}",
            )
        # What reads its result is not to blame.
        return PassthroughNode(**common, output=fields.variable(*OUTPUT))
    node: Node = read(fields, common)
    fields.finish()
    return node


def _working(fields: Fields, common: dict[str, Any], if_names: tuple[str, ...]) -> dict[str, Any]:
    """What every node that does work may say."""
    return common | {
        "output": fields.variable(*OUTPUT),
        "run_if": fields.condition(*if_names),
        "timeout": fields.timeout("timeout"),
        "retry": read_retry(fields),
        "cache": read_cache(fields),
        "on_error": read_on_error(fields),
    }


_IF = ("if", "condition")


def _start(fields: Fields, common: dict[str, Any]) -> Node:
    return StartNode(**common, output=fields.variable(*OUTPUT))


def _end(fields: Fields, common: dict[str, Any]) -> Node:
    value, _ = fields.take("return", "return_value", "output")
    return EndNode(**common, value=None if value is MISSING else value)


def _tool(fields: Fields, common: dict[str, Any]) -> Node:
    return ToolNode(
        **_working(fields, common, _IF),
        server=fields.text("server", "server_id", required=True, default=""),
        tool=fields.text("tool", "tool_name", required=True, default=""),
        parameters=fields.typed("object", "parameters", "arguments", "input", default={}),
        result=fields.one_of(
            ("auto", "raw", "text", "json", "structured"), "result", default="auto"
        ),
    )


def _transform(fields: Fields, common: dict[str, Any]) -> Node:
    expression, _ = fields.take("expression", "template")
    if expression is MISSING:
        fields.missing("expression")
        expression = None
    return TransformNode(
        **_working(fields, common, _IF),
        input=fields.text("input"),
        expression=expression,
        kind=fields.one_of(
            ("auto", "expression", "template", "jsonpath", "jq"), "kind", default="auto"
        ),
    )


def _condition(fields: Fields, common: dict[str, Any]) -> Node:
    return ConditionNode(
        **_working(fields, common, ("if",)),
        condition=fields.condition("condition", "expression", required=True) or "false",
    )


def _parallel(fields: Fields, common: dict[str, Any]) -> Node:
    return ParallelNode(
        **_working(fields, common, _IF),
        branches=fields.each(_branch, "branches", required=True),
        merge=fields.one_of(
            ("wait_all", "wait_any", "wait_first"),
            "merge",
            "merge_strategy",
            default="wait_all",
            aliases={"race": "wait_first"},
        ),
        max_parallel=fields.number("max_parallel", least=1, whole=True),
    )


def _branch(data: Any, path: Path, findings: Findings) -> tuple[str, ...]:
    if not isinstance(data, list):
        findings.add(
            "GF104",
            "a branch must be a list of node ids",
            path,
            hint=f"[{data}]" if isinstance(data, str) else None,
        )
        return ()
    members = (text_item(item, (*path, i), findings) for i, item in enumerate(data))
    return tuple(member for member in members if member is not None)


def _loop(fields: Fields, common: dict[str, Any]) -> Node:
    collection = fields.typed(("string", "array"), "collection", required=True, default=[])
    if collection == "":
        fields.findings.add("GF106", "'collection' must not be empty", (*fields.path, "collection"))
    return LoopNode(
        **_working(fields, common, _IF),
        collection=collection,
        body=fields.each(text_item, "body", required=True),
        item=fields.variable("item", "item_variable", "variable", default="item"),
        break_condition=fields.condition("break_condition"),
        parallel=fields.flag("parallel"),
        max_parallel=fields.number("max_parallel", least=1, whole=True),
    )


def _workflow(fields: Fields, common: dict[str, Any]) -> Node:
    return SubworkflowNode(
        **_working(fields, common, _IF),
        workflow=fields.text("workflow", required=True, default=""),
        inputs=fields.typed("object", "inputs", default={}),
    )


def _function(fields: Fields, common: dict[str, Any]) -> Node:
    return FunctionNode(
        **_working(fields, common, _IF),
        function=fields.text("function", required=True, default=""),
        arguments=fields.typed("object", "arguments", default={}),
    )


def _passthrough(fields: Fields, common: dict[str, Any]) -> Node:
    return PassthroughNode(**common, output=fields.variable(*OUTPUT), run_if=fields.condition(*_IF))


READERS: dict[Any, Any] = {
    "start": _start,
    "end": _end,
    "mcp_tool": _tool,
    "transform": _transform,
    "condition": _condition,
    "parallel": _parallel,
    "loop": _loop,
    "passthrough": _passthrough,
    "workflow": _workflow,
    "function": _function,
}
"""The reader of each type of node."""

"""Every expression of a workflow with its place: what a validator walks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from goflow.errors import ExpressionError
from goflow.expressions import syntax
from goflow.expressions.compile import Expression
from goflow.expressions.text import Template
from goflow.expressions.transform import PREFIX, Filled, is_jq, read_input, read_transform
from goflow.workflow.model import (
    ConditionNode,
    Edge,
    EndNode,
    FunctionNode,
    LoopNode,
    Node,
    SubworkflowNode,
    ToolNode,
    TransformNode,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goflow.expressions.bound_path import BoundPath
    from goflow.expressions.jq import JqProgram
    from goflow.expressions.syntax import Expr
    from goflow.workflow.diagnostics import Path
    from goflow.workflow.fields import Findings

__all__ = ["Read", "edge_reads", "names", "node_reads", "node_references"]


class Read(NamedTuple):
    """A tree and where its text stands, ``inside`` characters into the value at ``path``.

    ``has_input`` when ``input`` and ``$`` mean something. ``decides`` when its truth decides
    what runs.
    """

    tree: Expr
    path: Path
    has_input: bool = False
    inside: int = 0
    decides: bool = False


def node_reads(node: Node, path: Path, findings: Findings) -> Iterator[Read]:
    """The trees that ``node`` evaluates; syntax errors go to ``findings``."""
    if node.run_if is not None:
        place = findings.written(path, "if", "condition")
        yield from _expression(node.run_if, place, findings, True)
    if isinstance(node, ConditionNode):
        place = findings.written(path, "condition", "expression")
        yield from _expression(node.condition, place, findings, True)
    elif isinstance(node, ToolNode):
        yield from _filled(node.parameters, findings.written(path, *PARAMETERS), findings)
    elif isinstance(node, EndNode):
        yield from _filled(node.value, findings.written(path, *RETURN), findings)
    elif isinstance(node, TransformNode):
        yield from _transform(node, path, findings)
    elif isinstance(node, LoopNode):
        yield from _loop(node, path, findings)
    elif isinstance(node, SubworkflowNode):
        yield from _filled(node.inputs, (*path, "inputs"), findings)
    elif isinstance(node, FunctionNode):
        yield from _filled(node.arguments, (*path, "arguments"), findings)
    if isinstance(node.on_error, dict):
        yield from _filled(node.on_error["value"], (*path, "on_error", "value"), findings)


PARAMETERS = ("parameters", "arguments", "input")
RETURN = ("return", "return_value", "output")


def edge_reads(edge: Edge, path: Path, findings: Findings) -> Iterator[Read]:
    """The tree of the condition of an edge that does not leave a condition node."""
    if edge.condition is not None:
        place = findings.written(path, "condition", "when")
        yield from _expression(edge.condition, place, findings, True)


def names(tree: Expr) -> Iterator[syntax.Name]:
    """The variables and reserved names that ``tree`` reads; elements are none."""
    return (
        node
        for node in syntax.walk(tree)
        if isinstance(node, syntax.Name) and node.name not in ("#", "*")
    )


def node_references(tree: Expr) -> Iterator[tuple[str, int]]:
    """The ids in ``nodes.id`` and ``nodes["id"]``, each with its position."""
    for node in syntax.walk(tree):
        if (
            isinstance(node, syntax.Member)
            and isinstance(node.target, syntax.Name)
            and node.target.name == "nodes"
        ):
            yield node.key, node.at


def _loop(node: LoopNode, path: Path, findings: Findings) -> Iterator[Read]:
    place = (*path, "collection")
    if isinstance(node.collection, str):
        yield from _expression(node.collection, place, findings)
    else:
        yield from _filled(node.collection, place, findings)
    if node.break_condition is not None:
        yield from _expression(node.break_condition, (*path, "break_condition"), findings, True)


def _transform(node: TransformNode, path: Path, findings: Findings) -> Iterator[Read]:
    if node.input is not None:
        try:
            compiled = read_input(node.input)
        except ExpressionError as error:
            findings.expression(error, (*path, "input"))
        else:
            yield from _trees(compiled, (*path, "input"))
    place = findings.written(path, "expression", "template")
    if not isinstance(node.expression, str):
        if node.kind in ("jq", "jsonpath"):
            findings.add("GF104", f"a {node.kind} transform is text", place)
        yield from _with_input(_filled(node.expression, place, findings), node)
        return
    try:
        if is_jq(node.expression, node.kind):
            from goflow.expressions.jq import JqProgram  # noqa: PLC0415 - few workflows have one

            yield from _with_input(_trees(JqProgram(node.expression), place), node)
            return
        compiled_text = read_transform(node.expression, node.kind)
    except ExpressionError as error:
        findings.expression(error, place)
        return
    assert not isinstance(compiled_text, Filled)
    source = getattr(compiled_text, "source", node.expression)
    inside = max(0, node.expression.find(source))
    yield from _with_input(_trees(compiled_text, place, inside), node)
    self_described = node.expression.lstrip().startswith(PREFIX) or node.kind == "template"
    if isinstance(compiled_text, Template) and not self_described:
        _operators_in_text(compiled_text, place, findings)


def _with_input(reads: Iterator[Read], node: TransformNode) -> Iterator[Read]:
    return (read._replace(has_input=node.input is not None) for read in reads)


def _operators_in_text(template: Template, path: Path, findings: Findings) -> None:
    """Tell apart ``${a} + ${b}``, which is text, from the sum that was probably meant."""
    between = "".join(part.strip() for part in template.parts if isinstance(part, str))
    if between and all(character in "+-*/%<>=!&|?:() .0123456789" for character in between):
        findings.add(
            "GF305",
            "this is text with values in it, not a computation",
            path,
            hint="drop the '${' and '}' for an expression",
            severity="info",
        )


def _expression(text: str, path: Path, findings: Findings, decides: bool = False) -> Iterator[Read]:
    try:
        yield Read(Expression.of(text).tree, path, decides=decides)
    except ExpressionError as error:
        findings.expression(error, path)


def _filled(value: Any, path: Path, findings: Findings) -> Iterator[Read]:
    if isinstance(value, str):
        if "${" in value:
            try:
                yield from _trees(Template(value), path)
            except ExpressionError as error:
                findings.expression(error, path)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _filled(item, (*path, key), findings)
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from _filled(item, (*path, i), findings)


def _trees(
    compiled: Expression | Template | BoundPath | JqProgram, path: Path, inside: int = 0
) -> Iterator[Read]:
    trees = (compiled.tree,) if isinstance(compiled, Expression) else compiled.trees()
    return (Read(tree, path, inside=inside) for tree in trees)

"""Every expression of a workflow with its place: what a validator walks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from goflow.errors import ExpressionError
from goflow.expressions.compile import Expression
from goflow.expressions.facts import facts_of
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
    from collections.abc import Callable, Iterator

    from goflow.expressions.bound_path import BoundPath
    from goflow.expressions.facts import Facts
    from goflow.expressions.jq import JqProgram
    from goflow.expressions.syntax import Expr
    from goflow.workflow.diagnostics import Path
    from goflow.workflow.fields import Findings

__all__ = ["Read", "edge_reads", "node_reads"]


class Read(msgspec.Struct, frozen=True):
    """A tree with its facts, and where its text stands: ``inside`` characters into the value at
    ``within``, a path from the node or edge, in canonical keys.

    ``has_input`` when ``input`` and ``$`` mean something.
    """

    tree: Expr
    facts: Facts
    within: Path
    has_input: bool = False
    inside: int = 0


_KEPT = 4096
_known: dict[int, tuple[Node, tuple[Read, ...]]] = {}
"""The reads of nodes without mistakes, by their identity; a frozen node reads the same for ever."""


def node_reads(node: Node, path: Path, findings: Findings) -> tuple[Read, ...]:
    """The trees that ``node`` evaluates; syntax errors go to ``findings``."""
    known = _known.get(id(node))
    if known is not None:
        return known[1]
    before = len(findings.found)
    reads = tuple(_of_node(node, _Place(path, findings)))
    if len(findings.found) == before:
        if len(_known) >= _KEPT:
            _known.clear()
        _known[id(node)] = (node, reads)
    return reads


def edge_reads(edge: Edge, path: Path, findings: Findings) -> tuple[Read, ...]:
    """The tree of the condition of an edge that does not leave a condition node."""
    if edge.condition is None:
        return ()
    return tuple(_expression(edge.condition, ("condition",), _Place(path, findings)))


class _Place(msgspec.Struct, frozen=True):
    """Where a node or edge stands, and who hears of its mistakes."""

    path: Path
    findings: Findings

    def mistake(self, error: ExpressionError, within: Path) -> None:
        self.findings.expression(error, (*self.path, *within))


def _of_node(node: Node, place: _Place) -> Iterator[Read]:
    if node.run_if is not None:
        yield from _expression(node.run_if, ("if",), place)
    own = _OWN.get(type(node))
    if own is not None:
        yield from own(node, place)
    if isinstance(node.on_error, dict):
        yield from _filled(node.on_error["value"], ("on_error", "value"), place)


def _loop(node: LoopNode, place: _Place) -> Iterator[Read]:
    if isinstance(node.collection, str):
        yield from _expression(node.collection, ("collection",), place)
    else:
        yield from _filled(node.collection, ("collection",), place)
    if node.break_condition is not None:
        yield from _expression(node.break_condition, ("break_condition",), place)


def _transform(node: TransformNode, place: _Place) -> Iterator[Read]:
    if node.input is not None:
        try:
            compiled = read_input(node.input)
        except ExpressionError as error:
            place.mistake(error, ("input",))
        else:
            yield from _trees(compiled, ("input",))
    for read in _computed(node, place):
        yield msgspec.structs.replace(read, has_input=node.input is not None)


def _computed(node: TransformNode, place: _Place) -> Iterator[Read]:
    within = ("expression",)
    if not isinstance(node.expression, str):
        if node.kind in ("jq", "jsonpath"):
            at = (*place.path, *within)
            place.findings.add("GF104", f"a {node.kind} transform is text", at)
        yield from _filled(node.expression, within, place)
        return
    try:
        if is_jq(node.expression, node.kind):
            from goflow.expressions.jq import JqProgram  # noqa: PLC0415 - few workflows have one

            yield from _trees(JqProgram(node.expression), within)
            return
        compiled = read_transform(node.expression, node.kind)
    except ExpressionError as error:
        place.mistake(error, within)
        return
    assert not isinstance(compiled, Filled)
    yield from _trees(compiled, within, max(0, node.expression.find(compiled.source)))
    self_described = node.expression.lstrip().startswith(PREFIX) or node.kind == "template"
    if isinstance(compiled, Template) and not self_described:
        _operators_in_text(compiled, within, place)


def _operators_in_text(template: Template, within: Path, place: _Place) -> None:
    """Tell apart ``${a} + ${b}``, which is text, from the sum that was probably meant."""
    between = "".join(part.strip() for part in template.parts if isinstance(part, str))
    if between and all(character in "+-*/%<>=!&|?:() .0123456789" for character in between):
        place.findings.add(
            "GF305",
            "this is text with values in it, not a computation",
            (*place.path, *within),
            hint="drop the '${' and '}' for an expression",
            severity="info",
        )


_OWN: dict[type[Node], Callable[[Any, _Place], Iterator[Read]]] = {
    ConditionNode: lambda node, place: _expression(node.condition, ("condition",), place),
    TransformNode: _transform,
    LoopNode: _loop,
    ToolNode: lambda node, place: _filled(node.parameters, ("parameters",), place),
    EndNode: lambda node, place: _filled(node.value, ("return",), place),
    SubworkflowNode: lambda node, place: _filled(node.inputs, ("inputs",), place),
    FunctionNode: lambda node, place: _filled(node.arguments, ("arguments",), place),
}
"""What each type of node reads beside what all may read."""


def _expression(text: str, within: Path, place: _Place) -> Iterator[Read]:
    try:
        yield from _trees(Expression.of(text), within)
    except ExpressionError as error:
        place.mistake(error, within)


def _filled(value: Any, within: Path, place: _Place) -> Iterator[Read]:
    if isinstance(value, str):
        if "${" in value:
            try:
                yield from _trees(Template.of(value), within)
            except ExpressionError as error:
                place.mistake(error, within)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _filled(item, (*within, key), place)
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from _filled(item, (*within, i), place)


def _trees(
    compiled: Expression | Template | BoundPath | JqProgram, within: Path, inside: int = 0
) -> Iterator[Read]:
    trees = (compiled.tree,) if isinstance(compiled, Expression) else compiled.trees()
    return (Read(tree, facts_of(tree), within, inside=inside) for tree in trees)

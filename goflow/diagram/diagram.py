"""A workflow as boxes and links, coloured by a run or not; what every format is written from."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from goflow.shown import MARKS, counted, duration
from goflow.workflow.model import (
    ConditionNode,
    FunctionNode,
    LoopNode,
    ParallelNode,
    SubworkflowNode,
    ToolNode,
    TransformNode,
)
from goflow.workflow.structure import Structure, chains

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from goflow.diagram.states import State
    from goflow.workflow.model import Edge, Node, Workflow

__all__ = ["Box", "Diagram", "Link", "diagram_of"]


_BEFORE = {"mcp_tool": "", "condition": "", "transform": "", "function": "", "loop": "loop "}


class Box(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A node: its id, what it does in a few words, and how it went if a run is shown.

    ``kind`` is the node's type, or ``stack`` for nodes that stand in a grid because all of them
    have the same links; ``chains`` are its members (a stack has one chain).
    """

    id: str
    kind: str
    detail: str = ""
    state: State | None = None
    chains: tuple[tuple[Box, ...], ...] = ()

    @property
    def summary(self) -> str:
        """What it does, with its type where that does not go without saying."""
        if self.kind in ("start", "end"):
            return ""
        before = _BEFORE.get(self.kind, f"{self.kind}: ")
        return f"{before}{self.detail}" if self.detail else self.kind.replace("_", " ")

    @property
    def status(self) -> str:
        """Of the run that is shown; empty without one."""
        return "" if self.state is None else self.state.status

    @property
    def outcome(self) -> str:
        """How it went, in a few words; empty without a run."""
        state = self.state
        if state is None:
            return ""
        parts = [f"{MARKS.get(state.status, '·')} {state.status.replace('_', ' ')}"]
        if state.seconds is not None and state.status != "skipped":
            parts.append(duration(state.seconds))
        if state.times > 1:
            parts.append(f"{state.times:,} times")
        if state.attempts > state.times:
            parts.append(f"{state.attempts:,} attempts")
        return " · ".join(parts)

    def boxes(self) -> Iterator[Box]:
        """This box and all that are in it."""
        yield self
        for chain in self.chains:
            for box in chain:
                yield from box.boxes()


class Link(NamedTuple):
    """From one box to another; ``on`` is success, error or always, ``label`` its condition."""

    source: str
    target: str
    label: str = ""
    on: str = "success"


class Diagram(NamedTuple):
    """The boxes that are no members, in the file's order, and the links between them."""

    name: str
    boxes: tuple[Box, ...]
    links: tuple[Link, ...]

    def all_boxes(self) -> Iterator[Box]:
        """Every box, members after their owners."""
        for box in self.boxes:
            yield from box.boxes()


def diagram_of(workflow: Workflow, states: Mapping[str, State] | None = None) -> Diagram:
    """The diagram of a valid workflow, with the states of a run, by node id. Linear."""
    structure = Structure(workflow)

    def box(node: Node) -> Box:
        members = tuple(
            tuple(box(structure.nodes[member]) for member in chain.members)
            for chain in chains(node)
        )
        state = None if states is None else states.get(node.id)
        return Box(id=node.id, kind=node.type, detail=_detail(node), state=state, chains=members)

    return Diagram(
        workflow.name,
        tuple(map(box, structure.top)),
        tuple(map(_link, structure.edges)),
    )


def _link(edge: Edge) -> Link:
    label = edge.label or edge.condition or ""
    if edge.on != "success":
        label = f"on {edge.on}: {label}" if label else f"on {edge.on}"
    return Link(edge.source, edge.target, _line(label), edge.on)


def _detail(node: Node) -> str:
    """What a node does, in a line."""
    if isinstance(node, ToolNode):
        return f"{node.server} · {node.tool}"
    if isinstance(node, ConditionNode):
        return _line(node.condition)
    if isinstance(node, LoopNode):
        over = node.collection
        items = _line(over) if isinstance(over, str) else counted(len(over), "item")
        return f"for {node.item} in {items}" + (", at once" if node.parallel else "")
    if isinstance(node, ParallelNode):
        return f"{counted(len(node.branches), 'branch', 'branches')}, {node.merge}"
    if isinstance(node, SubworkflowNode):
        return node.workflow
    if isinstance(node, FunctionNode):
        return f"{node.function}()"
    if isinstance(node, TransformNode) and isinstance(node.expression, str):
        return _line(node.expression)
    return ""


def _line(text: str) -> str:
    return " ".join(text.split())

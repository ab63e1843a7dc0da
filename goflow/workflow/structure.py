"""How the nodes of a workflow hang together: edges between them, and chains that hold members.

A *chain* is the body of a loop or one branch of a parallel node; its node is the *owner*. Members
are no part of the graph: their owner stands there for them.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, TypeVar, cast

from goflow._core.graph import Graph
from goflow.workflow.model import Edge, LoopNode, Node, ParallelNode, Workflow

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from goflow.workflow.diagnostics import Path

__all__ = ["OWNERS", "Chain", "Structure", "chains"]


AnyNode = TypeVar("AnyNode", bound=Node)
OWNERS: tuple[type[Node], ...] = (LoopNode, ParallelNode)
"""The types of nodes that own chains."""


class Chain(NamedTuple):
    """Members in their order, and where the file lists them."""

    members: tuple[str, ...]
    path: Path


def chains(node: Node) -> tuple[Chain, ...]:
    """The chains that ``node`` owns, their paths relative to it."""
    if isinstance(node, LoopNode):
        return (Chain(node.body, ("body",)),)
    if isinstance(node, ParallelNode):
        return tuple(Chain(branch, ("branches", i)) for i, branch in enumerate(node.branches))
    return ()


class Structure:
    """The sound part of a workflow: what is left when its mistakes are taken out.

    ``nodes`` by id, ``owner`` of each member (the first that names it), ``edges`` between nodes
    that exist and are no members, each pair once for each ``on``. ``circles`` are owners that
    contained each other; one of each is no member any more. Linear.
    """

    def __init__(self, workflow: Workflow) -> None:
        self.workflow = workflow
        self.nodes: dict[str, Node] = {}
        self._of_type: dict[type[Node], list[tuple[int, Node]]] = defaultdict(list)
        for i, node in enumerate(workflow.nodes):
            self.nodes.setdefault(node.id, node)
            self._of_type[type(node)].append((i, node))
        self.owner: dict[str, str] = {}
        for _, node in self.owning():
            for chain in chains(node):
                for member in chain.members:
                    if member in self.nodes and member != node.id:
                        self.owner.setdefault(member, node.id)
        self.circles: list[list[str]] = []
        while circle := self._circle():
            self.circles.append(circle)
            del self.owner[circle[0]]
        self.edges = list(self._sound_edges())

    def _sound_edges(self) -> Iterator[Edge]:
        seen = set()
        inside = self.nodes.keys() - self.owner.keys()
        for edge in self.workflow.edges:
            key = (edge.source, edge.target, edge.on)
            if edge.source != edge.target and key not in seen:
                seen.add(key)
                if edge.source in inside and edge.target in inside:
                    yield edge

    def _circle(self) -> list[str] | None:
        """Owners that contain each other in a circle, if there are any."""
        cleared: set[str] = set()
        for start in self.owner:
            trail: dict[str, None] = {}
            node: str | None = start
            while node is not None and node not in cleared:
                if node in trail:
                    ids = list(trail)
                    circle = ids[ids.index(node) :]
                    first = circle.index(next(i for i in self.nodes if i in circle))
                    return circle[first:] + circle[:first]
                trail[node] = None
                node = self.owner.get(node)
            cleared.update(trail)
        return None

    def of_type(self, kind: type[AnyNode]) -> Sequence[tuple[int, AnyNode]]:
        """The nodes of a type, each with its place in the file; also those whose id is taken."""
        return cast("list[tuple[int, AnyNode]]", self._of_type.get(kind, []))

    def owning(self) -> Sequence[tuple[int, Node]]:
        """The nodes that own chains, as ``of_type``."""
        return sorted(pair for kind in OWNERS for pair in self._of_type.get(kind, ()))

    @cached_property
    def graph(self) -> Graph:
        """The nodes that are no members, in the file's order, with the edges between them."""
        pairs = [(edge.source, edge.target) for edge in self.edges]
        return Graph([node.id for node in self.top], pairs)

    @cached_property
    def top(self) -> list[Node]:
        """The nodes that are no members, in the file's order."""
        return [node for node in self.nodes.values() if node.id not in self.owner]

    def owners(self, node_id: str) -> Iterator[Node]:
        """The owners around a member, the nearest first."""
        while node_id in self.owner:
            node_id = self.owner[node_id]
            yield self.nodes[node_id]

    def within(self, node: Node) -> Sequence[Node]:
        """``node`` and every member below it."""
        if type(node) not in OWNERS:
            return (node,)
        found: list[Node] = []
        stack = [node]
        while stack:
            node = stack.pop()
            found.append(node)
            for chain in chains(node):
                stack += [
                    self.nodes[member]
                    for member in reversed(chain.members)
                    if self.owner.get(member) == node.id
                ]
        return found

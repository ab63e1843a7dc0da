"""How the nodes of a workflow hang together: edges between them, and chains that hold members.

A *chain* is the body of a loop or one branch of a parallel node; its node is the *owner*. Members
are no part of the graph: their owner stands there for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from goflow.workflow.model import Edge, LoopNode, Node, ParallelNode, Workflow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goflow.workflow.diagnostics import Path

__all__ = ["Chain", "Structure", "chains"]


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
        for node in workflow.nodes:
            self.nodes.setdefault(node.id, node)
        self.owner: dict[str, str] = {}
        for node in workflow.nodes:
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

    @property
    def top(self) -> list[Node]:
        """The nodes that are no members, in the file's order."""
        return [node for node in self.nodes.values() if node.id not in self.owner]

    def owners(self, node_id: str) -> Iterator[Node]:
        """The owners around a member, the nearest first."""
        while node_id in self.owner:
            node_id = self.owner[node_id]
            yield self.nodes[node_id]

    def within(self, node: Node) -> Iterator[Node]:
        """``node`` and every member below it."""
        stack = [node]
        while stack:
            node = stack.pop()
            yield node
            for chain in chains(node):
                stack += [
                    self.nodes[member]
                    for member in reversed(chain.members)
                    if self.owner.get(member) == node.id
                ]

"""What is certain when a node starts: variables set, nodes done, branches taken.

A must-analysis over the graph. A fact holds on every path to a node when each incoming edge brings
it. Beyond that, a join waits for all its inputs: what must have run above it brings its facts
although another edge does not (see ``joins``). Facts are bits of Python integers.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from goflow._core.graph import Graph
from goflow.workflow.joins import Input, Joins
from goflow.workflow.model import ConditionNode, LoopNode, Node, ParallelNode, StartNode
from goflow.workflow.structure import Structure, chains

if TYPE_CHECKING:
    from collections.abc import Iterable

    from goflow.workflow.model import Edge

__all__ = ["Certainty"]


class Certainty:
    """Answers for one acyclic workflow with one start.

    O((nodes + edges) * (variables + nodes) / 64) to build, by whole machine words.
    """

    def __init__(self, structure: Structure) -> None:
        self._structure = structure
        nodes = structure.nodes
        outputs = dict.fromkeys(node.output for node in nodes.values() if node.output is not None)
        self._set = {name: 1 << i for i, name in enumerate(outputs)}
        self._done = {node_id: 1 << i for i, node_id in enumerate(nodes, len(self._set))}
        # Two bits for each node that decides between edges: the second says the opposite.
        self._branching = {
            edge.source
            for edge in structure.edges
            if edge.on != "success" or isinstance(nodes[edge.source], ConditionNode)
        }
        first = len(self._set) + len(self._done)
        self._taken = {node_id: 1 << first + 2 * i for i, node_id in enumerate(self._branching)}
        self._opposite = sum(self._taken.values())
        self._facts: dict[str, int] = {}
        self._brings_of: dict[str, int] = {}
        self._top()
        for node in structure.top:
            if node.id in self._facts:
                self._members(node, self._facts[node.id])

    def is_set(self, name: str, node_id: str) -> bool:
        """Whether the output variable ``name`` is certainly set when the node starts.

        True for a node that no path reaches: there is nothing to warn of.
        """
        facts = self._facts.get(node_id)
        return facts is None or bool(facts & self._set.get(name, 0))

    def is_done(self, other: str, node_id: str) -> bool:
        """Whether the node ``other`` is certainly done when ``node_id`` starts."""
        facts = self._facts.get(node_id)
        return facts is None or bool(facts & self._done[other])

    def exclude(self, one: str, other: str) -> bool:
        """Whether no run has both nodes: they are behind opposite edges of a node."""
        a, b = self._facts.get(one, 0), self._facts.get(other, 0)
        return bool((a & self._opposite) << 1 & b or (b & self._opposite) << 1 & a)

    # -- what nodes and edges bring ------------------------------------------------------------

    def _brings(self, node: Node) -> int:
        """What is certain after ``node`` completed. One whose ``if`` is false sets nothing."""
        facts = self._brings_of.get(node.id)
        if facts is None:
            facts = self._done[node.id]
            if node.run_if is None:
                facts |= self._set[node.output] if node.output else 0
                facts |= self._members_bring(node)
            self._brings_of[node.id] = facts
        return facts

    def _members_bring(self, node: Node) -> int:
        if isinstance(node, ParallelNode) and node.branches:
            branches = [self._all(branch) for branch in node.branches]
            facts = branches[0]
            for branch in branches[1:]:
                facts = facts | branch if node.merge == "wait_all" else facts & branch
            return facts
        if isinstance(node, LoopNode) and isinstance(node.collection, list) and node.collection:
            return 0 if node.break_condition is not None else self._all(node.body)
        return 0

    def _all(self, members: Iterable[str]) -> int:
        facts = 0
        for member in members:
            facts |= self._brings(self._structure.nodes[member])
        return facts

    def _members(self, owner: Node, facts: int) -> None:
        """A member starts with what its owner had, and what the members before it brought."""
        for chain in chains(owner):
            known = facts
            for member in chain.members:
                node = self._structure.nodes[member]
                self._facts[member] = known
                self._members(node, known)
                known |= self._brings(node)

    def _along(self, edge: Edge) -> int:
        """What taking the edge means, beside what was certain before its source."""
        nodes = self._structure.nodes
        facts = self._brings(nodes[edge.source]) if edge.on == "success" else 0
        taken = self._taken.get(edge.source, 0)
        if edge.on == "error" or (edge.on == "success" and edge.condition == "false"):
            taken <<= 1
        if isinstance(nodes[edge.source], ConditionNode):
            decided = edge.on == "success" and edge.condition in ("true", "false")
        else:
            decided = edge.on != "always"
        return facts | (taken if decided else 0)

    # -- the graph -----------------------------------------------------------------------------

    def _top(self) -> None:
        top = self._structure.top
        edges = self._structure.edges
        index = {node.id: i for i, node in enumerate(top)}
        done = [self._done[node.id] for node in top]
        fallible = {index[edge.source] for edge in edges if edge.on != "success"}
        conditions = {i for i, node in enumerate(top) if isinstance(node, ConditionNode)}
        incoming: dict[int, list[Input]] = defaultdict(list)
        for edge in edges:
            source, success = index[edge.source], edge.on == "success"
            branch = edge.condition if success and source in conditions else None
            forced = success and edge.condition is None and source not in conditions
            sure = forced and source not in fallible
            incoming[index[edge.target]].append(
                Input(source, self._along(edge), success, sure, branch)
            )
        graph = Graph(list(index), [(edge.source, edge.target) for edge in edges])
        start = next(node.id for node in top if isinstance(node, StartNode))
        reached = {index[node_id] for node_id in graph.reachable(start)}

        joins = Joins(done, [self._brings(node) for node in top], fallible)
        joins.branch(conditions, incoming)
        for i in map(index.__getitem__, graph.order()):
            if i in reached:
                inputs = [one for one in incoming[i] if one.source in reached]
                self._facts[top[i].id] = joins.add(i, inputs)

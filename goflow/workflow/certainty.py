"""What is certain when a node starts: variables set, nodes done, branches taken.

A must-analysis over the graph. A fact holds on every path to a node when each incoming edge brings
it. Beyond that, a join waits for all its inputs: what must have run above it brings its facts
although another edge does not (see ``joins``). Facts are numbers, and what is certain at a node is
a set of them that shares what it can with those of its neighbours (see ``_core.bitset``).
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from goflow._core.bitset import BitSet
from goflow.workflow.joins import Input, Joins
from goflow.workflow.model import ConditionNode, LoopNode, Node, ParallelNode, StartNode
from goflow.workflow.structure import OWNERS, Structure, chains

if TYPE_CHECKING:
    from collections.abc import Iterable

    from goflow.workflow.model import Edge

__all__ = ["Certainty"]


class Certainty:
    """Answers for one acyclic workflow with one start.

    Costs what the sets of neighbours do not have in common: O((nodes + edges) * log nodes) time and
    memory for chains, fans and layers. At worst, in a random graph, every set is different.
    """

    def __init__(self, structure: Structure) -> None:
        self._structure = structure
        self._set: dict[str, int] = {}
        self._done: dict[str, int] = {}
        # Nodes that may fail and let the run go on.
        self._fallible = {edge.source for edge in structure.edges if edge.on != "success"}
        # Nodes that decide between edges. The fact after theirs says the opposite.
        conditions = [node.id for _, node in structure.of_type(ConditionNode)]
        self._taken = dict.fromkeys((*conditions, *self._fallible), 0)
        self._nothing = BitSet(self._number())
        self._facts: dict[str, BitSet] = {}
        self._brings_of: dict[str, BitSet] = {}
        self._top()
        for node in structure.top:
            if type(node) in OWNERS and node.id in self._facts:
                self._members(node, self._facts[node.id])

    def _number(self) -> int:
        """Number the facts, neighbours near each other: these are what sets differ in.

        Only facts that have an opposite are even with an odd one after them.
        """
        count = 0
        for node_id in self._structure.graph.order():
            for node in self._structure.within(self._structure.nodes[node_id]):
                self._done[node.id] = count
                count += 2
                if node.output is not None and node.output not in self._set:
                    self._set[node.output] = count
                    count += 2
                if node.id in self._taken:
                    self._taken[node.id] = count
                    count += 2
        return count

    def is_set(self, name: str, node_id: str) -> bool:
        """Whether the output variable ``name`` is certainly set when the node starts.

        True for a node that no path reaches: there is nothing to warn of.
        """
        return node_id not in self._facts or self.gives(name, node_id)

    def gives(self, name: str, node_id: str) -> bool:
        """``is_set``, but false for a node that no path reaches."""
        facts = self._facts.get(node_id)
        return facts is not None and name in self._set and self._set[name] in facts

    def is_done(self, other: str, node_id: str) -> bool:
        """Whether the node ``other`` is certainly done when ``node_id`` starts."""
        facts = self._facts.get(node_id)
        return facts is None or self._done[other] in facts

    def exclude(self, one: str, other: str) -> bool:
        """Whether no run has both nodes: they are behind opposite edges of a node."""
        a, b = self._facts.get(one, self._nothing), self._facts.get(other, self._nothing)
        return a.opposes(b)

    # -- what nodes and edges bring ------------------------------------------------------------

    def _brings(self, node: Node) -> BitSet:
        """What is certain after ``node`` completed. One whose ``if`` is false sets nothing."""
        facts = self._brings_of.get(node.id)
        if facts is None:
            facts = self._nothing.plus(self._done[node.id])
            if node.run_if is None:
                if node.output:
                    facts = facts.plus(self._set[node.output])
                if type(node) in OWNERS:
                    facts |= self._members_bring(node)
            self._brings_of[node.id] = facts
        return facts

    def _members_bring(self, node: Node) -> BitSet:
        if isinstance(node, ParallelNode) and node.branches:
            branches = [self._all(branch) for branch in node.branches]
            facts = branches[0]
            for branch in branches[1:]:
                facts = facts | branch if node.merge == "wait_all" else facts & branch
            return facts
        if isinstance(node, LoopNode) and isinstance(node.collection, list) and node.collection:
            return self._nothing if node.break_condition is not None else self._all(node.body)
        return self._nothing

    def _all(self, members: Iterable[str]) -> BitSet:
        facts = self._nothing
        for member in members:
            facts |= self._brings(self._structure.nodes[member])
        return facts

    def _members(self, owner: Node, facts: BitSet) -> None:
        """A member starts with what its owner had, and what the members before it brought."""
        for chain in chains(owner):
            known = facts
            for member in chain.members:
                node = self._structure.nodes[member]
                self._facts[member] = known
                self._members(node, known)
                known |= self._brings(node)

    # -- the graph -----------------------------------------------------------------------------

    def _top(self) -> None:
        structure = self._structure
        top, graph = structure.top, structure.graph
        start = next(node.id for node in top if isinstance(node, StartNode))
        reached = graph.reachable(start)
        index = {node.id: i for i, node in enumerate(top)}
        brings = [self._brings(node) for node in top]
        # What most edges mean: that their source completed.
        plain = [Input(i, facts, True) for i, facts in enumerate(brings)]
        incoming: dict[int, list[Input]] = defaultdict(list)
        for edge in structure.edges:
            if edge.source in reached:
                one = plain[index[edge.source]]
                if edge.condition is not None or edge.source in self._taken:
                    one = self._deciding(edge, one)
                incoming[index[edge.target]].append(one)
        done = [self._done[node.id] for node in top]
        fallible = {index[node_id] for node_id in self._fallible}
        joins = Joins(self._nothing, done, brings, fallible)
        joins.branch(incoming)
        for node_id in graph.order():
            if node_id in reached:
                i = index[node_id]
                self._facts[node_id] = joins.add(i, incoming[i])

    def _deciding(self, edge: Edge, plain: Input) -> Input:
        """An edge that is not taken whenever its source completes; ``plain`` if it were."""
        source = edge.source
        facts = plain.brings if edge.on == "success" else self._nothing
        asks = edge.condition is not None  # for more than which of two ways its source went
        way: int | None = None
        if isinstance(self._structure.nodes[source], ConditionNode):
            if edge.on == "success" and edge.condition in ("true", "false"):
                way = self._taken[source] + (edge.condition == "false")
                asks = source in self._fallible  # a third way out is not followed
        elif edge.on != "always" and source in self._fallible:
            way = self._taken[source] + (edge.on == "error")
        if way is not None:
            facts = facts.plus(way)
        sure = edge.on == "always" and not asks
        return Input(plain.source, facts, sure, None if asks else way)

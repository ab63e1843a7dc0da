"""What is certain when a node starts, in plain Python: every fact a bit of one integer.

The same rules as ``goflow.workflow.certainty`` and ``joins``, which keep facts in sets that share
their parts. Here each node has a set of its own, so that memory grows with the square of the nodes.
"""

from collections import defaultdict
from typing import NamedTuple

from goflow._core.graph import Graph
from goflow.workflow.model import ConditionNode, LoopNode, ParallelNode, StartNode
from goflow.workflow.structure import chains

_FEW = 16
"""Incoming edges up to which each is followed by itself, which is quadratic in their number."""
_FAR = 64
"""Nodes above a join that are looked at, at most, to find those that must have run."""


class Input(NamedTuple):
    """An edge into a node. ``brings``: what taking it means, beside what was certain before.

    ``sure`` when its source cannot run without taking it; ``branch`` of a condition: true or false.
    """

    source: int
    brings: int
    success: bool
    sure: bool
    branch: str | None


class Joins:
    """Gives what is certain before each node; nodes are added in topological order.

    ``done`` has the bit of each node, ``brings`` what is certain once it completed; ``fallible``
    are the nodes that may fail and let the run go on.
    """

    def __init__(self, done, brings, fallible):
        self._done = done
        self._brings = brings
        self._fallible = fallible
        self._before = [0] * len(done)
        self._inputs = [()] * len(done)
        self._place = {}
        # For each node, those, as bits, any of which makes it run when it completes.
        self._forcers = [0] * len(done)
        # Nodes that begin a branch, each with the condition and the node that begins the other.
        self._opposite = defaultdict(list)
        # Nodes that begin a branch, and make others run whose condition does not (yet).
        self._open = [frozenset()] * len(done)

    def branch(self, conditions, incoming):
        """Learn which nodes begin the two branches of a condition; before nodes are added."""
        targets = defaultdict(dict)
        for target, inputs in incoming.items():
            for one in inputs:
                if one.branch is not None and one.source not in self._fallible:
                    targets[one.source][one.branch] = target
        for condition, pair in targets.items():
            if pair.keys() == {"true", "false"}:
                self._opposite[pair["true"]].append((condition, pair["false"]))
                self._opposite[pair["false"]].append((condition, pair["true"]))

    def add(self, i, inputs):
        """What is certain before node ``i``, which these edges lead to."""
        self._place[i] = len(self._place)
        self._inputs[i] = inputs
        each = 1 < len(inputs) <= _FEW  # a single one has nothing to wait for
        certain = -1 if inputs else 0
        for one in inputs:
            along = self._before[one.source] | one.brings
            certain &= self._waited(along, inputs) if each else along
        if len(inputs) > _FEW:
            certain = self._waited(certain, inputs)
        self._force(i, [one.source for one in inputs if one.sure])
        self._before[i] = certain
        return certain

    def _after(self, i):
        """What is certain once node ``i`` has ended."""
        return self._before[i] | (0 if i in self._fallible else self._brings[i])

    def _waited(self, facts, inputs):
        """``facts``, and what the join waited for where these hold."""
        done, forcers = self._done, self._forcers
        sources = [one.source for one in inputs if not done[one.source] & facts]
        while sources:
            left = []
            for source in sources:
                if forcers[source] & facts:
                    facts |= self._after(source)
                else:
                    left.append(source)
            if len(left) == len(sources):
                more = facts | self._above(facts, left)
                if more == facts:
                    break
                facts = more
            sources = left
        return facts

    def _above(self, facts, sources):
        """What follows from the nodes above these of which it is open whether they run.

        Goes up as far as nodes that are certain, and gathers for each node what its running
        brings: of a condition, what both branches bring.
        """
        own = {}
        certain = set()
        region = sources.copy()
        found = set(region)
        for i in region:
            own[i] = self._after(i)
            if (self._done[i] | self._forcers[i]) & facts:
                certain.add(i)
            elif len(region) < _FAR:
                for one in self._inputs[i]:
                    if one.source not in found:
                        found.add(one.source)
                        region.append(one.source)
        if not certain:
            return 0
        branches = {}
        for i in sorted(region, key=self._place.__getitem__, reverse=True):
            gathered = own[i]
            pair = branches.get(i)
            if pair is not None and len(pair) == 2:
                gathered |= pair["true"] & pair["false"]
            if i in certain:
                facts |= gathered
                continue
            for one in self._inputs[i]:
                if one.source in own and one.source not in self._fallible:
                    if one.branch is not None:
                        branches.setdefault(one.source, {})[one.branch] = gathered
                    elif one.sure:
                        own[one.source] |= gathered
        return facts

    def _force(self, i, sources):
        """Find what makes node ``i`` run, which sure edges from ``sources`` lead to."""
        forcing = 0
        begun = {i} if i in self._opposite else set()
        for source in sources:
            forcing |= self._forcers[source] | self._done[source]
            begun |= self._open[source]
        known = forcing | self._done[i]
        fresh = list(begun)
        while fresh:
            begins = fresh.pop()
            for condition, other in self._opposite[begins]:
                if known & self._done[other] and not known & self._done[condition]:
                    known |= self._forcers[condition] | self._done[condition]
                    begun |= self._open[condition]
                    fresh += self._open[condition]
        self._forcers[i] = known & ~self._done[i]
        self._open[i] = frozenset(
            begins
            for begins in begun
            if not all(known & self._done[c] for c, _ in self._opposite[begins])
        )


class Certainty:
    """Answers for one acyclic workflow with one start.

    O((nodes + edges) * (variables + nodes) / 64) to build, by whole machine words.
    """

    def __init__(self, structure):
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
        self._facts = {}
        self._brings_of = {}
        self._top()
        for node in structure.top:
            if node.id in self._facts:
                self._members(node, self._facts[node.id])

    def is_set(self, name, node_id):
        """Whether the output variable ``name`` is certainly set when the node starts.

        True for a node that no path reaches: there is nothing to warn of.
        """
        facts = self._facts.get(node_id)
        return facts is None or bool(facts & self._set.get(name, 0))

    def is_done(self, other, node_id):
        """Whether the node ``other`` is certainly done when ``node_id`` starts."""
        facts = self._facts.get(node_id)
        return facts is None or bool(facts & self._done[other])

    def exclude(self, one, other):
        """Whether no run has both nodes: they are behind opposite edges of a node."""
        a, b = self._facts.get(one, 0), self._facts.get(other, 0)
        return bool((a & self._opposite) << 1 & b or (b & self._opposite) << 1 & a)

    # -- what nodes and edges bring ------------------------------------------------------------

    def _brings(self, node):
        """What is certain after ``node`` completed. One whose ``if`` is false sets nothing."""
        facts = self._brings_of.get(node.id)
        if facts is None:
            facts = self._done[node.id]
            if node.run_if is None:
                facts |= self._set[node.output] if node.output else 0
                facts |= self._members_bring(node)
            self._brings_of[node.id] = facts
        return facts

    def _members_bring(self, node):
        if isinstance(node, ParallelNode) and node.branches:
            branches = [self._all(branch) for branch in node.branches]
            facts = branches[0]
            for branch in branches[1:]:
                facts = facts | branch if node.merge == "wait_all" else facts & branch
            return facts
        if isinstance(node, LoopNode) and isinstance(node.collection, list) and node.collection:
            return 0 if node.break_condition is not None else self._all(node.body)
        return 0

    def _all(self, members):
        facts = 0
        for member in members:
            facts |= self._brings(self._structure.nodes[member])
        return facts

    def _members(self, owner, facts):
        """A member starts with what its owner had, and what the members before it brought."""
        for chain in chains(owner):
            known = facts
            for member in chain.members:
                node = self._structure.nodes[member]
                self._facts[member] = known
                self._members(node, known)
                known |= self._brings(node)

    def _along(self, edge):
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

    def _top(self):
        top = self._structure.top
        edges = self._structure.edges
        index = {node.id: i for i, node in enumerate(top)}
        done = [self._done[node.id] for node in top]
        fallible = {index[edge.source] for edge in edges if edge.on != "success"}
        conditions = {i for i, node in enumerate(top) if isinstance(node, ConditionNode)}
        incoming = defaultdict(list)
        for edge in edges:
            source, success = index[edge.source], edge.on == "success"
            decides = success and source in conditions and edge.condition in ("true", "false")
            branch = edge.condition if decides else None
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

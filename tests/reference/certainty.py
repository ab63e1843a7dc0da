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
_MANY = 64
"""Begun branches that are remembered for what follows a node, at most."""


class Input(NamedTuple):
    """An edge into a node. ``brings``: what taking it means, beside what was certain before.

    ``sure`` when its source cannot run without taking it. ``way``, of a node that decides: the fact
    that it went this way; ``side`` which of two that is.
    """

    source: int
    brings: int
    sure: bool
    way: int
    side: int


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
        # For each node, the facts, as bits, none of which can be without it running.
        self._forcers = [0] * len(done)
        # Nodes that begin a branch, each with who decides and the nodes that begin the other.
        self._opposite = defaultdict(list)
        # Nodes that begin a branch, and make others run which who decides does not (yet).
        self._open = [frozenset()] * len(done)

    def branch(self, incoming):
        """Learn which nodes begin the two branches of one that decides; before nodes are added."""
        targets = defaultdict(lambda: (set(), set()))
        for target, inputs in incoming.items():
            for one in inputs:
                if one.way:
                    targets[one.source][one.side].add(target)
        for decider, sides in targets.items():
            for begins, others in (sides, sides[::-1]):
                for target in begins if others else ():
                    self._opposite[target].append((decider, others))

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
        self._force(i, inputs)
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
        brings: of one that decides, what both branches bring.
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
            pair = branches.get(i, {})
            if len(pair) == 2:
                gathered |= pair[0] & pair[1]
            if i in certain:
                facts |= gathered
                continue
            for one in self._inputs[i]:
                if one.source in own and one.way:
                    pair = branches.setdefault(one.source, {})
                    pair[one.side] = pair.get(one.side, 0) | gathered | one.brings
                elif one.source in own and one.sure:
                    own[one.source] |= gathered
        return facts

    def _force(self, i, inputs):
        """Find what makes node ``i`` run, which these edges lead to."""
        forcing = 0
        begun = {i} if i in self._opposite else set()
        for one in inputs:
            if one.sure:
                forcing |= self._forcers[one.source] | self._done[one.source]
                begun |= self._open[one.source]
            else:
                forcing |= one.way
        known = forcing | self._done[i]
        fresh = list(begun)
        while fresh:
            for decider, others in self._opposite[fresh.pop()]:
                some = sum(self._done[other] for other in others)
                if known & some and not known & self._done[decider]:
                    known |= self._forcers[decider] | self._done[decider]
                    begun |= self._open[decider]
                    fresh += self._open[decider]
        self._forcers[i] = known & ~self._done[i]
        begun = frozenset(
            begins
            for begins in begun
            if not all(known & self._done[decider] for decider, _ in self._opposite[begins])
        )
        if len(begun) <= _MANY:
            self._open[i] = begun


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

    def _way(self, edge):
        """The fact that the source of the edge went that way, and which of two ways it is."""
        taken = self._taken.get(edge.source, 0)
        if isinstance(self._structure.nodes[edge.source], ConditionNode):
            decided = edge.on == "success" and edge.condition in ("true", "false")
            side = edge.condition == "false"
        else:
            decided, side = edge.on != "always", edge.on == "error"
        return (taken << side if decided else 0), int(side)

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
            way, side = self._way(edge)
            brings = way | (self._brings(top[source]) if success else 0)
            plain = edge.condition is None
            if source in conditions:
                sure = plain and edge.on == "always"
                two_ways = source not in fallible
            else:
                sure = plain and (edge.on == "always" or (success and source not in fallible))
                two_ways = plain
            incoming[index[edge.target]].append(
                Input(source, brings, sure, way if two_ways else 0, side)
            )
        graph = Graph(list(index), [(edge.source, edge.target) for edge in edges])
        start = next(node.id for node in top if isinstance(node, StartNode))
        reached = {index[node_id] for node_id in graph.reachable(start)}

        joins = Joins(done, [self._brings(node) for node in top], fallible)
        joins.branch(incoming)
        for i in map(index.__getitem__, graph.order()):
            if i in reached:
                inputs = [one for one in incoming[i] if one.source in reached]
                self._facts[top[i].id] = joins.add(i, inputs)

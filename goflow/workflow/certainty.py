"""Which variables are certainly set when a node starts: must-analysis over the acyclic graph.

A variable is set on every path to a node when each incoming edge brings it. Beyond that, a join
waits for all its inputs: an input that must have run, because something certain leads to it without
a condition, brings what it set although another edge does not. Sets are bits of Python integers.
"""

from __future__ import annotations

from collections import defaultdict

from goflow._core.graph import Graph
from goflow.workflow.model import ConditionNode, Edge, Workflow

__all__ = ["Certainty"]


class Certainty:
    """Answers for one acyclic workflow.

    O((nodes + edges) * (variables + nodes) / 64) to build, by whole machine words.
    """

    def __init__(self, workflow: Workflow, edges: list[Edge], start: str) -> None:
        nodes = workflow.nodes
        index = {node.id: i for i, node in enumerate(nodes)}
        outputs = dict.fromkeys(node.output for node in nodes if node.output is not None)
        self._bit = {name: 1 << i for i, name in enumerate(outputs)}
        # A node whose 'if' is false leaves its variable alone.
        writes = [
            self._bit[node.output] if node.output is not None and node.run_if is None else 0
            for node in nodes
        ]
        branching = {node.id for node in nodes if isinstance(node, ConditionNode)}
        incoming: dict[int, list[tuple[int, bool, bool]]] = defaultdict(list)
        fallible = {index[edge.source] for edge in edges if edge.on != "success"}
        for edge in edges:
            success = edge.on == "success"
            forced = success and edge.condition is None and edge.source not in branching
            incoming[index[edge.target]].append((index[edge.source], success, forced))
        graph = Graph(list(index), [(edge.source, edge.target) for edge in edges])
        reached = {index[node_id] for node_id in graph.reachable(start)}

        # For each node, as bits: variables set before it, nodes completed before it, and nodes any
        # of which alone makes it run.
        before = [0] * len(nodes)
        done = [0] * len(nodes)
        forcers = [0] * len(nodes)
        for i in map(index.__getitem__, graph.order()):
            edges_in = [edge for edge in incoming[i] if edge[0] in reached]
            if not edges_in or i not in reached:
                continue
            certain = done_before = -1
            for source, success, forced in edges_in:
                certain &= before[source] | (writes[source] if success else 0)
                done_before &= done[source] | (1 << source if success else 0)
                if forced and source not in fallible:
                    forcers[i] |= forcers[source] | 1 << source
            waiting = [source for source, success, _ in edges_in if success]
            again = len(waiting) > 0 and len(edges_in) > 1
            while again:
                again = False
                for source in tuple(waiting):
                    if forcers[source] & done_before and source not in fallible:
                        certain |= before[source] | writes[source]
                        done_before |= done[source] | 1 << source
                        waiting.remove(source)
                        again = True
            before[i], done[i] = certain, done_before
        self._index, self._before, self._reached = index, before, reached

    def is_set(self, name: str, node_id: str) -> bool:
        """Whether the output variable ``name`` is certainly set when the node starts.

        True for a node that no path reaches: there is nothing to warn of.
        """
        i = self._index[node_id]
        return i not in self._reached or bool(self._before[i] & self._bit.get(name, 0))

"""What ``goflow.Graph`` should answer, in plain Python: short, slow and obviously right."""

from __future__ import annotations

from collections import deque


class ReferenceGraph:
    """The graph of ``nodes`` and ``edges``; every question is answered from the definition."""

    def __init__(self, nodes, edges):
        self.nodes = list(nodes)
        self.edges = list(edges)
        self.after = {node: [] for node in self.nodes}
        self.before = {node: [] for node in self.nodes}
        for source, target in self.edges:
            self.after[source].append(target)
            self.before[target].append(source)

    def order(self):
        """Kahn's algorithm, first in first out in node order; None if there is a cycle."""
        waiting = {node: len(self.before[node]) for node in self.nodes}
        queue = deque(node for node in self.nodes if waiting[node] == 0)
        order = []
        while queue:
            node = queue.popleft()
            order.append(node)
            for target in self.after[node]:
                waiting[target] -= 1
                if waiting[target] == 0:
                    queue.append(target)
        return order if len(order) == len(self.nodes) else None

    def levels(self):
        """Nodes by the length of the longest path to them, in the order of ``order``."""
        level = {}
        groups = []
        for node in self.order():
            level[node] = max((level[source] + 1 for source in self.before[node]), default=0)
            if level[node] == len(groups):
                groups.append([])
            groups[level[node]].append(node)
        return groups

    def girth(self):
        """The length of a shortest cycle; None without one."""
        lengths = [self._distance_back_to(node) for node in self.nodes]
        return min((length for length in lengths if length is not None), default=None)

    def _distance_back_to(self, node):
        distance = {}
        queue = deque([(node, 0)])
        while queue:
            at, steps = queue.popleft()
            for target in self.after[at]:
                if target == node:
                    return steps + 1
                if target not in distance:
                    distance[target] = steps + 1
                    queue.append((target, steps + 1))
        return None

    def reachable(self, *starts, without=None):
        """The nodes on paths from ``starts`` that do not pass ``without``."""
        return self._closure(self.after, starts, without)

    def reaching(self, *ends):
        """The nodes with paths to ``ends``."""
        return self._closure(self.before, ends, None)

    @staticmethod
    def _closure(following, starts, without):
        seen = {node for node in starts if node != without}
        stack = list(seen)
        while stack:
            for node in following[stack.pop()]:
                if node not in seen and node != without:
                    seen.add(node)
                    stack.append(node)
        return seen

    def dominators(self, start):
        """Node to immediate dominator: the dominator that every other one dominates."""
        reached = self.reachable(start)
        strict = {node: set() for node in reached}
        for node in reached:
            for other in reached - self.reachable(start, without=node) - {node}:
                strict[other].add(node)
        # Dominators of a node form a chain: the nearest has the most dominators of its own.
        return {
            node: max(above, key=lambda other: len(strict[other]), default=None)
            for node, above in strict.items()
        }

"""Findings about ids, edges, paths and chains."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from goflow.expressions.functions import nearest
from goflow.workflow.model import (
    ConditionNode,
    EndNode,
    LoopNode,
    Node,
    ParallelNode,
    StartNode,
)
from goflow.workflow.structure import Structure, chains

if TYPE_CHECKING:
    from goflow.workflow.diagnostics import Path
    from goflow.workflow.fields import Findings

__all__ = ["check_structure"]


def check_structure(structure: Structure, findings: Findings) -> bool:
    """Add the findings; true when every node has its place, so that paths mean something."""
    checker = _Checker(structure, findings)
    checker.counts()
    checker.edges()
    checker.branches()
    checker.chains()
    return checker.paths()


_MEANT = {"yes": "true", "y": "true", "no": "false", "n": "false", "else": "false"}
"""Words that stand for true and false elsewhere."""


class _Checker:
    """Each method adds the findings of one subject."""

    def __init__(self, structure: Structure, findings: Findings) -> None:
        self.structure = structure
        self.workflow = structure.workflow
        self.nodes = structure.nodes
        self.add = findings.add
        self.reads_as_list = findings.reads_as_list
        self.loose = False
        """Whether a node's edges or owner are unknown, because an id in the file is wrong."""

    def counts(self) -> None:
        starts = self.structure.of_type(StartNode)
        for extra, _ in starts[1:]:
            self.add("GF201", "there is more than one start node", ("nodes", extra))
        if not starts:
            self.add("GF201", "there is no start node", ("nodes",), key=True)
        if not self.structure.of_type(EndNode):
            self.add("GF202", "there is no end node", ("nodes",), key=True)

    # -- edges ---------------------------------------------------------------------------------

    def edges(self) -> None:
        if len(self.structure.edges) == len(self.workflow.edges) and "" not in self.nodes:
            return  # all of them are sound
        seen: dict[tuple[str, str, str], int] = {}
        for i, edge in enumerate(self.workflow.edges):
            path: Path = ("edges", i)
            ends = (("from", edge.source), ("to", edge.target))
            sound = [self._end(end, (*path, key)) for key, end in ends if end]
            if not all(sound) or not (edge.source and edge.target):
                self.loose = True
                continue
            if edge.source == edge.target:
                self.add("GF204", f"the edge leads from {edge.source!r} to itself", path)
                continue
            first = seen.setdefault((edge.source, edge.target, edge.on), i)
            if first != i:
                self.add(
                    "GF205",
                    f"the edge from {edge.source!r} to {edge.target!r} is written twice: "
                    f"edges[{first}] is the same",
                    path,
                )

    def _end(self, node_id: str, path: Path) -> bool:
        if node_id not in self.nodes:
            hint = nearest(node_id, self.nodes)
            self.add("GF203", f"there is no node {node_id!r}", path, hint=hint)
            return False
        owner = self.structure.owner.get(node_id)
        if owner is not None:
            self.add(
                "GF210",
                f"{node_id!r} is a member of {owner!r}, which runs it: it has no edges",
                path,
                hint=f"let the edge begin or end at {owner!r}",
            )
            return False
        return True

    def branches(self) -> None:
        conditions = self.structure.of_type(ConditionNode)
        deciding = {node.id for _, node in conditions if node is self.nodes[node.id]}
        leaving: dict[str, list[str | None]] = defaultdict(list)
        for i, edge in enumerate(self.workflow.edges):
            if edge.source in deciding and edge.on == "success":
                leaving[edge.source].append(edge.condition)
                if edge.condition not in ("true", "false"):
                    path: Path = ("edges", i)
                    if edge.condition is not None:
                        path = (*path, "condition")
                    meant = _MEANT.get((edge.condition or "").lower())
                    self.add(
                        "GF209",
                        f"an edge leaving the condition node {edge.source!r} needs "
                        'condition: "true" or "false"',
                        path,
                        hint=f'write "{meant}"' if meant else None,
                    )
        for i, node in conditions:
            if node.id in self.structure.owner:
                continue
            found = leaving[node.id]
            if set(found) - {"true", "false"}:
                continue  # an edge that is told already may be the one that is missing
            for branch in ("true", "false"):
                count = found.count(branch)
                if count != 1:
                    self.add(
                        "GF209",
                        f"the condition node {node.id!r} needs exactly one edge with "
                        f'condition: "{branch}", and has {count or "none"}',
                        ("nodes", i),
                    )

    # -- chains --------------------------------------------------------------------------------

    def chains(self) -> None:
        taken: dict[str, str] = {}
        for i, node in self.structure.owning():
            self._shape(node, ("nodes", i))
            for chain in chains(node):
                for j, member in enumerate(chain.members):
                    self._member(node, member, ("nodes", i, *chain.path, j), taken)
        for circle in self.structure.circles:
            self.loose = True
            index = next(i for i, node in enumerate(self.workflow.nodes) if node.id == circle[0])
            self.add(
                "GF213",
                f"these contain each other: {' in '.join([*circle, circle[0]])}",
                ("nodes", index),
            )

    def _shape(self, node: Node, path: Path) -> None:
        if (
            isinstance(node, ParallelNode)
            and len(node.branches) < 2
            and self.reads_as_list((*path, "branches"))
        ):
            self.add(
                "GF214",
                f"the parallel node {node.id!r} needs at least two branches",
                (*path, "branches"),
                hint="nodes in one branch run one after the other: [[a], [b]] runs a and b at once",
                key=True,
            )
        if isinstance(node, LoopNode) and node.parallel and node.break_condition is not None:
            self.add(
                "GF217",
                "iterations that run at once cannot be broken off",
                (*path, "break_condition"),
                hint="remove 'parallel' or 'break_condition'",
            )
        for chain in chains(node):
            if not chain.members and self.reads_as_list((*path, *chain.path)):
                self.add("GF214", "this has no members: nothing would run", (*path, *chain.path))

    def _member(self, owner: Node, member: str, path: Path, taken: dict[str, str]) -> None:
        node = self.nodes.get(member)
        if node is None:
            self.loose = True
            hint = nearest(member, self.nodes)
            self.add("GF211", f"there is no node {member!r}", path, hint=hint)
        elif member == owner.id:
            self.loose = True
            self.add("GF213", f"{member!r} contains itself", path)
        elif member in taken:
            self.add(
                "GF212",
                f"{member!r} is a member of {taken[member]!r} already",
                path,
                hint="a node runs in one place; a second one needs an id of its own",
            )
        elif isinstance(node, (StartNode, EndNode)):
            what = "the start" if isinstance(node, StartNode) else "an end"
            self.add("GF215", f"{member!r} is {what} node: it cannot be a member", path)
        elif isinstance(node, ConditionNode):
            self.add(
                "GF216",
                f"{member!r} is a condition node: as a member it only records its value",
                path,
                hint="give the members after it an 'if'",
                severity="warning",
            )
        taken.setdefault(member, owner.id)

    # -- paths ---------------------------------------------------------------------------------

    def paths(self) -> bool:
        if len(self.nodes) != len(self.workflow.nodes):
            return False
        graph, members = self.structure.graph, self.structure.owner.keys()
        cycle = graph.cycle()
        if cycle:
            self._cycle(cycle)
        if self.loose:
            return False  # paths through a misspelt id are unknown, not missing
        starts, ends = self._top_ids(StartNode), self._top_ids(EndNode)
        reached = members | graph.reachable(starts) if starts else self.nodes
        leading = members | graph.reaching(ends) if ends else self.nodes
        for i, node in enumerate(self.workflow.nodes):
            if node.id not in reached:
                self.add(
                    "GF207",
                    f"no path leads from the start to {node.id!r}: it would never run",
                    ("nodes", i),
                    hint="add an edge to it, or remove it",
                )
            elif node.id not in leading:
                self.add(
                    "GF208",
                    f"no path leads from {node.id!r} to an end node",
                    ("nodes", i),
                    hint="add an edge from it to an end node",
                )
        return len(starts) == 1 and not cycle

    def _top_ids(self, kind: type[Node]) -> list[str]:
        """The nodes of a type that are no members."""
        ids = [node.id for _, node in self.structure.of_type(kind)]
        return [node_id for node_id in ids if node_id not in self.structure.owner]

    def _cycle(self, cycle: list[str]) -> None:
        first, second = cycle[0], cycle[1 % len(cycle)]
        index = next(
            i
            for i, edge in enumerate(self.workflow.edges)
            if (edge.source, edge.target) == (first, second)
        )
        self.add(
            "GF206",
            f"the edges make a cycle: {' → '.join([*cycle, first])}",
            ("edges", index),
            hint="remove one of these edges; a workflow runs each node at most once",
        )

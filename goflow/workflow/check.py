"""What the elements of a workflow mean together: ids, edges, paths, names and servers."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from goflow._core.graph import Graph
from goflow.expressions.functions import nearest
from goflow.expressions.values import kind
from goflow.workflow.certainty import Certainty
from goflow.workflow.model import ConditionNode, Edge, EndNode, StartNode, ToolNode, Workflow
from goflow.workflow.reads import Read, edge_reads, names, node_reads, node_references

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goflow.workflow.diagnostics import Path
    from goflow.workflow.fields import Findings

__all__ = ["RESERVED_READS", "check"]

RESERVED_READS = frozenset({"nodes", "run", "inputs"})
"""Names that every expression may read; ``input`` and ``$`` belong to transforms."""


def check(workflow: Workflow, findings: Findings) -> None:
    """Add every finding that needs more than one element to see."""
    _Checker(workflow, findings).run()


class _Checker:
    """One pass over the workflow; each method adds the findings of one subject."""

    def __init__(self, workflow: Workflow, findings: Findings) -> None:
        self.workflow = workflow
        self.add = findings.add
        self.findings = findings
        self.nodes = {node.id: node for node in workflow.nodes}
        self.sound_edges: list[Edge] = []
        self.loose_ends = False
        self.read_names: set[str] = set()

    def run(self) -> None:
        self._variables()
        self._servers()
        self._nodes()
        self._edges()
        self._branches()
        self._paths()
        self._expressions()
        self._unused()

    # -- declarations --------------------------------------------------------------------------

    def _unique(self, section: str, key: str, values: list[str]) -> None:
        seen: dict[str, int] = {}
        for i, value in enumerate(values):
            if value and seen.setdefault(value, i) != i:
                self.add(
                    "GF110",
                    f"{value!r} is used twice: {section}[{seen[value]}] has it too",
                    (section, i, key),
                )

    def _variables(self) -> None:
        variables = self.workflow.variables
        self._unique("variables", "name", [variable.name for variable in variables])
        for i, variable in enumerate(variables):
            given = kind(variable.default)
            if variable.has_default and variable.type not in ("any", given) and given != "null":
                self.add(
                    "GF501",
                    f"the default of {variable.name!r} must be of type {variable.type}, "
                    f"not {given}",
                    ("variables", i, "default"),
                )

    def _servers(self) -> None:
        self._unique("servers", "id", [server.id for server in self.workflow.servers])
        known = {server.id for server in self.workflow.servers}
        for i, node in enumerate(self.workflow.nodes):
            if isinstance(node, ToolNode) and node.server and node.server not in known:
                self.add(
                    "GF401",
                    f"the server {node.server!r} is not defined",
                    self._key(("nodes", i), "server", "server_id"),
                    hint=nearest(node.server, known) or "define it under 'servers'",
                )

    def _nodes(self) -> None:
        self._unique("nodes", "id", [node.id for node in self.workflow.nodes])
        starts = [i for i, node in enumerate(self.workflow.nodes) if isinstance(node, StartNode)]
        for extra in starts[1:]:
            self.add("GF201", "there is more than one start node", ("nodes", extra))
        if not starts:
            self.add("GF201", "there is no start node", ("nodes",), key=True)
        if not any(isinstance(node, EndNode) for node in self.workflow.nodes):
            self.add("GF202", "there is no end node", ("nodes",), key=True)

    # -- edges and paths -----------------------------------------------------------------------

    def _edges(self) -> None:
        seen: dict[tuple[str, str, str], int] = {}
        for i, edge in enumerate(self.workflow.edges):
            path: Path = ("edges", i)
            unknown = False
            for key, end in (("from", edge.source), ("to", edge.target)):
                if end and end not in self.nodes:
                    unknown = True
                    self.add(
                        "GF203",
                        f"there is no node {end!r}",
                        (*path, key),
                        hint=nearest(end, self.nodes),
                    )
            if unknown or not (edge.source and edge.target):
                self.loose_ends = True
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
                continue
            self.sound_edges.append(edge)

    def _branches(self) -> None:
        leaving: dict[str, list[str | None]] = defaultdict(list)
        for i, edge in enumerate(self.workflow.edges):
            if isinstance(self.nodes.get(edge.source), ConditionNode) and edge.on == "success":
                leaving[edge.source].append(edge.condition)
                if edge.condition not in ("true", "false"):
                    self.add(
                        "GF209",
                        f"an edge leaving the condition node {edge.source!r} needs "
                        'condition: "true" or "false"',
                        ("edges", i),
                    )
        for i, node in enumerate(self.workflow.nodes):
            if not isinstance(node, ConditionNode):
                continue
            count = Counter(leaving[node.id])
            for branch in ("true", "false"):
                if count[branch] != 1:
                    found = "none" if not count[branch] else str(count[branch])
                    self.add(
                        "GF209",
                        f"the condition node {node.id!r} needs exactly one edge with "
                        f'condition: "{branch}", and has {found}',
                        ("nodes", i),
                    )

    def _paths(self) -> None:
        self.certainty: Certainty | None = None
        if len(self.nodes) != len(self.workflow.nodes):
            return
        ids = list(self.nodes)
        graph = Graph(ids, [(edge.source, edge.target) for edge in self.sound_edges])
        cycle = graph.cycle()
        if cycle:
            self._cycle(cycle)
        if self.loose_ends:
            return  # paths through a misspelt id are unknown, not missing
        starts = [node.id for node in self.workflow.nodes if isinstance(node, StartNode)]
        ends = [node.id for node in self.workflow.nodes if isinstance(node, EndNode)]
        reached = graph.reachable(starts) if starts else set(ids)
        leading = graph.reaching(ends) if ends else set(ids)
        for i, node_id in enumerate(ids):
            if node_id not in reached:
                self.add(
                    "GF207",
                    f"no path leads from the start to {node_id!r}: it would never run",
                    ("nodes", i),
                    hint="add an edge to it, or remove it",
                )
            elif node_id not in leading:
                self.add(
                    "GF208",
                    f"no path leads from {node_id!r} to an end node",
                    ("nodes", i),
                    hint="add an edge from it to an end node",
                )
        if len(starts) == 1 and not cycle:
            self.certainty = Certainty(self.workflow, self.sound_edges, starts[0])

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

    # -- names ---------------------------------------------------------------------------------

    def _expressions(self) -> None:
        writers: dict[str, list[str]] = defaultdict(list)
        for node in self.workflow.nodes:
            if node.output is not None:
                writers[node.output].append(node.id)
        given = {
            variable.name
            for variable in self.workflow.variables
            if variable.has_default or variable.required
        }
        known = {variable.name for variable in self.workflow.variables} | writers.keys()
        for node_id, read in self._reads():
            for name in names(read.tree):
                if name.name in RESERVED_READS or (read.has_input and name.name in ("input", "$")):
                    continue
                self.read_names.add(name.name)
                if name.name not in known:
                    self._undefined(name.name, read, known)
                elif name.name not in given:
                    self._maybe_unset(name.name, writers[name.name], node_id, read)
            for other, _ in node_references(read.tree):
                if other not in self.nodes:
                    self.add(
                        "GF304",
                        f"there is no node {other!r}",
                        read.path,
                        hint=nearest(other, self.nodes),
                    )
            self._inputs(read)

    def _reads(self) -> Iterator[tuple[str, Read]]:
        for i, node in enumerate(self.workflow.nodes):
            for read in node_reads(node, ("nodes", i), self.findings):
                yield node.id, read
        for i, edge in enumerate(self.workflow.edges):
            if edge.on != "success" or not isinstance(self.nodes.get(edge.source), ConditionNode):
                for read in edge_reads(edge, ("edges", i), self.findings):
                    yield edge.source, read

    def _undefined(self, name: str, read: Read, known: set[str]) -> None:
        hint = nearest(name, known)
        if name in self.nodes:
            hint = f"the result of a node is nodes.{name}.output"
        elif name in ("env", "secret"):
            hint = f"${{{name}.NAME}} works in a server's args, env, url and headers only"
        elif name in ("input", "$"):
            hint = "only the expression of a transform with 'input' has one"
        self.add("GF302", f"{name!r} is not defined", read.path, hint=hint)

    def _maybe_unset(self, name: str, writers: list[str], node_id: str, read: Read) -> None:
        # An edge is tested after its source completed, so the source's own output counts there.
        if read.path[0] == "edges" and node_id in writers:
            return
        if self.certainty is None or self.certainty.is_set(name, node_id):
            return
        if writers:
            by = " or ".join(map(repr, writers))
            message = f"{name!r} may be null here: {by} has not run on every path to {node_id!r}"
        else:
            message = f"{name!r} is null unless an input gives it"
        self.add(
            "GF303",
            message,
            read.path,
            hint="give the variable a default, or read it with '??'",
            severity="warning",
        )

    def _inputs(self, read: Read) -> None:
        declared = [variable.name for variable in self.workflow.variables]
        for name in _members_of(read.tree, "inputs"):
            self.read_names.add(name)
            if name not in declared:
                self.add(
                    "GF302",
                    f"there is no input {name!r}: no variable declares it",
                    read.path,
                    hint=nearest(name, declared),
                )

    def _unused(self) -> None:
        for i, variable in enumerate(self.workflow.variables):
            if variable.name and variable.name not in self.read_names:
                self.add(
                    "GF502",
                    f"the variable {variable.name!r} is never read",
                    ("variables", i, "name"),
                    severity="warning",
                )
        used = {node.server for node in self.workflow.nodes if isinstance(node, ToolNode)}
        for i, server in enumerate(self.workflow.servers):
            if server.id and server.id not in used:
                self.add(
                    "GF402",
                    f"the server {server.id!r} is never used",
                    ("servers", i, "id"),
                    severity="warning",
                )

    def _key(self, path: Path, *keys: str) -> Path:
        value: Any = self.findings.document.tree if self.findings.document else {}
        for part in path:
            value = value[part]
        return (*path, next((key for key in keys if key in value), keys[0]))


def _members_of(tree: Any, owner: str) -> Iterator[str]:
    from goflow.expressions import syntax  # noqa: PLC0415

    for node in syntax.walk(tree):
        if (
            isinstance(node, syntax.Member)
            and isinstance(node.target, syntax.Name)
            and node.target.name == owner
        ):
            yield node.key

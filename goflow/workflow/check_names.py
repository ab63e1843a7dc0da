"""Findings about what expressions read: names that exist, are set, have types, and are used."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from goflow.expressions import syntax
from goflow.expressions.functions import nearest, nearest_name
from goflow.workflow.certainty import Certainty
from goflow.workflow.model import NAME, ConditionNode, LoopNode, Node
from goflow.workflow.races import Races
from goflow.workflow.reads import Read, edge_reads, node_reads
from goflow.workflow.structure import Structure, chains
from goflow.workflow.types import Types

if TYPE_CHECKING:
    from goflow.workflow.diagnostics import Path
    from goflow.workflow.fields import Findings

__all__ = ["check_names"]

_NONE: set[str] = set()
RESERVED_READS = frozenset({"nodes", "run", "inputs"})
"""Names that every expression may read; ``input`` and ``$`` belong to transforms."""
OF_RUN = ("id", "workflow", "started_at")
OF_RECORD = ("output", "status", "error", "attempts", "duration")


def check_names(structure: Structure, findings: Findings, *, ordered: bool) -> None:
    """Add the findings; ``ordered`` when the graph is one that runs in an order."""
    _Checker(structure, findings, ordered).run()


class _Checker:
    """One pass over all expressions of a workflow."""

    def __init__(self, structure: Structure, findings: Findings, ordered: bool) -> None:
        workflow = structure.workflow
        self.structure = structure
        self.workflow = workflow
        self.nodes = structure.nodes
        self.findings = findings
        self.add = findings.add
        self.certainty = Certainty(structure) if ordered else None
        self.writers: dict[str, list[str]] = defaultdict(list)
        for node in workflow.nodes:
            if node.output is not None:
                self.writers[node.output].append(node.id)
        self.declared = {variable.name: variable for variable in workflow.variables}
        self.given = {
            name
            for name, variable in self.declared.items()
            if variable.has_default or variable.required
        }
        self.types = Types(structure, self.declared, self.writers)
        self.races = Races(structure, self.certainty, self.writers) if self.certainty else None
        self.base: Path = ()
        """The node or edge whose expressions are read."""
        self.read_names: set[str] = set()
        self.read_nodes: set[str] = set()

    def run(self) -> None:
        for i, node in enumerate(self.workflow.nodes):
            self.base = ("nodes", i)
            reads = node_reads(node, self.base, self.findings)
            if reads:
                self._reads(node, reads)
        for i, edge in enumerate(self.workflow.edges):
            if edge.condition is None:
                continue
            source = self.nodes.get(edge.source)
            if source is None or (edge.on == "success" and isinstance(source, ConditionNode)):
                continue
            self.base = ("edges", i)
            self._reads(source, edge_reads(edge, self.base, self.findings))
        if self.races and not any(found.code == "GF209" for found in self.findings.found):
            self.races.report(self.findings)
        self._unused()

    def _reads(self, node: Node, reads: tuple[Read, ...]) -> None:
        in_loop = isinstance(node, LoopNode) or node.id in self.structure.owner
        for read in reads:
            items = self._items(node, read) if in_loop else _NONE
            facts = read.facts
            reserved = []
            for name, at in facts.names:
                if name in RESERVED_READS:
                    reserved.append(name)
                elif name not in items and not (read.has_input and name in ("input", "$")):
                    self._variable(name, at, node, read)
            if reserved:
                self._reserved(reserved, node, read)
            if facts.typed:
                self.types.check(read, self.base, items, self.findings)

    def _reserved(self, names: list[str], node: Node, read: Read) -> None:
        """Check the members of ``nodes``, ``inputs`` and ``run``, as often as they are read."""
        facts = read.facts
        for other, at in facts.nodes:
            self._reference(other, at, node, read)
        for name, at in facts.inputs:
            self._input(name, at, read)
        if names.count("inputs") > len(facts.inputs):  # all of them at once
            self.read_names |= self.declared.keys()
        for name, at in facts.run:
            self._member("'run'", name, OF_RUN, at, read)
        for name, at in facts.records:
            self._member("the record of a node", name, OF_RECORD, at, read)

    def _path(self, read: Read) -> Path:
        return (*self.base, *read.within)

    def _items(self, node: Node, read: Read) -> set[str]:
        """The names that loops around the expression give: their items and indices."""
        loops = [owner for owner in self.structure.owners(node.id) if isinstance(owner, LoopNode)]
        if isinstance(node, LoopNode) and read.within == ("break_condition",):
            loops.append(node)
        return {name for loop in loops for name in (loop.item, f"{loop.item}_index")}

    # -- names ---------------------------------------------------------------------------------

    def _variable(self, name: str, at: int, node: Node, read: Read) -> None:
        self.read_names.add(name)
        writers = self.writers.get(name, ())
        if not writers and name not in self.declared:
            self._undefined(name, node, read, at)
            return
        certainty = self.certainty
        if certainty is None or (len(writers) == 1 and certainty.gives(name, node.id)):
            return  # the one writer is done: nothing races, and nothing is missing
        if self.races and writers:
            self.races.reads(name, node, self.base, read, at)
        if name not in self.given:
            self._maybe_unset(name, node, read, at)

    def _undefined(self, name: str, node: Node, read: Read, at: int) -> None:
        known = self.declared.keys() | self.writers.keys()
        hint = self._hint(name, node, read) or nearest(name, known) or self._node_meant(name)
        self.add(
            "GF302",
            f"{name!r} is not defined",
            self._path(read),
            hint=hint,
            word=(name, read.inside + at),
        )

    def _hint(self, name: str, node: Node, read: Read) -> str | None:
        """What is surely meant by a name that is not defined."""
        loops = [
            other.id
            for other in self.workflow.nodes
            if isinstance(other, LoopNode) and name in (other.item, f"{other.item}_index")
        ]
        around = next((o for o in self.structure.owners(node.id) if isinstance(o, LoopNode)), None)
        if name in self.nodes:
            return f"the result of a node is {_record_of(name)}.output"
        if loops:
            return f"it is only known to the members of {loops[0]!r}"
        if around is not None and name in ("item", "item_index", "index"):
            meant = around.item if name == "item" else f"{around.item}_index"
            return f"in the loop {around.id!r} it is called {meant!r}"
        if name in ("env", "secret"):
            return f"${{{name}.NAME}} works in a server's args, env, url and headers only"
        if name in ("input", "$"):
            return "only the expression of a transform with 'input' has one"
        if name in _WORDS:
            return f"write {_WORDS[name]}"
        dashed = [i for i in self.nodes if "-" in i and name in i.split("-")]
        if dashed and any(_is_minus(part) for part in syntax.walk(read.tree)):
            return f"'-' is a minus here: the result of that node is {_record_of(dashed[0])}.output"
        return None

    def _node_meant(self, name: str) -> str | None:
        """The node whose name is nearest, for those who take its name for its result."""
        meant = nearest_name(name, self.nodes)
        return meant and f"did you mean the result of a node, {_record_of(meant)}.output?"

    def _maybe_unset(self, name: str, node: Node, read: Read, at: int) -> None:
        # An edge is tested after its source completed, so the source's own output counts there.
        writers = self.writers.get(name, [])
        if self.base[0] == "edges" and node.id in writers:
            return
        if self.certainty is None or self.certainty.is_set(name, node.id):
            return
        if writers:
            by = " or ".join(map(repr, writers))
            message = f"{name!r} may be null here: {by} has not run on every path to {node.id!r}"
        else:
            message = f"{name!r} is null unless an input gives it"
        self.add(
            "GF303",
            message,
            self._path(read),
            hint="give the variable a default, or read it with '??'",
            severity="warning",
            word=(name, read.inside + at),
        )

    def _reference(self, other: str, at: int, node: Node, read: Read) -> None:
        if other not in self.nodes:
            self.add(
                "GF304",
                f"there is no node {other!r}",
                self._path(read),
                hint=nearest(other, self.nodes),
                word=(other, read.inside + at),
            )
            return
        self.read_nodes.add(other)
        if self.races:
            self.races.refers(other, node, self.base, read, at)

    def _input(self, name: str, at: int, read: Read) -> None:
        self.read_names.add(name)
        if name not in self.declared:
            self.add(
                "GF302",
                f"there is no input {name!r}: no variable declares it",
                self._path(read),
                hint=nearest(name, self.declared),
                word=(name, read.inside + at),
            )

    def _member(self, what: str, name: str, known: tuple[str, ...], at: int, read: Read) -> None:
        if name not in known:
            self.add(
                "GF302",
                f"{what} has no {name!r}",
                self._path(read),
                hint=nearest(name, known) or f"it has {', '.join(known)}",
                word=(name, read.inside + at),
            )

    # -- what nobody reads ---------------------------------------------------------------------

    def _unused(self) -> None:
        if any(finding.code in ("GF301", "GF108") for finding in self.findings.found):
            return  # what could not be read may read anything
        for i, variable in enumerate(self.workflow.variables):
            if variable.name and variable.name not in self.read_names:
                self.add(
                    "GF502",
                    f"the variable {variable.name!r} is never read",
                    ("variables", i, "name"),
                    severity="warning",
                )
        for i, node in enumerate(self.workflow.nodes):
            name = node.output
            if name is None or name in self.read_names or name in self.declared:
                continue
            if not self._shown(node):
                self.add(
                    "GF502",
                    f"the variable {name!r}, written by {node.id!r}, is never read",
                    ("nodes", i, "output"),
                    hint="remove 'output', or read it",
                    severity="info",
                )

    def _shown(self, node: Node) -> bool:
        """Whether the value of an owner, which shows its members' outputs, is read."""
        return any(
            owner.output in self.read_names or owner.id in self.read_nodes
            for owner in self.structure.owners(node.id)
            if chains(owner)
        )


def _record_of(node_id: str) -> str:
    return f"nodes.{node_id}" if re.fullmatch(NAME, node_id) else f'nodes["{node_id}"]'


def _is_minus(node: syntax.Expr) -> bool:
    return isinstance(node, syntax.Binary) and node.operator == "-"


_WORDS = {
    "True": "true",
    "False": "false",
    "None": "null",
    "undefined": "null",
    "now": "now(), which is a function",
}

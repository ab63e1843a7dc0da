"""Nodes that may run at the same time and use one variable, of which one writes it: ``GF306``.

Two nodes may run at the same time when no path leads from one to the other and no run can have
taken the edges to both. A loop or parallel node stands for its members, which have a scope of their
own until it ends.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import msgspec

from goflow._core.bitset import BitSet
from goflow.workflow.model import LoopNode, Node

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from goflow.workflow.certainty import Certainty
    from goflow.workflow.diagnostics import Path
    from goflow.workflow.fields import Findings
    from goflow.workflow.reads import Read
    from goflow.workflow.structure import Structure

__all__ = ["Paths", "Races"]


class _Use(msgspec.Struct, frozen=True):
    path: Path
    verb: str
    word: tuple[str, int] | None = None


class Races:
    """Collects who reads what; ``report`` adds the findings. ``writers`` are ids by variable.

    No path is followed where every reader certainly runs after the one writer; otherwise as
    ``Certainty``, and a step for each pair that may run at the same time.
    """

    def __init__(
        self, structure: Structure, certainty: Certainty, writers: Mapping[str, Sequence[str]]
    ) -> None:
        self._structure = structure
        self._certainty = certainty
        self._writers = writers
        self._records: dict[str, dict[str, _Use]] = defaultdict(dict)
        self._readers: dict[str, dict[str, _Use]] = defaultdict(dict)
        self._early: list[tuple[str, str, _Use]] = []

    def reads(self, name: str, node: Node, base: Path, read: Read, at: int) -> None:
        """Note that ``node`` reads the variable ``name``, at ``at`` in the text of ``read``."""
        readers = self._readers[name]
        unit = self._unit(node)
        if unit not in readers:
            readers[unit] = _Use((*base, *read.within), "reads", (name, read.inside + at))

    def refers(self, other: str, node: Node, base: Path, read: Read, at: int) -> None:
        """Note that ``node`` reads the record of the node ``other``."""
        of, unit = self._unit(self._structure.nodes[other]), self._unit(node)
        if of == unit:
            return
        path = (*base, *read.within)
        if base[0] == "nodes" and self._certainty.is_done(unit, of):
            self._early.append((other, node.id, _Use(path, "reads", (other, read.inside + at))))
        else:
            name = f"nodes.{other}"
            self._records[name][of] = _Use(path, "writes")
            use = _Use(path, "reads", (other, read.inside + at))
            self._readers[name].setdefault(unit, use)

    def report(self, findings: Findings) -> None:
        """Add a finding for each node and variable, at the later of the two in the file."""
        for other, reader, use in self._early:
            findings.add(
                "GF303",
                f"{other!r} runs after {reader!r}, which finds nothing in its record",
                use.path,
                severity="warning",
                word=use.word,
            )
        writers = {**self._outputs(), **self._records}
        racing = {name: of for name, of in writers.items() if self._may_race(name, of)}
        if racing:
            paths = Paths(self._structure, {x for of in racing.values() for x in of})
            for name, of in racing.items():
                self._variable(name, of, paths, findings)

    def _outputs(self) -> dict[str, dict[str, _Use]]:
        """Who writes the variables whose readers are noted, or that more than one node writes."""
        several = {name for name, ids in self._writers.items() if len(ids) > 1}
        shared = several | self._readers.keys()
        found: dict[str, dict[str, _Use]] = {}
        for i, node in enumerate(self._structure.workflow.nodes):
            if node.output in shared and node.output not in self._items(node):
                use = _Use(("nodes", i, "output"), "writes")
                found.setdefault(node.output, {}).setdefault(self._unit(node), use)
        return found

    def _may_race(self, name: str, writers: Mapping[str, _Use]) -> bool:
        """Whether it takes a look at the paths to say that nothing races."""
        if len(writers) > 1:
            return True
        (writer,) = writers
        readers = self._readers.get(name, ())
        return not all(x == writer or self._certainty.is_done(writer, x) for x in readers)

    def _variable(
        self, name: str, writers: dict[str, _Use], paths: Paths, findings: Findings
    ) -> None:
        readers = self._readers.get(name, {})
        among = paths.only(writers)
        told: set[str] = set()
        for one, use in (*readers.items(), *reversed(writers.items())):
            if one in told:
                continue
            for other in paths.beside(one, among):
                if other in told or self._certainty.exclude(one, other):
                    continue
                told.add(one)
                what = f"{name!r}" if not name.startswith("nodes.") else f"the record of {name!r}"
                findings.add(
                    "GF306",
                    f"{one!r} {use.verb} {what} while {other!r} may be writing it: "
                    "either may come first",
                    use.path,
                    hint=f"add an edge between {one!r} and {other!r}",
                    severity="warning",
                    word=use.word,
                )
                break

    def _unit(self, node: Node) -> str:
        """The node that stands for ``node`` in the graph."""
        if node.id not in self._structure.owner:
            return node.id
        return [owner.id for owner in self._structure.owners(node.id)][-1]

    def _items(self, node: Node) -> set[str]:
        if node.id not in self._structure.owner:
            return set()
        loops = [owner for owner in self._structure.owners(node.id) if isinstance(owner, LoopNode)]
        return {name for loop in loops for name in (loop.item, f"{loop.item}_index")}


class Paths:
    """Which of some nodes no path leads to, or from; sets of them are numbers in a ``BitSet``."""

    def __init__(self, structure: Structure, some: set[str]) -> None:
        order = structure.graph.order()
        self._some = [node_id for node_id in order if node_id in some]
        self._number = {node_id: i for i, node_id in enumerate(self._some)}
        self._nothing = BitSet(len(self._some))
        self._place = {node_id: i for i, node_id in enumerate(order)}
        place, number = self._place, self._number
        before = [self._nothing] * len(order)
        for node_id in self._some:
            before[place[node_id]] = self._nothing.plus(number[node_id])
        after = before.copy()
        leaving: list[list[int]] = [[] for _ in order]
        for edge in structure.edges:
            leaving[place[edge.source]].append(place[edge.target])
        for source, targets in enumerate(leaving):
            for target in targets:
                before[target] |= before[source]
        for source in reversed(range(len(order))):
            for target in leaving[source]:
                after[source] |= after[target]
        self._before, self._after = before, after

    def only(self, node_ids: Iterable[str]) -> BitSet:
        """The set of these, as far as they are among the nodes in question."""
        found = self._nothing
        for node_id in node_ids:
            if node_id in self._number:
                found = found.plus(self._number[node_id])
        return found

    def beside(self, one: str, among: BitSet) -> Iterator[str]:
        """Those that may run at the same time as ``one`` for all that paths say, in their order."""
        place = self._place[one]
        for number in among - self._before[place] - self._after[place]:
            yield self._some[number]

"""The blocks of a workflow that is being built, and the edges that follow from them.

A block is the whole workflow, a branch of a ``when``, or a chain of members. In its own block each
thing is a *unit*: a node, or everything of a ``when`` from its condition to the node that joins its
branches. What a node reads decides which units come before its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Block", "Unit", "connect"]


class Unit:
    """A node's plain values, and where it stands.

    ``branches`` are the blocks of a ``when``, ``chains`` those of a loop or parallel node.
    ``leave`` is the id that what comes after a ``when`` waits for.
    """

    def __init__(self, tree: dict[str, Any], block: Block) -> None:
        self.tree = tree
        self.block = block
        self.branches: dict[str, Block] = {}
        self.chains: list[Block] = []
        self.leave: str = tree["id"]
        self.before: list[Unit] = []
        self.linked = False
        """Whether an edge that the program drew leads to it."""

    @property
    def ends(self) -> bool:
        """Whether nothing comes after it."""
        return bool(self.tree["type"] == "end")

    def chain(self) -> Block:
        """A new block of members."""
        block = Block(self, chain=True)
        self.chains.append(block)
        return block

    def lifted(self, block: Block) -> Unit | None:
        """The unit of ``block`` that this one is, or is part of; None when it is not in it."""
        unit: Unit | None = self
        while unit is not None and unit.block is not block:
            unit = unit.block.owner
        return unit


class Block:
    """Units in the order they were made; ``owner`` is the unit that the block belongs to.

    ``chain`` when its units run in that order, as members.
    """

    def __init__(self, owner: Unit | None = None, *, chain: bool = False) -> None:
        self.owner = owner
        self.chain = chain
        self.units: list[Unit] = []


class Edge(NamedTuple):
    """``more`` are its further keys."""

    source: str
    target: str
    more: dict[str, Any]


def connect(
    whole: Block, start: str, drawn: Iterable[Edge]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The edges of a workflow, those that follow from ``before`` and those that were drawn.

    Also the nodes that it takes to begin a branch with several nodes.
    """
    flow = _Flow()
    flow.block(whole, [Edge(start, "", {})])
    edges: dict[tuple[str, str, str], Edge] = {}
    for edge in (*drawn, *flow.edges):
        edges.setdefault((edge.source, edge.target, edge.more.get("on", "success")), edge)
    trees = [{"from": edge.source, "to": edge.target, **edge.more} for edge in edges.values()]
    return trees, flow.nodes


class _Flow:
    """Collects edges, and nodes that only join or fork."""

    def __init__(self) -> None:
        self.edges: list[Edge] = []
        self.nodes: list[dict[str, Any]] = []

    def block(self, block: Block, entries: list[Edge]) -> list[Unit]:
        """Connect a block that is entered by ``entries``; the units that nothing follows."""
        before: dict[int, dict[int, Unit]] = {id(unit): {} for unit in block.units}
        for unit in block.units:
            _collect(unit, unit, block, before[id(unit)])
        followed = {id(unit) for units in before.values() for unit in units.values()}
        loose = [unit for unit in block.units if id(unit) not in followed and not unit.ends]
        for unit in block.units:
            first = before[id(unit)]
            if unit.ends:
                first |= {id(other): other for other in loose}
            self.edges += [Edge(other.leave, unit.tree["id"], {}) for other in first.values()]
            if not first and not unit.linked:
                self.edges += [entry._replace(target=unit.tree["id"]) for entry in entries]
            for name, branch in unit.branches.items():
                self._branch(unit, name, branch)
        return [] if any(unit.ends for unit in block.units) else loose

    def _branch(self, unit: Unit, name: str, branch: Block) -> None:
        """Connect a branch of a condition, and what it leaves to the node that joins branches."""
        entry = Edge(unit.tree["id"], unit.leave, {"condition": name})
        if not branch.units:
            self.edges.append(entry)
            return
        place = len(self.edges)
        leaves = self.block(branch, [entry])
        entered = [i for i in range(place, len(self.edges)) if self.edges[i].more is entry.more]
        if len(entered) > 1:  # a condition has one edge for each of its two values
            fork = f"{unit.tree['id']}_{name}"
            self.nodes.append({"id": fork, "type": "passthrough"})
            for i in entered:
                self.edges[i] = Edge(fork, self.edges[i].target, {})
            self.edges.insert(place, entry._replace(target=fork))
        self.edges += [Edge(leaf.leave, unit.leave, {}) for leaf in leaves]


def _collect(unit: Unit, inner: Unit, block: Block, before: dict[int, Unit]) -> None:
    """What ``inner``, all or part of ``unit``, needs of other units of the block."""
    for other in inner.before:
        lifted = other.lifted(block)
        if lifted is not None and lifted is not unit:
            before[id(lifted)] = lifted
    for inside in (*inner.branches.values(), *inner.chains):
        for below in inside.units:
            _collect(unit, below, block, before)

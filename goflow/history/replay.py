"""What a run did so far, exactly: what resuming it, or running from one of its nodes, takes over.

Everything is by place: the path of iterations and branches (after those of the workflows around)
and the node's id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from goflow.history.database import CACHED, EXACT, SETTLED, SUPERSEDED
from goflow.history.values import decode

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Container, Iterator

__all__ = ["Doubt", "Place", "Replay", "Settled", "name_of"]


class Place(NamedTuple):
    """Where a node ran; ``path`` is empty for a node of the run itself."""

    path: str
    node: str


class Settled(NamedTuple):
    """A node that was done with; ``taken`` are the nodes it led on to, None for all.

    ``variable`` is where its output went, None for nowhere.
    """

    place: Place
    status: str
    reason: str | None
    attempts: int
    started_at: float | None
    duration: float | None
    cached: bool
    variable: str | None
    output: Any
    raw: dict[str, Any] | None
    writes: dict[str, Any]
    taken: list[str] | None
    error: dict[str, Any] | None
    saved: float | None


class Doubt(NamedTuple):
    """An attempt whose end nobody knows; ``harmless`` when doing it again changes nothing."""

    place: Place
    attempt: int
    harmless: bool


def name_of(place: Place) -> str:
    """A place as people write it: ``fetch``, or ``fetch@2`` in an iteration."""
    return f"{place.node}@{place.path}" if place.path else place.node


class Replay:
    """One run's rows: ``settled`` in the order they happened, and ``doubts``.

    ``following`` is the number of the next row, ``again`` the attempts so far of nodes in doubt
    that are tried again, ``assumed`` those that a person took for done. ``resumes`` the run itself,
    unless another one takes its results over. Linear in the run's rows.
    """

    def __init__(self, connection: sqlite3.Connection, number: int) -> None:
        first = number << 32
        self.resumes = True
        self.again: dict[Place, int] = {}
        self.assumed: set[Place] = set()
        rows = (first, (number + 1) << 32)
        self.settled: dict[Place, Settled] = {}
        self.doubts: dict[Place, Doubt] = {}
        ended: dict[Place, tuple[int, bool]] = {}
        last = first - 1
        for key, node, path, status, marks, *rest in connection.execute(_NODES, rows):
            place = Place(path, node)
            settled, exact = marks & SETTLED, marks & EXACT
            last = key
            self.settled.pop(place, None)
            ended[place] = (key, bool(settled) or status not in ("outcome_unknown", "cancelled"))
            if status == "outcome_unknown" and not settled:
                self.doubts[place] = Doubt(place, rest[0], False)
            if settled and exact:
                self.settled[place] = _settled(place, status, bool(marks & CACHED), *rest)
            elif settled:
                ended[place] = (key, False)  # a secret was in its output
        for key, node, path, attempt, harmless, failed in connection.execute(_ATTEMPTS, rows):
            place = Place(path, node)
            last = max(last, key)
            end, certain = ended.get(place, (0, False))
            if failed or (certain and end > key):
                self.doubts.pop(place, None)
            elif place not in self.settled:
                self.doubts[place] = Doubt(place, attempt, bool(harmless))
        self.following = last - first + 1

    def within(self, within: str) -> Iterator[Settled]:
        """The settled nodes of the workflow at ``within``, no members, as they happened."""
        return (one for one in self.settled.values() if one.place.path == within)

    def members(self, within: str) -> Iterator[Settled]:
        """The settled members of the workflow at ``within``, as they happened."""
        size = len(within)
        return (
            one
            for one in self.settled.values()
            if one.place.path.startswith(within)
            and "/" not in one.place.path[size:]
            and len(one.place.path) > size
        )

    def attempts_before(self, place: Place) -> int:
        """How often a node was tried that is tried again."""
        return self.again.get(place, 0)

    def is_written(self, place: Place) -> bool:
        """Whether the run that goes on now has this row already."""
        return self.resumes and place not in self.assumed

    def without(self, nodes: set[str]) -> None:
        """Forget what these nodes of the run, and everything inside them, did."""
        gone = [p for p in self.settled if _top(p) in nodes]
        for place in gone:
            del self.settled[place]

    def only(self, nodes: Container[str]) -> None:
        """Forget nodes of the run that are no longer there."""
        gone = [p for p in self.settled if not p.path and p.node not in nodes]
        for place in gone:
            del self.settled[place]

    def assume(self, place: Place, value: Any, variable: str | None) -> None:
        """Take a node in doubt for completed, with this value."""
        self.settled[place] = Settled(
            place, "completed", "its outcome was assumed", self.doubts[place].attempt, None, None,
            False, variable, value, None, {}, None, None, None,
        )  # fmt: skip
        self.assumed.add(place)
        del self.doubts[place]


def _top(place: Place) -> str:
    head = place.path.partition("/")[0]
    return head.rpartition(":")[2] if "/" in place.path else place.node


_NODES = (
    "SELECT key, node, path, status, marks, attempts, started_at, duration, variable, output, more "
    f"FROM nodes WHERE key >= ? AND key < ? AND NOT marks & {SUPERSEDED} ORDER BY key"
)
_ATTEMPTS = (
    "SELECT key, node, path, attempt, harmless, error IS NOT NULL FROM attempts "
    "WHERE key >= ? AND key < ? AND NOT superseded ORDER BY key"
)


def _settled(
    place: Place,
    status: str,
    cached: bool,
    attempts: int,
    started_at: float | None,
    duration: float | None,
    variable: str | None,
    output: bytes | None,
    more: bytes | None,
) -> Settled:
    rest = decode(more) or {}
    return Settled(
        place,
        status,
        rest.get("reason"),
        attempts,
        started_at,
        duration,
        cached,
        variable,
        decode(output),
        rest.get("raw"),
        rest.get("writes") or {},
        rest.get("taken"),
        rest.get("error"),
        rest.get("saved"),
    )

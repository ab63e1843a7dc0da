"""How the nodes of a run went, as a diagram shows it: one state a node, however often it ran."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["State", "states_of"]

# What is shown of a member that ran many times: the first of these that one of them was.
_TELLING = (
    "failed",
    "outcome_unknown",
    "cancelled",
    "running",
    "pending",
    "completed",
    "cached",
    "skipped",
)


class State(msgspec.Struct, frozen=True):
    """``seconds`` and ``attempts`` are sums over the ``times`` that the node ran."""

    status: str
    seconds: float | None = None
    times: int = 1
    attempts: int = 1


def states_of(nodes: Iterable[dict[str, Any]]) -> dict[str, State]:
    """The state of each node of a run, from its records in the history; linear.

    Nodes of workflows that the run's nodes ran have no state: they are not in its diagram.
    """
    found: dict[str, State] = {}
    for node in nodes:
        if "/" in node["path"]:
            continue
        status = "cached" if node.get("cached") else node["status"]
        state = State(status, node.get("duration"), 1, node.get("attempts") or 0)
        before = found.get(node["id"])
        found[node["id"]] = state if before is None else _both(before, state)
    return found


def _both(one: State, other: State) -> State:
    status = min(one.status, other.status, key=_rank)
    seconds = None
    if one.seconds is not None or other.seconds is not None:
        seconds = (one.seconds or 0.0) + (other.seconds or 0.0)
    return State(status, seconds, one.times + other.times, one.attempts + other.attempts)


def _rank(status: str) -> int:
    return _TELLING.index(status) if status in _TELLING else len(_TELLING)

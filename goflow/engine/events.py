"""What a run tells while it goes: frozen events, in order, to whoever listens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec

__all__ = [
    "AttemptFailed",
    "Event",
    "Listener",
    "NodeFinished",
    "NodeStarted",
    "RunFinished",
    "RunStarted",
]


class _Event(msgspec.Struct, frozen=True, gc=False):
    run: str
    at: float


class RunStarted(_Event, frozen=True):
    """A run of ``workflow`` begins; ``nodes`` is how many it has, but for members.

    ``at`` is a Unix time, here as in every event.
    """

    workflow: str
    nodes: int


class NodeStarted(_Event, frozen=True):
    """A node begins to work; ``path`` are the iterations and branches it is a member in."""

    node: str
    path: tuple[int, ...] = ()


class AttemptFailed(_Event, frozen=True):
    """An attempt failed and is tried again after ``delay`` seconds."""

    node: str
    attempt: int
    delay: float
    error: dict[str, Any]


class NodeFinished(_Event, frozen=True):
    """A node is settled; ``duration`` is in seconds, None if it never started."""

    node: str
    status: str
    duration: float | None
    error: dict[str, Any] | None
    path: tuple[int, ...] = ()


class RunFinished(_Event, frozen=True):
    """The run ended."""

    status: str
    duration: float


Event: TypeAlias = RunStarted | NodeStarted | AttemptFailed | NodeFinished | RunFinished
Listener: TypeAlias = Callable[[Event], object]

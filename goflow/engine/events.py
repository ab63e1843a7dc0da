"""What a run tells while it goes: frozen events, in order, to whoever listens.

``at`` is a Unix time in every event, durations and delays are in seconds. ``path`` are the indices
of the iterations and branches that a node is a member in, the outermost first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec

__all__ = [
    "AttemptFailed",
    "AttemptStarted",
    "BranchFinished",
    "BranchStarted",
    "CacheLookup",
    "Event",
    "EventsLost",
    "IterationFinished",
    "IterationStarted",
    "Listener",
    "LoopStarted",
    "NodeFinished",
    "NodeStarted",
    "RunFinished",
    "RunStarted",
    "VariableChanged",
]


class _Event(msgspec.Struct, frozen=True, gc=False, tag_field="event"):
    run: str
    at: float


class RunStarted(_Event, frozen=True, tag="run_started"):
    """A run of ``workflow`` begins; ``nodes`` is how many it has, but for members."""

    workflow: str
    nodes: int


class NodeStarted(_Event, frozen=True, tag="node_started"):
    """A node begins to work."""

    node: str
    path: tuple[int, ...] = ()


class AttemptStarted(_Event, frozen=True, tag="attempt_started"):
    """An attempt begins; ``attempt`` counts from 1."""

    node: str
    attempt: int
    path: tuple[int, ...] = ()


class AttemptFailed(_Event, frozen=True, tag="attempt_failed"):
    """An attempt failed and is tried again after ``delay`` seconds."""

    node: str
    attempt: int
    delay: float
    error: dict[str, Any]
    path: tuple[int, ...] = ()


class CacheLookup(_Event, frozen=True, tag="cache_lookup"):
    """A node with a cache policy was looked up, or its result was to be kept.

    ``outcome`` is ``hit``, ``miss``, ``shared`` (an equal call in flight answered both),
    ``stored`` or ``not_stored``; ``saved`` are the seconds that a hit took once; ``reason`` says
    why nothing was looked for or stored.
    """

    node: str
    outcome: str
    saved: float | None = None
    reason: str | None = None
    path: tuple[int, ...] = ()


class NodeFinished(_Event, frozen=True, tag="node_finished"):
    """A node is settled; ``duration`` is None if it never started.

    ``saved`` are the seconds that its output took once, when it is ``cached``.
    """

    node: str
    status: str
    duration: float | None
    error: dict[str, Any] | None
    path: tuple[int, ...] = ()
    reason: str | None = None
    saved: float | None = None


class LoopStarted(_Event, frozen=True, tag="loop_started"):
    """A loop begins over so many ``items``."""

    node: str
    items: int
    path: tuple[int, ...] = ()


class IterationStarted(_Event, frozen=True, tag="iteration_started"):
    """An iteration of a loop begins; ``index`` counts from 0."""

    node: str
    index: int
    path: tuple[int, ...] = ()


class IterationFinished(_Event, frozen=True, tag="iteration_finished"):
    """An iteration of a loop went well."""

    node: str
    index: int
    path: tuple[int, ...] = ()


class BranchStarted(_Event, frozen=True, tag="branch_started"):
    """A branch of a parallel node begins; ``index`` counts from 0."""

    node: str
    index: int
    path: tuple[int, ...] = ()


class BranchFinished(_Event, frozen=True, tag="branch_finished"):
    """A branch ended: ``completed``, ``failed`` or ``cancelled``."""

    node: str
    index: int
    status: str
    path: tuple[int, ...] = ()


class VariableChanged(_Event, frozen=True, tag="variable_changed"):
    """A variable of the run was written by ``node``. Values with a known secret are redacted."""

    name: str
    value: Any
    node: str


class RunFinished(_Event, frozen=True, tag="run_finished"):
    """The run ended; of the nodes looked up in the cache ``hits`` were there and saved seconds."""

    status: str
    duration: float
    hits: int = 0
    misses: int = 0
    saved: float = 0.0


class EventsLost(_Event, frozen=True, tag="events_lost"):
    """The listener was so far behind that ``count`` events before this one were not kept for it."""

    count: int


Event: TypeAlias = (
    RunStarted
    | NodeStarted
    | AttemptStarted
    | AttemptFailed
    | CacheLookup
    | NodeFinished
    | LoopStarted
    | IterationStarted
    | IterationFinished
    | BranchStarted
    | BranchFinished
    | VariableChanged
    | RunFinished
    | EventsLost
)
Listener: TypeAlias = Callable[[Event], object]

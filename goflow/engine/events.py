"""What a run tells while it goes: frozen events, in order, to whoever listens.

``at`` is a Unix time in every event, durations and delays are in seconds. ``path`` are the indices
of the iterations and branches that a node is a member in, the outermost first; ``within`` are the
workflow nodes around, also the outermost first, when it is of a workflow that another runs. The
events of servers are told to every run that may use the server.
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
    "CallProgress",
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
    "ServerClosed",
    "ServerConnectFailed",
    "ServerConnected",
    "ServerConnecting",
    "ServerLogged",
    "SubworkflowStarted",
    "VariableChanged",
    "Within",
]


class Within(msgspec.Struct, frozen=True, gc=False):
    """A workflow node that runs a workflow, and where it is itself."""

    node: str
    path: tuple[int, ...] = ()


class _Event(msgspec.Struct, frozen=True, gc=False, tag_field="event"):
    run: str
    at: float


class _Inside(_Event, frozen=True, kw_only=True):
    within: tuple[Within, ...] = ()


class RunStarted(_Event, frozen=True, tag="run_started"):
    """A run of ``workflow`` begins; ``nodes`` is how many it has, but for members."""

    workflow: str
    nodes: int


class NodeStarted(_Inside, frozen=True, tag="node_started"):
    """A node begins to work."""

    node: str
    path: tuple[int, ...] = ()


class AttemptStarted(_Inside, frozen=True, tag="attempt_started"):
    """An attempt begins; ``attempt`` counts from 1."""

    node: str
    attempt: int
    path: tuple[int, ...] = ()


class AttemptFailed(_Inside, frozen=True, tag="attempt_failed"):
    """An attempt failed and is tried again after ``delay`` seconds."""

    node: str
    attempt: int
    delay: float
    error: dict[str, Any]
    path: tuple[int, ...] = ()


class CacheLookup(_Inside, frozen=True, tag="cache_lookup"):
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


class CallProgress(_Inside, frozen=True, tag="call_progress"):
    """How far a tool says a call is, in whatever it counts; ``total`` may be unknown."""

    node: str
    progress: float
    total: float | None
    message: str | None
    path: tuple[int, ...] = ()


class NodeFinished(_Inside, frozen=True, tag="node_finished"):
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


class LoopStarted(_Inside, frozen=True, tag="loop_started"):
    """A loop begins over so many ``items``."""

    node: str
    items: int
    path: tuple[int, ...] = ()


class IterationStarted(_Inside, frozen=True, tag="iteration_started"):
    """An iteration of a loop begins; ``index`` counts from 0."""

    node: str
    index: int
    path: tuple[int, ...] = ()


class IterationFinished(_Inside, frozen=True, tag="iteration_finished"):
    """An iteration of a loop went well."""

    node: str
    index: int
    path: tuple[int, ...] = ()


class BranchStarted(_Inside, frozen=True, tag="branch_started"):
    """A branch of a parallel node begins; ``index`` counts from 0."""

    node: str
    index: int
    path: tuple[int, ...] = ()


class BranchFinished(_Inside, frozen=True, tag="branch_finished"):
    """A branch ended: ``completed``, ``failed`` or ``cancelled``."""

    node: str
    index: int
    status: str
    path: tuple[int, ...] = ()


class SubworkflowStarted(_Inside, frozen=True, tag="subworkflow_started"):
    """A node begins to run ``workflow``; ``nodes`` is how many that has, but for members."""

    node: str
    workflow: str
    nodes: int
    path: tuple[int, ...] = ()


class VariableChanged(_Inside, frozen=True, tag="variable_changed"):
    """A variable of the run was written by ``node``. Values with a known secret are redacted."""

    name: str
    value: Any
    node: str


class ServerConnecting(_Event, frozen=True, tag="server_connecting"):
    """Connecting to a server begins: for a ``call`` that waits for it, or as ``prewarm``.

    ``attempt`` counts from 1, and on while it fails.
    """

    server: str
    reason: str
    attempt: int


class ServerConnected(_Event, frozen=True, tag="server_connected"):
    """A server takes calls, after ``seconds`` from the start of its process or connection."""

    server: str
    reason: str
    attempt: int
    seconds: float


class ServerConnectFailed(_Event, frozen=True, tag="server_connect_failed"):
    """A server could not be connected; whether that fails a node is told by the node."""

    server: str
    reason: str
    attempt: int
    seconds: float
    error: dict[str, Any]


class ServerClosed(_Event, frozen=True, tag="server_closed"):
    """A connection ended: ``reason`` completes "the server …", such as ``exited with code 1``."""

    server: str
    reason: str


class ServerLogged(_Event, frozen=True, tag="server_logged"):
    """A server said something through the protocol; ``data`` is any JSON value, redacted."""

    server: str
    level: str
    logger: str | None
    data: Any


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
    | CallProgress
    | NodeFinished
    | LoopStarted
    | IterationStarted
    | IterationFinished
    | BranchStarted
    | BranchFinished
    | SubworkflowStarted
    | VariableChanged
    | ServerConnecting
    | ServerConnected
    | ServerConnectFailed
    | ServerClosed
    | ServerLogged
    | RunFinished
    | EventsLost
)
Listener: TypeAlias = Callable[[Event], object]

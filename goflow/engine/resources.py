"""What nodes need of the engine that runs them, and what a run needs beside its plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from goflow.engine.events import Within

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from goflow.engine.events import Listener
    from goflow.engine.reuse import Reuse
    from goflow.history.journal import RunJournal
    from goflow.history.replay import Replay
    from goflow.servers.connections import RunConnections

__all__ = ["Resources", "RunContext"]


class Resources(msgspec.Struct, frozen=True):
    """``functions`` are those that the host program registered, by name."""

    connections: RunConnections
    functions: Mapping[str, Callable[..., Any]]
    max_parallel: int


class RunContext(msgspec.Struct, frozen=True):
    """Who a run is, and who is told of it.

    ``listener`` is called at once with every event, ``journal`` writes the run down, ``replay`` is
    what it did before it was cut off, ``reuse`` the results that it may take, None for none.
    ``within`` are the workflow nodes around, if it is of one.
    """

    resources: Resources
    id: str
    started_at: float
    listener: Listener | None = None
    journal: RunJournal | None = None
    replay: Replay | None = None
    reuse: Reuse | None = None
    within: tuple[Within, ...] = ()

    def inside(self, node: str, path: Sequence[int]) -> RunContext:
        """The context of the workflow that a node runs, which is part of the same run."""
        journal = None if self.journal is None else self.journal.inside(node, path)
        within = (*self.within, Within(node, tuple(path)))
        return msgspec.structs.replace(self, journal=journal, within=within)

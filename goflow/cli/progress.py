"""Progress of a run on standard error: a live view on terminals, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Protocol

from goflow.engine import events, progress
from goflow.shown import MARKS, duration

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

__all__ = [
    "MARKS",
    "LiveProgress",
    "PlainProgress",
    "Progress",
    "connected",
    "describe",
    "duration",
]


class Progress(Protocol):
    """Listens to a run while it is entered."""

    def __enter__(self) -> Any: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    def on_event(self, event: events.Event) -> None:
        """Show one event."""


class PlainProgress:
    """One line for each node that is settled, and for each attempt that failed."""

    def __init__(self, write: Callable[[str], object] | None = None) -> None:
        self._write = write or (lambda line: print(line, file=sys.stderr, flush=True))

    def __enter__(self) -> PlainProgress:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def on_event(self, event: events.Event) -> None:
        """Print the event's line, if it has one."""
        line = describe(event)
        if line is not None:
            self._write(line)


class LiveProgress:
    """Settled nodes as lines, and below them what runs now, redrawn in place."""

    def __init__(self) -> None:
        from rich.console import Console  # noqa: PLC0415 - only terminals need it
        from rich.live import Live  # noqa: PLC0415

        self._console = Console(stderr=True, highlight=False)
        self._running: dict[str, float] = {}
        self._progress = progress.Progress()
        self._live = Live(
            console=self._console,
            get_renderable=self._now,
            refresh_per_second=8,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> LiveProgress:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def on_event(self, event: events.Event) -> None:
        """Show the event."""
        from rich.text import Text  # noqa: PLC0415

        self._progress.on_event(event)
        if isinstance(event, events.NodeStarted):
            self._running[_name(event)] = time.monotonic()
            return
        if isinstance(event, events.NodeFinished):
            self._running.pop(_name(event), None)
        line = describe(event)
        if line is not None:
            style = _STYLES.get(getattr(event, "status", ""), "")
            self._console.print(Text(line, style=style), soft_wrap=True)

    def _now(self) -> Any:
        from rich.spinner import Spinner  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        now = time.monotonic()
        parts = [f"{node} {now - began:.1f} s" for node, began in self._running.items()]
        done = f"{self._progress.fraction:4.0%}  "
        return Spinner("dots", text=Text(done + ", ".join(parts[:6]))) if parts else Text("")


_STYLES = {
    "completed": "green",
    "cached": "cyan",
    "skipped": "dim",
    "failed": "bold red",
    "outcome_unknown": "bold yellow",
    "cancelled": "yellow",
    "timed_out": "bold red",
    "interrupted": "yellow",
}


def describe(event: events.Event) -> str | None:
    """The line of an event for people, or None when it has none."""
    if isinstance(event, events.RunStarted):
        return f"running {event.workflow}: {event.nodes} nodes"
    if isinstance(event, events.NodeFinished):
        took = "" if event.duration is None else f" in {duration(event.duration)}"
        if event.saved is not None:
            took = f", saves {duration(event.saved)}"
        return f"{MARKS.get(event.status, ' ')} {_name(event)}: {event.status}{took}"
    if isinstance(event, events.AttemptFailed):
        return (
            f"! {_name(event)}: attempt {event.attempt} failed, again in "
            f"{duration(event.delay)}: {event.error['message'].splitlines()[0]}"
        )
    if isinstance(event, events.RunFinished):
        return f"{event.status} in {duration(event.duration)}{_reused(event)}"
    return None


def _name(event: events.NodeStarted | events.NodeFinished | events.AttemptFailed) -> str:
    """The node of an event, behind the nodes that run the workflow that it is of."""
    return "/".join((*(around.node for around in event.within), event.node))


def _reused(event: events.RunFinished) -> str:
    looked = event.hits + event.misses
    if not looked:
        return ""
    part = f"; {event.hits} of {looked} from the cache ({event.hits / looked:.0%})"
    return f"{part}, saves {duration(event.saved)}" if event.hits else part


def connected(one: dict[str, Any]) -> str:
    """What connecting to a server cost a run."""
    times = f" {one['connects']} times" if one["connects"] > 1 else ""
    return (
        f"server {one['server']}: connected{times} in {duration(one['seconds'])}, "
        f"waited for {duration(one['waited'])} of it, saved {duration(one['saved'])}"
    )

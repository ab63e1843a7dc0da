"""How a run is watched on standard error: live on terminals, else as lines, of text or of JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from goflow.cli.output import say
from goflow.engine import events
from goflow.shown import MARKS, counted, duration

if TYPE_CHECKING:
    from types import TracebackType

    from goflow.cli.spending import Spending
    from goflow.engine.plan import Plan

__all__ = [
    "PlainProgress",
    "Progress",
    "connected",
    "describe",
    "progress_of",
    "reused",
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


def progress_of(mode: str, plan: Plan | None) -> Progress | None:
    """Who shows a run of this plan in a mode that ``modes.mode_of`` gave."""
    if mode == "quiet":
        return None
    if mode == "jsonl":
        from goflow.cli.event_lines import EventLines  # noqa: PLC0415 - few runs write them

        return EventLines("standard error", fd=2)
    from goflow.cli.spending import Spending  # noqa: PLC0415 - quiet runs need none

    spending = Spending({} if plan is None else _servers(plan))
    if mode == "plain":
        return PlainProgress(spending=spending)
    from goflow.cli.live import LiveProgress  # noqa: PLC0415 - loads rich
    from goflow.diagram.diagram import diagram_of  # noqa: PLC0415

    return LiveProgress(None if plan is None else diagram_of(plan.workflow), spending)


def _servers(plan: Plan) -> dict[str, str]:
    """What each node calls, by its id: a server, or nothing that has a name."""
    from goflow.workflow.model import FunctionNode, ToolNode  # noqa: PLC0415

    found: dict[str, str] = {}
    for inner in plan.workflows.values():
        found |= _servers(inner)
    for node in plan.workflow.nodes:
        if isinstance(node, ToolNode):
            found[node.id] = node.server
        elif isinstance(node, FunctionNode):
            found[node.id] = ""
    return found


class PlainProgress:
    """One line for each node that is settled, and for each attempt that failed."""

    def __init__(self, *, spending: Spending | None = None) -> None:
        self._spending = spending

    def __enter__(self) -> PlainProgress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass

    def on_event(self, event: events.Event) -> None:
        """Print the event's line, if it has one."""
        if self._spending is not None:
            self._spending.on_event(event)
        line = describe(event)
        if line is not None:
            say(line)
        if self._spending is not None and isinstance(event, events.RunFinished):
            text = self._spending.text()
            if text is not None:
                say(f"  {text}")


def describe(event: events.Event) -> str | None:
    """The line of an event for people, or None when it has none."""
    if isinstance(event, events.RunStarted):
        return f"running {event.workflow}: {counted(event.nodes, 'node')}"
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
        return f"{event.status} in {duration(event.duration)}{reused(event)}"
    return None


def _name(event: Any) -> str:
    """``fetch``, ``fetch@2`` in an iteration, ``report/fetch`` in the workflow of a node."""
    places = [*event.within, event]
    return "/".join(
        f"{one.node}@{'.'.join(map(str, one.path))}" if one.path else one.node for one in places
    )


def reused(event: events.RunFinished) -> str:
    """How many results came from the cache, and what that saved; empty when none was looked up."""
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

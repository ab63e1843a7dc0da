"""A run on a terminal, redrawn in place: what moves, what was done last, and how far it is."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from goflow.cli.live_state import LiveState, Row
from goflow.shown import MARKS, counted, duration

if TYPE_CHECKING:
    from types import TracebackType

    from goflow.cli.spending import Spending
    from goflow.diagram.diagram import Diagram
    from goflow.engine import events

__all__ = ["STYLES", "LiveProgress", "frame", "record"]

STYLES = {
    "completed": "green",
    "cached": "cyan",
    "skipped": "dim",
    "failed": "bold red",
    "outcome_unknown": "bold yellow",
    "cancelled": "yellow",
    "timed_out": "bold red",
    "interrupted": "yellow",
    "waiting": "yellow",
    "running": "bold",
    "pending": "dim",
}
RECORDED = 40
"""Nodes that are all listed when a run is over; of more only those that went in no usual way."""
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_FRAMES = 8.0


class LiveProgress:
    """Listens to a run while it is entered; leaves a record of it that needs no redrawing."""

    def __init__(self, diagram: Diagram | None, spending: Spending) -> None:
        self._state = LiveState(diagram)
        self._spending = spending
        self._console = Console(stderr=True, highlight=False)
        self._live = Live(
            console=self._console,
            get_renderable=self._now,
            refresh_per_second=_FRAMES,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            vertical_overflow="crop",
        )

    def __enter__(self) -> LiveProgress:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._live.stop()
        for line in record(self._state, self._spending):
            self._console.print(line, soft_wrap=True)

    def on_event(self, event: events.Event) -> None:
        """Take the event into account; the next frame shows it."""
        self._state.on_event(event)
        self._spending.on_event(event)

    def _now(self) -> Group:
        width, height = self._console.size
        return Group(*frame(self._state, time.time(), width, height))


def frame(state: LiveState, now: float, width: int, height: int) -> list[Text]:
    """The lines to show at a Unix time ``now``, at most ``height - 1`` of at most ``width``.

    All nodes when they fit; else those that move, then those that were done with last.
    """
    if state.began is None or state.status is not None:
        return []
    room = max(1, height - 1)
    servers = _servers(state, now)
    # The last line is short, so that a ^C that the terminal writes behind it begins no new one.
    below = [*([servers] if servers else []), _cut(_bar(state, now, width), width - 3)][-room:]
    room -= len(below)
    rows = list(state.rows.values())
    if len(rows) > room:
        rows = _chosen(state, rows, room)
    names = min(30, max((len(row.id) + 2 * row.depth for row in rows), default=0), width // 2)
    lines = [_line(row, now, names, width) for row in rows]
    return [_cut(line, width) for line in (*lines, *below)]


def record(state: LiveState, spending: Spending) -> list[Text]:
    """What stays when the run is over: its nodes, and where the time went."""
    if state.began is None:
        return []
    rows = [row for row in state.rows.values() if not row.depth and row.status != "pending"]
    left = 0
    if len(rows) > RECORDED:
        told = [row for row in rows if row.status not in ("completed", "cached", "skipped")]
        left, rows = len(rows) - len(told), told
    lines = [_ended(row) for row in rows]
    if left:
        lines.append(Text(f"  {counted(left, 'other node')} ({_counts(state)})", "dim"))
    if state.status is None:
        return lines
    took = "" if state.duration is None else f" in {duration(state.duration)}"
    took += state.reused
    counts = _counts(state)
    head = Text(f"{state.status}{took}", STYLES.get(state.status, ""))
    lines.append(head.append(f": {counts}" if counts else "", "default"))
    text = spending.text()
    return [*lines, Text(f"  {text}", "dim")] if text else lines


def _chosen(state: LiveState, rows: list[Row], room: int) -> list[Row]:
    """What moves, and in the room that is left what was done with last; in the workflow's order."""
    moving = [row for row in rows if row.moves][:room]
    chosen = {row.id for row in moving}
    for node in reversed(state.tail):
        if len(chosen) >= room:
            break
        chosen.add(node)
    for row in rows:
        if len(chosen) >= room:
            break
        if row.status == "pending" and not row.depth:
            chosen.add(row.id)
    return [row for row in rows if row.id in chosen]


def _line(row: Row, now: float, names: int, width: int) -> Text:
    """A node while the run goes on."""
    indent = "  " * row.depth
    status = "running" if row.running and row.status == "pending" else row.status
    if status == "running":
        mark = _SPINNER[int(now * _FRAMES) % len(_SPINNER)]
    else:
        mark = {"waiting": "!", "pending": "·"}.get(status, MARKS.get(status, " "))
    name = indent + row.id
    if len(name) > names:
        name = name[: names - 1] + "…"
    line = Text(f"{mark} {name:{names}}  ", STYLES.get(status, ""), no_wrap=True)
    if row.depth and status == "pending" and row.done:
        status = "between"  # its next iteration has not come to it
    clock = _clock(row, status, now)
    if clock:
        line.append(f"{clock:>8}  ", "default")
    else:
        line.append(" " * 10)
    facts = []
    if row.items is not None and status not in MARKS:
        share = row.done / row.items if row.items else 1.0
        bar = "█" * round(share * 16)
        facts.append(f"{bar:░<16} {row.done:,}/{row.items:,}")
    elif row.share is not None:
        share = min(1.0, max(0.0, row.share))
        bar = "█" * round(share * 16)
        facts.append(f"{bar:░<16} {share:.0%}")
    elif row.depth and (row.done or row.running):
        facts.append(
            f"{row.running:,} running, {row.done:,} done" if row.running else f"{row.done:,} done"
        )
        if row.failed:
            facts.append(f"{row.failed:,} failed")
    if row.attempt > 1 and status in ("running", "waiting", "failed"):
        facts.append(f"attempt {row.attempt}")
    if status == "waiting":
        facts.append(f"again in {duration(max(0.0, row.until - now))}")
    if row.note:
        facts.append(row.note)
    elif not facts or width > 100:
        facts.append(row.detail)
    line.append(" · ".join(filter(None, facts)), "dim" if status in MARKS else "default")
    return line


def _clock(row: Row, status: str, now: float) -> str:
    if status in ("running", "waiting") and row.began:
        return duration(max(0.0, now - row.began))
    if status == "cached" and row.saved is not None:
        return "cached"
    if row.took is not None and status in MARKS:
        return duration(row.took)
    return ""


def _ended(row: Row) -> Text:
    """A node when the run is over."""
    took = "" if row.took is None or row.status == "skipped" else f" in {duration(row.took)}"
    line = Text(
        f"{MARKS.get(row.status, ' ')} {row.id}: {row.status}{took}", STYLES.get(row.status, "")
    )
    facts = []
    if row.items is not None:
        facts.append(f"{row.done:,} of {row.items:,}")
    if row.attempt > 1:
        facts.append(f"{row.attempt} attempts")
    if row.saved is not None:
        facts.append(f"{duration(row.saved)} saved")
    if row.note and row.status != "cancelled":
        facts.append(row.note)
    if facts:
        line.append(f" ({', '.join(facts)})", "dim")
    return line


def _servers(state: LiveState, now: float) -> Text | None:
    """The servers that are not simply connected."""
    shown = []
    for name, server in state.servers.items():
        if server.state == "connecting":
            shown.append(f"{name} connecting {duration(max(0.0, now - server.since))}")
        elif server.state == "failed":
            shown.append(f"{name} could not be connected")
    connected = sum(server.state == "connected" for server in state.servers.values())
    if not shown:
        return None
    if connected:
        shown.append(f"{connected} connected")
    return Text("servers: " + ", ".join(shown), "yellow", no_wrap=True)


def _bar(state: LiveState, now: float, width: int) -> Text:
    size = max(4, min(32, width // 4))
    full = round(state.fraction * size)
    line = Text("━" * full, "green", no_wrap=True).append("━" * (size - full), "dim")
    passed = duration(max(0.0, now - (state.began or now)))
    moving = sum(row.moves and not row.depth for row in state.rows.values())
    facts = [f"{state.fraction:.0%}", f"{sum(state.counts.values())}/{state.total} nodes", passed]
    if moving:
        facts.append(f"{moving} running")
    facts += [f"{n:,} {status}" for status, n in state.counts.items() if status != "completed"]
    if state.retries:
        facts.append(counted(state.retries, "retry", "retries"))
    return line.append(" " + " · ".join(facts), "default")


def _counts(state: LiveState) -> str:
    parts = [f"{n:,} {status.replace('_', ' ')}" for status, n in state.counts.most_common()]
    if state.retries:
        parts.append(counted(state.retries, "retry", "retries"))
    return ", ".join(parts)


def _cut(line: Text, width: int) -> Text:
    line.truncate(max(1, width), overflow="ellipsis")
    return line

"""``goflow logs``: what happened in a run, one line each."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from goflow.cli.output import emit, emit_json
from goflow.cli.progress import connected
from goflow.shown import MARKS, duration

if TYPE_CHECKING:
    from goflow.history.runs import Entry

__all__ = ["command"]


@click.command("logs")
@click.argument("run", metavar="ID")
@click.option("--node", metavar="NODE", help="Only this node.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(run: str, node: str | None, as_json: bool) -> int:
    """Say what happened in the run ID: every attempt and every node, in their order.

    \b
    Examples:
      goflow logs last
      goflow logs 3f9c2a --node fetch
      goflow logs 3f9c2a --json
    """
    from goflow.engine.record import timestamp  # noqa: PLC0415
    from goflow.history.runs import Runs  # noqa: PLC0415

    with Runs() as runs:
        entries = [one for one in runs.log(run) if node in (None, one.node)]
    if as_json:
        emit_json([{**one._asdict(), "at": timestamp(one.at or None)} for one in entries])
        return 0
    for entry in entries:
        emit(_line(entry))
    return 0


def _line(entry: Entry) -> str:
    when = datetime.fromtimestamp(entry.at).strftime("%H:%M:%S.%f")[:-3] if entry.at else " " * 12
    where = f"@{entry.path}" if entry.path else ""
    detail = entry.detail
    if entry.what == "connected":
        return f"{when}   {connected(detail)}"
    if entry.what == "attempt":
        return f"{when}   {entry.node}{where}: attempt {detail['attempt']}"
    if entry.what == "failed attempt":
        again = f", again in {duration(detail['delay'])}" if detail["delay"] is not None else ""
        message = detail["error"]["message"].splitlines()[0]
        return f"{when} ! {entry.node}{where}: attempt {detail['attempt']} failed{again}: {message}"
    took = "" if detail["duration"] is None else f" in {duration(detail['duration'])}"
    reason = f" ({detail['reason']})" if detail["reason"] else ""
    error = f": {detail['error']['message'].splitlines()[0]}" if detail["error"] else ""
    wrote = f" → {detail['variable']}" if detail["variable"] else ""
    mark = MARKS.get(entry.what, " ")
    return f"{when} {mark} {entry.node}{where}: {entry.what}{took}{wrote}{reason}{error}"

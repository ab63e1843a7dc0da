"""``goflow runs``: the history, listed, shown and pruned."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from goflow.cli.output import emit, emit_json, say
from goflow.cli.progress import connected
from goflow.errors import BadCall, HistoryError
from goflow.shown import MARKS, duration

__all__ = ["command"]


@click.group("runs", invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, metavar="N")
@click.option("--workflow", metavar="NAME", help="Only runs of this workflow.")
@click.option("--status", metavar="STATUS", help="Only runs that ended so.")
@click.pass_context
def command(
    context: click.Context, as_json: bool, limit: int, workflow: str | None, status: str | None
) -> int:
    """List the runs that are kept, newest first.

    \b
    Examples:
      goflow runs
      goflow runs --status failed --json
      goflow runs show last
      goflow runs prune --keep-days 30
    """
    if context.invoked_subcommand is not None:
        return 0
    from goflow.history.runs import Runs  # noqa: PLC0415

    found = []
    try:
        with Runs() as runs:
            found = runs.newest(limit=limit, workflow=workflow, status=status)
    except HistoryError as error:
        if not error.empty:
            raise
    if as_json:
        emit_json([_stamped(one) for one in found])
        return 0
    if not found:
        say("no runs are kept" + (" that fit" if workflow or status else ""))
    width = max((len(one["workflow"]) for one in found), default=0)
    for one in found:
        took = "" if one["duration"] is None else duration(one["duration"])
        emit(
            f"{one['id']}  {_when(one['started_at'])}  {one['workflow']:{width}}  "
            f"{one['status']:11}  {took}".rstrip()
        )
    return 0


@command.command("show")
@click.argument("run", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--node", metavar="NODE", help="Only this node, with what it was given.")
def show(run: str, as_json: bool, node: str | None) -> int:
    """Show the run ID: its inputs, nodes, variables, and how it ended.

    \b
    Examples:
      goflow runs show last
      goflow runs show 3f9c2a --node fetch
      goflow runs show 3f9c2a --json
    """
    from goflow.history.runs import Runs  # noqa: PLC0415

    with Runs() as runs:
        found = runs.show(run)
    if node is not None:
        found["nodes"] = [one for one in found["nodes"] if one["id"] == node]
        if not found["nodes"]:
            raise BadCall(f"the run {found['id']} has no node {node!r}")
    if as_json:
        shown = _stamped(found)
        shown["nodes"] = [_stamped_node(one) for one in found["nodes"]]
        emit_json(shown["nodes"] if node is not None else shown)
        return 0
    if node is None:
        _print_head(found)
    for one in found["nodes"]:
        _print_node(one, whole=node is not None)
    if node is None:
        _print_end(found)
    return 0


@command.command("prune")
@click.option("--keep-days", type=click.FloatRange(0), metavar="N", help="Forget older runs.")
@click.option("--keep-runs", type=click.IntRange(0), metavar="N", help="Forget all but the newest.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def prune(keep_days: float | None, keep_runs: int | None, as_json: bool) -> int:
    """Forget old runs, and give their room back. Runs that go on are kept.

    \b
    Examples:
      goflow runs prune --keep-days 30
      goflow runs prune --keep-runs 100
    """
    if keep_days is None and keep_runs is None:
        raise BadCall("say what to keep: --keep-days N, --keep-runs N, or both")
    from goflow.history.runs import Runs  # noqa: PLC0415

    with Runs() as runs:
        gone = runs.prune(keep_days=keep_days, keep_runs=keep_runs)
    if as_json:
        emit_json({"forgotten": gone})
    else:
        say(f"{gone} runs forgotten")
    return 0


def _print_head(found: dict[str, Any]) -> None:
    took = "" if found["duration"] is None else f" in {duration(found['duration'])}"
    emit(f"{found['workflow']}  {found['id']}")
    emit(f"  {found['status']}{took}, started {_when(found['started_at'])}")
    if found["source"]:
        emit(f"  with results of {found['source']}")
    for one in found["connections"]:
        emit(f"  {connected(one)}")
    for name, value in found["inputs"].items():
        emit(f"  input {name} = {_short(value)}")
    emit("")


def _print_node(node: dict[str, Any], *, whole: bool) -> None:
    took = "" if node.get("duration") is None else f" in {duration(node['duration'])}"
    if node.get("saved") is not None:
        took = f", saves {duration(node['saved'])}"
    tries = f", {node['attempts']} attempts" if node.get("attempts", 0) > 1 else ""
    where = f"@{node['path']}" if node["path"] else ""
    reason = f" ({node['reason']})" if node.get("reason") else ""
    mark = MARKS.get(node["status"], " ")
    emit(f"{mark} {node['id']}{where}: {node['status']}{took}{tries}{reason}")
    if node.get("error"):
        emit(f"    {node['error']['code']}: {node['error']['message']}")
    if whole:
        for attempt in node["tries"]:
            emit(f"    attempt {attempt['attempt']}: {_short(attempt['input'], 2000)}")
            if "error" in attempt:
                emit(f"      {attempt['error']['code']}: {attempt['error']['message']}")
        if node.get("output") is not None:
            emit(f"    output: {_short(node['output'], 2000)}")


def _print_end(found: dict[str, Any]) -> None:
    from goflow.history.runs import last_changes  # noqa: PLC0415

    last = last_changes(found["variables"])
    if last:
        emit("")
    for name, change in last.items():
        emit(f"  {name} = {_short(change['value'])}")
    if found["result"] is not None:
        emit(f"\nresult: {_short(found['result'], 2000)}")
    if found["error"]:
        emit(f"\n{found['error']['code']}: {found['error']['message']}")


def _short(value: Any, limit: int = 100) -> str:
    import msgspec  # noqa: PLC0415

    text = msgspec.json.encode(value).decode()
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M:%S")


def _stamped(found: dict[str, Any]) -> dict[str, Any]:
    from goflow.engine.record import timestamp  # noqa: PLC0415

    return {**found, "started_at": timestamp(found["started_at"])}


def _stamped_node(node: dict[str, Any]) -> dict[str, Any]:
    from goflow.engine.record import timestamp  # noqa: PLC0415

    tries = [{**one, "at": timestamp(one["at"])} for one in node["tries"]]
    return {**node, "started_at": timestamp(node.get("started_at")), "tries": tries}

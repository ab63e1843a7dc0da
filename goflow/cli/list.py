"""``goflow list``: the workflows in this folder, and those that the history knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from goflow.cli.output import emit, emit_json, say

__all__ = ["command"]


@click.command("list")
@click.argument("folder", default=".", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(folder: Path, as_json: bool) -> int:
    """List the workflows in FOLDER (by default this one) and below, and those that have run.

    \b
    Examples:
      goflow list
      goflow list flows
      goflow list --json

    JSON is a list of {name, file, kind, description, nodes, servers, valid, last_run: {id, status,
    started_at}}; file is null for a workflow that only the history knows, and kind is workflow or
    template. Runs are known by name: files of one name have the same last run. Hidden folders and
    those of packages are left out, and so is what lies more than four folders deep.
    """
    from goflow.errors import BadCall  # noqa: PLC0415
    from goflow.workflow.discover import discover  # noqa: PLC0415

    if not folder.is_dir():
        raise BadCall(f"there is no folder {folder}")
    found, complete = discover(folder)
    latest = _latest()
    rows = [
        {**each._asdict(), "file": str(each.file), "last_run": latest.get(each.name)}
        for each in found
    ]
    nothing = {
        "file": None, "kind": "workflow", "description": None, "nodes": None, "servers": None,
        "valid": None,
    }  # fmt: skip
    here = {each.name for each in found}
    rows += [
        {"name": name, **nothing, "last_run": run}
        for name, run in latest.items()
        if name not in here
    ]
    if as_json:
        emit_json(rows)
    else:
        _print(rows)
    if not complete:
        say(f"{folder} holds more files than are looked at: name a folder below it")
    return 0


def _print(rows: list[dict[str, Any]]) -> None:
    if not rows:
        say("no workflows here, and none has run yet")
        say("hint: goflow init NAME begins one")
        return
    widths = [max(len(_cell(row, key)) for row in rows) for key in ("name", "file", "size")]
    for row in rows:
        cells = zip(("name", "file", "size"), widths, strict=True)
        line = "  ".join(f"{_cell(row, key):{width}}" for key, width in cells)
        emit(f"{line}  {_status(row)}".rstrip())
        if row["description"]:
            emit(f"    {row['description']}")


def _cell(row: dict[str, Any], key: str) -> str:
    if key == "file":
        return str(row["file"] or "(no file here)")
    if key == "name":
        return str(row["name"])
    if row["nodes"] is None:
        return ""
    servers = ", ".join(row["servers"]) or "no servers"
    return f"{row['nodes']} node{'s' * (row['nodes'] != 1)}, {servers}"


def _status(row: dict[str, Any]) -> str:
    if row["kind"] == "template":
        return "template"
    if row["valid"] is False:
        return "has errors"
    return str(row["last_run"]["status"]) if row["last_run"] else "never run"


def _latest() -> dict[str, dict[str, Any]]:
    """The last run of each workflow by name, newest first."""
    from goflow.engine.record import timestamp  # noqa: PLC0415
    from goflow.errors import HistoryError  # noqa: PLC0415
    from goflow.history.runs import Runs  # noqa: PLC0415

    latest: dict[str, dict[str, Any]] = {}
    try:
        with Runs() as runs:
            for run in runs.newest(limit=None):
                latest.setdefault(
                    run["workflow"],
                    {
                        "id": run["id"],
                        "status": run["status"],
                        "started_at": timestamp(run["started_at"]),
                    },
                )
    except HistoryError as error:
        if not error.empty:
            say(f"warning: {error.message}")
    return latest

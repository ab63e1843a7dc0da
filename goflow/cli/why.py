"""``goflow why``: why a node of an earlier run ran, or was taken from the cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from goflow.cli.output import emit, emit_json
from goflow.shown import MARKS, duration

if TYPE_CHECKING:
    from goflow.engine.why import Reason

__all__ = ["command"]


@click.command("why")
@click.argument("node", metavar="NODE")
@click.option("--of", "run", metavar="RUN", default="last", help="The run: its id, or last.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(node: str, run: str, as_json: bool) -> int:
    """Say why NODE ran in RUN, or why it did not have to.

    \b
    Examples:
      goflow why fetch --of last
      goflow why fetch@2 --of 3f9c2a
      goflow why fetch --json

    A node that was looked up in the cache in vain is compared with the nearest earlier result: what
    of its key differs. NODE@2 is the node in iteration 2 of its loop, NODE@2.0 in iteration 0 of
    one within it.
    """
    from goflow.engine.why import why  # noqa: PLC0415
    from goflow.history.runs import Runs  # noqa: PLC0415

    with Runs() as runs:
        run_id, reasons = why(runs, run, node)
    if as_json:
        emit_json({"run": run_id, "node": node, "executions": [one.to_dict() for one in reasons]})
        return 0
    for reason in reasons:
        _print(reason)
    return 0


def _print(reason: Reason) -> None:
    where = f"@{reason.path}" if reason.path else ""
    saves = "" if reason.saved is None else f", saves {duration(reason.saved)}"
    emit(f"{MARKS.get(reason.status, ' ')} {reason.node}{where}: {reason.status}{saves}")
    for text in reason.because:
        emit(f"    {text}")
    if reason.kept is True:
        emit("    its result was kept")
    elif isinstance(reason.kept, str):
        emit(f"    its result was not kept: {reason.kept}")

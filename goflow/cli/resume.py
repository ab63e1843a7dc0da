"""``goflow resume``: go on with a run where it was cut off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import msgspec

from goflow.cli.modes import MODES, mode_of
from goflow.cli.running import carry_out, print_result, refused
from goflow.errors import BadCall, GoFlowError

if TYPE_CHECKING:
    from goflow.engine.plan import Plan

__all__ = ["command"]


@click.command("resume")
@click.argument("run", metavar="ID")
@click.option(
    "--rerun", multiple=True, metavar="NODE", help="Make this node's call again; repeatable."
)
@click.option(
    "--assume", multiple=True, metavar="NODE=VALUE", help="Its call was done, with this value."
)
@click.option("--json", "as_json", is_flag=True, help="Print what 'run --json' prints.")
@click.option(
    "--progress",
    "asked",
    type=click.Choice(MODES),
    default="auto",
    help="How it is shown on standard error, as for 'goflow run'.",
)
@click.option("--quiet", "-q", is_flag=True, help="Show no progress.")
@click.option("--events", metavar="FILE", help="Write every event as a line of JSON.")
def command(
    run: str,
    rerun: tuple[str, ...],
    assume: tuple[str, ...],
    as_json: bool,
    asked: str,
    quiet: bool,
    events: str | None,
) -> int:
    """Go on with the run ID, which was cut off, failed or was interrupted.

    \b
    Examples:
      goflow resume last
      goflow resume 3f9c2a --rerun send
      goflow resume 3f9c2a --assume send=null --json

    Nodes that were done with are not run again. A call that was under way when the run was cut off
    is made again when its tool only reads, or the node's retry rule says so; else you say which:
    --rerun, or --assume with the value it gave. ID may be the beginning of one, or "last".
    """
    mode = "plain"
    try:
        mode = mode_of(asked, quiet=quiet)
        assumed = dict(map(_pair, assume))
        result = carry_out(
            lambda engine, listener: engine.resume(
                run, rerun=rerun, assume=assumed, listener=listener
            ),
            plan=None if mode in ("quiet", "jsonl") else _plan(run),
            mode=mode,
            events_file=events,
        )
    except GoFlowError as error:
        return refused(error, as_json, mode)
    return print_result(result, as_json=as_json, mode=mode)


def _plan(run: str) -> Plan:
    """What is shown of the run: its nodes, before they begin."""
    from goflow.engine.definition import from_text  # noqa: PLC0415
    from goflow.history.runs import Runs  # noqa: PLC0415

    with Runs() as runs:
        kept = runs.kept(run)
    return from_text(kept.definition, strict=kept.strict)


def _pair(text: str) -> tuple[str, Any]:
    """A node and its value: JSON, or text that is none as it stands."""
    name, equals, value = text.partition("=")
    if not equals:
        raise BadCall(f"--assume {text!r} has no '='", hint="write --assume NODE=VALUE")
    try:
        return name, msgspec.json.decode(value)
    except (msgspec.DecodeError, RecursionError):
        return name, value

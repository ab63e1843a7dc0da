"""What ``goflow run --replay`` does: a run whose servers are a recording."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goflow.cli.output import say
from goflow.cli.parameters import read_inputs, read_parameters
from goflow.cli.running import (
    carry_out,
    print_result,
    refused,
    say_line,
    tell_error,
    tell_warnings,
)
from goflow.engine.inputs import bind
from goflow.engine.prepare import prepare
from goflow.errors import BadCall, GoFlowError

if TYPE_CHECKING:
    from pathlib import Path

    from goflow.cassettes.replay import Player
    from goflow.workflow.model import Workflow

__all__ = ["play"]


def play(
    file: Path | None,
    cassette_file: Path,
    pairs: tuple[str, ...],
    source: str | None,
    given: tuple[str, ...],
    *,
    as_json: bool,
    mode: str,
    strict: bool,
    events_file: str | None,
) -> int:
    """Run the workflow in ``file`` with the servers in a cassette; the exit code.

    It is 1 when a call was not recorded, whatever the workflow made of that, and with ``strict``
    when a recorded call was not made. Such a run is not kept: resuming it would ask real servers.
    """
    from goflow.cassettes.cassette import Cassette  # noqa: PLC0415 - few runs are replays
    from goflow.cassettes.replay import Player  # noqa: PLC0415

    try:
        if file is None:
            raise BadCall("Missing argument 'FILE'", hint="goflow run FILE --replay CASSETTE")
        player = Player(Cassette.read(cassette_file))
        parameters = read_parameters(file, given)
        plan = prepare(file, strict=strict, parameters=parameters, offline=True)
        inputs = _recorded(player, plan.workflow) | read_inputs(plan.workflow, pairs, source)
        bind(plan.workflow, inputs)
        tell_warnings(plan, mode)
        result = carry_out(
            lambda engine, listener: engine.run(plan, inputs, listener=listener),
            plan=plan,
            mode=mode,
            events_file=events_file,
            history=False,
            cassette=player,
        )
    except GoFlowError as error:
        return refused(error, as_json, mode)
    code = print_result(result, as_json=as_json, mode=mode, shown=len(plan.warnings))
    told = (result.error or {}).get("message")
    for mismatch in player.mismatches:
        if mismatch.message != told:  # a branch for errors may have taken it
            tell_error(mismatch, mode)
    unused = player.unused()
    if unused and (strict or mode != "quiet"):
        _tell_unused([str(call) for call in unused], mode, strict=strict)
    return code or int(bool(player.mismatches or (unused and strict)))


def _recorded(player: Player, workflow: Workflow) -> dict[str, Any]:
    """The inputs of the recorded run, but for those that held a secret or are none any more."""
    from goflow.servers.redaction import MARK  # noqa: PLC0415

    known = {variable.name for variable in workflow.variables}
    return {
        name: value
        for name, value in player.cassette.inputs.items()
        if name in known and MARK not in str(value)
    }


def _tell_unused(calls: list[str], mode: str, *, strict: bool) -> None:
    severity = "error" if strict else "warning"
    if mode == "jsonl":
        say_line(severity, message="recorded and not called", calls=calls)
        return
    say(f"{severity}: recorded and not called:")
    for call in calls:
        say(f"  {call}")

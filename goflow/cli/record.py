"""``goflow record``: a run whose servers' traffic is kept."""

from __future__ import annotations

from pathlib import Path

import click

from goflow.cli.modes import mode_of
from goflow.cli.output import say
from goflow.cli.parameters import read_inputs, read_parameters
from goflow.cli.running import carry_out, print_result, refused
from goflow.engine.inputs import bind
from goflow.engine.prepare import prepare
from goflow.errors import BadCall, GoFlowError

__all__ = ["command"]


@click.command("record")
@click.argument("file", type=click.Path(path_type=Path, readable=False))
@click.option(
    "-o",
    "--output",
    "cassette",
    required=True,
    type=click.Path(path_type=Path),
    metavar="CASSETTE",
    help="Where the recording goes: YAML, or JSON when it is named so.",
)
@click.option("--var", "pairs", multiple=True, metavar="NAME=VALUE", help="One input; repeatable.")
@click.option("--input", "source", metavar="FILE|JSON", help="Inputs as a JSON or YAML map.")
@click.option(
    "--param", "given", multiple=True, metavar="NAME=VALUE", help="A template's; repeatable."
)
@click.option("--json", "as_json", is_flag=True, help="Print the run as one JSON document.")
@click.option("--quiet", "-q", is_flag=True, help="Show neither progress nor warnings.")
def command(
    file: Path,
    cassette: Path,
    pairs: tuple[str, ...],
    source: str | None,
    given: tuple[str, ...],
    as_json: bool,
    quiet: bool,
) -> int:
    """Run the workflow in FILE with its servers, and keep what they were asked and answered.

    \b
    Examples:
      goflow record report.yaml -o report.cassette.yaml
      goflow record report.yaml -o report.cassette.yaml --var folder=docs
      goflow run report.yaml --replay report.cassette.yaml

    Replaying starts no server and needs no secret, so that a workflow can be tested anywhere. What
    servers got as secrets is *** in the recording; look through it before you share it, for what
    they answered is in it. Failures are recorded like everything else. An earlier recording is
    written over, any other file is not. Exit code as of goflow run.
    """
    from goflow.cassettes.cassette import Cassette  # noqa: PLC0415
    from goflow.cassettes.record import Recorder  # noqa: PLC0415
    from goflow.engine.servers import spawn  # noqa: PLC0415

    try:
        if cassette.exists():
            try:
                Cassette.read(cassette)
            except BadCall as error:
                raise BadCall(
                    f"{error.message}: it is not written over", hint="another name for -o"
                ) from None
        plan = prepare(file, parameters=read_parameters(file, given))
        inputs = read_inputs(plan.workflow, pairs, source)
        bind(plan.workflow, inputs)
        recorder = Recorder(workflow=plan.workflow.name, inputs=inputs)
        result = carry_out(
            lambda engine, listener: engine.run(plan, inputs, listener=listener),
            processes=spawn(plan.servers),
            plan=plan,
            mode=mode_of("auto", quiet=quiet),
            cassette=recorder,
        )
        if result.status == "interrupted":
            say("nothing is recorded: the run was interrupted")
        else:
            kept = recorder.save(cassette)
            count = len(kept.calls)
            say(
                f"recorded {count} call{'s' * (count != 1)} of {len(kept.servers)} "
                f"server{'s' * (len(kept.servers) != 1)} in {cassette}"
            )
    except GoFlowError as error:
        return refused(error, as_json)
    return print_result(result, as_json=as_json, shown=len(plan.warnings))

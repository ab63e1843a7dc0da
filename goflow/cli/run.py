"""``goflow run``: load, check, run, show, print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from goflow.cli.modes import MODES, mode_of
from goflow.cli.parameters import read_inputs, read_parameters
from goflow.cli.running import carry_out, kept_results, print_result, refused, tell_warnings
from goflow.engine.inputs import bind
from goflow.engine.prepare import prepare
from goflow.engine.servers import spawn
from goflow.errors import BadCall, GoFlowError, HistoryError

if TYPE_CHECKING:
    from collections.abc import Callable

    from goflow.engine.plan import Plan

__all__ = ["command"]


@click.command("run")
@click.argument("file", type=click.Path(path_type=Path, readable=False), required=False)
@click.option("--var", "pairs", multiple=True, metavar="NAME=VALUE", help="One input; repeatable.")
@click.option("--input", "source", metavar="FILE|JSON", help="Inputs as a JSON or YAML map.")
@click.option(
    "--param", "given", multiple=True, metavar="NAME=VALUE", help="A template's; repeatable."
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print the whole record as one JSON document."
)
@click.option(
    "--progress",
    "asked",
    type=click.Choice(MODES),
    default="auto",
    help="How the run is shown on standard error; auto is live on terminals and plain elsewhere.",
)
@click.option("--quiet", "-q", is_flag=True, help="Show neither progress nor warnings.")
@click.option("--strict", is_flag=True, help="Warnings are errors; a missing key is one too.")
@click.option("--of", "run", metavar="RUN", help="Take over what this earlier run was done with.")
@click.option("--from", "start", metavar="NODE", help="… but run NODE and what follows it again.")
@click.option("--events", metavar="FILE", help="Write every event as a line of JSON.")
@click.option(
    "--cache",
    type=click.Choice(["use", "refresh", "off"]),
    help="Results of earlier runs: use those of read-only tools too, do all anew, or use none.",
)
@click.option("--replay", metavar="CASSETTE", help="Start no server: answer as was recorded.")
@click.option("--dry-run", is_flag=True, help="Say what would run, and start nothing.")
@click.option("--watch", is_flag=True, help="Run again whenever the file, or one it uses, changes.")
@click.option("--no-history", is_flag=True, help="Keep nothing of this run; it cannot be resumed.")
def command(
    file: Path | None,
    pairs: tuple[str, ...],
    source: str | None,
    given: tuple[str, ...],
    as_json: bool,
    asked: str,
    quiet: bool,
    strict: bool,
    run: str | None,
    start: str | None,
    events: str | None,
    cache: str | None,
    replay: str | None,
    dry_run: bool,
    watch: bool,
    no_history: bool,
) -> int:
    """Run the workflow in FILE and print its result.

    \b
    Examples:
      goflow run report.yaml
      goflow run report.yaml --var folder=docs --var limit=3
      goflow run report.yaml --input '{"folder": "docs"}' --json
      goflow run --from summarize --of last
      goflow run report.yaml --of last
      goflow run report.yaml --cache refresh
      goflow run report.yaml --replay report.cassette.yaml
      goflow run report.yaml --dry-run
      goflow run report.yaml --watch

    Progress and messages go to standard error, the result to standard output. With --progress jsonl
    standard error is lines of JSON: every event as with --events, then failure and warnings.

    --dry-run looks the results of earlier runs up, computes what can be known, and says which nodes
    would run, in which order, with which servers. JSON is {workflow, variables, levels, servers,
    nodes: [{id, type, verdict, certain, level, owner, saved, reason, items}]}. --watch looks at the
    files of the workflow, of those that it runs, of --input, and at where servers are defined (the
    user's and the project's .mcp.json). Exit codes: 0 done, 1 the run
    failed or the file has errors, 2 the call is wrong, 130 interrupted.
    """

    def once(note: Callable[[Plan], None] = lambda plan: None) -> int:
        mode = "plain"
        try:
            mode = mode_of(asked, quiet=quiet)
            if replay is not None:
                if run is not None or start is not None or dry_run:
                    other = "--dry-run" if dry_run else "--of"
                    raise BadCall(f"--replay and {other} exclude each other")
                from goflow.cli.replaying import play  # noqa: PLC0415 - few runs are

                return play(
                    file, Path(replay), pairs, source, given,
                    as_json=as_json, mode=mode, strict=strict, events_file=events,
                )  # fmt: skip
            kept: dict[str, Any] = {}
            if run is not None:
                plan, kept = _earlier(file, run, strict, given)
            elif start is not None:
                raise BadCall("--from needs --of RUN: the run whose results are taken over")
            elif file is None:
                raise BadCall("Missing argument 'FILE'", hint="goflow run --help")
            else:
                plan = prepare(file, strict=strict, parameters=read_parameters(file, given))
            if no_history and run is not None:
                raise BadCall("--no-history and --of exclude each other")
            inputs = kept | read_inputs(plan.workflow, pairs, source)
            variables = bind(plan.workflow, inputs)
            note(plan)
            if dry_run:
                from goflow.cli.dry_run import tell_plan  # noqa: PLC0415 - few runs are dry

                return tell_plan(plan, variables, cache, as_json)
        except GoFlowError as error:
            return refused(error, as_json, mode)
        tell_warnings(plan, mode)
        results, servers = kept_results(plan, cache, anew=start is not None)
        # The servers boot while we load what the run needs.
        processes = spawn(servers)
        try:
            result = carry_out(
                lambda engine, listener: engine.run(
                    plan, inputs, listener=listener, results_of=run, start_at=start, cache=cache
                ),
                processes=processes,
                servers=servers,
                plan=plan,
                mode=mode,
                events_file=events,
                history=not no_history,
                results=results,
            )
        except GoFlowError as error:
            return refused(error, as_json, mode)
        return print_result(result, as_json=as_json, mode=mode, shown=len(plan.warnings))

    if not watch:
        return once()
    if file is None:
        return refused(BadCall("--watch needs FILE"), as_json)
    from goflow.cli.watching import server_files  # noqa: PLC0415
    from goflow.cli.watching import watch as again_on_change  # noqa: PLC0415

    inputs_file = [Path(source)] if source and not source.lstrip().startswith(("{", "[")) else []
    return again_on_change([file, *inputs_file, *server_files(file)], once)


def _earlier(
    file: Path | None, run: str, strict: bool, given: tuple[str, ...]
) -> tuple[Plan, dict[str, Any]]:
    """The plan of a file, else of the run's stored definition, and the run's inputs."""
    from goflow.engine.definition import from_text  # noqa: PLC0415
    from goflow.history.runs import Runs  # noqa: PLC0415

    with Runs() as runs:
        kept = runs.kept(run)
    if not kept.exact:
        raise HistoryError(f"an input of the run {kept.id} held a secret and was not kept")
    if file is None:
        return from_text(kept.definition, strict=strict or kept.strict), kept.inputs
    plan = prepare(file, strict=strict, parameters=read_parameters(file, given))
    known = {variable.name for variable in plan.workflow.variables}
    return plan, {name: value for name, value in kept.inputs.items() if name in known}

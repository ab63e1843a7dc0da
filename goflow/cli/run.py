"""``goflow run``: load, check, run, show, print."""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from goflow.cli.app import INTERRUPTED, say_error
from goflow.engine.inputs import bind, parse_value
from goflow.engine.prepare import prepare
from goflow.engine.servers import spawn
from goflow.errors import BadCall, GoFlowError, InputError, WorkflowInvalid

if TYPE_CHECKING:
    from goflow.cli.progress import Progress
    from goflow.engine.plan import Plan
    from goflow.engine.record import RunResult
    from goflow.servers.process import ServerProcess
    from goflow.workflow.model import Workflow

__all__ = ["command"]

EXIT_CODES = {"completed": 0, "interrupted": INTERRUPTED}


@click.command("run")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--var", "pairs", multiple=True, metavar="NAME=VALUE", help="One input; repeatable.")
@click.option("--input", "source", metavar="FILE|JSON", help="Inputs as a JSON or YAML map.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print the whole record as one JSON document."
)
@click.option("--quiet", "-q", is_flag=True, help="Show no progress.")
@click.option("--strict", is_flag=True, help="Warnings are errors; a missing key is one too.")
def command(
    file: Path, pairs: tuple[str, ...], source: str | None, as_json: bool, quiet: bool, strict: bool
) -> int:
    """Run the workflow in FILE and print its result.

    \b
    Examples:
      goflow run report.yaml
      goflow run report.yaml --var folder=docs --var limit=3
      goflow run report.yaml --input '{"folder": "docs"}' --json

    Progress and messages go to standard error, the result to standard output.
    """
    try:
        plan = prepare(file, strict=strict)
        inputs = _inputs(plan.workflow, pairs, source)
        bind(plan.workflow, inputs)
    except GoFlowError as error:
        return _refused(error, as_json)
    # The servers boot while we load what the run needs.
    processes = spawn(plan.servers)
    result = _run(plan, inputs, processes, _progress(quiet))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(result.to_dict()), indent=2))
    elif result.completed:
        _print_value(result.result)
    if not result.completed:
        _say_failure(result)
    for warning in result.warnings:
        click.echo(f"warning: {warning}", err=True)
    return EXIT_CODES.get(result.status, 1)


def _run(
    plan: Plan, inputs: dict[str, Any], processes: list[ServerProcess], progress: Progress | None
) -> RunResult:
    import asyncio  # noqa: PLC0415 - after the servers were started
    import signal  # noqa: PLC0415

    from goflow.engine.engine import Engine  # noqa: PLC0415

    async def main() -> RunResult:
        loop = asyncio.get_running_loop()
        async with Engine(spawned=processes) as engine:
            if sys.platform != "win32":
                for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                    loop.add_signal_handler(number, engine.stop, "interrupted")
            if progress is None:
                return await engine.run(plan, inputs)
            with progress:
                return await engine.run(plan, inputs, listener=progress.on_event)

    # From here on there may be garbage, but not among what was loaded.
    gc.freeze()
    gc.enable()
    return asyncio.run(main())


def _progress(quiet: bool) -> Progress | None:
    if quiet:
        return None
    if sys.stderr.isatty():
        from goflow.cli.progress import LiveProgress  # noqa: PLC0415 - loads rich

        return LiveProgress()
    from goflow.cli.progress import PlainProgress  # noqa: PLC0415

    return PlainProgress()


# -- inputs ------------------------------------------------------------------------------------


def _inputs(workflow: Workflow, pairs: tuple[str, ...], source: str | None) -> dict[str, Any]:
    values: dict[str, Any] = {} if source is None else _map_of(source)
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise BadCall(f"--var {pair!r} has no '='", hint="write --var NAME=VALUE")
        values[name] = parse_value(workflow, name, text)
    return values


def _map_of(source: str) -> dict[str, Any]:
    from goflow.workflow.document import Document, Unreadable  # noqa: PLC0415

    try:
        inline = source.lstrip().startswith(("{", "["))
        document = Document(source) if inline else Document.read(Path(source))
    except Unreadable as error:
        raise BadCall(f"--input: {error.finding.message}", hint=error.finding.hint) from None
    if not isinstance(document.tree, dict):
        raise BadCall("--input must be a map of names to values")
    return document.tree


# -- output ------------------------------------------------------------------------------------


def _print_value(value: Any) -> None:
    """A string as it is, null as nothing, anything else as JSON."""
    if isinstance(value, str):
        click.echo(value)
    elif value is not None:
        click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2))


def _say_failure(result: RunResult) -> None:
    error = result.error or {"message": f"the run was {result.status}"}
    where = f"node {error['node']!r}: " if "node" in error else ""
    click.echo(f"{result.status}: {where}{error['message']}", err=True)
    if "stderr" in error:
        click.echo(f"the last lines of {error.get('server', 'the server')}'s stderr:", err=True)
        for line in error["stderr"].splitlines()[-10:]:
            click.echo(f"  | {line}", err=True)
    if "hint" in error:
        click.echo(f"hint: {error['hint']}", err=True)


def _refused(error: GoFlowError, as_json: bool) -> int:
    """Nothing ran: say why, in the shape of a run's record when JSON is asked for."""
    code = 2 if isinstance(error, BadCall) else 1
    report = error.report if isinstance(error, WorkflowInvalid) else None
    if report is not None:
        click.echo(report.render(), err=True)
    say_error(error)
    if as_json:
        detail: dict[str, Any] = {"code": error.code, "message": error.message, "hint": error.hint}
        if report is not None:
            detail |= report.to_dict()
        if isinstance(error, InputError):
            detail["variable"] = error.variable
        record: dict[str, Any] = {
            "id": None,
            "workflow": None,
            "status": "refused",
            "result": None,
            "error": detail,
            "nodes": [],
        }
        click.echo(msgspec.json.format(msgspec.json.encode(record), indent=2))
    return code

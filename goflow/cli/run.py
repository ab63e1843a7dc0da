"""``goflow run``: load, check, run, show, print."""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from goflow.cli.output import emit, emit_json, say, say_error
from goflow.cli.parameters import read_parameters
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

EXIT_CODES = {"completed": 0, "interrupted": 130}


@click.command("run")
@click.argument("file", type=click.Path(path_type=Path, readable=False))
@click.option("--var", "pairs", multiple=True, metavar="NAME=VALUE", help="One input; repeatable.")
@click.option("--input", "source", metavar="FILE|JSON", help="Inputs as a JSON or YAML map.")
@click.option(
    "--param", "given", multiple=True, metavar="NAME=VALUE", help="A template's; repeatable."
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print the whole record as one JSON document."
)
@click.option("--quiet", "-q", is_flag=True, help="Show neither progress nor warnings.")
@click.option("--strict", is_flag=True, help="Warnings are errors; a missing key is one too.")
def command(
    file: Path,
    pairs: tuple[str, ...],
    source: str | None,
    given: tuple[str, ...],
    as_json: bool,
    quiet: bool,
    strict: bool,
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
        plan = prepare(file, strict=strict, parameters=read_parameters(file, given))
        inputs = _inputs(plan.workflow, pairs, source)
        bind(plan.workflow, inputs)
    except GoFlowError as error:
        return _refused(error, as_json)
    if plan.warnings and not quiet:
        say(plan.report.only("warning").render())
    # The servers boot while we load what the run needs.
    processes = spawn(plan.servers)
    result = _run(plan, inputs, processes, _progress(quiet))
    if as_json:
        emit_json(result.to_dict())
    elif result.completed:
        _print_value(result.result)
    if not result.completed:
        _say_failure(result)
    for warning in result.warnings[len(plan.warnings) :]:
        say(f"warning: {warning}")
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
        emit(value)
    elif value is not None:
        emit_json(value)


def _say_failure(result: RunResult) -> None:
    error = result.error or {"message": f"the run was {result.status}"}
    where = f"node {error['node']!r}: " if "node" in error else ""
    say(f"{result.status}: {where}{error['message']}")
    if "stderr" in error:
        say(f"the last lines of {error.get('server', 'the server')}'s stderr:")
        for line in error["stderr"].splitlines()[-10:]:
            say(f"  | {line}")
    if "hint" in error:
        say(f"hint: {error['hint']}")


def _refused(error: GoFlowError, as_json: bool) -> int:
    """Nothing ran: say why, in the shape of a run's record when JSON is asked for."""
    code = 2 if isinstance(error, BadCall) else 1
    say_error(error)
    if as_json:
        detail: dict[str, Any] = {"code": error.code, "message": error.message, "hint": error.hint}
        if isinstance(error, WorkflowInvalid):
            detail |= error.report.to_dict()
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
        emit_json(record)
    return code

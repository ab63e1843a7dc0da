"""``goflow validate``: every finding of a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from goflow.cli.output import emit, emit_json, say, say_error
from goflow.cli.parameters import read_parameters
from goflow.errors import BadCall
from goflow.shown import counted
from goflow.workflow.validate import examine

if TYPE_CHECKING:
    from goflow.workflow.diagnostics import Report

__all__ = ["command"]


@click.command("validate")
@click.argument("files", nargs=-1, required=True, metavar="FILE…", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "sarif"]),
    default="text",
    help="How the findings are printed.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--strict", is_flag=True, help="Warnings are errors.")
@click.option(
    "--param", "given", multiple=True, metavar="NAME=VALUE", help="A template's; repeatable."
)
@click.option("--live", is_flag=True, help="Ask the servers too: their tools and arguments.")
def command(
    files: tuple[Path, ...],
    form: str,
    as_json: bool,
    strict: bool,
    given: tuple[str, ...],
    live: bool,
) -> int:
    """Find the mistakes in each FILE without running anything.

    \b
    Examples:
      goflow validate report.yaml
      goflow validate report.yaml --live
      goflow validate flows/*.yaml --strict --format sarif

    JSON is one object for one file, {valid, findings}; for several, {valid, files: [{file, valid,
    findings}]}. Exit code 0 when every file can run, 1 when one has errors.
    """
    form = "json" if as_json else form
    try:
        reports = [_report(file, given, strict, live) for file in files]
    except BadCall as error:
        if form == "json":
            detail = {"code": error.code, "message": error.message, "hint": error.hint}
            emit_json({"valid": False, "findings": [], "error": detail})
        say_error(error)
        return 2
    if form == "json":
        emit_json(_document(reports))
    elif form == "sarif":
        from goflow.workflow.sarif import to_sarif  # noqa: PLC0415 - few ask for it

        emit_json(to_sarif(reports))
    else:
        for file, report in zip(files, reports, strict=True):
            _print(file, report)
    return 0 if all(report.valid for report in reports) else 1


def _report(file: Path, given: tuple[str, ...], strict: bool, live: bool) -> Report:
    workflow, report = examine(file, read_parameters(file, given) or None)
    if live and workflow is not None:
        from goflow.engine.live import validate_live  # noqa: PLC0415 - loads asyncio

        report = validate_live(workflow, report)
    return report.strict() if strict else report


def _document(reports: list[Report]) -> dict[str, Any]:
    if len(reports) == 1:
        return reports[0].to_dict()
    return {
        "valid": all(report.valid for report in reports),
        "files": [{"file": report.file, **report.to_dict()} for report in reports],
    }


def _print(file: Path, report: Report) -> None:
    if report.findings:
        emit(report.render())
    errors, others = len(report.errors), len(report.findings) - len(report.errors)
    verdict = "valid" if report.valid else "not valid"
    told = f"{counted(errors, 'error')}, {counted(others, 'other finding')}"
    say(f"{file}: {verdict} ({told})")

"""``goflow validate``: every finding of a file."""

from __future__ import annotations

from pathlib import Path

import click

from goflow.cli.output import emit, emit_json, say
from goflow.workflow.validate import validate

__all__ = ["command"]


@click.command("validate")
@click.argument("file", type=click.Path(path_type=Path, readable=False))
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    help="How the findings are printed.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--strict", is_flag=True, help="Warnings are errors.")
def command(file: Path, form: str, as_json: bool, strict: bool) -> int:
    """Find the mistakes in FILE without running anything.

    \b
    Examples:
      goflow validate report.yaml
      goflow validate report.yaml --strict --format json

    Exit code 0 when the file can run, 1 when it has errors.
    """
    report = validate(file)
    if strict:
        report = report.strict()
    if as_json or form == "json":
        emit_json(report.to_dict())
    else:
        if report.findings:
            emit(report.render())
        errors, others = len(report.errors), len(report.findings) - len(report.errors)
        verdict = "valid" if report.valid else "not valid"
        say(f"{file}: {verdict} ({errors} errors, {others} other findings)")
    return 0 if report.valid else 1

"""``goflow import``: a workflow from elsewhere, checked, and what it needs here."""

from __future__ import annotations

import getpass
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from goflow.cli.output import emit, emit_json, say, say_error
from goflow.errors import BadCall

if TYPE_CHECKING:
    from goflow.sharing.needs import Need
    from goflow.workflow.model import Workflow

__all__ = ["command"]

INCOMPLETE = 3


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="OUT",
              help="Where it goes; by default NAME.yaml, after its name.")  # fmt: skip
@click.option("--force", is_flag=True, help="Write over OUT.")
@click.option("--json", "as_json", is_flag=True, help="Print what it needs as JSON; asks nothing.")
def command(file: Path, output: Path | None, force: bool, as_json: bool) -> int:
    """Take in the workflow in FILE, which somebody else made: check it, and see what it needs.

    \b
    Examples:
      goflow import shared.yaml
      goflow import shared.yaml -o flows/report.yaml
      goflow import shared.yaml --json

    It says which programs the workflow will start; nothing is started. On a terminal it asks for
    secrets that are missing and keeps them in the keyring; elsewhere it lists them. Exit code 0
    when everything is there, 3 when it was taken in and something is missing, 1 when it was
    refused: it has errors, or reaches out of its folder.

    JSON is {file, needs: [{kind, name, there, hint}], inputs, starts}.
    """
    from goflow.sharing.needs import needs, outside  # noqa: PLC0415
    from goflow.workflow.document import Document, Unreadable  # noqa: PLC0415
    from goflow.workflow.validate import examine  # noqa: PLC0415

    workflow, report = examine(file)
    if workflow is None or not report.valid:
        if report.findings:
            emit(report.render()) if not as_json else emit_json(report.to_dict())
        say(f"error: {file} has errors, and was not taken in")
        return 1
    reaching = outside(workflow)
    if reaching:
        say(f"error: {file} reaches out of its folder, and was not taken in:")
        for each in reaching:
            say(f"  {each}")
        return 1
    output = output or Path(f"{_file_name(workflow.name)}.yaml")
    if output.is_symlink() or (output.exists() and not force):
        raise BadCall(f"{output} is there already", hint="-o OUT, or --force to write over it")
    try:
        text = Document.read(file).text
    except Unreadable as error:
        raise BadCall(error.finding.message) from None
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadCall(f"cannot write {output}: {error.strerror or error}") from None
    found = needs(workflow, output.absolute().parent)
    if not as_json and sys.stdin.isatty() and sys.stderr.isatty():
        found = [_asked(need) for need in found]
    if as_json:
        _print_json(output, workflow, found)
    else:
        _print(output, workflow, found)
    return 0 if all(need.there for need in found) else INCOMPLETE


def _file_name(name: str) -> str:
    """The workflow's name as that of a file in this folder."""
    plain = re.sub(r"[^\w.-]+", "-", name).strip(".-")
    if not plain:
        raise BadCall(f"{name!r} is no name for a file", hint="-o OUT says where it goes")
    return plain[:100]


def _asked(need: Need) -> Need:
    """The need, after a person was asked for the secret that is missing."""
    if need.there or need.kind != "secret":
        return need
    from goflow.servers import secrets  # noqa: PLC0415

    value = getpass.getpass(f"{need.name} (empty: later): ", stream=sys.stderr)
    if not value:
        return need
    try:
        secrets.keep(need.name, value)
    except BadCall as error:
        say_error(error)
        return need
    return need._replace(there=True)


def _starts(workflow: Workflow) -> list[str]:
    return [
        server.url or " ".join((server.command or "", *server.args)) for server in workflow.servers
    ]


def _print(output: Path, workflow: Workflow, found: list[Need]) -> None:
    emit(str(output))
    for server, target in zip(workflow.servers, _starts(workflow), strict=True):
        say(f"{'it asks' if server.url else 'it starts'} {target}")
    for variable in workflow.variables:
        if variable.required and not variable.has_default:
            say(f"each run needs --var {variable.name}=…")
    for need in found:
        if not need.there:
            say(f"missing: the {need.kind} {need.name} ({need.hint})")


def _print_json(output: Path, workflow: Workflow, found: list[Need]) -> None:
    emit_json(
        {
            "file": str(output),
            "needs": [need._asdict() for need in found],
            "inputs": [v.name for v in workflow.variables if v.required and not v.has_default],
            "starts": _starts(workflow),
        }
    )

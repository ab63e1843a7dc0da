"""``goflow export``: a workflow's file without secrets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from goflow.cli.output import emit, emit_json, say
from goflow.errors import BadCall

if TYPE_CHECKING:
    from goflow.sharing.scrub import Scrubbed

__all__ = ["command", "scrubbed"]


@click.command("export")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="OUT", help="Where it goes."
)
@click.option("--force", is_flag=True, help="Write over OUT.")
@click.option("--json", "as_json", is_flag=True, help="Print what was replaced as JSON; needs -o.")
def command(file: Path, output: Path | None, force: bool, as_json: bool) -> int:
    """Write the workflow in FILE as one that can be shared: to OUT, or to standard output.

    \b
    Examples:
      goflow export report.yaml -o shared.yaml
      goflow export report.yaml > shared.yaml
      goflow export report.yaml -o shared.yaml --json

    Every name, value, argument and URL is looked through with the rules of a secret scanner, and
    for the secrets that are kept here. In servers ${secret.NAME} stands in the place of one, in the
    arguments of nodes an input that must be given; a secret in an expression is an error (exit code
    1). Servers that are only known to you are written into the file. Your home folder becomes
    ${env.HOME} or ~, or is told of. Comments are left out, for they may hold anything.

    JSON is {file, placeholders: [{kind, name, place, looks_like}], notes}.
    """
    from goflow.workflow.format import canonical_text  # noqa: PLC0415
    from goflow.workflow.yaml_text import write  # noqa: PLC0415

    if as_json and output is None:
        raise BadCall("--json needs -o OUT: standard output has only one use")
    if output is not None and output.exists() and not force:
        raise BadCall(f"{output} is there already", hint="--force writes over it")
    found = scrubbed(file)
    text = canonical_text(write(found.tree))
    if output is None:
        emit(text.rstrip("\n"))
    else:
        try:
            output.write_text(text, encoding="utf-8")
        except OSError as error:
            raise BadCall(f"cannot write {output}: {error.strerror or error}") from None
    if as_json:
        emit_json(
            {
                "file": str(output),
                "placeholders": [each._asdict() for each in found.placeholders],
                "notes": found.notes,
            }
        )
        return 0
    for each in found.placeholders:
        stands = f"${{secret.{each.name}}}" if each.kind == "secret" else f"the input {each.name}"
        say(f"{each.place}: {stands} in the place of {each.looks_like}")
    for note in found.notes:
        say(f"note: {note}")
    if output is not None:
        say(f"{output}: written; goflow import {output} takes it in elsewhere")
    return 0


def scrubbed(file: Path) -> Scrubbed:
    """The workflow in a file, made fit to be shared; raises ``SecretInCode`` and ``BadCall``."""
    from goflow.servers import secrets  # noqa: PLC0415
    from goflow.sharing.scanner import Scanner  # noqa: PLC0415
    from goflow.sharing.scrub import scrub  # noqa: PLC0415
    from goflow.workflow.export import server_tree, to_tree  # noqa: PLC0415
    from goflow.workflow.known_servers import known_servers  # noqa: PLC0415
    from goflow.workflow.load import load  # noqa: PLC0415

    workflow = load(file)
    known = {}
    for name in secrets.known_names():
        try:
            known[name] = secrets.secret(name, server="")
        except BadCall:
            continue  # remembered, and gone
    tree = to_tree(workflow)
    others = [server_tree(server) for server in known_servers(workflow).values()]
    if others:
        tree["servers"] = [*tree.get("servers", ()), *others]
    folder = file.absolute().parent
    return scrub(workflow, tree, Scanner(known.values()), known, folder)

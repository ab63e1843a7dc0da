"""``goflow init``: a new workflow from a template."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from goflow.cli.output import emit, say
from goflow.cli.parameters import read_pairs
from goflow.errors import BadCall

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goflow.templates.catalogue import Starter
    from goflow.workflow.template import Parameter

__all__ = ["command"]

DEFAULT = "pipeline"


@click.command("init")
@click.argument("name")
@click.option("--template", "-t", metavar="T", help="Which one: goflow templates lists them.")
@click.option("--param", "given", multiple=True, metavar="NAME=VALUE", help="One; repeatable.")
@click.option("--yes", "-y", is_flag=True, help="Ask nothing: what is not given is the default.")
@click.option("--force", is_flag=True, help="Write over files that are there already.")
def command(name: str, template: str | None, given: tuple[str, ...], yes: bool, force: bool) -> int:
    """Begin a workflow: write NAME.yaml, and sample files to run it on.

    \b
    Examples:
      goflow init report
      goflow init report --template files --param pattern='*.txt'
      goflow init flows/triage -t routing --yes
      goflow init report -t etl --param data=exports

    On a terminal it asks for the template and its parameters. The sample files go into NAME-data,
    unless the parameter data names a folder that is there. No file is written over without --force.
    """
    from goflow.templates.catalogue import starter  # noqa: PLC0415 - loads the format

    file = _file(name)
    asks = not yes and sys.stdin.isatty() and sys.stderr.isatty()
    if template is None:
        template = _ask_template() if asks else DEFAULT
    chosen = starter(template)
    values = _values(chosen, read_pairs("--param", given), file, asks=asks)
    folder = Path(os.path.normpath(file.parent / values["data"]))
    wanted = {file: chosen.text(values).encode()}
    if not folder.is_dir() or values["data"] == f"{file.stem}-data":
        wanted |= {folder / sample: data for sample, data in chosen.samples().items()}
    _write(wanted, force=force)
    for written in wanted:
        emit(str(written))
    say(f"next: goflow run {file}")
    return 0


def _file(name: str) -> Path:
    """Where the workflow goes."""
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        path = path.with_name(f"{path.name}.yaml") if path.name else path
    if not re.fullmatch(r"\w[\w.-]*", path.stem):
        raise BadCall(f"{name!r} is no name for a workflow", hint="letters, digits, '_' and '-'")
    return path


def _ask_template() -> str:
    from goflow.templates.catalogue import names, starter  # noqa: PLC0415

    known = names()
    width = max(map(len, known))
    for each in known:
        say(f"  {each:{width}}  {starter(each).description}")
    answer: str = click.prompt(
        "Template", type=click.Choice(known), default=DEFAULT, err=True, show_choices=False
    )
    return answer


def _values(chosen: Starter, given: Mapping[str, str], file: Path, *, asks: bool) -> dict[str, Any]:
    """The template's parameters: given, asked for, or by default."""
    from goflow.engine.inputs import parse_text  # noqa: PLC0415

    known = {parameter.name: parameter for parameter in chosen.template.parameters}
    values: dict[str, Any] = {
        name: parse_text(name, text, known[name].type if name in known else "any")
        for name, text in given.items()
    }
    values = {"name": file.stem, "data": f"{file.stem}-data", **values}
    for parameter in chosen.parameters:
        if asks and parameter.name not in values:
            values[parameter.name] = _ask(parameter)
    return values


def _ask(parameter: Parameter) -> Any:
    """What a person types for a parameter; asked again until it fits."""
    from goflow.engine.inputs import parse_text  # noqa: PLC0415

    words = parameter.description or parameter.name

    def read(text: Any) -> Any:
        if not isinstance(text, str):
            return text  # the default
        try:
            value = parse_text(parameter.name, text, parameter.type)
        except BadCall as error:
            raise click.UsageError(error.message) from None
        problem = parameter.problem(value)
        if problem:
            raise click.UsageError(f"it {problem}")
        return value

    return click.prompt(words, default=parameter.default, value_proc=read, err=True)


def _write(files: Mapping[Path, bytes], *, force: bool) -> None:
    """Write all files; none when one is there already, unless ``force``."""
    there = [file for file in files if file.exists() or file.is_symlink()]
    if there and not force:
        raise BadCall(
            f"{', '.join(map(str, there))} {'is' if len(there) == 1 else 'are'} there already",
            hint="another name, or --force to write over it",
        )
    for file, data in files.items():
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("wb" if force else "xb") as stream:
                stream.write(data)
        except OSError as error:
            raise BadCall(f"cannot write {file}: {error.strerror or error}") from None

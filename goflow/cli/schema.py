"""``goflow schema``: the JSON Schema of workflow files."""

from __future__ import annotations

import click

from goflow.cli.output import emit

__all__ = ["command"]


@click.command("schema")
def command() -> int:
    """Print the JSON Schema (draft 2020-12) of workflow files, for editors.

    \b
    Examples:
      goflow schema > workflow.schema.json

    An editor that speaks YAML's language server completes and checks a file that begins with:

    \b
      # yaml-language-server: $schema=workflow.schema.json
    """
    from goflow.workflow.schema import FILE  # noqa: PLC0415 - other verbs need no schema

    emit(FILE.read_text(encoding="utf-8").rstrip())
    return 0

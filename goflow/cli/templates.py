"""``goflow templates``: what ``goflow init`` can begin with."""

from __future__ import annotations

import click

from goflow.cli.output import emit, emit_json, say

__all__ = ["command"]


@click.command("templates")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(as_json: bool) -> int:
    """List the templates that goflow init begins a workflow from, with their parameters.

    \b
    Examples:
      goflow templates
      goflow templates --json

    JSON is a list of {name, description, parameters: [{name, type, default, description}]}.
    """
    from goflow.templates.catalogue import names, starter  # noqa: PLC0415 - loads the format

    found = [starter(name) for name in names()]
    if as_json:
        emit_json(
            [
                {
                    "name": each.name,
                    "description": each.description,
                    "parameters": [
                        {
                            "name": parameter.name,
                            "type": parameter.type,
                            "default": parameter.default,
                            "description": parameter.description,
                        }
                        for parameter in each.parameters
                    ],
                }
                for each in found
            ]
        )
        return 0
    width = max(len(each.name) for each in found)
    for each in found:
        emit(f"{each.name:{width}}  {each.description}")
        for parameter in each.parameters:
            emit(
                f"{'':{width}}    --param {parameter.name}={parameter.default}: "
                f"{parameter.description}"
            )
    say("hint: goflow init NAME --template T")
    return 0

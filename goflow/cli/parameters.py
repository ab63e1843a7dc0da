"""``--param NAME=VALUE``: the parameters of a template, read by their declared types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goflow.engine.inputs import parse_text
from goflow.errors import BadCall

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_parameters"]


def read_parameters(file: Path, given: tuple[str, ...]) -> dict[str, Any]:
    """The values of ``given``, empty when there are none.

    Raises ``BadCall`` for a text that is no such value, or a file that is no template.
    """
    if not given:
        return {}
    from goflow.workflow.template import load_template  # noqa: PLC0415 - few files are templates

    types = {parameter.name: parameter.type for parameter in load_template(file).parameters}
    values: dict[str, Any] = {}
    for pair in given:
        name, equals, text = pair.partition("=")
        if not equals:
            raise BadCall(f"--param {pair!r} has no '='", hint="write --param NAME=VALUE")
        values[name] = parse_text(name, text, types.get(name, "any"))
    return values

"""Values that options give: ``NAME=VALUE`` by declared types, and maps as JSON or files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from goflow.engine.inputs import parse_text, parse_value
from goflow.errors import BadCall

if TYPE_CHECKING:
    from goflow.workflow.model import Workflow

__all__ = ["read_inputs", "read_map", "read_pairs", "read_parameters"]


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


def read_inputs(workflow: Workflow, pairs: tuple[str, ...], source: str | None) -> dict[str, Any]:
    """The values of ``--input`` and, over them, of ``--var``; raises ``BadCall``."""
    values: dict[str, Any] = {} if source is None else read_map("--input", source)
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise BadCall(f"--var {pair!r} has no '='", hint="write --var NAME=VALUE")
        values[name] = parse_value(workflow, name, text)
    return values


def read_map(option: str, source: str) -> dict[str, Any]:
    """The map in a JSON text or a file; raises ``BadCall`` when there is none."""
    from goflow.workflow.document import Document, Unreadable  # noqa: PLC0415 - few give one

    try:
        inline = source.lstrip().startswith(("{", "["))
        document = Document(source) if inline else Document.read(Path(source))
    except Unreadable as error:
        raise BadCall(f"{option}: {error.finding.message}", hint=error.finding.hint) from None
    if not isinstance(document.tree, dict):
        raise BadCall(f"{option} must be a map of names to values")
    return document.tree


def read_pairs(option: str, pairs: tuple[str, ...]) -> dict[str, str]:
    """The texts of ``NAME=VALUE``; raises ``BadCall`` for what has no ``=`` or comes twice."""
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise BadCall(f"{option} {pair!r} is not NAME=VALUE", hint=f"write {option} NAME=VALUE")
        if name in found:
            raise BadCall(f"{option} gives {name!r} twice")
        found[name] = text
    return found

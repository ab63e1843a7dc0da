"""The inputs of a run: checked against the variables that the workflow declares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from goflow.errors import BadCall, InputError
from goflow.expressions.functions import nearest
from goflow.expressions.values import kind, not_json

if TYPE_CHECKING:
    from goflow.workflow.model import Variable, Workflow

__all__ = ["bind", "parse_text", "parse_value"]

_KINDS = ("string", "number", "boolean", "null", "array", "object")


def bind(workflow: Workflow, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The variables a run begins with: inputs, else defaults, else null.

    Raises ``InputError`` for an unknown, missing or wrongly typed input.
    """
    if not isinstance(inputs, Mapping):
        raise BadCall(f"inputs are a map of names to values, not {type(inputs).__name__}")
    declared = {variable.name: variable for variable in workflow.variables}
    for name in inputs:
        if not isinstance(name, str):
            raise BadCall(f"the name of an input is a text, not {type(name).__name__}")
        if name not in declared:
            raise InputError(
                f"the workflow has no input {name!r}",
                variable=name,
                hint=nearest(name, declared) or _listing(declared),
            )
    values: dict[str, Any] = {}
    for name, variable in declared.items():
        if name in inputs:
            _check(variable, inputs[name])
        elif variable.required and not variable.has_default:
            raise InputError(f"the input {name!r} is required", variable=name, hint=_how(name))
        values[name] = inputs.get(name, variable.default)
    for node in workflow.nodes:
        if node.output is not None:
            values.setdefault(node.output, None)
    return values


def parse_value(workflow: Workflow, name: str, text: str) -> Any:
    """The value of ``--var name=text``, read by the variable's declared type.

    Raises ``InputError`` when the text is no such value. A variable of type ``any`` takes JSON,
    and text that is no JSON as it stands.
    """
    declared = {variable.name: variable.type for variable in workflow.variables}
    return parse_text(name, text, declared.get(name, "any"))


def parse_text(name: str, text: str, wanted: str) -> Any:
    """The value of type ``wanted`` that a command line gives as ``text``."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InputError(f"the value of {name!r} is not UTF-8 text", variable=name) from None
    if wanted == "string":
        return text
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        if wanted == "any":
            return text
        raise InputError(
            f"{text!r} is not a value of type {wanted} for {name!r}",
            variable=name,
            hint=_SPELLINGS[wanted],
        ) from None
    return value


_SPELLINGS = {
    "number": "write 3 or 2.5",
    "boolean": "write true or false",
    "array": 'write JSON: ["a", "b"]',
    "object": 'write JSON: {"key": "value"}',
}


def _check(variable: Variable, value: Any) -> None:
    given = kind(value)
    problem = not_json(value)
    if problem:
        raise InputError(
            f"the input {variable.name!r} is no JSON value: {problem}", variable=variable.name
        )
    if variable.type not in ("any", given) and value is not None:
        raise InputError(
            f"the input {variable.name!r} must be of type {variable.type}, not {given}",
            variable=variable.name,
        )


def _listing(declared: Mapping[str, Variable]) -> str:
    return f"its inputs are {', '.join(declared)}" if declared else "it has none"


def _how(name: str) -> str:
    return f"give it with --var {name}=…"

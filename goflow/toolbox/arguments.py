"""Arguments: whether those of a call are what the tool's input schema asks for.

A checker for the few words of JSON Schema that the tools use, so that a message can name the
argument and say what is wrong with it. The tests hold it against a full validator.
"""

from __future__ import annotations

from goflow.toolbox.registry import ToolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from goflow.toolbox.registry import Schema

WORDS = {
    *("type", "properties", "required", "additionalProperties", "description", "default"),
    *("items", "minLength", "maxLength", "minimum", "maximum"),
}
"""The words of JSON Schema that are understood here; an input schema uses no others."""


def check_arguments(schema: Schema, arguments: dict[str, Any]) -> None:
    """Raise `ToolError` unless the arguments fit the schema."""
    properties = schema["properties"]
    unknown = [name for name in arguments if name not in properties]
    if unknown:
        known = ", ".join(properties)
        raise ToolError(f"unknown argument {unknown[0]!r}; the arguments are: {known}")
    missing = [name for name in schema["required"] if name not in arguments]
    if missing:
        raise ToolError(f"argument {missing[0]!r} is missing")
    for name, value in arguments.items():
        _check(f"argument {name!r}", properties[name], value)


def _check(where: str, schema: Schema, value: Any) -> None:
    wanted = schema.get("type")
    if wanted is not None and not _is(wanted, value):
        raise ToolError(f"{where} must be {_ARTICLE[wanted]}, not {kind(value)}")
    if wanted == "string":
        if len(value) < schema.get("minLength", 0):
            raise ToolError(f"{where} must not be empty")
        longest = schema.get("maxLength")
        if longest is not None and len(value) > longest:
            raise ToolError(f"{where} is longer than {longest} characters")
    elif wanted == "integer":
        least, most = schema.get("minimum"), schema.get("maximum")
        if (least is not None and value < least) or (most is not None and value > most):
            raise ToolError(f"{where} must be from {least} to {most}")
    elif wanted == "array":
        items = schema.get("items")
        if items:
            for index, item in enumerate(value):
                _check(f"{where}[{index}]", items, item)


def _is(wanted: str, value: Any) -> bool:
    if isinstance(value, bool):  # In Python a bool is an int; in JSON it is not a number.
        return wanted == "boolean"
    if wanted == "integer":  # JSON has one kind of number: 2.0 is a whole one.
        return isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return isinstance(value, _PYTHON[wanted])


def kind(value: Any) -> str:
    """What JSON calls a value, with its article: "a string", "null"."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a string"
    return "a list" if isinstance(value, list) else "an object"


_PYTHON: dict[str, type] = {"string": str, "array": list, "object": dict, "boolean": bool}
_ARTICLE = {
    "string": "a string",
    "integer": "a whole number",
    "boolean": "a boolean",
    "array": "a list",
    "object": "an object",
}

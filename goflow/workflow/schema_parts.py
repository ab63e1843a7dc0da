"""The pieces of the schema: kinds of values, and maps whose keys have other names."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

from goflow.workflow.fields import LARGEST
from goflow.workflow.model import NAME, RESERVED

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "CACHE",
    "LABEL",
    "Schema",
    "a_list",
    "a_map",
    "choice",
    "condition",
    "count",
    "described",
    "duration",
    "flag",
    "of_type",
    "text",
    "text_map",
    "texts",
    "variable_name",
    "word",
]

Schema = dict[str, Any]


def described(description: str, **schema: Any) -> Schema:
    """A schema with what an editor shows."""
    return {"description": description, **schema}


def text(description: str, **more: Any) -> Schema:
    """A string or null."""
    return described(description, type=["string", "null"], **more)


def word(description: str, pattern: str, *, optional: bool = False) -> Schema:
    """A string that matches ``pattern`` as a whole."""
    schema = described(description, type=["string", "null"] if optional else "string")
    return schema | {"pattern": f"^{pattern}$"}


def variable_name(description: str, *, optional: bool = False) -> Schema:
    """The name of a variable, which is no reserved word."""
    return word(description, f"(?!({'|'.join(sorted(RESERVED))})$){NAME}", optional=optional)


def flag(description: str, *, default: bool) -> Schema:
    """A boolean or null."""
    return described(description, type=["boolean", "null"], default=default)


def count(description: str, **more: Any) -> Schema:
    """A whole number from 1, or null."""
    return described(description, type=["integer", "null"], minimum=1, maximum=LARGEST, **more)


def choice(description: str, choices: tuple[str, ...], default: str) -> Schema:
    """One of some words, or null."""
    return described(description, enum=[*choices, None], default=default)


def a_list(element: str, description: str) -> Schema:
    """A list of the elements that ``$defs`` calls ``element``, or null."""
    return described(description, type=["array", "null"], items={"$ref": f"#/$defs/{element}"})


def duration(description: str, **more: Any) -> Schema:
    """A duration or null."""
    return described(description, anyOf=[{"$ref": "#/$defs/duration"}, {"type": "null"}], **more)


def condition(description: str, *, optional: bool = True) -> Schema:
    """An expression; a bare boolean counts as its text."""
    kinds = ["string", "boolean", *(["null"] if optional else [])]
    return described(description, type=kinds, minLength=1)


def texts(description: str, item: str) -> Schema:
    """A list of strings, or null."""
    return described(
        description, type=["array", "null"], items={"type": "string", "description": item}
    )


def text_map(description: str) -> Schema:
    """A map of strings, or null."""
    return described(description, type=["object", "null"], additionalProperties={"type": "string"})


def of_type(name: str) -> Schema:
    """A map whose ``type`` is ``name``."""
    return {"type": "object", "properties": {"type": {"const": name}}, "required": ["type"]}


def a_map(
    properties: dict[str, Schema],
    *,
    required: tuple[str, ...] = (),
    aliases: Mapping[str, tuple[str, ...]] | None = None,
    rules: tuple[Schema, ...] = (),
) -> Schema:
    """A map with these keys, a description and a label, and no others.

    ``aliases`` are other names of some of them.
    """
    aliases = aliases or {}
    known: dict[str, Schema] = {}
    conditions = list(rules)
    for key, schema in properties.items():
        known[key] = schema
        names = (key, *aliases.get(key, ()))
        for alias in names[1:]:
            known[alias] = schema | {"description": f"Another name of '{key}'."}
        if len(names) > 1 and key in required:
            conditions.append({"anyOf": [{"required": [name]} for name in names]})
        conditions += [{"not": {"required": list(pair)}} for pair in combinations(names, 2)]
    known.setdefault("description", text("What it is for."))
    known.setdefault("label", LABEL)
    result: Schema = {"type": "object", "properties": known, "additionalProperties": False}
    if plain := [key for key in required if key not in aliases]:
        result["required"] = plain
    if conditions:
        result["allOf"] = conditions
    return result


CACHE = described(
    "Whether results are kept. This release reads it and runs every node each time.",
    anyOf=[{"type": ["boolean", "null"]}, {"$ref": "#/$defs/cache"}],
)
LABEL = described("A note; it has no effect.")

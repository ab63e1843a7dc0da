"""A tool in one line, as a programmer would declare it: ``add_todo(text, hours=1.0)``."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["arguments_of", "signature"]

# Characters: of a default that is shown, and of a whole line.
_DEFAULT_LIMIT = 24
_LIMIT = 100


def signature(tool: dict[str, Any]) -> str:
    """The tool's name and arguments: first those it needs, then the others with their defaults.

    One that may be left out and has no default ends in ``?``. What a server says of itself may be
    anything: what is no schema has no arguments.
    """
    properties, required = arguments_of(tool)
    needed = [name for name in properties if name in required]
    others = [name for name in properties if name not in required]
    words = needed + [_optional(name, properties[name]) for name in others]
    line = f"{tool.get('name')}({', '.join(words)})"
    while len(line) > _LIMIT and words:
        words.pop()
        line = f"{tool.get('name')}({', '.join([*words, '…'])})"
    return line


def arguments_of(tool: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The schemas of a tool's arguments by name, and the names of those it needs."""
    schema = tool.get("inputSchema")
    found = schema if isinstance(schema, dict) else {}
    properties, required = found.get("properties"), found.get("required")
    return (
        properties if isinstance(properties, dict) else {},
        [name for name in required if isinstance(name, str)] if isinstance(required, list) else [],
    )


def _optional(name: str, schema: Any) -> str:
    if not isinstance(schema, dict) or schema.get("default") is None:
        return f"{name}?"
    shown = json.dumps(schema["default"], ensure_ascii=False)
    return f"{name}={shown if len(shown) <= _DEFAULT_LIMIT else '…'}"

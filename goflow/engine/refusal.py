"""Why a server refused a call, where its list of tools tells: a tool it does not have, arguments
that the tool does not take.
"""

from __future__ import annotations

import re
from typing import Any

from goflow.errors import RequestRejected, ServerError, ToolFailed
from goflow.expressions.functions import nearest
from goflow.expressions.values import kind
from goflow.servers.signatures import arguments_of, signature

__all__ = ["looks_refused", "refusal_hint", "shortened"]

_REFUSED = re.compile(
    r"\b(unknown|no such|not found|invalid|missing|unexpected|required|validation|argument|param)",
    re.IGNORECASE,
)
_EXCERPT = 300
_REJECTIONS = (-32601, -32602)
"""JSON-RPC: a method that is not found, and parameters that are not valid."""
_MISFIT = re.compile(
    r"\n(?P<place>\S[^\n]*)\n  (?P<what>[^\n]+) \[type=(?P<type>\w+), "
    r"input_value=(?P<value>[^\n]*), input_type=\w+\]"
    r"(?:\n    For further information visit \S+)?"
)
"""One of the errors in Pydantic's list of them."""


def looks_refused(error: ToolFailed | ServerError) -> bool:
    """Whether it may be the call itself that the server did not take: worth a look at its tools."""
    if isinstance(error, RequestRejected):
        return error.rpc_code in _REJECTIONS
    return isinstance(error, ToolFailed) and bool(_REFUSED.search(error.message[:_EXCERPT]))


def refusal_hint(
    name: str, arguments: dict[str, Any], tools: dict[str, dict[str, Any]]
) -> str | None:
    """What was wrong with a call of the tool ``name``; None when nothing that ``tools`` tell."""
    if not tools:
        return None
    tool = tools.get(name)
    if tool is None:
        return nearest(name, tools) or f"it has {', '.join(sorted(tools)[:20])}"
    wrong = _wrong_argument(arguments, *arguments_of(tool))
    return None if wrong is None else f"{wrong}; it is {signature(tool)}"


def shortened(message: str) -> str:
    """A tool's message with Pydantic's errors on one line each, without types and addresses."""
    return _MISFIT.sub(_misfit, message)


def _wrong_argument(
    arguments: dict[str, Any], properties: dict[str, Any], required: list[str]
) -> str | None:
    for name in arguments:
        if properties and name not in properties:
            like = nearest(name, properties)
            return f"the tool has no argument {name!r}" + (f" ({like})" if like else "")
    for name in required:
        if name not in arguments:
            return f"the tool needs {name!r}"
    for name, value in arguments.items():
        schema = properties.get(name)
        wanted = schema.get("type") if isinstance(schema, dict) else None
        if isinstance(wanted, str) and not _fits(value, wanted):
            return f"{name!r} must be of type {wanted}, not {kind(value)}"
    return None


def _fits(value: Any, wanted: str) -> bool:
    return kind(value) == ("number" if wanted == "integer" else wanted)


def _misfit(match: re.Match[str]) -> str:
    value = "" if match["type"] == "missing" else f" (it is {match['value']})"
    return f"\n{match['place']}: {match['what']}{value}"

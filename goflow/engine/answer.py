"""A tool's answer as a value: the unwrapping of CallToolResult.

``auto`` takes, in this order: ``structuredContent`` (a lone ``{"result": x}`` gives ``x``; one that
holds a single string equal to the only text block counts as that text); one text block, as its JSON
value when it is a JSON object or array; else the list of content blocks.
"""

from __future__ import annotations

from typing import Any

import msgspec

from goflow.errors import ServerError, ToolFailed

__all__ = ["checked", "failure", "original_text", "unwrap"]


def unwrap(raw: dict[str, Any], mode: str, *, server: str, tool: str) -> Any:
    """The value of a raw result; raises ``ToolFailed`` when it has none of the kind asked for."""
    text = _only_text(raw)
    if mode == "auto":
        structured = raw.get("structuredContent")
        if structured is not None and not _is_only(structured, text):
            if isinstance(structured, dict) and structured.keys() == {"result"}:
                return structured["result"]
            return structured
        if text is not None:
            return _read(text)
        return raw.get("content") or []
    if mode == "raw":
        return {
            "content": raw.get("content") or [],
            "structuredContent": raw.get("structuredContent"),
            "isError": bool(raw.get("isError")),
        }
    if mode == "structured":
        if raw.get("structuredContent") is None:
            raise _without("structured content", server, tool)
        return raw["structuredContent"]
    if text is None:
        raise _without("one text block", server, tool)
    if mode == "text":
        return text
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ToolFailed(
            f"the tool {tool!r} of {server!r} answered with text that is not JSON: {error}",
            server=server,
            tool=tool,
            hint="'result: text' takes it as it is",
        ) from None


def original_text(raw: dict[str, Any], value: Any) -> str | None:
    """The text that ``value`` was read from as JSON, or None when it was not."""
    text = _only_text(raw)
    if text is None or not isinstance(value, (dict, list)):
        return None
    structured = raw.get("structuredContent")
    if structured is not None and not _is_only(structured, text):
        return None
    return text


def checked(raw: dict[str, Any], *, server: str, tool: str) -> dict[str, Any]:
    """A result with its optional parts filled in; raises ``ServerError`` when it is none of MCP."""
    content = raw.get("content")
    if content is None:
        content = []
    if not isinstance(content, list) or not all(isinstance(block, dict) for block in content):
        raise ServerError(
            f"the tool {tool!r} of server {server!r} answered with content that is no list of "
            "blocks",
            server=server,
        )
    return {**raw, "content": content, "isError": bool(raw.get("isError"))}


def failure(raw: dict[str, Any], *, server: str, tool: str) -> ToolFailed:
    """The error of a result with ``isError``: the tool's own text as the message."""
    blocks = raw.get("content") or []
    texts = [block["text"] for block in blocks if isinstance(block.get("text"), str)]
    message = "\n".join(texts).strip() or "the tool gave no reason"
    if "[type=" in message:
        from goflow.engine.refusal import shortened  # noqa: PLC0415 - few tools fail like that

        message = shortened(message)
    return ToolFailed(
        f"the tool {tool!r} of server {server!r} failed: {message}", server=server, tool=tool
    )


def _only_text(raw: dict[str, Any]) -> str | None:
    content = raw.get("content")
    if isinstance(content, list) and len(content) == 1 and content[0].get("type") == "text":
        text = content[0].get("text")
        return text if isinstance(text, str) else None
    return None


def _is_only(structured: Any, text: str | None) -> bool:
    return (
        text is not None
        and isinstance(structured, dict)
        and len(structured) == 1
        and next(iter(structured.values())) == text
    )


def _read(text: str) -> Any:
    if text.lstrip()[:1] in ("{", "["):
        try:
            return msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError):
            pass
    return text


def _without(what: str, server: str, tool: str) -> ToolFailed:
    return ToolFailed(
        f"the tool {tool!r} of {server!r} answered without {what}",
        server=server,
        tool=tool,
        hint="'result: raw' shows what it answered",
    )

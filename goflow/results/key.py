"""What a node's result depends on: the key it is found by, kept in named parts.

Two pieces of work have the same key exactly when everything is the same that can change the answer.
The parts stay apart, so that people can be told which of them changed. Values of secrets never are
in a part: a keyed hash stands for them, whose key never leaves the machine.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

from goflow._core.canonical import digest

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from goflow.servers.config import ServerConfig

__all__ = [
    "KEY_VERSION",
    "ResultKey",
    "difference",
    "distance",
    "function_key",
    "server_identity",
    "tool_family",
    "tool_key",
    "tool_schema",
    "transform_key",
]

KEY_VERSION = 1
"""Changes when keys of another release must not be found."""

_SHOWN = 60
# What the outer map of parts is split into for `difference`, one level down.
_SPLIT = ("arguments", "server", "reads")
_ASKED = ("arguments.", "reads.", "texts")


class ResultKey(msgspec.Struct, frozen=True):
    """``digest`` is what a result is found by; ``parts`` is what it was made of, by name.

    ``family`` is the digest of the parts that say whose work it is: entries of one family are
    compared to see what changed.
    """

    digest: bytes
    family: bytes
    parts: dict[str, Any]

    def summary(self) -> dict[str, list[str]]:
        """Each part, split one level down, as a short digest and a glimpse of its value."""
        flat = {}
        for name, part in self.parts.items():
            if name in _SPLIT and isinstance(part, dict):
                for inner, value in part.items():
                    flat[f"{name}.{inner}"] = _glimpse(value)
            else:
                flat[name] = _glimpse(part)
        return flat


def tool_key(
    *,
    server: dict[str, Any],
    tool: str,
    schema: str,
    arguments: Mapping[str, Any],
    originals: Mapping[str, str] | None = None,
    result: str = "auto",
    ignore: Collection[str] = (),
    version: str | None = None,
    within: str | None = None,
) -> ResultKey:
    """The key of one tool call.

    ``server`` is its `server_identity`, ``schema`` its `tool_schema`, ``arguments`` are those after
    interpolation; ``originals`` are texts that some of them were read from. ``within`` is the
    workflow or run that a narrower scope keeps the result to. Raises NotJson for arguments that are
    no JSON values.
    """
    parts: dict[str, Any] = {
        "kind": "mcp_tool",
        "server": server,
        "tool": tool,
        "schema": schema,
        "arguments": {name: value for name, value in arguments.items() if name not in ignore},
        "result": result,
    }
    texts = {name: text for name, text in (originals or {}).items() if name not in ignore}
    if texts:
        parts["texts"] = texts
    return _key(parts, ("kind", "tool"), version, within)


def tool_family(tool: str) -> bytes:
    """The family of the keys of a tool's calls."""
    return digest(["mcp_tool", tool])


def function_key(
    *,
    function: str,
    arguments: Mapping[str, Any],
    ignore: Collection[str] = (),
    version: str | None = None,
    within: str | None = None,
) -> ResultKey:
    """The key of one call of a function that the host program registered."""
    parts = {
        "kind": "function",
        "function": function,
        "arguments": {name: value for name, value in arguments.items() if name not in ignore},
    }
    return _key(parts, ("kind", "function"), version, within)


def transform_key(
    *,
    expression: Any,
    kind: str,
    reads: Mapping[str, Any],
    version: str | None = None,
    within: str | None = None,
) -> ResultKey:
    """The key of one transform: its text, and the values that it reads, by name."""
    parts = {
        "kind": "transform",
        "expression": expression,
        "language": kind,
        "reads": dict(reads),
    }
    return _key(parts, ("kind", "expression"), version, within)


def server_identity(config: ServerConfig, key: bytes) -> dict[str, Any]:
    """Which server it is: how it is reached, secrets replaced by a hash keyed with ``key``.

    Its id in the file is not part of it, nor are timeouts and numbers of sessions.
    """
    values = {*config.secrets, *config.env.values(), *config.headers.values()}
    secrets = sorted(filter(None, config.secrets), key=len, reverse=True)

    def hidden(text: str) -> str:
        for secret in secrets:
            text = text.replace(secret, hashed[secret])
        return text

    hashed = {value: _hash(value, key) for value in values}
    return {
        "transport": config.transport,
        "command": hidden(config.command),
        "args": [hidden(argument) for argument in config.args],
        "cwd": config.cwd,
        "url": hidden(config.url),
        "env": {name: hashed[value] for name, value in config.env.items()},
        "headers": {name.lower(): hashed[value] for name, value in config.headers.items()},
    }


def tool_schema(described: Mapping[str, Any]) -> str:
    """A hash of what a server says of a tool that can change what a call means."""
    told = {
        name: described.get(name)
        for name in ("inputSchema", "outputSchema", "annotations", "description")
    }
    return digest(told).hex()


def distance(old: Mapping[str, list[str]], new: Mapping[str, list[str]]) -> tuple[int, int]:
    """How far two summaries are apart: in what was asked for, and in all."""
    names = changed(old, new)
    return sum(name.startswith(_ASKED) for name in names), len(names)


def changed(old: Mapping[str, list[str]], new: Mapping[str, list[str]]) -> list[str]:
    """The names of the parts in which two summaries differ."""
    return [name for name in {*old, *new} if old.get(name, [""])[0] != new.get(name, [""])[0]]


def difference(old: Mapping[str, list[str]], new: Mapping[str, list[str]]) -> list[str]:
    """What changed between two summaries, in words, most telling first."""
    found = []
    for name in sorted(changed(old, new), key=_rank):
        what = _named(name)
        if name not in old:
            found.append(f"{what} is new")
        elif name not in new:
            found.append(f"{what} is gone")
        elif name in ("schema", "version_of_keys") or "env" in name or "headers" in name:
            found.append(f"{what} changed")
        else:
            found.append(f"{what} changed: {old[name][1]} → {new[name][1]}")
    return found


def _key(
    parts: dict[str, Any], family: tuple[str, ...], version: str | None, within: str | None
) -> ResultKey:
    parts["version_of_keys"] = KEY_VERSION
    if version is not None:
        parts["version"] = version
    if within is not None:
        parts["within"] = within
    return ResultKey(digest(parts), digest([parts[name] for name in family]), parts)


def _hash(value: str, key: bytes) -> str:
    import hashlib  # noqa: PLC0415 - loads OpenSSL, and few servers have anything to hide

    data = value.encode("utf-8", "surrogatepass")
    return "hash:" + hashlib.blake2b(data, key=key, digest_size=16).hexdigest()


def _glimpse(value: Any) -> list[str]:
    text = json.dumps(value, ensure_ascii=False)
    if len(text) > _SHOWN:
        text = text[: _SHOWN - 1] + "…"
    return [digest(value)[:8].hex(), text]


_NAMES = {
    "schema": "the tool's schema or description",
    "result": "how its answer becomes a value ('result')",
    "version": "the node's cache version",
    "within": "the scope it is kept to",
    "version_of_keys": "the release's form of keys",
    "texts": "the text that an argument was read from",
}


def _named(name: str) -> str:
    outer, _, inner = name.partition(".")
    if outer == "arguments":
        return f"argument {inner!r}"
    if outer == "reads":
        return f"what it reads as {inner!r}"
    if outer == "server" and inner:
        return f"the server's {inner}"
    return _NAMES.get(name, f"the {name}")


def _rank(name: str) -> tuple[int, str]:
    for at, beginning in enumerate(("arguments", "reads", "schema", "version", "server")):
        if name.startswith(beginning):
            return at, name
    return 9, name

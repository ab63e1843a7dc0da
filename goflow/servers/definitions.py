"""Definitions of servers in JSON files, in the shape that MCP clients share.

A file holds ``{"mcpServers": {NAME: {"command": …, "args": […]}}}``; some clients write ``servers``
or ``context_servers``. What comes out are definitions with the keys of a workflow's servers.
"""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any

from goflow.errors import BadCall

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Definition", "read_definitions", "read_section", "server_id"]

Definition = dict[str, Any]

_SECTIONS = ("mcpServers", "servers", "context_servers")
_LARGEST = 4 << 20
_TRANSPORTS = {"streamable-http": "http", "streamableHttp": "http", "http-stream": "http"}
# What the clients keep for themselves; "timeout" is in seconds in some and milliseconds in others.
_CLIENTS_OWN = frozenset(
    ("type", "disabled", "enabled", "autoApprove", "alwaysAllow", "trust", "source", "serverUrl",
     "httpUrl", "includeTools", "excludeTools", "disabledTools", "gallery", "oauth", "dev")
)  # fmt: skip
_PLACEHOLDER = re.compile(
    r"\$\{(?:(?P<kind>env|input|secret)[:.](?P<id>[^}\s]+)"
    r"|(?P<folder>workspaceFolder)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?)\}"
)


def server_id(name: str) -> str:
    """The id under which workflows know a server of this name: ``My server`` is ``My-server``."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")


def read_definitions(file: Path) -> dict[str, Definition]:
    """The servers of a client's file by id; those that are switched off are left out.

    ``${NAME}`` and ``${env:NAME}`` become ``${env.NAME}``, ``${NAME:-text}`` the text where the
    variable is not set, ``${input:NAME}`` becomes ``${secret.NAME}``. A server that is a process
    starts in the file's folder, unless it says where. Raises ``BadCall`` for a file that cannot be
    read or has another shape.
    """
    section = read_section(file, _SECTIONS)
    found: dict[str, Definition] = {}
    for name, entry in section.items():
        if not isinstance(entry, dict):
            raise BadCall(f"{file}: the server {name!r} must be an object")
        if entry.get("disabled") is True or entry.get("enabled") is False:
            continue
        identifier = server_id(name)
        if not identifier or identifier in found:
            raise BadCall(
                f"{file}: the server {name!r} has no id of its own",
                hint="an id is made of letters, digits, '_' and '-'",
            )
        found[identifier] = _definition(entry, file.absolute().parent)
    return found


def read_section(file: Path, keys: tuple[str, ...]) -> dict[str, Any]:
    """The object under one of ``keys`` in a JSON file; raises ``BadCall`` when there is none."""
    try:
        with file.open("rb") as stream:
            data = stream.read(_LARGEST + 1)
    except OSError as error:
        raise BadCall(f"{file} cannot be read: {error.strerror or error}") from None
    if len(data) > _LARGEST:
        raise BadCall(f"{file} is larger than {_LARGEST >> 20} MiB")
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadCall(f"{file} is not JSON: {error}", hint="it may hold no comments") from None
    if isinstance(document, dict) and isinstance(document.get("mcp"), dict):
        document = document["mcp"]  # settings of an editor
    for key in keys:
        if isinstance(document, dict) and isinstance(document.get(key), dict):
            section: dict[str, Any] = document[key]
            return section
    raise BadCall(
        f"{file} has no object {keys[0]!r}", hint=f'it reads {{"{keys[0]}": {{"NAME": {{…}}}}}}'
    )


def _definition(entry: dict[str, Any], folder: Path) -> Definition:
    made = {key: value for key, value in entry.items() if key not in _CLIENTS_OWN}
    if isinstance(made.get("timeout"), int | float):
        del made["timeout"]
    url = entry.get("url") or entry.get("serverUrl") or entry.get("httpUrl")
    kind = entry.get("transport") or entry.get("type")
    if url is not None:
        made["url"] = url
        made["transport"] = _TRANSPORTS.get(kind, kind) if isinstance(kind, str) else "http"
    elif isinstance(made.get("command"), str):
        made["command"] = _expanded(made["command"], folder)
        cwd = made.get("cwd")
        made["cwd"] = os.path.join(folder, _expanded(cwd, folder) if isinstance(cwd, str) else "")
    for key in ("args", "env", "headers", "url"):
        if key in made:
            made[key] = _translated(made[key], folder)
    return made


def _translated(value: Any, folder: Path) -> Any:
    if isinstance(value, str):
        return _PLACEHOLDER.sub(lambda match: _placeholder(match, folder), value)
    if isinstance(value, list):
        return [_translated(item, folder) for item in value]
    if isinstance(value, dict):
        return {key: _translated(item, folder) for key, item in value.items()}
    return value


def _placeholder(match: re.Match[str], folder: Path) -> str:
    """A client's placeholder in our spelling."""
    if match["folder"]:
        return str(folder)
    if match["kind"]:
        kind = "env" if match["kind"] == "env" else "secret"
        return f"${{{kind}.{re.sub(r'[^A-Za-z0-9_]', '_', match['id'])}}}"
    if match["default"] is not None and not os.environ.get(match["name"]):
        return match["default"].replace("${", "$${")
    return f"${{env.{match['name']}}}"


def _expanded(text: str, folder: Path) -> str:
    """A command or folder with what stands in it filled in, for it is no place for a secret."""

    def value(match: re.Match[str]) -> str:
        if match["folder"]:
            return str(folder)
        name = match["name"] or (match["id"] if match["kind"] == "env" else None)
        if name is None:
            return match.group()
        return os.environ.get(name) or match["default"] or ""

    return _PLACEHOLDER.sub(value, text)

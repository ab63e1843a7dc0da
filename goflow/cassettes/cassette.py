"""The file that a recording is: who was asked what, and what was answered.

YAML, or JSON when it is named so. ``servers`` say what each server said of itself; ``calls`` are in
the order in which they began, each with a ``result`` as the tool gave it, or an ``error``.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, TypedDict

from goflow.errors import BadCall

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["VERSION", "Call", "Cassette", "Tape"]

VERSION = 1
LARGEST = 64 << 20
"""Largest cassette that is read, in bytes."""


class Tape(TypedDict):
    """What one server said of itself; ``connects`` are the errors of connecting, null for none."""

    transport: str
    info: dict[str, Any]
    protocol_version: str
    capabilities: dict[str, Any]
    instructions: str | None
    tools: list[dict[str, Any]] | None
    connects: list[dict[str, Any] | None]


class _Asked(TypedDict):
    server: str
    tool: str


class Call(_Asked, total=False):
    """One call of a tool; it has ``result`` or ``error``."""

    arguments: dict[str, Any]
    result: dict[str, Any]
    error: dict[str, Any]


class Cassette:
    """The content of one file. ``inputs`` are those of the run that was recorded."""

    def __init__(self, *, workflow: str = "", inputs: dict[str, Any] | None = None) -> None:
        self.workflow = workflow
        self.inputs = inputs or {}
        self.servers: dict[str, Tape] = {}
        self.calls: list[Call] = []

    @classmethod
    def read(cls, file: Path) -> Cassette:
        """The cassette in a file; raises ``BadCall`` when there is none or it is none."""
        tree = _tree(file)
        if not isinstance(tree, dict) or "goflow_cassette" not in tree:
            raise BadCall(f"{file} is no cassette", hint="goflow record FILE -o CASSETTE makes one")
        if tree["goflow_cassette"] != VERSION:
            raise BadCall(
                f"{file} is a cassette of version {tree['goflow_cassette']!r}, "
                f"and this release plays version {VERSION}",
                hint="record it again",
            )
        cassette = cls(workflow=str(tree.get("workflow", "")), inputs=tree.get("inputs") or {})
        servers, calls = tree.get("servers") or {}, tree.get("calls") or []
        if not _are_maps(servers) or not isinstance(calls, list) or not all(map(_is_call, calls)):
            raise BadCall(f"{file} is a cassette with parts that cannot be played")
        cassette.servers = {name: _tape(tape) for name, tape in servers.items()}
        cassette.calls = calls
        return cassette

    def write(self, file: Path) -> None:
        """Write the file whole or not at all; raises ``BadCall`` when that cannot be done."""
        tree = {
            "goflow_cassette": VERSION,
            "workflow": self.workflow,
            "inputs": self.inputs,
            "servers": {
                name: {key: value for key, value in tape.items() if _says(value)}
                for name, tape in self.servers.items()
            },
            "calls": self.calls,
        }
        temporary = file.with_name(f".{file.name}.{os.getpid()}.{os.urandom(4).hex()}")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(_text(tree, file).encode())
            os.replace(temporary, file)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise BadCall(f"cannot write {file}: {error.strerror or error}") from None


def _says(value: Any) -> bool:
    """Whether a part of a tape is not what it is without it."""
    return value not in ({}, None) and not (isinstance(value, list) and not any(value))


def _text(tree: dict[str, Any], file: Path) -> str:
    if file.suffix == ".json":
        return json.dumps(tree, indent=2) + "\n"
    from goflow.workflow.yaml_text import write  # noqa: PLC0415 - only recording writes

    try:
        return write(tree)
    except BadCall as error:
        hint = "name it …/NAME.json: JSON can hold that"
        raise BadCall(f"cannot write {file}: {error.message}", hint=hint) from None


def _tree(file: Path) -> Any:
    import yaml  # noqa: PLC0415 - replaying is rare

    from goflow.workflow import yaml12  # noqa: PLC0415

    try:
        with file.open("rb") as stream:
            data = stream.read(LARGEST + 1)
    except OSError as error:
        raise BadCall(f"cannot read {file}: {error.strerror or error}") from None
    if len(data) > LARGEST:
        raise BadCall(f"{file} is larger than {LARGEST >> 20} MiB")
    try:
        text = data.decode()
        return json.loads(text) if text.startswith("{") else yaml12.parse(text)
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        where = str(error).replace("\n", " ")
        raise BadCall(f"{file} is no cassette: {where}") from None


def _are_maps(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(item, dict) for item in value.values())


def _is_call(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("server"), str)
        and isinstance(value.get("tool"), str)
        and isinstance(value.get("arguments", {}), dict)
        and (isinstance(value.get("result"), dict) != isinstance(value.get("error"), dict))
    )


def _tape(tree: dict[str, Any]) -> Tape:
    return Tape(
        transport=str(tree.get("transport", "stdio")),
        info=tree.get("info") or {},
        protocol_version=str(tree.get("protocol_version", "")),
        capabilities=tree.get("capabilities") or {},
        instructions=tree.get("instructions"),
        tools=tree.get("tools"),
        connects=tree.get("connects") or [None],
    )

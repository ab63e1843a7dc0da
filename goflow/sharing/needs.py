"""What a workflow needs of the machine that it runs on, and whether that is there."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from goflow.errors import ConnectFailed
from goflow.servers import secrets
from goflow.servers.config import ServerConfig, child_environment, resolve_command
from goflow.workflow.model import SubworkflowNode

if TYPE_CHECKING:
    from pathlib import Path

    from goflow.workflow.model import Workflow

__all__ = ["Need", "needs", "outside"]

_SUFFIXES = ("", ".yaml", ".yml", ".json")
_FILLED = re.compile(r"(?<!\$)\$\{\s*(env|secret)\.([A-Za-z_][A-Za-z0-9_]*)\s*\}")


class Need(NamedTuple):
    """``kind`` is secret, environment, command or workflow; ``hint`` says how to get it."""

    kind: str
    name: str
    there: bool
    hint: str


def needs(workflow: Workflow, folder: Path) -> list[Need]:
    """Everything that the workflow's own servers and nodes need, each once."""
    found: dict[tuple[str, str], Need] = {}

    def add(kind: str, name: str, there: bool, hint: str) -> None:
        found.setdefault((kind, name), Need(kind, name, there, hint))

    for server in workflow.servers:
        texts = [*server.args, *server.env.values(), *server.headers.values(), server.url or ""]
        for kind, name in _FILLED.findall("\n".join(texts)):
            if kind == "secret":
                add("secret", name, bool(secrets.places(name)), f"goflow secrets set {name}")
            else:
                add("environment", name, name in os.environ, f"export {name}=…")
        if server.credential_ref:
            name = server.credential_ref.removeprefix("keyring://").partition("/")[0]
            add("secret", name, bool(secrets.places(name)), f"goflow secrets set {name}")
        if server.transport == "stdio" and server.command:
            cwd = None if server.cwd is None else str(folder / os.path.expanduser(server.cwd))
            config = ServerConfig(id=server.id, command=server.command, cwd=cwd)
            hint = ""
            try:
                resolve_command(config, child_environment(config))
            except ConnectFailed as error:
                hint = error.hint or error.message
            add("command", server.command, not hint, hint)
    for node in workflow.nodes:
        if isinstance(node, SubworkflowNode):
            there = any((folder / f"{node.workflow}{suffix}").is_file() for suffix in _SUFFIXES)
            add("workflow", node.workflow, there, "import it into the same folder")
    return list(found.values())


def outside(workflow: Workflow) -> list[str]:
    """The parts of a workflow that reach out of its folder."""
    found = []
    for node in workflow.nodes:
        if isinstance(node, SubworkflowNode) and _leaves(node.workflow):
            found.append(f"the node {node.id!r} runs {node.workflow!r}")
    for server in workflow.servers:
        if server.cwd is not None and _leaves(server.cwd):
            found.append(f"the server {server.id!r} works in {server.cwd!r}")
    return found


def _leaves(path: str) -> bool:
    """Whether a relative path leads out of its folder, or is none."""
    windows = re.match(r"[A-Za-z]:|\\", path) is not None
    parts = path.replace("\\", "/").split("/")
    return windows or os.path.isabs(path) or ".." in parts or path.startswith("~")

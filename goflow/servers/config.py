"""How one server is reached: a frozen record, and what a child process gets from it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Literal

import msgspec

from goflow.errors import ConnectFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Era", "Mode", "ServerConfig", "Transport", "child_environment", "resolve_command"]

Transport = Literal["stdio", "http", "sse"]
Mode = Literal["multiplex", "exclusive", "run"]
Era = Literal["auto", "handshake", "stateless"]

# What the official SDK lets a stdio server inherit; everything else must be named in `env`.
SAFE_VARIABLES = ("HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER")

_INSTALL_HINTS = {
    "npx": "npx comes with Node.js",
    "node": "node comes with Node.js",
    "uvx": "uvx comes with uv",
    "uv": "see the installation page of uv",
    "docker": "Docker is not installed, or not on this PATH",
}


class ServerConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One server as a workflow or registry defines it, every ``${…}`` in it already replaced.

    Times are in seconds. ``era`` is how the conversation begins: ``handshake`` with ``initialize``
    (protocol versions up to 2025-11-25), ``stateless`` with ``server/discover`` (2026-07-28), and
    ``auto`` tries the newer and falls back to the other. ``secrets`` are the values that must never
    reach a log or an error: they are replaced there by ``***``. ``credentials`` are those of them
    that are secrets by nature, not just values of the environment: they are shown nowhere. The repr
    shows no value of ``env``, ``headers`` or ``secrets``.
    """

    id: str
    transport: Transport = "stdio"
    command: str = ""
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = {}
    cwd: str | None = None
    url: str = ""
    headers: Mapping[str, str] = {}
    timeout: float = 30.0
    connect_timeout: float = 30.0
    max_sessions: int = 1
    max_in_flight: int | None = None
    mode: Mode = "multiplex"
    prewarm: bool = False
    era: Era = "auto"
    secrets: tuple[str, ...] = ()
    credentials: tuple[str, ...] = ()

    def __hash__(self) -> int:
        # Every call looks its session up by config: a hash of all fields would cost a microsecond.
        return hash(self.id)

    def __repr__(self) -> str:
        target = self.url or " ".join((self.command, *self.args))
        # Longest first, so that a secret that contains another one disappears whole.
        for secret in sorted(filter(None, self.secrets), key=len, reverse=True):
            target = target.replace(secret, "***")
        return f"ServerConfig({self.id!r}, {self.transport}, {target!r})"


def child_environment(config: ServerConfig) -> dict[str, str]:
    """The whole environment of a stdio server: the safe variables, then ``config.env``."""
    environment: dict[str, str] = {}
    for name in SAFE_VARIABLES:
        value = os.environ.get(name)
        # "()" begins a function exported by an old bash: code, not a value.
        if value is not None and not value.startswith("()"):
            environment[name] = value
    environment.update(config.env)
    return environment


def resolve_command(config: ServerConfig, environment: Mapping[str, str]) -> str:
    """The absolute path of ``config.command``.

    A command with a slash is a path, relative to ``config.cwd``. A bare name is looked up on
    the child's ``PATH``, then beside the running interpreter, where the console scripts of a
    virtual environment are that was not activated.

    Raises ConnectFailed when there is no such executable file.
    """
    command = config.command
    if not command:
        raise ConnectFailed(
            f"server {config.id!r} has no command",
            server=config.id,
            hint="a stdio server needs 'command'",
        )
    if os.sep in command:
        path = os.path.abspath(os.path.join(config.cwd or "", os.path.expanduser(command)))
        if _executable(path):
            return path
        reason = "is not executable" if os.path.exists(path) else "does not exist"
        raise ConnectFailed(
            f"server {config.id!r} cannot be started: {path} {reason}",
            server=config.id,
            hint=_split_hint(command) or "a relative command starts from the server's 'cwd'",
        )
    folders = environment.get("PATH", os.defpath).split(os.pathsep)
    folders.append(os.path.dirname(sys.executable))
    for folder in folders:
        path = os.path.abspath(os.path.join(folder, command))
        if folder and _executable(path):
            return path
    hint = _split_hint(command) or _INSTALL_HINTS.get(
        command, "install it, or give its full path as 'command'"
    )
    raise ConnectFailed(
        f"server {config.id!r} cannot be started: there is no command {command!r} on its PATH",
        server=config.id,
        hint=hint,
    )


def _split_hint(command: str) -> str | None:
    """What to write for a command line, which is no command."""
    program, *args = command.split()
    if not args:
        return None
    return f"put the words after the first in 'args': command: {program}, args: [{', '.join(args)}]"


def _executable(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)

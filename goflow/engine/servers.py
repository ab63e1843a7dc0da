"""From a server as the file defines it to one that can be started: ``${env.NAME}`` filled in."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from goflow.errors import BadCall, ConnectFailed
from goflow.servers.config import ServerConfig
from goflow.servers.process import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Iterable

    from goflow.workflow.model import Server

__all__ = ["configure", "spawn"]

_VARIABLE = re.compile(r"\$\$\{|\$\{\s*env\.([A-Za-z_][A-Za-z0-9_]*)\s*\}")


def configure(server: Server, folder: Path | None) -> ServerConfig:
    """The configuration of a server; a relative ``cwd`` starts from ``folder``, the file's.

    The values of environment variables count as secrets. Raises ``BadCall`` for one that is not
    set.
    """
    secrets: list[str] = []

    def fill(text: str) -> str:
        def value(match: re.Match[str]) -> str:
            if match.group() == "$${":
                return "${"
            found = os.environ.get(match.group(1))
            if found is None:
                raise BadCall(
                    f"server {server.id!r} needs the environment variable {match.group(1)}, "
                    "which is not set",
                    hint=f"export {match.group(1)}=…",
                )
            if found:
                secrets.append(found)
            return found

        return _VARIABLE.sub(value, text)

    cwd = None
    if server.cwd is not None:
        cwd = str((folder or Path()) / os.path.expanduser(server.cwd))
    return ServerConfig(
        id=server.id,
        transport=server.transport,  # type: ignore[arg-type]
        command=server.command or "",
        args=tuple(map(fill, server.args)),
        env={name: fill(value) for name, value in server.env.items()},
        cwd=cwd,
        url=fill(server.url or ""),
        headers={name: fill(value) for name, value in server.headers.items()},
        timeout=server.timeout,
        connect_timeout=server.connect_timeout,
        max_sessions=server.max_sessions,
        max_in_flight=server.max_in_flight,
        mode=server.mode,  # type: ignore[arg-type]
        prewarm=server.prewarm,
        secrets=tuple(dict.fromkeys(secrets)),
    )


def spawn(servers: Iterable[ServerConfig]) -> list[ServerProcess]:
    """Start the stdio servers among ``servers`` at once, without waiting and without asyncio.

    One that cannot be started is left to the node that needs it.
    """
    processes = []
    for config in servers:
        if config.transport == "stdio":
            try:
                processes.append(ServerProcess.spawn(config))
            except ConnectFailed:
                continue
    return processes

"""From a server as a file defines it to one that can be started: ``${…}`` filled in."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from goflow.errors import BadCall, ConnectFailed
from goflow.expressions.functions import nearest
from goflow.servers.config import ServerConfig
from goflow.servers.process import ServerProcess
from goflow.servers.sensitive import sensitive_values
from goflow.workflow.model import ToolNode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from goflow.workflow.model import Server, Workflow

__all__ = ["configure", "configured", "spawn"]

_PLACEHOLDER = re.compile(r"\$\$\{|\$\{\s*(env|secret)\.([A-Za-z_][A-Za-z0-9_]*)\s*\}")


def configured(workflow: Workflow, *, offline: bool = False) -> dict[str, ServerConfig]:
    """The configurations of the servers that tool nodes name, by id, in the order of the nodes.

    With ``offline`` they are only named: neither secrets nor the environment are looked at. Raises
    ``BadCall`` when one is not known, or asks for what is not set.
    """
    folder = workflow.document.folder if workflow.document else None
    names = dict.fromkeys(n.server for n in workflow.nodes if isinstance(n, ToolNode))
    if offline:
        return {name: ServerConfig(id=name) for name in names}
    servers = {server.id: server for server in workflow.servers}
    if names.keys() - servers.keys():
        from goflow.workflow.known_servers import known_servers  # noqa: PLC0415 - few name others

        servers |= known_servers(workflow)
    return {name: configure(_named(name, servers), folder) for name in names}


def _named(name: str, servers: dict[str, Server]) -> Server:
    if name not in servers:
        raise BadCall(f"the server {name!r} is not defined", hint=nearest(name, servers))
    return servers[name]


def configure(server: Server, folder: Path | None) -> ServerConfig:
    """The configuration of a server; a relative ``cwd`` starts from ``folder``, the file's.

    The values of environment variables count as secrets, as do the tokens that a login left.
    Raises ``BadCall`` for a variable or secret that is not set.
    """
    filling = _Filling(server.id)
    args = tuple(map(filling.text, server.args))
    env = {name: filling.text(value) for name, value in server.env.items()}
    headers = {name: filling.text(value) for name, value in server.headers.items()}
    url = filling.text(server.url or "")
    filling.credentials += sensitive_values((env, headers), args, url)
    if server.credential_ref is not None:
        value = filling.credential(server.credential_ref)
        if server.transport == "stdio":
            env[server.credential_env or ""] = value
        else:
            headers = {k: v for k, v in headers.items() if k.lower() != "authorization"}
            headers["Authorization"] = f"Bearer {value}"
    cwd = None
    if server.cwd is not None:
        cwd = str((folder or Path()) / os.path.expanduser(server.cwd))
    config = ServerConfig(
        id=server.id,
        transport=server.transport,  # type: ignore[arg-type]
        command=server.command or "",
        args=args,
        env=env,
        cwd=cwd,
        url=url,
        headers=headers,
        timeout=server.timeout,
        connect_timeout=server.connect_timeout,
        max_sessions=server.max_sessions,
        max_in_flight=server.max_in_flight,
        mode=server.mode,  # type: ignore[arg-type]
        prewarm=server.prewarm,
        secrets=tuple(dict.fromkeys((*filling.credentials, *filling.variables))),
        credentials=tuple(dict.fromkeys(filling.credentials)),
    )
    if config.transport != "stdio":
        from goflow.servers.logins import hide  # noqa: PLC0415 - processes have no login

        hide(config)
    return config


class _Filling:
    """Fills in the texts of one server, and notes which values are not to be shown."""

    def __init__(self, server_id: str) -> None:
        self._server_id = server_id
        self.credentials: list[str] = []
        self.variables: list[str] = []

    def text(self, text: str) -> str:
        """``text`` with the values of its placeholders."""
        return _PLACEHOLDER.sub(self._value, text)

    def credential(self, reference: str) -> str:
        """The value of a ``credential_ref``."""
        from goflow.servers.secrets import credential  # noqa: PLC0415 - few servers have one

        value = credential(reference, server=self._server_id)
        self.credentials.append(value)
        return value

    def _value(self, match: re.Match[str]) -> str:
        kind, name = match.groups()
        if kind is None:
            return "${"
        if kind == "secret":
            from goflow.servers.secrets import secret  # noqa: PLC0415 - few servers have one

            value = secret(name, server=self._server_id)
            self.credentials.append(value)
            return value
        found = os.environ.get(name)
        if found is None:
            raise BadCall(
                f"server {self._server_id!r} needs the environment variable {name}, "
                "which is not set",
                hint=f"export {name}=…",
            )
        if found:
            self.variables.append(found)
        return found


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

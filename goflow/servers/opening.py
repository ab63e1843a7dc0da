"""A session with a server, whatever its transport."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goflow.servers.handlers import NO_HANDLERS

if TYPE_CHECKING:
    from goflow.servers.config import ServerConfig
    from goflow.servers.handlers import Handlers
    from goflow.servers.process import ServerProcess
    from goflow.servers.session import Session

__all__ = ["open_session"]


async def open_session(
    config: ServerConfig,
    process: ServerProcess | None = None,
    handlers: Handlers = NO_HANDLERS,
) -> Session:
    """Connect to the server; ``process`` is one of it that was spawned before.

    ``handlers`` are the host program's. Raises ``ConnectFailed``, and then nothing is left of the
    attempt.
    """
    if config.transport == "stdio":
        from goflow.servers.stdio import StdioSession  # noqa: PLC0415 - loads the JSON library

        return await StdioSession.connect(config, process, handlers)
    from goflow.servers.sdk import SdkSession  # noqa: PLC0415 - loads the official SDK

    return await SdkSession.connect(config, handlers)

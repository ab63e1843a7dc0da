"""The opening of a conversation: what is said first, and what answers are understood.

This is the ``initialize`` handshake of the eras 2024-11-05 to 2025-11-25. It imports neither
asyncio nor a JSON library, because a server is spawned, and greeted, before either is loaded.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from goflow import __version__

__all__ = [
    "INITIALIZED_LINE",
    "INITIALIZE_ID",
    "INITIALIZE_LINE",
    "PROTOCOL_VERSIONS",
    "ServerIdentity",
    "read_initialize_result",
]

PROTOCOL_VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")

INITIALIZE_ID = 0
INITIALIZE_LINE = (
    '{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"'
    + PROTOCOL_VERSIONS[-1]
    + '","capabilities":{},"clientInfo":{"name":"goflow","version":"'
    + __version__
    + '"}}}\n'
).encode()
INITIALIZED_LINE = b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n'


class ServerIdentity(NamedTuple):
    """What a server says of itself when a conversation begins."""

    protocol_version: str
    server_info: dict[str, Any]
    capabilities: dict[str, Any]
    instructions: str | None


def read_initialize_result(result: Any) -> ServerIdentity:
    """The identity in an InitializeResult.

    Raises ValueError, its text the reason, when it is not one or its version is not spoken here.
    """
    if not isinstance(result, dict):
        raise ValueError("answered initialize with something that is not an object")
    version = result.get("protocolVersion")
    if version not in PROTOCOL_VERSIONS:
        raise ValueError(
            f"speaks protocol version {version!r}; GoFlow speaks {', '.join(PROTOCOL_VERSIONS)}"
        )
    info = result.get("serverInfo")
    capabilities = result.get("capabilities")
    instructions = result.get("instructions")
    return ServerIdentity(
        protocol_version=version,
        server_info=info if isinstance(info, dict) else {},
        capabilities=capabilities if isinstance(capabilities, dict) else {},
        instructions=instructions if isinstance(instructions, str) else None,
    )

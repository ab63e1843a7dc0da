"""The opening of a conversation: what is said first, and what answers are understood.

There are two eras. In that of 2024-11-05 to 2025-11-25 a conversation opens with ``initialize``.
In that of 2026-07-28 every request carries all there is to know, and ``server/discover`` asks what
a server is. This imports neither asyncio nor a JSON library, because a server is spawned, and
greeted, before either is loaded.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from goflow import __version__

TYPE_CHECKING = False  # typing's would do; this file is read before anything else is
if TYPE_CHECKING:
    from goflow.servers.config import Era

__all__ = [
    "DISCOVER_ID",
    "HANDSHAKE_VERSIONS",
    "INITIALIZED_LINE",
    "INITIALIZE_ID",
    "LOG_LEVEL",
    "STATELESS_VERSIONS",
    "ServerIdentity",
    "envelope",
    "greeting",
    "greeting_line",
    "read_discover_result",
    "read_initialize_result",
    "remember",
]

HANDSHAKE_VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
STATELESS_VERSIONS = ("2026-07-28",)

_PREFIX = "io.modelcontextprotocol/"
LOG_LEVEL = f"{_PREFIX}logLevel"

DISCOVER_ID = 0
INITIALIZE_ID = 1
_CLIENT = '{"name":"goflow","version":"' + __version__ + '"}'
INITIALIZED_LINE = b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n'


class ServerIdentity(NamedTuple):
    """What a server says of itself when a conversation begins."""

    protocol_version: str
    server_info: dict[str, Any]
    capabilities: dict[str, Any]
    instructions: str | None

    @property
    def stateless(self) -> bool:
        """Whether every request must carry all there is to know."""
        return self.protocol_version in STATELESS_VERSIONS


# -- which era to try first --------------------------------------------------------------------

_eras: dict[tuple[str, ...], Era] = {}


def greeting(command: tuple[str, ...], era: Era) -> Era:
    """The era to greet a server in: ``handshake`` or ``stateless``.

    ``auto`` is the era in which a server with this command last answered in this process, else the
    newer one.
    """
    return _eras.get(command, "stateless") if era == "auto" else era


def remember(command: tuple[str, ...], era: Era) -> None:
    """A server with this command, which was free to choose, has answered in ``era``."""
    _eras[command] = era


def greeting_line(era: Era, capabilities: dict[str, Any]) -> bytes:
    """The first request of an era, as a line; ``capabilities`` are the client's."""
    offered = "{}"
    if capabilities:
        import json  # noqa: PLC0415 - most clients offer nothing, and the library is slow

        offered = json.dumps(capabilities)
    if era == "stateless":
        line = (
            f'{{"jsonrpc":"2.0","id":{DISCOVER_ID},"method":"server/discover","params":{{"_meta":'
            f'{{"{_PREFIX}protocolVersion":"{STATELESS_VERSIONS[-1]}",'
            f'"{_PREFIX}clientInfo":{_CLIENT},"{_PREFIX}clientCapabilities":{offered}}}}}}}\n'
        )
    else:
        line = (
            f'{{"jsonrpc":"2.0","id":{INITIALIZE_ID},"method":"initialize","params":'
            f'{{"protocolVersion":"{HANDSHAKE_VERSIONS[-1]}","capabilities":{offered},'
            f'"clientInfo":{_CLIENT}}}}}\n'
        )
    return line.encode()


# -- what is said and understood ---------------------------------------------------------------


def envelope(version: str, capabilities: dict[str, Any]) -> dict[str, Any]:
    """The ``_meta`` that every request of the stateless era carries."""
    return {
        f"{_PREFIX}protocolVersion": version,
        f"{_PREFIX}clientInfo": {"name": "goflow", "version": __version__},
        f"{_PREFIX}clientCapabilities": capabilities,
    }


def read_initialize_result(result: Any) -> ServerIdentity:
    """The identity in an InitializeResult.

    Raises ValueError, its text the reason, when it is not one or its version is not spoken here.
    """
    if not isinstance(result, dict):
        raise ValueError("answered initialize with something that is not an object")
    version = result.get("protocolVersion")
    if version not in HANDSHAKE_VERSIONS:
        raise ValueError(
            f"speaks protocol version {version!r}; GoFlow speaks {', '.join(HANDSHAKE_VERSIONS)}"
        )
    return _identity(version, result, result.get("serverInfo"))


def read_discover_result(result: Any) -> ServerIdentity:
    """The identity in a DiscoverResult; raises ValueError like `read_initialize_result`."""
    versions = result.get("supportedVersions") if isinstance(result, dict) else None
    if not isinstance(versions, list):
        raise ValueError("answered server/discover without its versions")
    ours = [version for version in STATELESS_VERSIONS if version in versions]
    if not ours:
        raise ValueError(
            f"speaks protocol versions {versions!r}; GoFlow speaks {', '.join(STATELESS_VERSIONS)}"
        )
    meta = result.get("_meta")
    info = meta.get(f"{_PREFIX}serverInfo") if isinstance(meta, dict) else None
    return _identity(ours[-1], result, info)


def _identity(version: str, result: dict[str, Any], info: Any) -> ServerIdentity:
    capabilities = result.get("capabilities")
    instructions = result.get("instructions")
    return ServerIdentity(
        protocol_version=version,
        server_info=info if isinstance(info, dict) else {},
        capabilities=capabilities if isinstance(capabilities, dict) else {},
        instructions=instructions if isinstance(instructions, str) else None,
    )

"""What a login to a server behind HTTP left in the keyring, without the SDK that made it.

A login leaves one secret: a JSON object of the tokens, the client that they were given to, and when
and where they are renewed. `servers.oauth` makes, uses and renews it.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from goflow.errors import BadCall
from goflow.servers import secrets
from goflow.servers.redaction import learn

if TYPE_CHECKING:
    from goflow.servers.config import ServerConfig

__all__ = ["forget", "hide", "keep", "login_counts", "read", "tokens_kept"]

# What nobody may see, by what it is a part of.
_SECRET = {
    "tokens": ("access_token", "refresh_token", "id_token"),
    "client": ("client_secret", "registration_access_token"),
}


def tokens_kept(config: ServerConfig) -> bool:
    """Whether a login has left tokens for this server; does not ask the keyring."""
    try:
        name = _name(config)
    except ValueError:  # no address: connecting says so
        return False
    return name in secrets.remembered()


def login_counts(config: ServerConfig) -> bool:
    """Whether sessions with this server use what a login left: there was one, and no other way."""
    named = any(name.lower() == "authorization" for name in config.headers)
    return config.transport != "stdio" and not named and tokens_kept(config)


def read(config: ServerConfig) -> dict[str, Any]:
    """What was left; empty when that cannot be read. Raises ``BadCall`` without a keyring."""
    try:
        found = json.loads(secrets.kept(_name(config)) or "{}")
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    _learn(found)
    return found


def keep(config: ServerConfig, kept: dict[str, Any]) -> None:
    """Put it into the place of what was left before. Raises ``BadCall`` without a keyring."""
    _learn(kept)
    secrets.keep(_name(config), json.dumps(kept))


def forget(config: ServerConfig) -> None:
    """Take it out of the keyring; raises ``BadCall`` if there is none."""
    secrets.delete(_name(config))


def hide(config: ServerConfig) -> None:
    """Have the tokens hidden from all that a run shows, before a session uses them."""
    if login_counts(config):
        with suppress(BadCall):  # without a keyring there are no tokens; connecting says so
            read(config)


def _learn(kept: dict[str, Any]) -> None:
    values = [
        part.get(name)
        for kind, names in _SECRET.items()
        if isinstance(part := kept.get(kind), dict)
        for name in names
    ]
    learn(value for value in values if isinstance(value, str))


def _name(config: ServerConfig) -> str:
    """The login's name in the keyring: it is of an address, whatever a file calls it."""
    address = config.url.partition("#")[0].partition("?")[0]
    return "oauth:" + "".join(address.split()).replace("/", "|")

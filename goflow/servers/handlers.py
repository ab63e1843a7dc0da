"""What a host program does for servers: answers what they ask, hears what they tell.

A workflow has nobody to ask and no model to run, so without a handler servers are told so.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import msgspec

__all__ = ["NO_HANDLERS", "Answerer", "Handlers", "LogMessage", "OnProgress", "Progress"]

Answerer: TypeAlias = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]
"""``await answer(server_id, params)`` gives the result that the protocol wants."""


class Progress(NamedTuple):
    """How far a call is; ``total`` may be unknown, and both count whatever the server counts."""

    progress: float
    total: float | None
    message: str | None


OnProgress: TypeAlias = Callable[[Progress], object]


class LogMessage(NamedTuple):
    """Something that a server logged through the protocol; ``data`` is any JSON value, redacted."""

    server: str
    level: str
    logger: str | None
    data: Any


class Handlers(msgspec.Struct, frozen=True, kw_only=True):
    """The handlers of a host program; what is not given is not offered to servers.

    ``roots`` are the URIs of the folders that servers may work in. ``sample`` answers
    ``sampling/createMessage`` and ``elicit`` answers ``elicitation/create``; what they raise is
    told to the server as a refusal. ``log`` is called with what servers log. All are called from
    the event loop.
    """

    roots: Sequence[str] | None = None
    sample: Answerer | None = None
    elicit: Answerer | None = None
    log: Callable[[LogMessage], object] | None = None

    def capabilities(self) -> dict[str, Any]:
        """The client's capabilities, as the protocol writes them."""
        offered: dict[str, Any] = {}
        if self.roots is not None:
            offered["roots"] = {}
        if self.sample is not None:
            offered["sampling"] = {}
        if self.elicit is not None:
            offered["elicitation"] = {"form": {}, "url": {}}
        return offered


NO_HANDLERS = Handlers()

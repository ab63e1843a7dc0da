"""Which of the two eras a process speaks, found out without knowing it.

The greeting was sent at the spawn, mostly ``server/discover``. A server of the older era rejects
that, and is sent ``initialize``. Some never answer a request that they do not know: once a server
has read the greeting and says nothing for a moment, ``initialize`` is sent too, and the first good
answer counts.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from goflow.errors import RequestRejected
from goflow.servers import handshake

if TYPE_CHECKING:
    from collections.abc import Callable

    from goflow.servers.config import Era
    from goflow.servers.conversation import Conversation
    from goflow.servers.handshake import ServerIdentity
    from goflow.servers.process import ServerProcess

__all__ = ["negotiate"]

# Seconds: between looks at what the server has read, and of silence after it has read all.
_LOOK = 0.05
_SILENCE = 0.2

_IDS: dict[Era, int] = {
    "stateless": handshake.DISCOVER_ID,
    "handshake": handshake.INITIALIZE_ID,
}
_READ: dict[Era, Callable[[Any], ServerIdentity]] = {
    "stateless": handshake.read_discover_result,
    "handshake": handshake.read_initialize_result,
}
_OTHER: dict[Era, Era] = {"stateless": "handshake", "handshake": "stateless"}


async def negotiate(
    process: ServerProcess,
    conversation: Conversation,
    send: Callable[[bytes], None],
    ending: asyncio.Future[None],
    capabilities: dict[str, Any],
) -> ServerIdentity | None:
    """The server's identity, or None when ``ending`` was done first.

    Raises the ``ServerError`` of a greeting that was rejected or not answered in time, and
    ``ValueError``, its text the reason, when there is no version that both speak.
    """
    config = process.config
    loop = asyncio.get_running_loop()
    seconds = config.connect_timeout
    deadline = loop.time() + seconds
    era = process.greeted
    waiting: dict[Era, asyncio.Future[Any]] = {}
    waiting[era] = conversation.expect(_IDS[era], seconds, deadline)
    problems: dict[Era, Exception] = {}
    read_at: float | None = None
    try:
        while True:
            may_try_other = config.era == "auto" and len(waiting) + len(problems) < len(_IDS)
            probing = may_try_other and era == "stateless" and not problems
            await asyncio.wait(
                (*waiting.values(), ending),
                timeout=_LOOK if probing else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for each, waiter in tuple(waiting.items()):
                if waiter.done():
                    del waiting[each]
                    try:
                        identity = _READ[each](waiter.result())
                    except (RequestRejected, ValueError) as error:
                        problems[each] = error
                    else:
                        if config.era == "auto":
                            handshake.remember((config.command, *config.args), each)
                        return identity
            if ending.done():
                return None
            silent = False
            if probing and not problems:
                read_at = None if process.unread() else read_at or loop.time()
                silent = read_at is not None and loop.time() - read_at >= _SILENCE
            if may_try_other and (problems or silent):
                other = _OTHER[era]
                waiting[other] = conversation.expect(_IDS[other], seconds, deadline)
                send(handshake.greeting_line(other, capabilities))
            elif not waiting:
                raise problems.get("handshake") or problems["stateless"]
    finally:
        for waiter in waiting.values():
            # A rejection that came in the moment in which this was cancelled, or with an answer.
            if waiter.done() and not waiter.cancelled():
                waiter.exception()

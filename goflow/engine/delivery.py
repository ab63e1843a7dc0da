"""Events to a listener, in order, from a thread of its own: what it does there holds nothing up."""

from __future__ import annotations

import asyncio
import logging
import threading
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING

from goflow.engine.events import EventsLost, RunFinished

if TYPE_CHECKING:
    from goflow.engine.events import Event, Listener

__all__ = ["Delivery"]

BACKLOG = 100_000
"""Events that are kept for a listener which is behind; RunFinished is always kept."""
GRACE = 0.5
"""Seconds that a finished run waits for its listener to have heard of everything."""


class Delivery:
    """Calls ``listener`` with each event; after the first exception it is told nothing more.

    ``put`` is O(1) and called from the loop's thread.
    """

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._queue: SimpleQueue[Event | None] = SimpleQueue()
        self._lost = 0
        self._thread = threading.Thread(target=self._deliver, name="goflow events", daemon=True)
        self._loop = asyncio.get_running_loop()
        self._done = self._loop.create_future()
        self._thread.start()

    def put(self, event: Event) -> None:
        """Have the listener called with ``event``, some time soon."""
        if self._queue.qsize() >= BACKLOG and not isinstance(event, RunFinished):
            self._lost += 1
            return
        if self._lost:
            self._queue.put(EventsLost(event.run, event.at, self._lost))
            self._lost = 0
        self._queue.put(event)

    async def finish(self) -> None:
        """Wait until all was delivered, though not for long: a listener may never come back."""
        self._queue.put(None)
        await asyncio.wait((self._done,), timeout=GRACE)

    def _deliver(self) -> None:
        listener: Listener | None = self._listener
        while (event := self._queue.get()) is not None:
            if listener is None:
                continue
            try:
                listener(event)
            except Exception:
                logging.getLogger("goflow").warning(
                    "a listener raised and is told nothing more", exc_info=True
                )
                listener = None
        with suppress(RuntimeError):  # the loop was closed before the listener came back
            self._loop.call_soon_threadsafe(self._finished)

    def _finished(self) -> None:
        if not self._done.done():
            self._done.set_result(None)

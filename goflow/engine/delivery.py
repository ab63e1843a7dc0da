"""Events to listeners, in order, from threads of their own: what they do there holds nothing up."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from goflow.engine.events import EventsLost, RunFinished

if TYPE_CHECKING:
    from goflow.engine.events import Event, Listener

__all__ = ["Deliveries", "Delivery"]

BACKLOG = 100_000
"""Events that are kept for a listener which is behind; RunFinished is always kept."""
GRACE = 0.5
"""Seconds that a finished run waits for its listener to have heard of everything."""
LINGER = 0.005
"""Seconds that a listener who has heard of all is looked after: to wake it costs the run more than
the event does."""


class Delivery:
    """Calls ``listener`` with each event; after the first exception it is told nothing more.

    ``put`` is O(1) and called from the loop's thread.
    """

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._events: deque[Event] = deque()
        self._lost = 0
        self._over = False
        self._asleep = False
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._done = self._loop.create_future()

    def put(self, event: Event) -> None:
        """Have the listener called with ``event``, some time soon."""
        if len(self._events) >= BACKLOG and not isinstance(event, RunFinished):
            self._lost += 1
            return
        if self._lost:
            self._events.append(EventsLost(event.run, event.at, self._lost))
            self._lost = 0
        self._events.append(event)
        if self._asleep:
            self._asleep = False
            self._wake.put(None)

    async def finish(self) -> None:
        """Wait until all was delivered, though not for long: a listener may never come back."""
        self._over = True
        self._wake.put(None)
        timer = self._loop.call_later(GRACE, self._finished)
        try:
            await self._done
        finally:
            timer.cancel()

    # -- the listener's thread -----------------------------------------------------------------

    def deliver(self) -> None:
        """Call the listener until the run is over."""
        events = self._events
        while True:
            over = self._over  # before a last look: nothing comes after it
            self._tell_all()
            if over:
                return
            with suppress(Empty):
                self._wake.get(timeout=LINGER)
            if events or self._over:
                continue
            self._asleep = True
            # What came between the look and this has woken nobody.
            if not (events or self._over):
                self._wake.get()
            self._asleep = False

    def delivered(self) -> None:
        """The listener has heard of everything."""
        with suppress(RuntimeError):  # the loop was closed before the listener came back
            self._loop.call_soon_threadsafe(self._finished)

    def _tell_all(self) -> None:
        events, listener = self._events, self._listener
        try:
            while events:
                listener(events.popleft())
        except Exception:
            logging.getLogger("goflow").warning(
                "a listener raised and is told nothing more", exc_info=True
            )
            self._listener = _deaf
            self._tell_all()

    def _finished(self) -> None:
        if not self._done.done():
            self._done.set_result(None)


def _deaf(event: Event) -> None:
    """The listener after one that raised."""


class Deliveries:
    """The threads of an engine's listeners: one for each run that is heard, used again after it."""

    def __init__(self) -> None:
        self._idle: list[_Worker] = []
        self._closed = False

    def begin(self, listener: Listener) -> Delivery:
        """Deliver to ``listener`` until ``finish`` is called."""
        delivery = Delivery(listener)
        worker = self._idle.pop() if self._idle else _Worker(self)
        worker.jobs.put(delivery)
        return delivery

    def rest(self, worker: _Worker) -> None:
        """A thread has nothing to do; called by itself."""
        self._idle.append(worker)
        if self._closed:
            worker.jobs.put(None)

    def close(self) -> None:
        """End the threads: now, or when their listener comes back."""
        self._closed = True
        for worker in tuple(self._idle):
            worker.jobs.put(None)


class _Worker:
    """A thread that delivers for one run after the other."""

    __slots__ = ("_deliveries", "jobs")

    def __init__(self, deliveries: Deliveries) -> None:
        self._deliveries = deliveries
        self.jobs: SimpleQueue[Delivery | None] = SimpleQueue()
        # A daemon: a listener that never comes back does not keep the program from ending.
        threading.Thread(target=self._work, name="goflow events", daemon=True).start()

    def _work(self) -> None:
        while (delivery := self.jobs.get()) is not None:
            delivery.deliver()
            self._deliveries.rest(self)  # first, so that the next run finds this thread
            delivery.delivered()

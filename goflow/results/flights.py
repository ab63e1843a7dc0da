"""Work in flight: equal calls at once are one call, among threads and among tasks."""

from __future__ import annotations

import os
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable, Hashable

__all__ = ["Flights"]


class _Flight:
    """One computation: who does it, and what came of it: whether it landed, and its value."""

    __slots__ = ("future", "shared", "task", "thread")

    def __init__(self, task: asyncio.Task[Any] | None) -> None:
        self.future: Future[tuple[bool, Any]] = Future()
        # Whoever stops waiting must not cancel it for the others.
        self.future.set_running_or_notify_cancel()
        self.thread = threading.get_ident()
        self.task = task
        self.shared = False


class Flights:
    """Runs one of several equal computations, and gives all who asked what came of it.

    Each gets the value, and whether others got the same object: whoever changes it copies it first
    then. A failure is raised in all of them. When the one that computes is cancelled, another takes
    its place. Any number of threads and event loops may share this. A computation that asks for its
    own key does not wait, which would be for ever: it is done again. Nor does a process that was
    forked wait for what its parent computes.
    """

    __slots__ = ("__weakref__", "_flights", "_lock", "landed")

    def __init__(self) -> None:
        self.landed = 0
        """How many have: whoever looked in vain before one did may look again."""
        self._begin()
        _all.add(self)

    def _begin(self) -> None:
        self._flights: dict[Hashable, _Flight] = {}
        self._lock = threading.Lock()

    def run(self, key: Hashable, compute: Callable[[], Any]) -> tuple[Any, bool]:
        """``compute()``, or what another thread is about to give for the same key."""
        while True:
            flight, leads = self._join(key, None)
            if leads:
                try:
                    value = compute()
                except BaseException as error:
                    self._crash(key, flight, error)
                    raise
                return self._land(key, flight, value)
            if flight.thread == threading.get_ident():
                return compute(), False
            landed, value = flight.future.result()
            if landed:
                return value, True

    async def run_async(
        self, key: Hashable, compute: Callable[[], Awaitable[Any]]
    ) -> tuple[Any, bool]:
        """As `run`, for coroutines: the event loop goes on meanwhile."""
        import asyncio  # noqa: PLC0415 - threads need none

        task = asyncio.current_task()
        while True:
            flight, leads = self._join(key, task)
            if leads:
                try:
                    value = await compute()
                except BaseException as error:
                    self._crash(key, flight, error)
                    raise
                return self._land(key, flight, value)
            if flight.thread == threading.get_ident() and flight.task in (None, task):
                return await compute(), False
            landed, value = await asyncio.wrap_future(flight.future)
            if landed:
                return value, True

    def _join(self, key: Hashable, task: asyncio.Task[Any] | None) -> tuple[_Flight, bool]:
        with self._lock:
            flight = self._flights.get(key)
            if flight is not None:
                flight.shared = True
                return flight, False
            flight = self._flights[key] = _Flight(task)
            return flight, True

    def _land(self, key: Hashable, flight: _Flight, value: Any) -> tuple[Any, bool]:
        with self._lock:
            self.landed += 1
            del self._flights[key]  # from here on nobody joins
        flight.future.set_result((True, value))
        return value, flight.shared

    def _crash(self, key: Hashable, flight: _Flight, error: BaseException) -> None:
        with self._lock:
            del self._flights[key]
        if isinstance(error, Exception):
            flight.future.set_exception(error)
        else:  # cancelled or interrupted, which is nothing to the others
            flight.future.set_result((False, None))

    def __len__(self) -> int:
        """How many are in flight."""
        return len(self._flights)


_all: WeakSet[Flights] = WeakSet()


def _begin_all() -> None:
    for flights in _all:
        flights._begin()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_all)

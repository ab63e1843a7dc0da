"""The tasks that connect, keep and close the connections of a pool, one task each."""

from __future__ import annotations

import asyncio
import inspect
import logging
import random
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from goflow.errors import ConnectFailed, PoolClosed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable

    from goflow._core.lane import Slot
    from goflow._core.pool import Pool

__all__ = ["Owners", "outcome"]

K = TypeVar("K", bound="Hashable")
C = TypeVar("C")
T = TypeVar("T")

# A lifetime is shortened by up to this part, so that connections made together do not end together.
LIFETIME_JITTER = 0.1
# The delay after a failure is between this part of it and all of it, for the same reason.
BACKOFF_JITTER = 0.5

_log = logging.getLogger("goflow.pool")


class Owner:
    """The task of one connection, and how to reach it."""

    __slots__ = ("connected", "ending", "task")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.connected: asyncio.Future[None] | None = loop.create_future()  # None: it is, or failed
        self.ending: asyncio.Future[None] = loop.create_future()
        self.task: asyncio.Task[None]

    def settle(self) -> None:
        """Connecting is over, whatever came of it."""
        if self.connected is not None:
            self.connected.set_result(None)
            self.connected = None

    def end(self) -> None:
        """Close the connection, or give up connecting."""
        if self.connected is not None:
            self.task.cancel()
        elif not self.ending.done():
            self.ending.set_result(None)

    def __repr__(self) -> str:
        state = "connecting"
        if self.connected is None:
            state = "closing" if self.ending.done() else "open"
        return f"<{type(self).__name__} {state}>"


class Owners(Generic[K, C]):
    """The owners of a pool's connections; they tell its core what came of connecting.

    ``opened()`` is called when a connection was made. Times are in seconds.
    """

    def __init__(
        self,
        core: Pool[K, C],
        connect: Callable[[K], Awaitable[C] | C],
        close: Callable[[C], Awaitable[object] | object] | None,
        opened: Callable[[], object],
        *,
        connect_timeout: float | None,
        max_lifetime: float | None,
    ) -> None:
        self._core = core
        self._connect = connect
        self._close = close
        self._opened = opened
        self._connect_timeout = connect_timeout
        self._max_lifetime = max_lifetime
        self._all: dict[Slot[K, C], Owner] = {}
        self._slots: dict[int, Slot[K, C]] = {}  # by the id of the connection, while it is open

    def begin(self, slot: Slot[K, C], loop: asyncio.AbstractEventLoop) -> None:
        """Connect for a slot, and own what comes of it."""
        owner = self._all[slot] = Owner(loop)
        owner.task = loop.create_task(self._own(slot, owner), name=f"goflow pool {slot.key!r}")
        # Not in the coroutine: a task that is cancelled before its first step never enters it.
        owner.task.add_done_callback(partial(self._ended, slot))

    def end(self, slot: Slot[K, C]) -> None:
        """Close the connection of a slot, or give up connecting."""
        owner = self._all.get(slot)
        if owner is not None:
            owner.end()

    def slot_of(self, connection: C) -> Slot[K, C] | None:
        """The slot of an open connection."""
        return self._slots.get(id(connection))

    def connections(self) -> list[C]:
        """Every connection that is open."""
        return [slot.connection for slot, owner in self._all.items() if owner.connected is None]

    def connecting(self, keys: tuple[K, ...]) -> list[asyncio.Future[None]]:
        """A future for each connecting of these keys, done when it is over."""
        return [
            owner.connected
            for slot, owner in self._all.items()
            if slot.key in keys and owner.connected is not None
        ]

    def tasks(self, key: K | None = None, *, connected: bool = False) -> list[asyncio.Task[None]]:
        """The tasks of a key, or all; only those that have ``connected``."""
        return [
            owner.task
            for slot, owner in self._all.items()
            if (key is None or slot.key == key) and not (connected and owner.connected is not None)
        ]

    def __repr__(self) -> str:
        return f"<Owners of {len(self._all)} connections>"

    # -- one connection's life, in one task ----------------------------------------------------

    async def _own(self, slot: Slot[K, C], owner: Owner) -> None:
        try:
            if slot.delay:
                await asyncio.sleep(slot.delay * random.uniform(BACKOFF_JITTER, 1.0))
            connection = await self._open(slot.key)
        except Exception as error:
            self._core.failed(slot, error)
            return
        life = self._max_lifetime
        if life is not None:
            life *= 1.0 - random.uniform(0.0, LIFETIME_JITTER)
        try:
            owner.settle()
            self._slots[id(connection)] = slot
            self._core.connected(slot, connection, life)
            self._opened()
            if not slot.closed:  # by who gave up just now
                await owner.ending
        finally:
            # Some functions give the same object more than once: then it is another's by now.
            if self._slots.get(id(connection)) is slot:
                del self._slots[id(connection)]
            self._core.retire(slot, "closed", at_once=True)
            if self._close is not None:
                try:
                    await outcome(self._close(connection))
                except Exception:
                    _log.warning("closing %r failed", connection, exc_info=True)

    async def _open(self, key: K) -> C:
        limit = self._connect_timeout
        if limit is None:
            return await outcome(self._connect(key))
        # In this task, which closes the connection too: wait_for may make another.
        opening = asyncio.current_task()
        assert opening is not None
        late = False

        def give_up() -> None:
            nonlocal late
            late = True
            opening.cancel()

        timer = asyncio.get_running_loop().call_later(limit, give_up)
        try:
            return await outcome(self._connect(key))
        except asyncio.CancelledError:
            if not late:
                raise
            if hasattr(opening, "uncancel"):  # Python 3.11
                opening.uncancel()
            raise ConnectFailed(
                f"{key!r} was not connected within {limit:.3g} s", server=str(key)
            ) from None
        finally:
            timer.cancel()

    def _ended(self, slot: Slot[K, C], task: asyncio.Task[None]) -> None:
        self._all.pop(slot).settle()
        if task.cancelled():
            self._core.failed(
                slot, PoolClosed(f"connecting to {slot.key!r} was given up", key=slot.key)
            )
        elif (error := task.exception()) is not None:  # not an Exception, or we would have it
            self._core.failed(slot, error)


async def outcome(result: Awaitable[T] | T) -> T:
    """What a function gave, or what it is a promise of."""
    if inspect.isawaitable(result):
        return cast("T", await result)
    return result

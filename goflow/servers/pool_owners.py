"""The tasks that connect, keep and close the connections of a pool, one task each."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from goflow._core.waiter import Waiter
from goflow.errors import ConnectFailed, PoolClosed

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

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


class Owner(Waiter[None], Generic[K, C]):
    """The task of one connection, which waits for this while it is open; and how to reach it.

    It lives as long as the connection, so what it holds is counted (``pool_memory_usage``).
    """

    __slots__ = ("connected", "slot", "task")

    def __init__(self, loop: asyncio.AbstractEventLoop, slot: Slot[K, C]) -> None:
        super().__init__(loop)
        self.connected: asyncio.Future[None] | None = loop.create_future()  # None: it is, or failed
        self.slot = slot
        self.task: asyncio.Task[None]

    def stop_connecting(self) -> None:
        """Connecting is over, whatever came of it."""
        if self.connected is not None:
            self.connected.set_result(None)
            self.connected = None

    def end(self) -> None:
        """Close the connection, or give up connecting."""
        if self.connected is not None:
            self.task.cancel()
        else:
            self.settle(None)
            self.wake()

    def __repr__(self) -> str:
        state = "connecting"
        if self.connected is None:
            state = "closing" if self.done() else "open"
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
        self._closing: set[Owner[K, C]] = set()  # the core knows the slots of the others
        self._slots: dict[int, Slot[K, C]] = {}  # by the id of the connection, while it is open
        self._named: tuple[K, str] | None = None  # the last key, and the name of its tasks

    def begin(self, slot: Slot[K, C], loop: asyncio.AbstractEventLoop) -> None:
        """Connect for a slot, and own what comes of it."""
        owner = slot.owner = Owner(loop, slot)
        if self._named is None or self._named[0] is not slot.key:
            self._named = (slot.key, f"goflow pool {slot.key!r}")
        owner.task = loop.create_task(self._own(owner), name=self._named[1])
        # For a task that is cancelled before its first step, and never enters its coroutine.
        owner.task.add_done_callback(self._never_begun)

    def end(self, slot: Slot[K, C]) -> None:
        """Close the connection of a slot, or give up connecting."""
        owner: Owner[K, C] | None = slot.owner
        if owner is not None and not owner.task.done():
            self._closing.add(owner)
            owner.end()

    def slot_of(self, connection: C) -> Slot[K, C] | None:
        """The slot of an open connection."""
        return self._slots.get(id(connection))

    def connections(self) -> list[C]:
        """Every connection that is open."""
        return [owner.slot.connection for owner in self._all() if owner.connected is None]

    def connecting(self, keys: tuple[K, ...]) -> list[asyncio.Future[None]]:
        """A future for each connecting of these keys, done when it is over."""
        return [
            owner.connected
            for owner in self._all()
            if owner.slot.key in keys and owner.connected is not None
        ]

    def tasks(self, key: K | None = None, *, connected: bool = False) -> list[asyncio.Task[None]]:
        """The tasks of a key, or all; only those that have ``connected``."""
        return [
            owner.task
            for owner in self._all()
            if (key is None or owner.slot.key == key)
            and not (connected and owner.connected is not None)
        ]

    def _all(self) -> list[Owner[K, C]]:
        open_ = [slot.owner for slot in self._core.slots() if slot.owner is not None]
        return [*open_, *self._closing]

    def __repr__(self) -> str:
        return f"<Owners of {len(self._all())} connections>"

    # -- one connection's life, in one task ----------------------------------------------------

    async def _own(self, owner: Owner[K, C]) -> None:
        # Its frame lives as long as the connection: what is needed once is in other ones.
        try:
            owner.task.remove_done_callback(self._never_begun)
            if await self._connected(owner):
                try:
                    if not owner.slot.closed:  # by who gave up just now
                        await owner
                finally:
                    await self._disconnect(owner)
        finally:
            self._ended(owner)

    async def _connected(self, owner: Owner[K, C]) -> bool:
        """Connect, and tell the core; whether it succeeded."""
        slot = owner.slot
        try:
            if slot.delay:
                from random import uniform  # noqa: PLC0415 - only failures need it

                await asyncio.sleep(slot.delay * uniform(BACKOFF_JITTER, 1.0))
            connection = await self._open(slot.key)
        except Exception as error:
            self._core.failed(slot, error)
            return False
        except asyncio.CancelledError:
            self._given_up(slot)
            raise
        except BaseException as error:
            self._core.failed(slot, error)
            raise
        life = self._max_lifetime
        if life is not None:
            from random import uniform  # noqa: PLC0415 - few pools limit it

            life *= 1.0 - uniform(0.0, LIFETIME_JITTER)
        owner.stop_connecting()
        self._slots[id(connection)] = slot
        self._core.connected(slot, connection, life)
        self._opened()
        return True

    async def _disconnect(self, owner: Owner[K, C]) -> None:
        slot = owner.slot
        connection = slot.connection
        # Some functions give the same object more than once: then it is another's by now.
        if self._slots.get(id(connection)) is slot:
            del self._slots[id(connection)]
        self._closing.add(owner)
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
            if sys.version_info >= (3, 11):
                opening.uncancel()
            raise ConnectFailed(
                f"{key!r} was not connected within {limit:.3g} s", server=str(key)
            ) from None
        finally:
            timer.cancel()

    def _given_up(self, slot: Slot[K, C]) -> None:
        text = f"connecting to {slot.key!r} was given up"
        self._core.failed(slot, PoolClosed(text, key=slot.key))

    def _never_begun(self, task: asyncio.Task[None]) -> None:
        for owner in self._all():
            if owner.task is task:
                self._given_up(owner.slot)
                self._ended(owner)

    def _ended(self, owner: Owner[K, C]) -> None:
        owner.stop_connecting()
        owner.slot.owner = None  # they refer to each other
        self._closing.discard(owner)


async def outcome(result: Awaitable[T] | T) -> T:
    """What a function gave, or what it is a promise of."""
    if isinstance(result, Awaitable):
        return cast("T", await result)
    return result

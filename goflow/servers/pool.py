"""A pool of connections of any kind for asyncio programs: ``goflow.ConnectionPool``."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from goflow._core.lease import Lease
from goflow._core.pool import Pool
from goflow.errors import PoolTimeout
from goflow.servers.pool_owners import Owners, outcome
from goflow.servers.pool_stats import PoolStats

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable
    from types import TracebackType

    from typing_extensions import Self

    from goflow.servers.pool_runs import RunBindings

__all__ = ["ConnectionPool", "Lease", "PoolStats"]

K = TypeVar("K", bound="Hashable")
C = TypeVar("C")

MODES = ("multiplex", "exclusive", "run")
_log = logging.getLogger("goflow.pool")


class ConnectionPool(Generic[K, C]):
    """Keeps connections open between uses, and shares them out::

        async def connect(host: str) -> Client: ...
        async def close(client: Client) -> None: ...

        async with goflow.ConnectionPool(connect, close, max_size=4) as pool:
            async with pool.lease("db.example.org") as lease:
                await lease.connection.query("…")

    ``connect(key)`` makes a connection and ``close(connection)`` ends it; either may be a plain
    function too. A key is any hashable value and names what to connect to. One task of the pool
    calls both for a connection, so that what ``connect`` enters ``close`` may leave.

    ``await acquire(key)`` gives a `Lease`, whose ``connection`` is yours until ``release(lease)``.
    Connecting starts when somebody needs it, once however many ask, and whoever waits takes what
    comes first: the new connection or one that was released. Waiters are served in order.
    ``checkout`` and ``checkin`` are the same without waiting and without connecting, in 0.1 µs,
    from any thread. ``warm`` connects before anybody asks.

    Limits, for each key: at most ``max_size`` connections (None: any number). ``mode`` is
    ``exclusive`` (a connection has one lease at a time), ``multiplex`` (up to ``max_in_flight``
    leases at a time, None: any number, the least loaded first) or ``run`` (``acquire`` is given
    a ``run``, any hashable value, which keeps one connection to itself, with up to
    ``max_in_flight`` leases, until ``end_run(run)`` closes it).

    All times are in seconds, and None switches off what they are for:

    * ``timeout``: how long ``acquire`` waits, before PoolTimeout.
    * ``connect_timeout``: how long ``connect`` may take.
    * ``idle_timeout``, ``max_lifetime``: a connection is closed when it was not used for so long;
      or when it is so old (less up to a tenth, at random), as soon as nobody uses it.
    * ``check(connection)``: whether a connection still works; false or an exception retires it.
      Asked by ``acquire`` when the connection has been idle for ``check_after``.
    * ``leak_after``: a lease that is held for so long is logged (logger ``goflow.pool``) with the
      place that acquired it, and given to ``on_leak(lease)``. Costs a microsecond a lease.
    * ``backoff``, ``max_backoff``: after a failure, connecting is put off by ``backoff``, doubled
      with each further one. Those who wait fail after ``connect_attempts`` failures in a row,
      unless there are connections to wait for. After ``breaker_failures``, ``acquire`` raises
      CircuitOpen at once, for ``breaker_reset``; then one attempt is made.

    Belongs to the event loop in which it is used first. ``checkout``, ``checkin``, ``release``,
    ``discard``, ``retire`` and ``stats`` may be called from any thread. All but ``stats`` are O(1).
    """

    def __init__(
        self,
        connect: Callable[[K], Awaitable[C] | C],
        close: Callable[[C], Awaitable[object] | object] | None = None,
        *,
        max_size: int | None = 10,
        max_in_flight: int | None = None,
        mode: str | None = None,
        timeout: float | None = 30.0,
        connect_timeout: float | None = None,
        idle_timeout: float | None = 600.0,
        max_lifetime: float | None = None,
        check: Callable[[C], Awaitable[object] | object] | None = None,
        check_after: float = 0.5,
        leak_after: float | None = None,
        on_leak: Callable[[Lease[K, C]], object] | None = None,
        backoff: float = 0.1,
        max_backoff: float = 10.0,
        connect_attempts: int = 1,
        breaker_failures: int | None = 5,
        breaker_reset: float = 30.0,
    ) -> None:
        """``mode`` is multiplex when ``max_in_flight`` is given, else exclusive.

        Raises ValueError for limits and modes that cannot be.
        """
        if mode is None:
            mode = "exclusive" if max_in_flight is None else "multiplex"
        if mode not in MODES:
            raise ValueError(f"mode must be one of {', '.join(MODES)}, not {mode!r}")
        if mode == "exclusive" and max_in_flight not in (None, 1):
            raise ValueError("an exclusive connection has one lease: max_in_flight must be 1")
        self.mode = mode
        self._check = check
        self._timeout = timeout
        self._on_leak = on_leak
        self._core: Pool[K, C] = Pool(
            max_size=max_size,
            max_in_flight=max_in_flight if mode == "multiplex" else 1,
            idle_timeout=idle_timeout,
            check_after=check_after if check is not None else None,
            leak_after=leak_after,
            backoff=backoff,
            max_backoff=max_backoff,
            connect_attempts=connect_attempts,
            breaker_failures=breaker_failures,
            breaker_reset=breaker_reset,
            notify=self._notify,
            internal=__name__,
        )
        self._runs: RunBindings[K, C] | None = None
        self._leases: Pool[Any, C] = self._core
        if mode == "run":
            from goflow.servers.pool_runs import RunBindings  # noqa: PLC0415 - it has a pool itself

            self._runs = RunBindings(self, max_in_flight)
            self._leases = self._runs.core
        else:
            # The hot path is the compiled method itself: one around it would cost as much again.
            self.checkout = self._core.checkout  # type: ignore[method-assign, assignment]
            self.checkin = self._core.checkin  # type: ignore[method-assign, assignment]
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0
        self._owners: Owners[K, C] = Owners(
            self._core,
            connect,
            close,
            lambda: self._arm(0.0),
            connect_timeout=connect_timeout,
            max_lifetime=max_lifetime,
        )
        self._there = self._core.is_warm
        self._sweeping: asyncio.TimerHandle | None = None

    # -- leases --------------------------------------------------------------------------------

    async def acquire(
        self,
        key: K,
        *,
        run: Hashable = None,
        timeout: float | None = -1.0,
        connect_timeout: float | None = None,
    ) -> Lease[K, C]:
        """A lease on a connection of ``key``, which must be released.

        ``timeout`` replaces the pool's. With ``connect_timeout``, waiting is given up sooner when
        there is no connection of the key at all by then. Raises PoolTimeout, PoolClosed,
        CircuitOpen, or what ``connect`` raised when there was no other connection to wait for.
        When cancelled, nothing is held.
        """
        limit = self._timeout if timeout == -1.0 else timeout
        if self._runs is not None:
            return await self._runs.acquire(key, run, limit, connect_timeout)
        return await self._acquire(key, limit, connect_timeout)

    def release(self, lease: Lease[K, C]) -> bool:
        """Give a lease back; false, and harmless, when it was given back before."""
        return self._leases.checkin(lease)

    def lease(
        self, key: K, *, run: Hashable = None, timeout: float | None = -1.0
    ) -> _Leasing[K, C]:
        """``acquire`` and ``release``, for ``async with``."""
        return _Leasing(self, key, run, timeout)

    def checkout(self, key: K) -> Lease[K, C] | None:
        """A lease on a connection that is ready now, or None; never waits, never connects.

        None too when the connection is due for a ``check``.
        """
        return self._leases.checkout(key) if self._runs is None else None

    def checkin(self, lease: Lease[K, C]) -> bool:
        """As ``release``."""
        return self._leases.checkin(lease)

    def discard(self, lease: Lease[K, C], *, at_once: bool = False) -> None:
        """Release a lease whose connection is broken: nobody gets it any more.

        It is closed when its other leases are released too, or ``at_once``.
        """
        slot = lease.slot
        if slot is not None and lease.held:
            self._leases.retire(slot, at_once=at_once)
        self._leases.checkin(lease)

    def retire(self, connection: C, reason: str = "broken", *, at_once: bool = False) -> None:
        """Give a connection to nobody any more, whoever holds it; it is closed as by `discard`.

        For who learns that it is broken without having a lease of it. ``reason`` is a key of
        ``PoolStats.retired``. Nothing happens for one that is not of this pool any more.
        """
        if self._runs is not None:
            self._runs.retire(connection)
        slot = self._owners.slot_of(connection)
        if slot is not None:
            self._core.retire(slot, reason, at_once)

    async def _acquire(
        self, key: K, timeout: float | None, connect_timeout: float | None = None
    ) -> Lease[K, C]:
        while True:
            lease = self._core.take(key)
            if lease is None:
                lease = await self._wait(key, timeout, connect_timeout)
            if not lease.unchecked or await self._healthy(lease):
                return lease

    async def _wait(
        self, key: K, timeout: float | None, connect_timeout: float | None
    ) -> Lease[K, C]:
        loop = self._use_loop()
        waiter: asyncio.Future[None] = loop.create_future()
        lease = self._core.wait(key, waiter)
        if lease.held:
            return lease
        timers = []
        if timeout is not None:
            timers.append(loop.call_later(timeout, self._expire, lease, timeout))
        if connect_timeout is not None:
            timers.append(loop.call_later(connect_timeout, self._lose, lease, connect_timeout))
        try:
            await waiter
        except asyncio.CancelledError:
            if not self._core.forget(lease):
                self._core.checkin(lease)
            raise
        finally:
            for timer in timers:
                timer.cancel()
        return lease

    def _lose(self, lease: Lease[K, C], timeout: float) -> None:
        """Give up waiting, unless there is a connection to wait for."""
        if not self._there(lease.key):
            self._expire(lease, timeout)

    def _expire(self, lease: Lease[K, C], timeout: float) -> None:
        if self._core.forget(lease, timed_out=True) and not lease.token.done():
            lease.token.set_exception(self._timed_out(lease.key, timeout))

    def _timed_out(self, key: K, timeout: float) -> PoolTimeout:
        text = f"no connection to {key!r} was free within {timeout:.3g} s"
        if self._core.stats(key)["connecting"]:
            hint = "it was still connecting: allow more time, or see what keeps the other side"
        else:
            hint = "raise max_size or max_in_flight, or release leases sooner"
        places = [where for held in self._core.holders(key) if (where := held.where)]
        if places:
            hint += f"; the oldest lease was acquired at {places[0]}"
        return PoolTimeout(
            f"{text} ({self._core.describe(key)})", key=key, seconds=timeout, hint=hint
        )

    async def _healthy(self, lease: Lease[K, C]) -> bool:
        """Whether a connection that was idle still works; gives the lease back if not."""
        assert self._check is not None
        try:
            healthy = await outcome(self._check(lease.connection))
        except asyncio.CancelledError:
            self._core.checkin(lease)
            raise
        except Exception as error:
            _log.info("the check of the connection to %r failed: %r", lease.key, error)
            healthy = False
        if not healthy:
            assert lease.slot is not None
            self._core.retire(lease.slot, "unhealthy")
            self._core.checkin(lease)
        return bool(healthy)

    # -- the whole pool ------------------------------------------------------------------------

    async def warm(self, *keys: K, size: int = 1) -> None:
        """Have ``size`` connections of each key before anybody asks; returns when they are there.

        What fails is not raised here, but left to those who ask.
        """
        for key in keys:
            self.begin_warm(key, size)
        pending = self._owners.connecting(keys)
        if pending:
            await asyncio.wait(pending)

    def begin_warm(self, key: K, size: int = 1) -> int:
        """As ``warm``, without waiting: how many connections were begun."""
        self._use_loop()
        return self._core.warm(key, size)

    def connections(self) -> list[C]:
        """Every connection that is open."""
        return self._owners.connections()

    def is_warm(self, key: K) -> bool:
        """Whether a connection of ``key`` is there."""
        return self._core.is_warm(key)

    def end_run(self, run: Hashable) -> None:
        """Close the connections that a run kept to itself (mode ``run``)."""
        if self._runs is not None:
            self._runs.end(run)

    async def drain(self, key: K | None = None, *, timeout: float | None = None) -> None:
        """Close every connection there is now, of ``key`` or all; new ones are made when asked for.

        Those in use are closed when they are released. Returns when all are gone, or after
        ``timeout`` seconds.
        """
        old = self._owners.tasks(key, connected=True)
        self._core.drain(key)
        if old:
            await asyncio.wait(old, timeout=timeout)

    def resize(
        self,
        max_size: int | None = None,
        max_in_flight: int | None = None,
        *,
        key: K | None = None,
    ) -> None:
        """Change the limits of ``key``, or of all keys; None leaves a limit as it is.

        Surplus connections are closed now if they are idle, else when they are released.
        """
        if self._runs is not None and max_in_flight is not None:
            raise ValueError("max_in_flight of a run's connection is set when the pool is made")
        self._core.resize(max_size, max_in_flight, key)

    def stats(self, key: K | None = None) -> PoolStats:
        """What happened so far, and what there is, of ``key`` or of all keys together."""
        found = self._core.stats(key)
        if self._runs is not None and key is None:
            asked = self._leases.stats()
            for name in ("leases", "hits", "misses", "waits", "wait_time", "timeouts"):
                found[name] = asked[name]
        return PoolStats(**found)

    async def close(self, *, timeout: float | None = 5.0) -> None:
        """End every connection and wait until they are closed; waiters get PoolClosed.

        Leases that are out have ``timeout`` seconds to be released; then, and when connections
        take that long to close, they are cancelled. Idempotent.
        """
        if self._runs is not None:
            await self._runs.close(timeout)
        self._core.close()
        if self._sweeping is not None:
            self._sweeping.cancel()
            self._sweeping = None
        tasks = self._owners.tasks()
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=timeout)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)

    async def __aenter__(self) -> Self:
        self._use_loop()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<ConnectionPool {self.mode}, {self._core.describe()}>"

    # -- carrying decisions out ----------------------------------------------------------------

    def _use_loop(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            if self._loop is not None:
                raise RuntimeError(f"{self!r} belongs to another event loop")
            self._loop = loop
            self._thread = threading.get_ident()
        return loop

    def _notify(self) -> None:
        """There are decisions; called by whoever caused them, in any thread."""
        if threading.get_ident() == self._thread:
            self._carry_out()
        elif self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._carry_out)

    def _carry_out(self) -> None:
        assert self._loop is not None
        connect, close, settled = self._core.decisions()
        for lease in settled:
            waiter: asyncio.Future[None] = lease.token
            if waiter.done():
                continue  # cancelled just now: the task gives the lease back itself
            if lease.error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(lease.error)
        for slot in close:
            self._owners.end(slot)
        for slot in connect:
            self._owners.begin(slot, self._loop)

    # -- housekeeping --------------------------------------------------------------------------

    def _arm(self, delay: float | None) -> None:
        """Sweep after ``delay`` seconds, unless that is planned sooner."""
        if delay is None or self._core.is_closed or self._loop is None:
            return
        when = self._loop.time() + delay
        if self._sweeping is not None:
            if self._sweeping.when() <= when:
                return
            self._sweeping.cancel()
        self._sweeping = self._loop.call_at(when, self._sweep)

    def _sweep(self) -> None:
        self._sweeping = None
        due, leaks = self._core.sweep()
        for lease in leaks:
            _log.warning("%r has been held for long: it was acquired at %s", lease, lease.where)
            if self._on_leak is not None:
                try:
                    self._on_leak(lease)
                except Exception:
                    _log.exception("on_leak failed")
        # The core's clock ticks every few milliseconds: not sooner than its next tick.
        self._arm(None if due is None else max(due, 0.01))


class _Leasing(Generic[K, C]):
    """``async with pool.lease(key) as lease``."""

    __slots__ = ("_key", "_lease", "_pool", "_run", "_timeout")

    def __init__(
        self, pool: ConnectionPool[K, C], key: K, run: Hashable, timeout: float | None
    ) -> None:
        self._pool = pool
        self._key = key
        self._run = run
        self._timeout = timeout
        self._lease: Lease[K, C] | None = None

    async def __aenter__(self) -> Lease[K, C]:
        self._lease = await self._pool.acquire(self._key, run=self._run, timeout=self._timeout)
        return self._lease

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._lease is not None:
            self._pool.release(self._lease)

    def __repr__(self) -> str:
        return f"<lease of {self._key!r}: {self._lease!r}>"

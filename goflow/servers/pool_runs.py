"""The mode ``run`` of a pool: a run keeps one connection to itself until it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from goflow.errors import BadCall, PoolTimeout
from goflow.servers.pool import ConnectionPool

if TYPE_CHECKING:
    from collections.abc import Hashable

    from goflow._core.lease import Lease
    from goflow._core.pool import Pool

__all__ = ["RunBindings"]

K = TypeVar("K", bound="Hashable")
C = TypeVar("C")


class RunBindings(Generic[K, C]):
    """A pool over a pool: its connections are leases of ``pool``, one for each key and run.

    So a run's calls share a connection as in any pool, and runs wait for each other as leases do.
    """

    def __init__(self, pool: ConnectionPool[K, C], max_in_flight: int | None) -> None:
        self._pool = pool
        self._keys: dict[Hashable, set[K]] = {}  # of each run
        self._leases: dict[int, Lease[K, C]] = {}  # by the id of the connection
        self._bound: ConnectionPool[tuple[K, Hashable], C] = ConnectionPool(
            self._bind,
            self._unbind,
            max_size=1,
            max_in_flight=max_in_flight,
            mode="multiplex",
            idle_timeout=None,
            breaker_failures=None,
            backoff=0.0,
        )
        # Runs that wait for another's connection do not wait for connecting.
        self._bound._there = lambda bound: pool.is_warm(bound[0])
        self.core: Pool[Any, C] = self._bound._core

    async def acquire(
        self, key: K, run: Hashable, timeout: float | None, connect_timeout: float | None
    ) -> Lease[Any, C]:
        """A lease on the connection of a run; raises what `ConnectionPool.acquire` does."""
        if run is None:
            raise BadCall("a pool of mode 'run' is asked with the run", hint="acquire(key, run=…)")
        self._keys.setdefault(run, set()).add(key)
        try:
            return await self._bound.acquire(
                (key, run), timeout=timeout, connect_timeout=connect_timeout
            )
        except PoolTimeout as error:
            text = f"no connection to {key!r} was free for run {run!r} within {error.seconds:.3g} s"
            raise PoolTimeout(
                f"{text} ({self._pool!r})",
                key=key,
                seconds=error.seconds,
                hint="each run keeps its connection to the end: raise max_size, or end_run sooner",
            ) from None

    def retire(self, connection: C) -> None:
        """A connection is broken: its run gets another."""
        self._bound.retire(connection, at_once=True)

    def end(self, run: Hashable) -> None:
        """Close the connections of a run; who waits for one fails."""
        for key in self._keys.pop(run, ()):
            self.core.discard((key, run))

    async def close(self, timeout: float | None) -> None:
        """End every run."""
        await self._bound.close(timeout=timeout)

    def __repr__(self) -> str:
        return f"<RunBindings {len(self._keys)} runs, {self.core.describe()}>"

    async def _bind(self, bound: tuple[K, Hashable]) -> C:
        lease = await self._pool._acquire(bound[0], None)
        self._leases[id(lease.connection)] = lease
        return lease.connection

    def _unbind(self, connection: C) -> None:
        # Not for the next run: what this one did to the other side's state is its own.
        lease = self._leases.pop(id(connection))
        assert lease.slot is not None
        self._pool._core.retire(lease.slot, "closed", at_once=True)
        self._pool._core.checkin(lease)

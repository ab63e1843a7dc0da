"""Which session a call goes to: the pools of an engine, and what is particular to MCP in them."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

from msgspec.structs import replace

from goflow.errors import (
    CircuitOpen,
    ConnectFailed,
    GoFlowError,
    PoolClosed,
    PoolTimeout,
    ServerError,
    copied,
)
from goflow.servers.connecting import Connecting
from goflow.servers.handlers import NO_HANDLERS
from goflow.servers.opening import open_session
from goflow.servers.pool import ConnectionPool
from goflow.servers.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable, Iterable

    from goflow._core.lease import Lease
    from goflow.servers.config import ServerConfig
    from goflow.servers.handlers import Handlers, LogMessage
    from goflow.servers.observer import Observer
    from goflow.servers.process import ServerProcess
    from goflow.servers.session import Session

Opener: TypeAlias = "Callable[[ServerConfig, ServerProcess | None, Handlers], Awaitable[Session]]"

__all__ = ["Connecting", "Connections", "RunConnections"]

# Seconds. A session that nobody used for so long is closed; it is connected again when needed.
IDLE_TIMEOUT = 3600.0
# A call waits for its turn, not counted into its node's timeout, behind calls that all end in time.
WAIT_TIMEOUT = 600.0
# How long a server may take to say what its tools are, where a call could do without it.
LIST_TIMEOUT = 5.0
# How long a server is left alone that could not be connected five times in a row.
BREAKER_RESET = 10.0


class _Closable(Protocol):
    def close(self) -> None: ...


T = TypeVar("T", bound=_Closable)


_NOTHING = Connecting("", 0, 0.0, 0.0)


class Connections:
    """The live sessions of an engine, in a pool; each server has its own limits.

    ``spawned`` are processes that were started before there was a loop. ``opener`` makes sessions.
    ``on_listed`` hears what a server says of its tools, by name, whenever one was asked. Belongs to
    one event loop.
    """

    def __init__(
        self,
        spawned: Iterable[ServerProcess] = (),
        handlers: Handlers = NO_HANDLERS,
        opener: Opener = open_session,
    ) -> None:
        self._opener = opener
        # Whoever is told of servers hears what they log, whenever they were connected.
        self._handlers = replace(handlers, log=self._logged)
        self._log = handlers.log
        self._observers: dict[Observer, None] = {}
        self._failures: dict[ServerConfig, int] = {}  # in a row
        self._spawned = {process.config: process for process in spawned}
        self._pools: dict[ServerConfig | None, ConnectionPool[ServerConfig, Session]] = {}
        self._known: dict[ServerConfig, ConnectionPool[ServerConfig, Session]] = {}
        self._tools: dict[Session, asyncio.Task[dict[str, dict[str, Any]]]] = {}
        self._listing: set[asyncio.Task[Any]] = set()  # those of them that are under way
        self._latest: dict[ServerConfig, asyncio.Task[dict[str, dict[str, Any]]]] = {}
        self._listed_at_connect: set[ServerConfig] = set()
        self.on_listed: Callable[[ServerConfig, dict[str, dict[str, Any]]], object] | None = None
        self._owned: dict[type[Any], _Closable] = {}
        self._closed = False
        self._ahead: dict[ServerConfig, float] = {}  # seconds that processes booted before the loop

    def owned(self, make: type[T]) -> T:
        """The engine's one object of a class, made when it is first asked for, closed with it."""
        found = self._owned.get(make)
        if found is None:
            found = self._owned[make] = make()
        return found  # type: ignore[return-value]

    def for_run(self) -> RunConnections:
        """The connections as one run sees them; it must be ended with the run."""
        return RunConnections(self)

    # -- leases --------------------------------------------------------------------------------

    async def acquire(
        self, config: ServerConfig, timeout: float | None = None, *, run: Hashable = None
    ) -> tuple[Lease[Any, Session], float | None]:
        """A lease on a session, and what is left of ``timeout`` seconds.

        The timeout is for connecting; waiting for a turn is not counted. Raises ``ConnectFailed``
        when the server cannot be connected, or not in time (the connecting goes on for others
        then), ``PoolTimeout`` when no turn came.
        """
        if self._closed:
            raise _disconnected(config)
        pool = self.pool(config)
        while True:
            lease = pool.checkout(config)
            if lease is None:
                lease, timeout = await self._wait(pool, config, timeout, run or self)
            if not lease.connection.closed:
                return lease, timeout
            self._forget(lease.connection)  # as it will be told to in a moment
            pool.release(lease)

    async def _wait(
        self,
        pool: ConnectionPool[ServerConfig, Session],
        config: ServerConfig,
        timeout: float | None,
        run: Hashable,
    ) -> tuple[Lease[Any, Session], float | None]:
        busy = pool.is_warm(config)
        began = time.monotonic()
        try:
            lease = await pool.acquire(
                config, run=run, timeout=WAIT_TIMEOUT, connect_timeout=timeout
            )
        except PoolTimeout as error:
            raise self._out_of_time(config, error) from None
        except CircuitOpen as error:
            message = error.message.replace(repr(config), f"server {config.id!r}")
            hint = getattr(error.cause, "hint", None)
            stderr = getattr(error.cause, "stderr", "")
            raise ConnectFailed(message, server=config.id, stderr=stderr, hint=hint) from None
        except PoolClosed:
            raise _disconnected(config) from None
        except ServerError as error:
            # Each gets its own: a node writes its name into it.
            raise copied(error) from error.__cause__
        if busy or timeout is None:
            return lease, timeout
        return lease, max(0.001, timeout - (time.monotonic() - began))

    def release(self, lease: Lease[Any, Session]) -> None:
        """Give a lease back. Harmless when it was given back before."""
        if lease.held:
            self.pool(lease.connection.config).release(lease)

    def end_run(self, run: Hashable) -> None:
        """Close the sessions that a run kept to itself."""
        for pool in self._pools.values():
            pool.end_run(run)

    def pool(self, config: ServerConfig) -> ConnectionPool[ServerConfig, Session]:
        """The pool that a server's sessions are in."""
        pool = self._known.get(config)
        if pool is None:
            # One pool for all, but one each for those whose sessions belong to a run.
            of = config if config.mode == "run" else None
            pool = self._pools.get(of)
            if pool is None:
                pool = self._pools[of] = ConnectionPool(
                    self._connect,
                    self._close,
                    mode="run" if config.mode == "run" else "multiplex",
                    max_in_flight=config.max_in_flight if config.mode == "run" else None,
                    idle_timeout=IDLE_TIMEOUT,
                    breaker_reset=BREAKER_RESET,
                )
            if config.mode == "run":
                pool.resize(config.max_sessions, key=config)
            else:
                load = 1 if config.mode == "exclusive" else config.max_in_flight
                pool.resize(config.max_sessions, load, key=config)
            self._known[config] = pool
        return pool

    def observe(self, observer: Observer) -> None:
        """Tell ``observer`` what happens to servers, until it is forgotten."""
        self._observers[observer] = None

    def forget(self, observer: Observer) -> None:
        """Tell ``observer`` no more."""
        self._observers.pop(observer, None)

    # -- warming -------------------------------------------------------------------------------

    def warm(self, config: ServerConfig) -> None:
        """Begin to connect, unless there is a session; what fails is told to who asks for it."""
        if not self._closed:
            self.pool(config).begin_warm(config)

    async def prewarm(self, configs: Iterable[ServerConfig]) -> None:
        """Connect to servers, all at once; returns when each is connected or has failed."""
        wanted = list(configs)
        for config in wanted:
            self.warm(config)
        for config in wanted:
            if not self._closed:
                await self.pool(config).warm(config)

    def connecting(self, config: ServerConfig | None = None) -> list[Connecting]:
        """What connecting to a server has cost so far; to all, in the order of their first use."""
        found = []
        for known in self._known if config is None else (config,):
            pool = self._known.get(known)
            if pool is None:
                continue
            stats = pool.stats(known)
            if stats.connects:
                seconds = stats.connect_time + self._ahead.get(known, 0.0)
                found.append(Connecting(known.id, stats.connects, seconds, stats.connect_waited))
        return found

    def usage(self) -> dict[str, Usage]:
        """What happened with each server so far, by its id."""
        found: dict[str, Usage] = {}
        for config, pool in self._known.items():
            stats = pool.stats(None if config.mode == "run" else config)
            found[config.id] = found.get(config.id, Usage()) + Usage(
                stats.leases,
                stats.connects,
                stats.connect_failures,
                stats.connect_time + self._ahead.get(config, 0.0),
                stats.connect_waited,
            )
        return found

    def sessions(self) -> list[Session]:
        """Every session there is."""
        return [session for pool in self._pools.values() for session in pool.connections()]

    # -- what servers say of themselves --------------------------------------------------------

    async def tool(
        self, config: ServerConfig, name: str, *, run: Hashable = None
    ) -> dict[str, Any]:
        """What the server says of a tool: ``inputSchema``, ``annotations``…; empty if nothing."""
        lease, _ = await self.acquire(config, run=run)
        try:
            return await self.described(lease.connection, name)
        finally:
            self.release(lease)

    async def list_tools(
        self, config: ServerConfig, timeout: float | None, *, run: Hashable = None
    ) -> dict[str, dict[str, Any]]:
        """What the server says of its tools, by name; empty if it does not, or not in time.

        ``timeout`` is in seconds, for connecting too; raises what ``acquire`` does.
        """
        lease, left = await self.acquire(config, timeout, run=run)
        limit = LIST_TIMEOUT if left is None else min(left, LIST_TIMEOUT)
        try:
            return await asyncio.wait_for(asyncio.shield(self._listed(lease.connection)), limit)
        except (asyncio.TimeoutError, GoFlowError):
            return {}
        finally:
            self.release(lease)

    async def described(self, session: Session, name: str) -> dict[str, Any]:
        """As ``tool``, of a session that the caller holds. Asked once, until its tools change."""
        listed = self._listed(session)
        tools = await asyncio.shield(listed)
        if self._tools.get(session) is not listed and not session.closed:
            # They changed meanwhile. Asked again once only: some servers change them for ever.
            tools = await asyncio.shield(self._listed(session))
        return tools.get(name, {})

    def learn(self, session: Session) -> None:
        """Ask a session for its tools meanwhile, unless that was done."""
        if not session.closed:
            self._listed(session)

    def list_at_connect(self, configs: Iterable[ServerConfig]) -> None:
        """Have each new session of these servers asked for its tools at once."""
        self._listed_at_connect.update(configs)

    def known_tool(self, config: ServerConfig, name: str) -> dict[str, Any]:
        """What is known already of a tool: what a live session of the server said last."""
        return self.known_tools(config).get(name, {})

    def known_tools(self, config: ServerConfig) -> dict[str, dict[str, Any]]:
        """What a live session of the server said last of its tools, by name."""
        listed = self._latest.get(config)
        if listed is None or not listed.done() or listed.cancelled() or listed.exception():
            return {}
        return listed.result()

    def _listed(self, session: Session) -> asyncio.Task[dict[str, dict[str, Any]]]:
        task = self._tools.get(session)
        if task is None:
            task = asyncio.create_task(_tools_of(session), name="goflow list tools")
            self._listing.add(task)
            task.add_done_callback(self._listing.discard)
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
            self._tools[session] = self._latest[session.config] = task
            task.add_done_callback(partial(self._tell_listed, session.config))
        return task

    def _tell_listed(self, config: ServerConfig, task: asyncio.Task[Any]) -> None:
        if self.on_listed is not None and not task.cancelled() and not task.exception():
            self.on_listed(config, task.result())

    def _unlist(self, session: Session) -> None:
        """What a session said of its tools holds no more."""
        task = self._tools.pop(session, None)
        # Who waits for it gets it: cancelled, it would look as if they were cancelled themselves.
        if task is not None and self._latest.get(session.config) is task:
            del self._latest[session.config]

    # -- the end -------------------------------------------------------------------------------

    async def close(self) -> None:
        """End every session and connecting, and wait until their processes are gone.

        Calls under way are waited for; who asks for a session from now on gets ``ConnectFailed``.
        """
        self._closed = True
        listing = list(self._listing)
        for task in listing:
            task.cancel()
        await asyncio.gather(*listing, return_exceptions=True)
        for pool in self._pools.values():
            await pool.close(timeout=None)
        for process in self._spawned.values():
            process.kill_now()
        while self._owned:
            self._owned.popitem()[1].close()
        self._pools.clear()
        self._known.clear()
        self._spawned.clear()
        self._tools.clear()
        self._latest.clear()

    async def _connect(self, config: ServerConfig) -> Session:
        """Open a session, and tell of it."""
        attempt = self._failures.get(config, 0) + 1
        reason = "call" if self.pool(config).stats(config).waiting else "prewarm"
        process = self._spawned.get(config)
        began = time.monotonic() if process is None else process.started_at
        for observer in tuple(self._observers):
            observer.connecting(config, reason, attempt)
        try:
            session = await self._open(config)
        except GoFlowError as error:
            self._failures[config] = attempt
            for observer in tuple(self._observers):
                observer.connect_failed(config, reason, attempt, time.monotonic() - began, error)
            raise
        self._failures.pop(config, None)
        for observer in tuple(self._observers):
            observer.connected(config, reason, attempt, time.monotonic() - began)
        return session

    async def _close(self, session: Session) -> None:
        await session.close()
        for observer in tuple(self._observers):
            observer.closed(session.config, session.end_reason)

    def _logged(self, message: LogMessage) -> None:
        for observer in tuple(self._observers):
            observer.logged(message)
        if self._log is not None:
            self._log(message)

    async def _open(self, config: ServerConfig) -> Session:
        process = self._spawned.pop(config, None)
        if process is not None:
            head_start = time.monotonic() - process.started_at
            self._ahead[config] = self._ahead.get(config, 0.0) + head_start
        session = await self._opener(config, process, self._handlers)
        session.on_closed(self._forget)
        session.on_tools_changed(lambda: self._unlist(session))
        if config in self._listed_at_connect:
            self._listed(session)
        return session

    def _forget(self, session: Session) -> None:
        self._unlist(session)
        pool = self._known.get(session.config)
        if pool is not None:
            pool.retire(session, at_once=True)

    def _out_of_time(self, config: ServerConfig, error: PoolTimeout) -> Exception:
        if self.pool(config).is_warm(config):
            error.server = config.id
            return error
        return ConnectFailed(
            f"server {config.id!r} was not connected within {error.seconds:.3g} s",
            server=config.id,
            hint="the node's timeout covers connecting too",
        )

    def __repr__(self) -> str:
        counts = [pool.stats() for pool in self._pools.values()]
        return (
            f"<Connections {sum(stats.open for stats in counts)} open, "
            f"{sum(stats.connecting for stats in counts)} connecting>"
        )


class RunConnections:
    """An engine's connections as one run sees them: servers of mode ``run`` keep its session."""

    __slots__ = ("_before", "_connections", "_observer", "owned")

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._before: dict[ServerConfig, Connecting] = {}
        self._observer: Observer | None = None
        self.owned = connections.owned

    async def acquire(
        self, config: ServerConfig, timeout: float | None = None
    ) -> tuple[Lease[Any, Session], float | None]:
        """See `Connections.acquire`."""
        return await self._connections.acquire(config, timeout, run=self)

    def release(self, lease: Lease[Any, Session]) -> None:
        """See `Connections.release`."""
        self._connections.release(lease)

    def warm(self, config: ServerConfig) -> None:
        """See `Connections.warm`."""
        self._connections.warm(config)

    async def tool(self, config: ServerConfig, name: str) -> dict[str, Any]:
        """See `Connections.tool`."""
        return await self._connections.tool(config, name, run=self)

    async def list_tools(
        self, config: ServerConfig, timeout: float | None
    ) -> dict[str, dict[str, Any]]:
        """See `Connections.list_tools`."""
        return await self._connections.list_tools(config, timeout, run=self)

    async def described(self, session: Session, name: str) -> dict[str, Any]:
        """See `Connections.described`."""
        return await self._connections.described(session, name)

    def learn(self, session: Session) -> None:
        """See `Connections.learn`."""
        self._connections.learn(session)

    def known_tool(self, config: ServerConfig, name: str) -> dict[str, Any]:
        """See `Connections.known_tool`."""
        return self._connections.known_tool(config, name)

    def known_tools(self, config: ServerConfig) -> dict[str, dict[str, Any]]:
        """See `Connections.known_tools`."""
        return self._connections.known_tools(config)

    def list_at_connect(self, configs: Iterable[ServerConfig]) -> None:
        """See `Connections.list_at_connect`."""
        self._connections.list_at_connect(configs)

    def count(self, configs: Iterable[ServerConfig]) -> None:
        """Count from now on what connecting to these servers costs."""
        for config in configs:
            before = self._connections.connecting(config)
            self._before[config] = before[0] if before else _NOTHING

    def connecting(self) -> list[Connecting]:
        """What connecting has cost since it is counted; runs at the same time share it."""
        found = []
        for config, before in self._before.items():
            for item in self._connections.connecting(config):
                if item.connects > before.connects:
                    found.append(
                        Connecting(
                            item.server,
                            item.connects - before.connects,
                            item.seconds - before.seconds,
                            item.waited - before.waited,
                        )
                    )
        return found

    def observe(self, observer: Observer) -> None:
        """Tell ``observer`` what happens to servers while the run goes on."""
        self._observer = observer
        self._connections.observe(observer)

    def end(self) -> None:
        """The run is over: its own sessions are closed, and its observer hears no more."""
        if self._observer is not None:
            self._connections.forget(self._observer)
        self._connections.end_run(self)


def _disconnected(config: ServerConfig) -> ConnectFailed:
    text = f"server {config.id!r} was disconnected: nothing was sent"
    return ConnectFailed(text, server=config.id)


async def _tools_of(session: Session) -> dict[str, dict[str, Any]]:
    return {str(tool.get("name")): tool for tool in await session.list_tools()}

"""Which session a call goes to: one a server, connected once however many ask for it."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from goflow.errors import ConnectFailed
from goflow.servers.handlers import NO_HANDLERS
from goflow.servers.opening import open_session

if TYPE_CHECKING:
    from collections.abc import Iterable

    from goflow.servers.config import ServerConfig
    from goflow.servers.handlers import Handlers
    from goflow.servers.process import ServerProcess
    from goflow.servers.session import Session

__all__ = ["Connections"]


class _Closable(Protocol):
    def close(self) -> None: ...


T = TypeVar("T", bound=_Closable)


class Connections:
    """The live sessions of an engine, one a server.

    Connecting is single-flight; a session that ended is replaced at the next call. ``spawned`` are
    processes that were started before there was a loop. Belongs to one event loop.
    """

    def __init__(
        self, spawned: Iterable[ServerProcess] = (), handlers: Handlers = NO_HANDLERS
    ) -> None:
        self._handlers = handlers
        self._spawned = {process.config: process for process in spawned}
        self._sessions: dict[ServerConfig, Session] = {}
        self._connecting: dict[ServerConfig, asyncio.Task[Session]] = {}
        self._places: dict[ServerConfig, asyncio.Semaphore] = {}
        self._tools: dict[Session, asyncio.Task[dict[str, dict[str, Any]]]] = {}
        self._owned: dict[type[Any], _Closable] = {}

    def owned(self, make: type[T]) -> T:
        """The engine's one object of a class, made when it is first asked for, closed with it."""
        found = self._owned.get(make)
        if found is None:
            found = self._owned[make] = make()
        return found  # type: ignore[return-value]

    def places(self, config: ServerConfig) -> AbstractAsyncContextManager[object]:
        """A place among the calls that the server takes at once, for ``async with``."""
        limit = 1 if config.mode == "exclusive" else config.max_in_flight
        if limit is None:
            return nullcontext()
        places = self._places.get(config)
        if places is None:
            places = self._places[config] = asyncio.Semaphore(limit)
        return places

    def ready(self, config: ServerConfig) -> Session | None:
        """A session that takes calls now, if there is one."""
        session = self._sessions.get(config)
        return None if session is None or session.closed else session

    def warm(self, config: ServerConfig) -> None:
        """Begin to connect, unless there is a session; what fails is told to who asks for it."""
        if self.ready(config) is None:
            task = self._connecting.get(config)
            if task is not None and task.done():
                del self._connecting[config]  # it failed for somebody who did not wait for it
            self._connect(config)

    async def session(
        self, config: ServerConfig, timeout: float | None = None
    ) -> tuple[Session, float | None]:
        """A session, and what is left of ``timeout`` seconds.

        Raises ``ConnectFailed`` when the server cannot be connected, or not in time; the connecting
        goes on for others then.
        """
        session = self.ready(config)
        if session is not None:
            return session, timeout
        loop = asyncio.get_running_loop()
        began = loop.time()
        task = self._connect(config)
        await asyncio.wait((task,), timeout=timeout)
        if not task.done():
            raise ConnectFailed(
                f"server {config.id!r} was not connected within {timeout:.3g} s",
                server=config.id,
                hint="the node's timeout covers connecting too",
            )
        if self._connecting.get(config) is task:
            del self._connecting[config]  # it failed: the next to ask tries again
        session = task.result()
        return session, None if timeout is None else max(0.001, timeout - (loop.time() - began))

    async def tool(self, config: ServerConfig, name: str) -> dict[str, Any]:
        """What the server says of a tool: ``inputSchema``, ``annotations``…; empty if nothing.

        Asked once a session.
        """
        session, _ = await self.session(config)
        return (await asyncio.shield(self._listed(session))).get(name, {})

    def known_tool(self, config: ServerConfig, name: str) -> dict[str, Any]:
        """What is known already of a tool; when nothing is, the server is asked meanwhile."""
        session = self.ready(config)
        if session is None:
            return {}
        listed = self._listed(session)
        if not listed.done() or listed.cancelled() or listed.exception() is not None:
            return {}
        return listed.result().get(name, {})

    def _listed(self, session: Session) -> asyncio.Task[dict[str, dict[str, Any]]]:
        task = self._tools.get(session)
        if task is None:
            task = asyncio.create_task(_tools_of(session), name="goflow list tools")
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
            self._tools[session] = task
        return task

    async def close(self) -> None:
        """End every session and connecting, and wait until their processes are gone."""
        going_on = [*self._connecting.values(), *self._tools.values()]
        for task in going_on:
            task.cancel()
        await asyncio.gather(*going_on, return_exceptions=True)
        sessions = list(self._sessions.values())
        await asyncio.gather(*(session.close() for session in sessions), return_exceptions=True)
        for process in self._spawned.values():
            process.kill_now()
        while self._owned:
            self._owned.popitem()[1].close()
        self._sessions.clear()
        self._connecting.clear()
        self._spawned.clear()
        self._tools.clear()

    def _connect(self, config: ServerConfig) -> asyncio.Task[Session]:
        task = self._connecting.get(config)
        if task is None:
            task = asyncio.create_task(self._open(config), name=f"goflow connect {config.id}")
            # Nobody may be waiting when it fails; whoever asks later gets the error then.
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
            self._connecting[config] = task
        return task

    async def _open(self, config: ServerConfig) -> Session:
        session = await open_session(config, self._spawned.pop(config, None), self._handlers)
        self._sessions[config] = session
        self._connecting.pop(config, None)
        session.on_closed(self._forget)
        session.on_tools_changed(lambda: self._tools.pop(session, None))
        return session

    def _forget(self, session: Session) -> None:
        self._tools.pop(session, None)
        if self._sessions.get(session.config) is session:
            del self._sessions[session.config]

    def __repr__(self) -> str:
        return f"<Connections {len(self._sessions)} open, {len(self._connecting)} connecting>"


async def _tools_of(session: Session) -> dict[str, dict[str, Any]]:
    return {str(tool.get("name")): tool for tool in await session.list_tools()}

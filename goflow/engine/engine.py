"""The engine: live connections, and the runs that share them."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from goflow.engine.ending import until_done
from goflow.engine.inputs import bind
from goflow.engine.plan import Plan
from goflow.engine.prepare import prepare
from goflow.engine.record import new_id
from goflow.engine.resources import Resources, RunContext
from goflow.engine.run import Run
from goflow.errors import BadCall, HistoryError
from goflow.expressions.functions import nearest
from goflow.history.journal import RunHead
from goflow.results.policy import Asked, asked
from goflow.servers.connections import Connections
from goflow.servers.handlers import NO_HANDLERS, Handlers
from goflow.servers.opening import open_session
from goflow.servers.usage import UsageFile
from goflow.workflow.model import Workflow

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping
    from pathlib import Path
    from types import TracebackType

    from goflow.cassettes.record import Recorder
    from goflow.cassettes.replay import Player
    from goflow.engine import events
    from goflow.engine.delivery import Deliveries, Delivery
    from goflow.engine.record import RunResult
    from goflow.engine.resume import Resumption
    from goflow.engine.reuse import Reuse
    from goflow.history.journal import Journal, RunJournal
    from goflow.history.replay import Replay
    from goflow.results.policy import CacheOption
    from goflow.results.results import Results
    from goflow.servers.config import ServerConfig
    from goflow.servers.connections import RunConnections
    from goflow.servers.process import ServerProcess

__all__ = ["Engine"]

MOST_USED = 3
"""Servers that an engine connects at its start because they were used most."""
MAX_PARALLEL = 64
"""Nodes in flight at once in one run, unless the workflow says otherwise."""
_PLANS = 64


class Engine:
    """Runs workflows; its connections live as long as it does and are shared by its runs.

    ``async with goflow.Engine() as engine: await engine.run(workflow, inputs)``. Any number of runs
    may go on at once. ``functions`` are what ``function`` nodes can call, by name. Runs are kept in
    the user's history, where they can be looked at and resumed, unless ``history`` is false.
    ``spawned`` are server processes that were started before the loop. ``handlers`` answer what
    servers ask, and hear what they log. ``servers`` are those that the engine knows by id: it
    connects, in the background, to those with ``prewarm`` and to the ``most_used`` that were used
    most lately. ``cache`` says for all runs which kept results they may use: ``"use"``,
    ``"refresh"``, ``"off"`` or a policy for tools that are marked read-only; by default only those
    of nodes and workflows that ask for it. They are kept in the user's store, or in ``results``. A
    ``cassette`` records what servers are asked and answer, or plays it back without them; no kept
    results are used then. Belongs to one event loop; only ``stop`` may be called from other
    threads.
    """

    def __init__(
        self,
        *,
        functions: Mapping[str, Callable[..., Any]] | None = None,
        max_parallel: int = MAX_PARALLEL,
        history: bool = True,
        spawned: Iterable[ServerProcess] = (),
        handlers: Handlers = NO_HANDLERS,
        servers: Iterable[ServerConfig] = (),
        most_used: int = MOST_USED,
        cache: CacheOption = None,
        results: Results | None = None,
        cassette: Recorder | Player | None = None,
    ) -> None:
        if type(max_parallel) is not int or max_parallel < 1:
            raise BadCall(f"max_parallel is a whole number from 1 on, not {max_parallel!r}")
        self._functions = dict(functions or {})
        self._max_parallel = max_parallel
        self._spawned = spawned
        self._history = history
        self._handlers = handlers
        self._servers = {server.id: server for server in servers}
        self._most_used = most_used
        self._asked = asked(cache)
        self._results = results
        self._opened: Results | None = None  # and to be closed with the engine
        self._told = 0  # warnings of the results
        self._cassette = cassette
        self._connections: Connections | None = None
        self._journal: Journal | None = None
        self._deliveries: Deliveries | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._runs: set[Run] = set()
        self._ends: set[asyncio.Future[None]] = set()  # of runs, the writing down included
        self._deciding: set[asyncio.Task[None]] = set()  # what runs that are resumed begin with
        self._stopped = [""]  # the status of the last stop, another list for each
        self._plans: dict[int, tuple[Workflow, Plan]] = {}

    async def __aenter__(self) -> Engine:
        self._loop = asyncio.get_running_loop()
        opener = open_session if self._cassette is None else self._cassette.open
        self._connections = Connections(self._spawned, self._handlers, opener)
        if self._history:
            from goflow.history.journal import Journal  # noqa: PLC0415 - not every engine has one

            self._journal = Journal()
        if self._servers:
            used = UsageFile().most_used(self._most_used, self._servers)
            asked = [server.id for server in self._servers.values() if server.prewarm]
            for server_id in dict.fromkeys((*asked, *used)):
                self._connections.warm(self._servers[server_id])
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        connections, self._connections = self._connections, None
        self.stop()
        if self._ends:
            await asyncio.wait(self._ends)
        if connections is not None:
            usage = connections.usage()
            await connections.close()
            if not self._offline:
                UsageFile().add(usage)
        if self._deliveries is not None:
            self._deliveries.close()
        if self._journal is not None:
            await self._journal.close()
        opened, self._opened = self._opened, None
        if opened is not None:
            await asyncio.get_running_loop().run_in_executor(None, opened.close)

    async def prewarm(self, servers: Iterable[str | ServerConfig]) -> None:
        """Connect to servers before a run needs them; returns when each is connected or has failed.

        An id is that of one of the engine's ``servers``, or of a workflow that it has run. What
        fails is told to the run that needs it. Raises ``BadCall`` for an id that is not known.
        """
        connections = self._connections
        if connections is None:
            raise RuntimeError("the engine is not open: use 'async with goflow.Engine() as engine'")
        known = {s.id: s for _, plan in self._plans.values() for s in plan.servers} | self._servers
        wanted = []
        for server in servers:
            if isinstance(server, str) and server not in known:
                raise BadCall(
                    f"the engine knows no server {server!r}",
                    hint=nearest(server, known) or "Engine(servers=[…]) makes servers known",
                )
            wanted.append(known[server] if isinstance(server, str) else server)
        await connections.prewarm(wanted)

    async def run(
        self,
        workflow: Workflow | Plan | str | Path,
        inputs: Mapping[str, Any] | None = None,
        *,
        listener: events.Listener | None = None,
        results_of: str | None = None,
        start_at: str | None = None,
        cache: CacheOption = None,
    ) -> RunResult:
        """Run a workflow to its end; how it ended is the result's ``status``.

        ``listener`` is called with every event, in their order, from a thread of its own: what it
        does there never holds the run up. With ``results_of``, an earlier run, the nodes that were
        done with there are not run again, but ``start_at`` and all that follow it. ``cache`` is as
        for the engine, and counts instead of the engine's. Raises
        ``WorkflowInvalid``, ``InputError`` or ``BadCall`` before anything runs. Cancelling the
        caller cancels the run, and raises when that has ended.
        """
        asks = self._asked if cache is None else asked(cache)
        if cache is None and start_at is not None and asks.mode == "use":
            asks = replace(asks, mode="refresh")  # what is to run again is not taken from anywhere
        plan = workflow if isinstance(workflow, Plan) else self._plan(workflow)
        given = dict(inputs or {})
        variables = bind(plan.workflow, given)
        replay = None
        if results_of is not None:
            if self._journal is None:
                raise BadCall("this engine keeps no history: it has no earlier results")
            from goflow.engine.resume import take_over_from  # noqa: PLC0415 - few runs need it

            replay, results_of = take_over_from(results_of, start_at, plan)
        head = self._head(plan, given, asks, source=results_of)
        return await self._run(plan, variables, head, listener=listener, replay=replay, asks=asks)

    async def resume(
        self,
        run: str,
        *,
        rerun: Iterable[str] = (),
        assume: Mapping[str, Any] | None = None,
        listener: events.Listener | None = None,
    ) -> RunResult:
        """Go on with a run that was cut off or failed, from its stored definition.

        A run that completed gives its result. Nodes that were done with are not run again. A call
        whose end nobody knows is made again when that is harmless or its retry rule says so, or
        when ``rerun`` names its node; with ``assume`` its node counts as completed with that value.
        Raises ``OutcomeUnknown`` when one is left, ``BadCall`` for a run that is not there or goes
        on in another process, and ``HistoryError``. It asks of the cache what the run asked.
        """
        from goflow.engine.resume import Resumption  # noqa: PLC0415 - few runs need it

        if self._journal is None:
            raise BadCall("this engine keeps no history: it cannot resume")
        resumption = Resumption(run)
        if resumption.completed is not None:
            return resumption.completed
        plan, kept, replay = resumption.plan, resumption.kept, resumption.replay
        variables = bind(plan.workflow, kept.inputs)
        self._check_functions(plan)
        stopped = self._stopped
        await self._decide(resumption, set(rerun), dict(assume or {}))
        asks = Asked.from_dict(kept.statistics.get("cache", {}))
        head = replace(
            self._head(plan, kept.inputs, asks, run_id=kept.id),
            started_at=kept.started_at,
            first=replay.following,
        )
        return await self._run(
            plan, variables, head, listener=listener, replay=replay, owner=(kept.owner,), asks=asks,
            stopped=stopped,
        )  # fmt: skip

    async def _decide(
        self, resumption: Resumption, rerun: set[str], assume: dict[str, Any]
    ) -> None:
        """Decide what becomes of calls in doubt; nothing of it when the engine is stopped."""
        resources, stopped = self._resources(), self._stopped
        deciding = asyncio.create_task(resumption.decide(rerun, assume, resources))
        self._deciding.add(deciding)
        try:
            await asyncio.wait((deciding,))
            if self._stopped is stopped or not deciding.cancelled():
                deciding.result()
        finally:
            deciding.cancel()
            await until_done(asyncio.wait((deciding,)))
            self._deciding.discard(deciding)
            resources.connections.end()

    async def stream(
        self, workflow: Workflow | Plan | str | Path, inputs: Mapping[str, Any] | None = None
    ) -> AsyncIterator[events.Event]:
        """The events of a run, from its first to ``RunFinished``; leaving early cancels the run."""
        plan = workflow if isinstance(workflow, Plan) else self._plan(workflow)
        given = dict(inputs or {})
        variables = bind(plan.workflow, given)
        queue: asyncio.Queue[events.Event | None] = asyncio.Queue()
        head = self._head(plan, given, self._asked)
        task = asyncio.create_task(self._run(plan, variables, head, tell=queue.put_nowait))
        task.add_done_callback(lambda done: queue.put_nowait(None))
        try:
            while (event := await queue.get()) is not None:
                yield event
            await task
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait((task,))

    async def _run(
        self,
        plan: Plan,
        variables: dict[str, Any],
        head: RunHead,
        *,
        listener: events.Listener | None = None,
        tell: events.Listener | None = None,
        replay: Replay | None = None,
        owner: tuple[int | None, ...] = (),
        asks: Asked | None = None,
        stopped: list[str] | None = None,
    ) -> RunResult:
        resources = self._resources()
        self._check_functions(plan)
        journal = None if self._journal is None else self._journal.begin(head, *owner)
        if owner:
            await self._claimed(head.id)
            self._resources()  # the engine may be closed by now
        deliveries = self._begin_deliveries(plan, listener)
        for delivery in deliveries:
            tell = delivery.put if tell is None else _both(tell, delivery.put)
        asks = self._asked if asks is None else asks
        reuse = self._reuse(plan, asks, head.id, resources.connections)
        context = RunContext(resources, head.id, head.started_at, tell, journal, replay, reuse)
        run = Run(plan, variables, context)
        end = asyncio.get_running_loop().create_future()
        self._runs.add(run)
        self._ends.add(end)
        if stopped is not None and stopped is not self._stopped:
            run.stop(self._stopped[0])  # which it was before there was a run
        try:
            await run.wait()
        finally:
            # Also when the caller was cancelled: what the run did is told, and written down.
            self._runs.discard(run)
            try:
                ending = self._end(run, context, asks, deliveries)
                waits = reuse is not None or journal is not None or deliveries
                result = await (until_done(ending) if waits else ending)
            finally:
                self._ends.discard(end)
                end.set_result(None)
        return result

    async def _end(
        self, run: Run, context: RunContext, asks: Asked, deliveries: list[Delivery]
    ) -> RunResult:
        """Tell what became of a run, and write it down."""
        result, reuse, journal = run.result(), context.reuse, context.journal
        connections = context.resources.connections
        connections.end()
        warnings = await self._keep_results(reuse)
        written = None
        if journal is not None:
            statistics = _statistics(asks, reuse, _read_only(run.plan, connections))
            written = _finish(journal, result, warnings, statistics)
        for delivery in deliveries:
            await delivery.finish()
        if journal is not None and written is not None:
            await written
            warnings += journal.warnings
        return replace(result, warnings=(*result.warnings, *warnings))

    async def _keep_results(self, reuse: Reuse | None) -> tuple[str, ...]:
        """Have what a run stored written, so that other processes find it; what went wrong."""
        if reuse is None:
            return ()
        if reuse.use.stored:
            await asyncio.get_running_loop().run_in_executor(None, reuse.results.flush)
        warnings = tuple(reuse.results.warnings[self._told :])
        self._told += len(warnings)
        return warnings

    def _begin_deliveries(self, plan: Plan, listener: events.Listener | None) -> list[Delivery]:
        """To those who hear of a run: its listener, the tracer of an application that traces."""
        listeners = [] if listener is None else [listener]
        if "opentelemetry.trace" in sys.modules:
            from goflow.engine.telemetry import tracing  # noqa: PLC0415 - few applications trace

            spans = tracing(plan)
            if spans is not None:
                listeners.append(spans.on_event)
        if not listeners:
            return []
        if self._deliveries is None:
            from goflow.engine.delivery import Deliveries  # noqa: PLC0415 - most engines have none

            self._deliveries = Deliveries()
        return [self._deliveries.begin(one) for one in listeners]

    def _reuse(
        self, plan: Plan, asks: Asked, run_id: str, connections: RunConnections
    ) -> Reuse | None:
        """What the run may take of kept results; None when nobody asks for them."""
        if self._cassette is not None or not plan.may_reuse(asks):
            return None
        from goflow.engine.reuse import Reuse  # noqa: PLC0415 - few runs reuse results

        if self._results is None:
            from goflow.results.results import Results  # noqa: PLC0415

            self._results = self._opened = Results.open()
        results = self._results
        assert self._connections is not None
        self._connections.on_listed = lambda config, tools: results.saw_tools(
            results.identity(config), tools.values()
        )
        self._connections.list_at_connect(plan.servers)
        return Reuse(results, asks, run_id, plan.redactor, connections)

    def _head(
        self,
        plan: Plan,
        inputs: dict[str, Any],
        asks: Asked,
        *,
        run_id: str | None = None,
        source: str | None = None,
    ) -> RunHead:
        redact = plan.redactor.data if plan.redactor.secrets else None
        return RunHead(
            run_id or new_id(),
            plan.workflow.name,
            time.time(),
            plan.definition if self._journal is not None else "",
            plan.types,
            plan.strict,
            inputs,
            redact,
            0,
            source,
            _told(asks),
        )

    async def _claimed(self, run_id: str) -> None:
        """See that a run is ours to resume; raises ``BadCall`` or ``HistoryError``."""
        assert self._journal is not None
        await self._journal.flush()
        if run_id in self._journal.refused:
            self._journal.refused.discard(run_id)
            raise BadCall(f"the run {run_id} is already being resumed by another process")
        if self._journal.broken:
            raise HistoryError(self._journal.warnings[-1])

    def _resources(self) -> Resources:
        if self._connections is None:
            raise RuntimeError("the engine is not open: use 'async with goflow.Engine() as engine'")
        return Resources(self._connections.for_run(), self._functions, self._max_parallel)

    def _check_functions(self, plan: Plan) -> None:
        for name in sorted(plan.functions - self._functions.keys()):
            raise BadCall(
                f"no function {name!r} is registered",
                hint=nearest(name, self._functions) or "Engine(functions={…}) registers it",
            )

    def stop(self, status: str = "cancelled") -> None:
        """End every run that goes on, with ``status``; each ``run`` then returns its result.

        May be called from any thread.
        """
        try:
            here = asyncio.get_running_loop() is self._loop
        except RuntimeError:
            here = False
        if not here:
            if self._loop is not None and not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self.stop, status)
            return
        self._stopped = [status]
        for run in tuple(self._runs):
            run.stop(status)
        for deciding in self._deciding:
            deciding.cancel()

    @property
    def _offline(self) -> bool:
        """Whether a cassette is played."""
        return self._cassette is not None and self._cassette.offline

    def _plan(self, workflow: Workflow | str | Path) -> Plan:
        if not isinstance(workflow, Workflow):
            return prepare(workflow, offline=self._offline)
        kept = self._plans.get(id(workflow))
        if kept is None:
            if len(self._plans) >= _PLANS:
                del self._plans[next(iter(self._plans))]
            # The workflow is kept too, so that its id stays its own.
            kept = self._plans[id(workflow)] = (workflow, prepare(workflow, offline=self._offline))
        return kept[1]

    def __repr__(self) -> str:
        state = "closed" if self._connections is None else f"{len(self._runs)} runs"
        return f"<Engine {state}, {self._connections!r}>"


def _finish(
    journal: RunJournal, result: RunResult, warnings: tuple[str, ...], statistics: dict[str, Any]
) -> asyncio.Future[None]:
    """Write down how a run ended; the ``warnings`` are those of the store of results."""
    if result.connections:
        statistics["connections"] = [one.to_dict() for one in result.connections]
    return journal.finish(
        result.status,
        result.duration,
        result.result,
        result.error,
        (*result.warnings, *warnings),
        statistics,
    )


def _statistics(asks: Asked, reuse: Reuse | None, read_only: list[str]) -> dict[str, Any]:
    """What the history keeps of a run's use of the cache: what was asked, and what came of it.

    ``read_only`` are nodes that did not ask, and whose tools are marked read-only.
    """
    if reuse is None and not read_only and asks == Asked():
        return {}
    told: dict[str, Any] = asks.to_dict()
    if read_only:
        told["read_only"] = read_only
    if reuse is not None:
        told |= reuse.use.to_dict()
    return {"cache": told}


def _told(asks: Asked) -> dict[str, Any] | None:
    """What a run asks of the cache, as the history keeps it; nothing where it asks for nothing."""
    return None if asks == Asked() else {"cache": asks.to_dict()}


def _read_only(plan: Plan, connections: RunConnections) -> list[str]:
    """The nodes without a cache policy whose tools are known to be marked read-only."""
    return [node for node, work in plan.without_policy if work.read_only(connections)]


def _both(first: events.Listener, second: events.Listener) -> events.Listener:
    def tell(event: events.Event) -> None:
        first(event)
        second(event)

    return tell

"""The engine: live connections, and the runs that share them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from goflow.engine.inputs import bind
from goflow.engine.plan import Plan
from goflow.engine.prepare import prepare
from goflow.engine.resources import Resources
from goflow.engine.run import Run
from goflow.errors import BadCall
from goflow.expressions.functions import nearest
from goflow.servers.connections import Connections
from goflow.workflow.model import Workflow

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping
    from pathlib import Path
    from types import TracebackType

    from goflow.engine import events
    from goflow.engine.record import RunResult
    from goflow.servers.process import ServerProcess

__all__ = ["Engine"]

MAX_PARALLEL = 64
"""Nodes in flight at once in one run, unless the workflow says otherwise."""
_PLANS = 64


class Engine:
    """Runs workflows; its connections live as long as it does and are shared by its runs.

    ``async with goflow.Engine() as engine: await engine.run(workflow, inputs)``. Any number of runs
    may go on at once. ``functions`` are what ``function`` nodes can call, by name. ``spawned`` are
    server processes that were started before the loop. Belongs to one event loop; not thread-safe.
    """

    def __init__(
        self,
        *,
        functions: Mapping[str, Callable[..., Any]] | None = None,
        max_parallel: int = MAX_PARALLEL,
        spawned: Iterable[ServerProcess] = (),
    ) -> None:
        self._functions = dict(functions or {})
        self._max_parallel = max_parallel
        self._spawned = spawned
        self._connections: Connections | None = None
        self._runs: set[Run] = set()
        self._plans: dict[int, tuple[Workflow, Plan]] = {}

    async def __aenter__(self) -> Engine:
        self._connections = Connections(self._spawned)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        connections, self._connections = self._connections, None
        self.stop()
        await asyncio.gather(*(run.finished() for run in tuple(self._runs)))
        if connections is not None:
            await connections.close()

    async def run(
        self,
        workflow: Workflow | Plan | str | Path,
        inputs: Mapping[str, Any] | None = None,
        *,
        listener: events.Listener | None = None,
    ) -> RunResult:
        """Run a workflow to its end; how it ended is the result's ``status``.

        ``listener`` is called with every event. Raises ``WorkflowInvalid``, ``InputError``
        or ``BadCall`` before anything runs. Cancelling the caller cancels the run.
        """
        connections = self._connections
        if connections is None:
            raise RuntimeError("the engine is not open: use 'async with goflow.Engine() as engine'")
        plan = workflow if isinstance(workflow, Plan) else self._plan(workflow)
        for name in sorted(plan.functions - self._functions.keys()):
            raise BadCall(
                f"no function {name!r} is registered",
                hint=nearest(name, self._functions) or "Engine(functions={…}) registers it",
            )
        run = Run(
            plan,
            bind(plan.workflow, inputs or {}),
            Resources(connections, self._functions, self._max_parallel),
            listener=listener,
        )
        self._runs.add(run)
        try:
            return await run.wait()
        finally:
            self._runs.discard(run)

    async def stream(
        self, workflow: Workflow | Plan | str | Path, inputs: Mapping[str, Any] | None = None
    ) -> AsyncIterator[events.Event]:
        """The events of a run, from its first to ``RunFinished``; leaving early cancels the run."""
        queue: asyncio.Queue[events.Event | None] = asyncio.Queue()
        task = asyncio.create_task(self.run(workflow, inputs, listener=queue.put_nowait))
        task.add_done_callback(lambda done: queue.put_nowait(None))
        try:
            while (event := await queue.get()) is not None:
                yield event
            await task
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait((task,))

    def stop(self, status: str = "cancelled") -> None:
        """End every run that goes on, with ``status``; each ``run`` then returns its result."""
        for run in tuple(self._runs):
            run.stop(status)

    def _plan(self, workflow: Workflow | str | Path) -> Plan:
        if not isinstance(workflow, Workflow):
            return prepare(workflow)
        kept = self._plans.get(id(workflow))
        if kept is None:
            if len(self._plans) >= _PLANS:
                del self._plans[next(iter(self._plans))]
            # The workflow is kept too, so that its id stays its own.
            kept = self._plans[id(workflow)] = (workflow, prepare(workflow))
        return kept[1]

    def __repr__(self) -> str:
        state = "closed" if self._connections is None else f"{len(self._runs)} runs"
        return f"<Engine {state}, {self._connections!r}>"

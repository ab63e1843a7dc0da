"""One run of a plan, from its first node to its result: what runs when, and what follows from it.

Nodes whose work is computing run at once, in the order they become ready, without a task; the
others are done in a task each (``attempts``), at most ``max_parallel`` at a time. What a settled
node means for those after it is ``Readiness``'s arithmetic.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

from goflow.engine import events
from goflow.engine.attempts import Attempts, as_failure, mark_failed, restore
from goflow.engine.depth import CONTAINERS, check_depth
from goflow.engine.ending import until_done
from goflow.engine.readiness import Readiness
from goflow.engine.record import NodeRecord, RunResult
from goflow.engine.scope import RunView, Scope
from goflow.engine.server_events import ServerEvents
from goflow.engine.slots import Slots
from goflow.engine.teller import Teller
from goflow.errors import ExpressionError, GoFlowError, NodeFailed
from goflow.expressions.compile import RAW
from goflow.expressions.values import copied

if TYPE_CHECKING:
    from goflow.engine.nodes import Answer
    from goflow.engine.plan import Plan, Step
    from goflow.engine.resources import RunContext
    from goflow.history.replay import Replay
    from goflow.servers.config import ServerConfig

__all__ = ["Run"]

TIME_SLICE = 0.02
"""Seconds of computing after which a run lets the loop do something else."""


class Run:
    """A run in progress; ``await run.wait()`` gives its result, ``stop`` ends it early.

    Belongs to the event loop it was made in.
    """

    def __init__(self, plan: Plan, variables: dict[str, Any], context: RunContext) -> None:
        self.id = context.id
        self.plan = plan
        self._connections = context.resources.connections
        self._replay = context.replay
        self._reuse = context.reuse
        self._inside = bool(context.within)
        self._loop = asyncio.get_running_loop()
        self._began = monotonic()
        self._tell = Teller(plan, context, time.time() - self._began)
        if context.listener is not None and not self._inside:
            self._connections.observe(ServerEvents(plan, self._tell.emit))
        self._started_at = context.started_at
        self._records = [NodeRecord(id=step.node.id, type=step.node.type) for step in plan.steps]
        declared = {variable.name: variables[variable.name] for variable in plan.workflow.variables}
        view = RunView(self.id, plan.workflow.name, self._started_at)
        # Variables can never be reserved words, so that all names live in one dict.
        self._env = {**variables, "inputs": declared, "run": view, RAW: {}}
        self._scope = Scope(self._env, dict(enumerate(self._records)), plan.index)
        self._names = tuple(variables)
        self._readiness = Readiness(plan.indegree, plan.successors)
        self._ready: deque[int] = deque((plan.start,))
        self._slots = Slots(plan.workflow.max_parallel or context.resources.max_parallel)
        self._queued = 0  # ready, until one in flight has finished
        self._attempts = Attempts(plan, context, self._slots, self._tell.emit)
        self._tasks: dict[int, asyncio.Task[Answer]] = {}
        self._status: str | None = None
        self._error: dict[str, Any] | None = None
        self._over: asyncio.Future[None] = self._loop.create_future()

    async def wait(self) -> None:
        """Run to the end; when cancelled, stop first, so that nothing of the run goes on."""
        timeout = self.plan.workflow.timeout
        timer = None
        if timeout is not None:
            timer = self._loop.call_later(timeout, self._expire, timeout)
        if not self._inside:
            nodes = len(self.plan) - len(self.plan.members)
            self._tell.emit(events.RunStarted, self.plan.workflow.name, nodes)
        if not self._inside:
            self._connections.count(self.plan.servers)
        for server in self._servers_to_warm():
            self._connections.warm(server)
        try:
            if self._replay is not None:
                self._take_over(self._replay)
            self._advance()
            await asyncio.shield(self._over)
        except asyncio.CancelledError:
            self.stop("cancelled")
            await until_done(self._over)
            raise
        finally:
            if timer is not None:
                timer.cancel()

    def stop(self, status: str, error: dict[str, Any] | None = None) -> None:
        """End the run with ``status``: what is in flight is cancelled. The first reason stands."""
        if self._status is None:
            self._status = status
            self._error = error
            for task in self._tasks.values():
                task.cancel()
            self._finish_if_idle()

    # -- scheduling ----------------------------------------------------------------------------

    def _advance(self, _: object = None) -> None:
        """Start everything that is ready and may start; O(1) a node.

        Computing gives way to the loop now and then, so that timeouts and interrupts are heard.
        """
        steps, ready = self.plan.steps, self._ready
        now = monotonic()
        deadline = now + TIME_SLICE
        while self._status is None and ready:
            if now > deadline:
                journal = self._tell.journal
                behind = None if journal is None else journal.catch_up()
                if behind is None:
                    self._loop.call_soon(self._advance)
                else:
                    behind.add_done_callback(self._advance)
                return
            index = ready.popleft()
            step = steps[index]
            if step.now is not None:
                now = self._compute(index, step, now)
                continue
            if not step.waits:
                self._start(index, step)
            elif self._slots.take():
                if not self._start(index, step):
                    self._slots.give()
            else:
                self._queued += 1
                self._slots.wait(partial(self._granted, index))
            now = monotonic()
        self._finish_if_idle()

    def _granted(self, index: int) -> bool:
        """Start a node that waited for its turn; whether it took the place."""
        self._queued -= 1
        if self._status is None and self._start(index, self.plan.steps[index]):
            return True
        if self._ready:
            self._loop.call_soon(self._advance)
        return False

    def _servers_to_warm(self) -> tuple[ServerConfig, ...]:
        if self._reuse is None:
            return self.plan.servers
        from goflow.engine.reuse import servers_to_warm  # noqa: PLC0415 - few runs reuse results

        return servers_to_warm(self.plan, self._reuse.results, self._reuse.asked)

    def _finish_if_idle(self) -> None:
        if not self._tasks and (self._status is not None or not (self._ready or self._queued)):
            if self._status is None:
                self._status = "completed"
            if not self._over.done():
                self._over.set_result(None)

    def _begins(self, index: int, step: Step, began: float) -> bool:
        """Whether a node that is ready has anything to do; raises ``ExpressionError``."""
        record = self._records[index]
        if record.status != "pending":
            return False  # it was done with before the run was cut off
        if step.run_if is not None and not step.run_if.evaluate(self._env):
            self._skip_itself(index, step)
            return False
        record.started_at = self._tell.epoch + began
        self._tell.started(record, record.started_at)
        return True

    def _compute(self, index: int, step: Step, began: float) -> float:
        """Do all of a node that only computes; when it ended, by the monotonic clock."""
        record = self._records[index]
        try:
            if not self._begins(index, step, began):
                return began
            record.attempts = 1
            value = step.now(self._env)  # type: ignore[misc]
            if type(value) in CONTAINERS:
                check_depth(value)
            record.output = value
        except Exception as error:
            record.duration = monotonic() - began
            self._fail(index, step, as_failure(error))
            return monotonic()
        ended = monotonic()
        record.duration = ended - began
        record.status = "completed"
        variable = step.node.output
        if variable is not None:
            self._scope.store(index, variable, value, None)
        if step.plain:
            self._tell.settled(record, variable=variable)
            self._readiness.take(self.plan.successors[index], self._ready.append)
        else:
            self._settle(index, step, value)
        return ended

    def _start(self, index: int, step: Step) -> bool:
        """Begin a node that waits for something; whether it is in flight."""
        record = self._records[index]
        began = monotonic()
        try:
            if not self._begins(index, step, began):
                return False
            request = step.work.prepare(self._env)
            if step.cacheable and self._reuse is not None:
                kept = self._reuse.look(record, step, request, self.plan.workflow, self._tell.emit)
                if kept is not None:
                    record.duration = monotonic() - began
                    self._complete(index, step, *kept)
                    return False
        except Exception as error:
            record.duration = monotonic() - began
            self._fail(index, step, as_failure(error))
            return False
        record.status = "running"
        task = self._loop.create_task(
            self._attempts.perform(record, step, request, self._scope),
            name=f"goflow node {record.id}",
        )
        # Not in the coroutine: a task that is cancelled before its first step never enters it.
        task.add_done_callback(partial(self._ended, index, step, began))
        self._tasks[index] = task
        return True

    def _ended(self, index: int, step: Step, began: float, task: asyncio.Task[Answer]) -> None:
        """What follows from a task's end, however it ended; called for every task, once."""
        record = self._records[index]
        del self._tasks[index]
        record.duration = monotonic() - began
        try:
            if task.cancelled():
                self._cancelled(index, step)
            elif (error := task.exception()) is None:
                self._complete(index, step, *task.result())
            else:
                self._fail(index, step, as_failure(error))
            if step.waits:
                self._slots.give()
            self._advance()
        except Exception as error:
            self._stop_at(index, as_failure(error))

    def _cancelled(self, index: int, step: Step) -> None:
        if self._status is None:
            # Nobody of this run did it: its connections were closed under it.
            self._fail(index, step, NodeFailed("its call was cancelled from outside the run"))
            return
        record = self._records[index]
        record.status, record.reason = "cancelled", f"the run was over: {self._status}"
        self._tell.ended(record)

    # -- settling ------------------------------------------------------------------------------

    def _complete(
        self,
        index: int,
        step: Step,
        value: Any,
        raw: dict[str, Any] | None = None,
        writes: dict[str, Any] | None = None,
    ) -> None:
        record = self._records[index]
        record.status = "cached" if record.cached else "completed"
        self._scope.store(index, step.node.output, value, raw)
        self._settle(index, step, value, raw, writes)

    def _skip_itself(self, index: int, step: Step) -> None:
        """A node whose ``if`` is false: it does nothing, and the run goes on behind it."""
        record = self._records[index]
        record.status, record.reason = "skipped", "its 'if' is false"
        self._settle(index, step, False, wrote=False)

    def _settle(
        self,
        index: int,
        step: Step,
        value: Any,
        raw: dict[str, Any] | None = None,
        writes: dict[str, Any] | None = None,
        *,
        wrote: bool = True,
    ) -> None:
        """Settle the edges of a node that went well, and record those that can never run."""
        record = self._records[index]
        variable = step.node.output if wrote else None
        if step.plain:
            self._tell.settled(record, variable=variable, raw=raw, writes=writes)
            self._readiness.take(self.plan.successors[index], self._ready.append)
            return
        try:
            taken, dead = self._split(step, "error", value)
        except ExpressionError as error:
            self._stop_at(index, as_failure(error))
            return
        self._tell.settled(record, variable=variable, raw=raw, writes=writes, taken=taken)
        self._follow(taken, dead)

    def _split(self, step: Step, never: str, value: Any) -> tuple[list[int], list[int]]:
        """The targets of the edges that are taken, and of those that are dead."""
        taken: list[int] = []
        dead: list[int] = []
        for branch in step.branches:
            go = branch.on != never and self._holds(branch.when, value)
            (taken if go else dead).append(branch.target)
        return taken, dead

    def _holds(self, when: Any, value: Any) -> bool:
        if when is None:
            return True
        if isinstance(when, bool):
            return when is bool(value)
        return bool(when.evaluate(self._env))

    def _follow(self, taken: Any, dead: list[int]) -> None:
        ready, skipped = self._readiness.settle(taken, dead)
        self._ready.extend(ready)
        for index in skipped:
            record = self._records[index]
            record.status, record.reason = "skipped", "no path to it was taken"
            self._tell.ended(record)

    def _fail(self, index: int, step: Step, error: GoFlowError) -> None:
        record = self._records[index]
        mark_failed(record, error, self.plan.redactor)
        if self._status is not None:
            self._tell.ended(record)
        elif step.node.on_error != "fail":
            self._go_on(index, step)
        elif step.handles_errors:
            self._take_error_edges(index, step)
        else:
            self._stop_at(index, error)

    def _go_on(self, index: int, step: Step) -> None:
        """``on_error``: as if it had completed, with null or the given value."""
        try:
            value = step.on_error_value(self._env)
        except ExpressionError as error:
            self._stop_at(index, as_failure(error))
            return
        self._scope.store(index, step.node.output, value, None)
        self._settle(index, step, value)

    def _take_error_edges(self, index: int, step: Step) -> None:
        record = self._records[index]
        try:
            taken, dead = self._split(step, "success", False)
        except ExpressionError as error:
            self._stop_at(index, as_failure(error))
            return
        if taken:
            self._tell.settled(record, taken=taken)
            self._follow(taken, dead)
        else:
            self._tell.ended(record)
            self.stop("failed", record.error)

    def _stop_at(self, index: int, error: GoFlowError) -> None:
        """A failure that nothing handles: the run has failed."""
        record = self._records[index]
        mark_failed(record, error, self.plan.redactor)
        self._tell.ended(record)
        self.stop("failed", record.error)

    def _expire(self, timeout: float) -> None:
        message = f"the run took longer than its timeout of {timeout:g} s"
        self.stop("timed_out", {"code": "timeout", "message": message})

    # -- taking over ---------------------------------------------------------------------------

    def _take_over(self, replay: Replay) -> None:
        """Be where the run was when it was cut off; what was done with is not done again."""
        within = "" if self._tell.journal is None else self._tell.journal.within
        index, steps = self.plan.index, self.plan.steps
        for done in replay.members(within):
            i = index.get(done.place.node)
            if i is not None:
                restore(self._records[i], done)
                self._scope.raws[i] = done.raw
        for done in replay.within(within):
            i = index.get(done.place.node)
            if i is None or i in self.plan.members:
                continue
            record = self._records[i]
            restore(record, done)
            if done.place in replay.assumed:
                self._complete(i, steps[i], done.output)
                continue
            self._scope.write(done.writes)
            if done.status != "skipped":
                self._scope.store(i, done.variable, done.output, done.raw)
            names = None if done.taken is None else set(done.taken)
            targets = self.plan.successors[i]
            taken = [t for t in targets if names is None or steps[t].node.id in names]
            self._tell.taken_over(record, done, taken, written=replay.is_written(done.place))
            self._follow(taken, [t for t in targets if t not in taken])
        for place, attempts in replay.again.items():
            if place.path == within and place.node in index:
                self._records[index[place.node]].attempts = attempts

    # -- the end -------------------------------------------------------------------------------

    def result(self) -> RunResult:
        """How it ended; asked once, after `wait`."""
        assert self._status is not None
        # Members have the record of their last execution.
        self._records = list(self._scope.records.values())
        for index, record in enumerate(self._records):
            if record.status == "pending" and self._status == "completed":
                assert index in self.plan.members
                record.status, record.reason = "skipped", "nothing ran it"
            elif record.status == "pending":
                record.status, record.reason = "cancelled", f"the run was over: {self._status}"
                self._tell.unreached(record)
        duration = monotonic() - self._began
        reached = [i for i in self.plan.ends if self._records[i].status == "completed"]
        warnings = self.plan.warnings
        if self._status == "completed" and not reached:
            warnings += ("no end node was reached: the result is null",)
        use = None if self._reuse is None else self._reuse.use
        if not self._inside:
            looked = () if use is None else (use.hits, use.misses, use.saved)
            self._tell.emit(events.RunFinished, self._status, duration, *looked)
        return RunResult(
            id=self.id,
            workflow=self.plan.workflow.name,
            status=self._status,
            result=copied(self._records[reached[-1]].output)
            if reached and self._status == "completed"
            else None,
            error=self._error,
            nodes=tuple(self._records),
            variables={name: copied(self._env[name]) for name in self._names},
            warnings=warnings,
            started_at=self._started_at,
            duration=duration,
            redactor=self.plan.redactor,
            cache=use,
            connections=() if self._inside else tuple(self._connections.connecting()),
        )

    def __repr__(self) -> str:
        return f"<Run {self.id} of {self.plan.workflow.name!r}: {self._status or 'running'}>"

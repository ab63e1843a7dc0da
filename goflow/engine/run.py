"""One run of a plan, from its first node to its result. The only file that awaits node work.

Nodes whose work is computing run at once, in the order they become ready, without a task; the
others are attempted in a task each, at most ``max_parallel`` at a time. What a settled node means
for those after it is ``Readiness``'s arithmetic; whether an attempt is repeated is ``retry``'s.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any

from goflow.engine import events
from goflow.engine.readiness import Readiness
from goflow.engine.record import NodeRecord, RunResult, error_value
from goflow.engine.retry import delay_after, names_class, outcome_unknown
from goflow.engine.scope import NodesView, RunView, environment
from goflow.errors import ExpressionError, GoFlowError, NodeFailed, TransformFailed
from goflow.expressions.compile import RAW

if TYPE_CHECKING:
    from goflow.engine.nodes import Answer
    from goflow.engine.plan import Plan, Step
    from goflow.servers.connections import Connections

__all__ = ["Run"]

TIME_SLICE = 0.02
"""Seconds of computing after which a run lets the loop do something else."""


class Run:
    """A run in progress; ``await run.wait()`` gives its result, ``stop`` ends it early.

    Belongs to the event loop it was made in.
    """

    def __init__(
        self,
        run_id: str,
        plan: Plan,
        variables: dict[str, Any],
        connections: Connections,
        *,
        max_parallel: int,
        listener: events.Listener | None = None,
    ) -> None:
        self.id = run_id
        self.plan = plan
        self._connections = connections
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._started_at = time.time()
        self._records = [NodeRecord(id=step.node.id, type=step.node.type) for step in plan.steps]
        self._raw: dict[int, dict[str, Any]] = {}
        nodes = NodesView(self._records, plan.index, self._raw)
        view = RunView(run_id, plan.workflow.name, self._started_at)
        declared = {variable.name: variables[variable.name] for variable in plan.workflow.variables}
        self._env = environment(variables, declared, nodes, view)
        self._names = tuple(variables)
        self._readiness = Readiness(plan.indegree, plan.successors)
        self._ready: deque[int] = deque((plan.start,))
        self._waiting: deque[int] = deque()  # ready, until one in flight has finished
        self._free = max_parallel
        self._tasks: dict[int, asyncio.Task[Answer]] = {}
        self._status: str | None = None
        self._error: dict[str, Any] | None = None
        self._over: asyncio.Future[None] = self._loop.create_future()

    async def wait(self) -> RunResult:
        """Run to the end; when cancelled, stop first, so that nothing of the run goes on."""
        timeout = self.plan.workflow.timeout
        timer = None
        if timeout is not None:
            timer = self._loop.call_later(timeout, self._expire, timeout)
        self._emit(events.RunStarted, self.plan.workflow.name, len(self.plan))
        for server in self.plan.servers:
            self._connections.warm(server)
        try:
            self._advance()
            await asyncio.shield(self._over)
        except asyncio.CancelledError:
            self.stop("cancelled")
            await self._over
            raise
        finally:
            if timer is not None:
                timer.cancel()
        return self._result()

    async def finished(self) -> None:
        """Wait until nothing of the run goes on."""
        await asyncio.shield(self._over)

    def stop(self, status: str, error: dict[str, Any] | None = None) -> None:
        """End the run with ``status``: what is in flight is cancelled. The first reason stands."""
        if self._status is None:
            self._status = status
            self._error = error
            for task in self._tasks.values():
                task.cancel()
            self._finish_if_idle()

    # -- scheduling ----------------------------------------------------------------------------

    def _advance(self) -> None:
        """Start everything that is ready and may start; O(1) a node.

        Computing gives way to the loop now and then, so that timeouts and interrupts are heard.
        """
        steps = self.plan.steps
        deadline = self._loop.time() + TIME_SLICE
        while self._status is None:
            if self._ready and self._loop.time() > deadline:
                self._loop.call_soon(self._advance)
                return
            if self._waiting and self._free:
                index = self._waiting.popleft()
            elif self._ready:
                index = self._ready.popleft()
                if steps[index].now is None and not self._free:
                    self._waiting.append(index)
                    continue
            else:
                break
            self._start(index, steps[index])
        self._finish_if_idle()

    def _finish_if_idle(self) -> None:
        if not self._tasks and (self._status is not None or not (self._ready or self._waiting)):
            if self._status is None:
                self._status = "completed"
            if not self._over.done():
                self._over.set_result(None)

    def _start(self, index: int, step: Step) -> None:
        record = self._records[index]
        record.started_at = time.time()
        began = self._loop.time()
        try:
            if step.run_if is not None and not step.run_if.evaluate(self._env):
                self._skip_itself(index, step)
                return
            self._emit(events.NodeStarted, record.id)
            if self._status is not None:
                record.status = "cancelled"  # a listener stopped the run
                return
            if step.now is not None:
                record.attempts = 1
                value = step.now(self._env)
                record.duration = self._loop.time() - began
                self._complete(index, step, value)
                return
            request = step.work.prepare(self._env)
        except ExpressionError as error:
            record.duration = self._loop.time() - began
            self._fail(index, step, _transform_failed(error))
            return
        except Exception as error:
            self._fail(index, step, _bug(error))
            return
        record.status = "running"
        self._free -= 1
        task = self._loop.create_task(
            self._attempts(record, step, request), name=f"goflow node {record.id}"
        )
        # Not in the coroutine: a task that is cancelled before its first step never enters it.
        task.add_done_callback(partial(self._ended, index, step, began))
        self._tasks[index] = task

    # -- attempts ------------------------------------------------------------------------------

    def _ended(self, index: int, step: Step, began: float, task: asyncio.Task[Answer]) -> None:
        """What follows from a task's end, however it ended; called for every task, once."""
        record = self._records[index]
        del self._tasks[index]
        self._free += 1
        record.duration = self._loop.time() - began
        try:
            if task.cancelled():
                self._cancelled(index, step)
            elif (error := task.exception()) is None:
                answer = task.result()
                if answer.raw is not None:
                    self._raw[index] = answer.raw
                self._complete(index, step, answer.value)
            else:
                self._fail(index, step, error if isinstance(error, GoFlowError) else _bug(error))
            self._advance()
        except Exception as error:
            self._stop_at(index, _bug(error))

    def _cancelled(self, index: int, step: Step) -> None:
        if self._status is None:
            # Nobody of this run did it: its connections were closed under it.
            self._fail(index, step, NodeFailed("its call was cancelled from outside the run"))
            return
        self._records[index].status = "cancelled"
        self._emit_finished(self._records[index])

    async def _attempts(self, record: NodeRecord, step: Step, request: Any) -> Answer:
        while True:
            record.attempts += 1
            try:
                answer: Answer = await step.work.attempt(
                    request, self._connections, step.node.timeout
                )
                return answer
            except GoFlowError as error:
                delay = await self._delay(step, error, record.attempts)
                if delay is None:
                    raise
                self._emit(
                    events.AttemptFailed,
                    record.id,
                    record.attempts,
                    delay,
                    error_value(error, node=record.id),
                )
            await asyncio.sleep(delay)

    async def _delay(self, step: Step, error: GoFlowError, attempt: int) -> float | None:
        retry = step.node.retry
        delay = delay_after(retry, error, attempt)
        if (
            delay is None
            or retry is None
            or not outcome_unknown(error)
            or names_class(retry, error)
        ):
            return delay
        try:
            repeatable = await step.work.repeatable(self._connections)
        except GoFlowError:
            repeatable = False
        return delay if repeatable else None

    # -- settling ------------------------------------------------------------------------------

    def _complete(self, index: int, step: Step, value: Any) -> None:
        record = self._records[index]
        record.status = "completed"
        self._store(index, step, value)
        self._settle(index, step, value)

    def _store(self, index: int, step: Step, value: Any) -> None:
        self._records[index].output = value
        output = step.node.output
        if output is not None:
            self._env[output] = value
            raw = self._raw.get(index)
            if raw is not None:
                self._env[RAW][output] = raw
            else:
                self._env[RAW].pop(output, None)

    def _skip_itself(self, index: int, step: Step) -> None:
        """A node whose ``if`` is false: it does nothing, and the run goes on behind it."""
        record = self._records[index]
        record.status, record.reason, record.started_at = "skipped", "its 'if' is false", None
        self._settle(index, step, False)

    def _settle(self, index: int, step: Step, value: Any) -> None:
        """Settle the edges of a node that went well, and record those that can never run."""
        if step.plain:
            self._emit_finished(self._records[index])
            self._follow(self.plan.successors[index], [])
            return
        taken: list[int] = []
        dead: list[int] = []
        try:
            for branch in step.branches:
                go = branch.on != "error" and self._holds(branch.when, value)
                (taken if go else dead).append(branch.target)
        except ExpressionError as error:
            self._stop_at(index, _transform_failed(error))
            return
        self._emit_finished(self._records[index])
        self._follow(taken, dead)

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
            self._emit_finished(record)

    def _fail(self, index: int, step: Step, error: GoFlowError) -> None:
        record = self._records[index]
        if isinstance(error, NodeFailed):
            error.node_id, error.attempts = record.id, record.attempts
        record.status = "outcome_unknown" if outcome_unknown(error) else "failed"
        record.error = error_value(error, node=record.id)
        if self._status is not None:
            self._emit_finished(record)
        elif step.node.on_error != "fail":
            self._go_on(index, step)
        elif step.handles_errors:
            self._emit_finished(record)
            self._take_error_edges(index, step)
        else:
            self._stop_at(index, error)

    def _go_on(self, index: int, step: Step) -> None:
        """``on_error``: as if it had completed, with null or the given value."""
        try:
            value = step.on_error_value(self._env)
        except ExpressionError as error:
            self._stop_at(index, _transform_failed(error))
            return
        self._store(index, step, value)
        self._settle(index, step, value)

    def _take_error_edges(self, index: int, step: Step) -> None:
        taken: list[int] = []
        dead: list[int] = []
        try:
            for branch in step.branches:
                go = branch.on != "success" and self._holds(branch.when, False)
                (taken if go else dead).append(branch.target)
        except ExpressionError as error:
            self._stop_at(index, _transform_failed(error))
            return
        if taken:
            self._follow(taken, dead)
        else:
            self.stop("failed", self._records[index].error)

    def _stop_at(self, index: int, error: GoFlowError) -> None:
        """A failure that nothing handles: the run has failed."""
        record = self._records[index]
        record.status = "outcome_unknown" if outcome_unknown(error) else "failed"
        record.error = error_value(error, node=record.id)
        self._emit_finished(record)
        self.stop("failed", record.error)

    def _expire(self, timeout: float) -> None:
        message = f"the run took longer than its timeout of {timeout:g} s"
        self.stop("timed_out", {"code": "timeout", "message": message})

    # -- the end -------------------------------------------------------------------------------

    def _result(self) -> RunResult:
        assert self._status is not None
        for record in self._records:
            if record.status == "pending":
                record.status, record.reason = "cancelled", f"the run was over: {self._status}"
        duration = self._loop.time() - self._began
        reached = [i for i in self.plan.ends if self._records[i].status == "completed"]
        warnings = self.plan.warnings
        if self._status == "completed" and not reached:
            warnings += ("no end node was reached: the result is null",)
        self._emit(events.RunFinished, self._status, duration)
        return RunResult(
            id=self.id,
            workflow=self.plan.workflow.name,
            status=self._status,
            result=self._records[reached[-1]].output
            if reached and self._status == "completed"
            else None,
            error=self._error,
            nodes=tuple(self._records),
            variables={name: self._env[name] for name in self._names},
            warnings=warnings,
            started_at=self._started_at,
            duration=duration,
        )

    def _emit(self, kind: Any, *fields: Any) -> None:
        if self._listener is not None:
            try:
                self._listener(kind(self.id, time.time(), *fields))
            except Exception:
                self._listener = None

    def _emit_finished(self, record: NodeRecord) -> None:
        self._emit(events.NodeFinished, record.id, record.status, record.duration, record.error)

    def __repr__(self) -> str:
        return f"<Run {self.id} of {self.plan.workflow.name!r}: {self._status or 'running'}>"


def _transform_failed(error: ExpressionError) -> TransformFailed:
    return TransformFailed(error.message, hint=error.hint)


def _bug(error: BaseException) -> GoFlowError:
    failed = NodeFailed(
        f"an error inside GoFlow: {type(error).__name__}: {error}",
        hint="please report this as a bug, with the workflow",
    )
    failed.code = "internal_error"
    return failed

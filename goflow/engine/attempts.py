"""Doing the work of nodes: attempts, and the chains of members. The only file that awaits it."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from goflow.engine import events
from goflow.engine.depth import CONTAINERS, check_depth
from goflow.engine.ending import within
from goflow.engine.nodes import Answer
from goflow.engine.record import NodeRecord, error_value
from goflow.engine.retry import delay_after, names_class, outcome_unknown
from goflow.engine.sending import Sending
from goflow.errors import ExpressionError, GoFlowError, NodeFailed, NodeTimeout, TransformFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from goflow.engine.plan import Plan, Step
    from goflow.engine.resources import RunContext
    from goflow.engine.scope import Scope
    from goflow.engine.slots import Slots
    from goflow.history.replay import Settled
    from goflow.servers.handlers import Progress
    from goflow.servers.redaction import Redactor

__all__ = ["Attempts", "as_failure", "mark_failed", "restore"]


class Attempts:
    """The work of one run; ``emit`` is told what happens.

    ``slots`` count what is in flight. Nodes that have members take none: their members do.
    """

    __slots__ = (
        "_heard", "_journal", "_redactor", "_replay", "_reuse", "_steps", "_workflow", "context",
        "emit", "slots",
    )  # fmt: skip

    def __init__(
        self, plan: Plan, context: RunContext, slots: Slots, emit: Callable[..., None]
    ) -> None:
        self._steps = plan.steps
        self._redactor = plan.redactor
        self._heard = context.listener is not None
        self._journal = context.journal
        self._replay = context.replay
        self._reuse = context.reuse
        self._workflow = plan.workflow
        self.context = context
        self.emit = emit
        self.slots = slots

    async def perform(self, record: NodeRecord, step: Step, request: Any, scope: Scope) -> Answer:
        """Attempt the work until it succeeds or is not to be tried again; raises its error."""
        path = scope.path
        while True:
            record.attempts += 1
            sending = self._sending(record, step, request, path)
            self.emit(events.AttemptStarted, record.id, record.attempts, path)
            try:
                if record.lookup is None:
                    return await self._once(step, request, scope, sending, step.node.timeout)
                assert self._reuse is not None
                work = partial(self._once, step, request, scope, sending)
                return await self._reuse.attempt(
                    record, step, request, self._workflow, work, self.emit, path
                )
            except GoFlowError as error:
                delay = await self._delay(step, error, record.attempts)
                if delay is None:
                    raise
                self._failed(record, step, error, delay, path)
            await asyncio.sleep(delay)

    def _sending(
        self, record: NodeRecord, step: Step, request: Any, path: tuple[int, ...]
    ) -> Sending | None:
        """What accompanies an attempt; one without effects is written down now."""
        sending = None
        if self._heard and not step.owns:
            sending = Sending(partial(self._progress, record.id, path))
        journal = self._journal
        if journal is not None:
            given = step.work.given(request)
            if step.owns or step.work.harmless(self.context.resources):
                journal.attempt(record.id, path, record.attempts, time.time(), True, given)
            else:
                sending = sending or Sending()
                sending.note(journal, record.id, path, record.attempts, given)
        return sending

    def _progress(self, node: str, path: tuple[int, ...], told: Progress) -> None:
        message = None if told.message is None else self._redactor.text(told.message)
        self.emit(events.CallProgress, node, told.progress, told.total, message, path)

    def _failed(
        self,
        record: NodeRecord,
        step: Step,
        error: GoFlowError,
        delay: float,
        path: tuple[int, ...],
    ) -> None:
        """An attempt failed, and another will begin."""
        value = error_value(error, self._redactor, node=record.id)
        if self._journal is not None:
            self._journal.failed(record.id, path, record.attempts, time.time(), value, delay)
            if step.owns:
                self._journal.superseded(step.within, record.id, path)
        self.emit(events.AttemptFailed, record.id, record.attempts, delay, value, path)

    async def _once(
        self,
        step: Step,
        request: Any,
        scope: Scope,
        sending: Sending | None,
        timeout: float | None,
    ) -> Answer:
        if not step.owns:
            answer: Answer = await step.work.attempt(
                request, self.context.resources, timeout, sending
            )
        else:
            whole: Any = step.work.run(request, scope, self)
            try:
                answer = await (whole if timeout is None else within(whole, timeout))
            except asyncio.TimeoutError:
                if timeout is None:
                    raise
                raise NodeTimeout(
                    f"what it runs took longer than {timeout:g} s", seconds=timeout
                ) from None
        if type(answer.value) in CONTAINERS:
            check_depth(answer.value)
        return answer

    async def _delay(self, step: Step, error: GoFlowError, attempt: int) -> float | None:
        retry = step.node.retry
        unknown = outcome_unknown(error)
        if unknown and not step.owns and step.work.harmless(self.context.resources):
            error.outcome_unknown = unknown = False
        delay = delay_after(retry, error, attempt)
        if delay is None or retry is None or not unknown or names_class(retry, error):
            return delay
        try:
            repeatable = await step.work.repeatable(self.context.resources)
        except GoFlowError:
            repeatable = False
        return delay if repeatable else None

    async def breathe(self) -> None:
        """Let others go on, and the journal catch up."""
        behind = None if self._journal is None else self._journal.catch_up()
        await (asyncio.sleep(0) if behind is None else behind)

    # -- members -------------------------------------------------------------------------------

    async def chain(self, members: Sequence[int], scope: Scope) -> dict[str, Any]:
        """Run members in their order; the values of the output variables that they wrote.

        Raises the error of the first that fails and does not handle it.
        """
        outputs: dict[str, Any] = {}
        for index in members:
            step = self._steps[index]
            record = scope.records[index] = NodeRecord(id=step.node.id, type=step.node.type)
            if self._replay is None or not self._taken_over(index, record, scope, outputs):
                await self._member(index, step, record, scope, outputs)
        return outputs

    def _taken_over(
        self, index: int, record: NodeRecord, scope: Scope, outputs: dict[str, Any]
    ) -> bool:
        """Whether the member was done with before the run was cut off, and is so again."""
        assert self._replay is not None
        assert self._journal is not None
        from goflow.history.replay import Place  # noqa: PLC0415 - few runs are resumed

        place = Place(self._journal.path(scope.path), record.id)
        done = self._replay.settled.get(place)
        if done is None:
            record.attempts = self._replay.attempts_before(place)
            return False
        restore(record, done)
        scope.write(done.writes)
        if done.variable is not None:
            outputs[done.variable] = done.output
        if done.status != "skipped":
            scope.store(index, done.variable, done.output, done.raw)
        if not self._replay.is_written(place):
            self._journal.node(
                record, scope.path, variable=done.variable, raw=done.raw, writes=done.writes
            )
        return True

    async def _member(
        self, index: int, step: Step, record: NodeRecord, scope: Scope, outputs: dict[str, Any]
    ) -> None:
        began = time.perf_counter()
        answer: Answer | None = None
        try:
            if step.run_if is not None and not step.run_if.evaluate(scope.env):
                record.status, record.reason = "skipped", "its 'if' is false"
                return
            record.started_at = time.time()
            record.status = "running"
            self.emit(events.NodeStarted, record.id, scope.path)
            answer = await self._answer(record, step, scope)
            record.status = "cached" if record.cached else "completed"
        except asyncio.CancelledError:
            record.status = "cancelled"
            raise
        except Exception as error:
            answer = Answer(self._handled(record, step, scope, as_failure(error)))
        finally:
            if record.started_at is not None:
                record.duration = time.perf_counter() - began
            variable = None
            if answer is not None:
                variable = step.node.output
                scope.store(index, variable, answer.value, answer.raw)
                if variable is not None:
                    outputs[variable] = answer.value
            if self._journal is not None:
                settled = answer is not None or record.status == "skipped"
                raw, writes = (answer.raw, answer.writes) if answer is not None else (None, None)
                self._journal.node(
                    record, scope.path, settled=settled, variable=variable, raw=raw, writes=writes
                )
            self.emit(
                events.NodeFinished,
                record.id,
                record.status,
                record.duration,
                record.error,
                scope.path,
                record.reason,
                record.saved,
            )

    async def _answer(self, record: NodeRecord, step: Step, scope: Scope) -> Answer:
        if step.now is not None:
            record.attempts = 1
            value = step.now(scope.env)
            if type(value) in CONTAINERS:
                check_depth(value)
            return Answer(value)
        request = step.work.prepare(scope.env)
        if step.cacheable and self._reuse is not None:
            kept = self._reuse.look(record, step, request, self._workflow, self.emit, scope.path)
            if kept is not None:
                return kept
        if not step.waits:
            return await self.perform(record, step, request, scope)
        await self.slots.taken()
        try:
            return await self.perform(record, step, request, scope)
        finally:
            self.slots.give()

    def _handled(self, record: NodeRecord, step: Step, scope: Scope, error: GoFlowError) -> Any:
        """The value to go on with after ``error``; raises it when the member does not say."""
        mark_failed(record, error, self._redactor)
        if step.node.on_error == "fail":
            raise error
        try:
            return step.on_error_value(scope.env)
        except ExpressionError as problem:
            raise as_failure(problem) from None


def restore(record: NodeRecord, done: Settled) -> None:
    """Make a record what it was before the run was cut off."""
    record.status = done.status
    record.reason = done.reason
    record.attempts = done.attempts
    record.started_at = done.started_at
    record.duration = done.duration
    record.cached = done.cached
    record.saved = done.saved
    record.output = done.output
    record.error = done.error


def mark_failed(record: NodeRecord, error: GoFlowError, redactor: Redactor) -> None:
    """Record what a node failed with. An error of a member keeps the member's name."""
    if error.node_id is None:
        error.node_id = record.id
        if isinstance(error, NodeFailed):
            error.attempts = record.attempts
    unknown = outcome_unknown(error) and error.outcome_unknown is not False
    record.status = "outcome_unknown" if unknown else "failed"
    record.error = error_value(error, redactor, node=error.node_id)


def as_failure(error: BaseException) -> GoFlowError:
    """What went wrong in a node as one of our errors; anything unforeseen is a bug of ours."""
    if isinstance(error, ExpressionError):
        return TransformFailed(error.message, hint=error.hint)
    if isinstance(error, GoFlowError):
        return error
    failed = NodeFailed(
        f"an error inside GoFlow: {type(error).__name__}: {error}",
        hint="please report this as a bug, with the workflow",
    )
    failed.code = "internal_error"
    return failed

"""Doing the work of nodes: attempts, and the chains of members. The only file that awaits it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from goflow.engine import events
from goflow.engine.record import NodeRecord, error_value
from goflow.engine.retry import delay_after, names_class, outcome_unknown
from goflow.errors import ExpressionError, GoFlowError, NodeFailed, NodeTimeout, TransformFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from goflow.engine.nodes import Answer
    from goflow.engine.plan import Plan, Step
    from goflow.engine.resources import Resources
    from goflow.engine.scope import Scope
    from goflow.engine.slots import Slots

__all__ = ["Attempts", "as_failure", "mark_failed"]


class Attempts:
    """The work of one run; ``emit`` is told what happens.

    ``slots`` count what is in flight. Nodes that have members take none: their members do.
    """

    __slots__ = ("_emit", "_resources", "_steps", "slots")

    def __init__(
        self, plan: Plan, resources: Resources, slots: Slots, emit: Callable[..., None]
    ) -> None:
        self._steps = plan.steps
        self._resources = resources
        self._emit = emit
        self.slots = slots

    async def perform(self, record: NodeRecord, step: Step, request: Any, scope: Scope) -> Answer:
        """Attempt the work until it succeeds or is not to be tried again; raises its error."""
        while True:
            record.attempts += 1
            try:
                return await self._once(step, request, scope)
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

    async def _once(self, step: Step, request: Any, scope: Scope) -> Answer:
        timeout = step.node.timeout
        if not step.owns:
            answer: Answer = await step.work.attempt(request, self._resources, timeout)
            return answer
        whole: Any = step.work.run(request, scope, self)
        if timeout is None:
            return await whole  # type: ignore[no-any-return]
        try:
            return await asyncio.wait_for(whole, timeout)
        except asyncio.TimeoutError:
            raise NodeTimeout(
                f"its members took longer than {timeout:g} s", seconds=timeout
            ) from None

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
            repeatable = await step.work.repeatable(self._resources)
        except GoFlowError:
            repeatable = False
        return delay if repeatable else None

    # -- members -------------------------------------------------------------------------------

    async def chain(self, members: Sequence[int], scope: Scope) -> dict[str, Any]:
        """Run members in their order; the values of the output variables that they wrote.

        Raises the error of the first that fails and does not handle it.
        """
        outputs: dict[str, Any] = {}
        for index in members:
            await self._member(index, scope, outputs)
        return outputs

    async def _member(self, index: int, scope: Scope, outputs: dict[str, Any]) -> None:
        step = self._steps[index]
        record = scope.records[index] = NodeRecord(id=step.node.id, type=step.node.type)
        began = time.perf_counter()
        try:
            if step.run_if is not None and not step.run_if.evaluate(scope.env):
                record.status, record.reason = "skipped", "its 'if' is false"
                return
            record.started_at = time.time()
            record.status = "running"
            self._emit(events.NodeStarted, record.id, scope.path)
            value, raw = await self._value(record, step, scope)
            record.status = "completed"
        except asyncio.CancelledError:
            record.status = "cancelled"
            raise
        except Exception as error:
            value, raw = self._handled(record, step, scope, as_failure(error)), None
        finally:
            if record.started_at is not None:
                record.duration = time.perf_counter() - began
            self._emit(
                events.NodeFinished,
                record.id,
                record.status,
                record.duration,
                record.error,
                scope.path,
            )
        scope.store(index, step.node.output, value, raw)
        if step.node.output is not None:
            outputs[step.node.output] = value

    async def _value(
        self, record: NodeRecord, step: Step, scope: Scope
    ) -> tuple[Any, dict[str, Any] | None]:
        if step.now is not None:
            record.attempts = 1
            return step.now(scope.env), None
        request = step.work.prepare(scope.env)
        if step.owns:
            return await self.perform(record, step, request, scope)
        await self.slots.taken()
        try:
            return await self.perform(record, step, request, scope)
        finally:
            self.slots.give()

    @staticmethod
    def _handled(record: NodeRecord, step: Step, scope: Scope, error: GoFlowError) -> Any:
        """The value to go on with after ``error``; raises it when the member does not say."""
        mark_failed(record, error)
        if step.node.on_error == "fail":
            raise error
        try:
            return step.on_error_value(scope.env)
        except ExpressionError as problem:
            raise as_failure(problem) from None


def mark_failed(record: NodeRecord, error: GoFlowError) -> None:
    """Record what a node failed with. An error of a member keeps the member's name."""
    if error.node_id is None:
        error.node_id = record.id
        if isinstance(error, NodeFailed):
            error.attempts = record.attempts
    record.status = "outcome_unknown" if outcome_unknown(error) else "failed"
    record.error = error_value(error, node=error.node_id)


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

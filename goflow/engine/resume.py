"""Going on with a run that was cut off: what it did, and what to do about calls in doubt."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from goflow.engine.attempts import restore
from goflow.engine.definition import from_text
from goflow.engine.inputs import bind
from goflow.engine.record import NodeRecord, RunResult
from goflow.engine.retry import delay_after, names_class
from goflow.errors import BadCall, ConnectionLost, GoFlowError, HistoryError, OutcomeUnknown
from goflow.expressions.functions import nearest
from goflow.history.replay import name_of
from goflow.history.runs import Runs

if TYPE_CHECKING:
    from goflow.engine.plan import Plan, Step
    from goflow.engine.resources import Resources
    from goflow.history.replay import Doubt, Place, Replay

__all__ = ["Resumption", "take_over_from"]


class Resumption:
    """A run as it was left: ``kept`` says what it is, ``plan`` is its stored definition.

    Raises ``BadCall`` for a run that is not there or goes on, and ``HistoryError``.
    """

    def __init__(self, name: str) -> None:
        with Runs() as runs:
            self.kept = runs.kept(name)
            if runs.alive(self.kept):
                raise BadCall(
                    f"the run {self.kept.id} goes on in another process",
                    hint="wait until it ends, or end it first",
                )
            if not self.kept.exact:
                raise HistoryError(
                    f"an input of the run {self.kept.id} held a secret and was not kept",
                    hint="run it again with that input",
                )
            self.replay = runs.replay(self.kept)
        self.plan = from_text(self.kept.definition, strict=self.kept.strict)

    @property
    def completed(self) -> RunResult | None:
        """The result of a run that has nothing left to do."""
        if self.kept.status != "completed":
            return None
        records = [NodeRecord(id=node.id, type=node.type) for node in self.plan.workflow.nodes]
        variables: dict[str, Any] = {}
        for done in self.replay.settled.values():
            if "/" not in done.place.path and done.place.node in self.plan.index:
                restore(records[self.plan.index[done.place.node]], done)
            if not done.place.path:
                variables |= {name: value for name, (value, _) in done.writes.items()}
                if done.variable is not None:
                    variables[done.variable] = done.output
        for record in records:
            if record.status == "pending":
                record.status = "skipped"
        return RunResult(
            id=self.kept.id,
            workflow=self.kept.workflow,
            status="completed",
            result=self.kept.result,
            error=None,
            nodes=tuple(records),
            variables={**bind(self.plan.workflow, self.kept.inputs), **variables},
            warnings=("the run had completed: nothing was run again",),
            started_at=self.kept.started_at,
            duration=self.kept.duration or 0.0,
            redactor=self.plan.redactor,
        )

    async def decide(self, rerun: set[str], assume: dict[str, Any], resources: Resources) -> None:
        """Say of every node in doubt whether it is tried again or assumed to have completed.

        Raises ``BadCall`` for a node that is not in doubt, ``OutcomeUnknown`` for those that a
        person must decide.
        """
        doubts = list(self.replay.doubts.values())
        known = {name for one in doubts for name in (one.place.node, name_of(one.place))}
        for name in sorted({*rerun, *assume} - known):
            raise BadCall(
                f"{name!r} is no node whose outcome is unknown",
                hint=nearest(name, known) or f"these are: {', '.join(sorted(known)) or 'none'}",
            )
        left = []
        for doubt in doubts:
            names = {doubt.place.node, name_of(doubt.place)}
            step = _step_at(self.plan, doubt.place)
            given = [name for name in assume if name in names]
            if given:
                variable = None if step is None else step.node.output
                self.replay.assume(doubt.place, assume[given[0]], variable)
            elif names & rerun or step is None:
                pass
            elif await _may_try_again(step, doubt, resources):
                self.replay.again[doubt.place] = doubt.attempt
            else:
                left.append(name_of(doubt.place))
        if left:
            raise OutcomeUnknown(
                f"nobody knows what became of {', '.join(left)}: the run was cut off while the "
                "call was under way",
                nodes=tuple(left),
                hint=f"find out, then --rerun {left[0]} calls it again, and "
                f"--assume {left[0]}=VALUE takes it for done",
            )


def take_over_from(name: str, start_at: str | None, plan: Plan) -> tuple[Replay, str]:
    """What a new run of ``plan`` takes over from an earlier one, and that one's id.

    Everything but ``start_at``, what follows it, and the members of these. Raises ``BadCall`` for a
    node or run that is not there.
    """
    if start_at is not None and start_at not in plan.index:
        raise BadCall(f"there is no node {start_at!r}", hint=nearest(start_at, plan.index))
    if start_at is not None and plan.index[start_at] in plan.members:
        raise BadCall(
            f"{start_at!r} is a member of another node: a run cannot begin with it",
            hint="name the loop or parallel node around it",
        )
    with Runs() as runs:
        kept = runs.kept(name)
        replay = runs.replay(kept)
    replay.resumes = False
    if start_at is not None:
        replay.without(plan.inside([start_at]))
    replay.only(plan.index)
    return replay, kept.id


async def _may_try_again(step: Step, doubt: Doubt, resources: Resources) -> bool:
    """Whether the node's retry rule tries an attempt again whose end nobody knows."""
    if doubt.harmless or step.owns:
        return True
    with suppress(GoFlowError):
        if await step.work.repeatable(resources):
            return True
    retry = step.node.retry
    lost = ConnectionLost("the run was cut off", server="")
    return (
        retry is not None
        and names_class(retry, lost)
        and delay_after(retry, lost, doubt.attempt) is not None
    )


def _step_at(plan: Plan, place: Place) -> Step | None:
    """The step of a place, in the workflow that runs it; None when there is none any more."""
    *around, _ = place.path.split("/")
    for part in around:
        node = part.rpartition(":")[2]
        index = plan.index.get(node)
        inner = None if index is None else getattr(plan.steps[index].work, "plan", None)
        if inner is None:
            return None
        plan = inner
    index = plan.index.get(place.node)
    return None if index is None else plan.steps[index]

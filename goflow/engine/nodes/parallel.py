"""``parallel``: branches at once, and what becomes of them when one is done."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from goflow.engine import events
from goflow.engine.ending import until_done
from goflow.engine.nodes import Answer, settle
from goflow.errors import GoFlowError, NodeFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goflow.engine.attempts import Attempts
    from goflow.engine.resources import Resources
    from goflow.engine.scope import Scope
    from goflow.expressions.compile import Env
    from goflow.workflow.model import ParallelNode

__all__ = ["ParallelWork"]


class ParallelWork:
    """Runs each branch in a scope of its own, at most ``max_parallel`` at once."""

    __slots__ = ("_branches", "_node")

    waits = False

    def __init__(self, node: ParallelNode, index: Mapping[str, int]) -> None:
        self._node = node
        self._branches = [tuple(index[member] for member in branch) for branch in node.branches]

    def prepare(self, env: Env) -> None:
        """Branches need nothing of their own."""

    def given(self, request: None) -> Any:
        """Nothing."""

    async def run(self, request: None, scope: Scope, attempts: Attempts) -> Answer:
        """Run the branches; raises the error of the first that fails, or of all."""
        scopes = [scope.child(i) for i in range(len(self._branches))]
        places = asyncio.Semaphore(self._node.max_parallel or len(scopes))

        async def branch(i: int, own: Scope) -> dict[str, Any]:
            status = "failed"
            async with places:
                attempts.emit(events.BranchStarted, self._node.id, i, scope.path)
                try:
                    outputs = await attempts.chain(self._branches[i], own)
                    status = "completed"
                    return outputs
                except asyncio.CancelledError:
                    status = "cancelled"
                    raise
                finally:
                    attempts.emit(events.BranchFinished, self._node.id, i, status, scope.path)

        work = [branch(i, own) for i, own in enumerate(scopes)]
        outputs: list[dict[str, Any] | None]
        try:
            if self._node.merge == "wait_all":
                outputs = [*await settle(work)]
            else:
                outputs = await _first(work, success=self._node.merge == "wait_any")
        except BaseException:
            for own in scopes:
                scope.recall(own)
            raise
        writes: dict[str, Any] = {}
        for own, output in zip(scopes, outputs, strict=True):
            if output is None:
                scope.recall(own)
            else:
                writes |= scope.absorb(own)
        value = {"branches": [output or {} for output in outputs], "branch_count": len(outputs)}
        return Answer(value, None, writes)

    async def repeatable(self, resources: Resources) -> bool:
        """Members may have had effects before one of them failed."""
        return False


async def _first(work: list[Any], *, success: bool) -> list[dict[str, Any] | None]:
    """The outputs of the first that ends (or succeeds), None for the others, which are cancelled.

    Raises its error; or, when all failed, one that names every cause.
    """
    tasks = [asyncio.ensure_future(one) for one in work]
    waiting = set(tasks)
    failed: list[GoFlowError] = []
    try:
        while waiting:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in sorted(done, key=tasks.index):
                error = task.exception()
                if error is None:
                    return [task.result() if task is one else None for one in tasks]
                if not success or not isinstance(error, GoFlowError):
                    raise error
                failed.append(error)
    finally:
        await _cancelled(tasks)
    causes = "; ".join(error.message for error in failed)
    raise NodeFailed(f"every branch failed: {causes}")


async def _cancelled(tasks: list[asyncio.Future[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await until_done(asyncio.gather(*tasks, return_exceptions=True))

"""``loop``: its body for each item, one after the other or at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from goflow.engine import events
from goflow.engine.nodes import Answer, settle
from goflow.errors import TransformFailed
from goflow.expressions.compile import Env, Expression
from goflow.expressions.text import fill
from goflow.expressions.values import a_kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from goflow.engine.attempts import Attempts
    from goflow.engine.resources import Resources
    from goflow.engine.scope import Scope
    from goflow.workflow.model import LoopNode

__all__ = ["LoopWork"]

TIME_SLICE = 0.02
"""Seconds of iterations that only compute, after which the loop lets others go on."""


class LoopWork:
    """Runs the chain of members once an item.

    ``shown`` when something can read the list of what each iteration wrote; without it memory does
    not grow with the items.
    """

    __slots__ = ("_body", "_break", "_items", "_node", "_shown")

    waits = False

    def __init__(
        self, node: LoopNode, index: Mapping[str, int], *, shown: bool, strict: bool = False
    ) -> None:
        self._node = node
        self._body = tuple(index[member] for member in node.body)
        self._shown = shown
        self._items: Callable[[Env], Any]
        if isinstance(node.collection, str):
            self._items = Expression.of(node.collection, strict).evaluate
        else:
            self._items, _ = fill(node.collection, strict=strict)
        self._break = (
            None if node.break_condition is None else Expression.of(node.break_condition, strict)
        )

    def prepare(self, env: Env) -> list[Any]:
        """The items; raises ``ExpressionError``, and ``TransformFailed`` for what is no list."""
        items = self._items(env)
        if type(items) is not list:
            raise TransformFailed(
                f"the collection of {self._node.id!r} is {a_kind(items)}, not an array",
                hint="a loop goes over a list: keys(…), values(…) or entries(…) make one of a map",
            )
        return items

    def given(self, request: list[Any]) -> Any:
        """How many items there are."""
        return {"items": len(request)}

    async def run(self, request: list[Any], scope: Scope, attempts: Attempts) -> Answer:
        """Run the iterations, and write back what they changed when all went well."""
        attempts.emit(events.LoopStarted, self._node.id, len(request), scope.path)
        whole = scope.child()
        every = self._at_once if self._node.parallel else self._one_by_one
        try:
            count, broken, shown = await every(request, whole, attempts)
        except BaseException:
            scope.recall(whole)
            raise
        writes = scope.absorb(whole)
        value: dict[str, Any] = {"iterations": shown} if self._shown else {}
        value["iteration_count"] = count
        value["broken"] = broken
        value["break_index"] = count - 1 if broken else None
        return Answer(value, None, writes)

    async def repeatable(self, resources: Resources) -> bool:
        """Members may have had effects before one of them failed."""
        return False

    async def _one_by_one(
        self, items: list[Any], whole: Scope, attempts: Attempts
    ) -> tuple[int, bool, list[Any]]:
        clock = asyncio.get_running_loop().time
        deadline = clock() + TIME_SLICE
        shown: list[Any] = []
        outer = whole.path
        for i, item in enumerate(items):
            if clock() > deadline:
                await attempts.breathe()
                deadline = clock() + TIME_SLICE
            whole.path = (*outer, i)
            self._give(whole, i, item)
            if self._break is not None and self._break.evaluate(whole.env):
                return i + 1, True, [*shown, {}]
            attempts.emit(events.IterationStarted, self._node.id, i, outer)
            outputs = await attempts.chain(self._body, whole)
            attempts.emit(events.IterationFinished, self._node.id, i, outer)
            if self._shown:
                shown.append(outputs)
        return len(items), False, shown

    async def _at_once(
        self, items: list[Any], whole: Scope, attempts: Attempts
    ) -> tuple[int, bool, list[Any]]:
        # Each iteration sees what was there at first, whichever others have ended before it began.
        first = whole.child()
        shown: list[Any] = []
        ended: dict[int, tuple[Scope, dict[str, Any]]] = {}
        following = iter(enumerate(items))
        absorbed = 0

        async def worker() -> None:
            nonlocal absorbed
            clock = asyncio.get_running_loop().time
            deadline = clock() + TIME_SLICE
            for i, item in following:
                if clock() > deadline:
                    await attempts.breathe()
                    deadline = clock() + TIME_SLICE
                own = first.child(i)
                self._give(own, i, item)
                attempts.emit(events.IterationStarted, self._node.id, i, whole.path)
                try:
                    outputs = await attempts.chain(self._body, own)
                except BaseException:
                    whole.recall(own)
                    raise
                ended[i] = (own, outputs)
                attempts.emit(events.IterationFinished, self._node.id, i, whole.path)
                while absorbed in ended:  # in the order of the items, however they end
                    own, outputs = ended.pop(absorbed)
                    whole.absorb(own)
                    if self._shown:
                        shown.append(outputs)
                    absorbed += 1

        limit = self._node.max_parallel or attempts.slots.limit
        await settle([worker() for _ in range(min(limit, len(items)))])
        return len(items), False, shown

    def _give(self, scope: Scope, i: int, item: Any) -> None:
        scope.give(**{self._node.item: item, f"{self._node.item}_index": i})

"""``function``: a callable that the host program registered."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any

from goflow.engine.ending import within
from goflow.engine.nodes import Answer
from goflow.errors import FunctionFailed, GoFlowError, NodeTimeout
from goflow.expressions.text import fill
from goflow.expressions.values import copied, not_json

if TYPE_CHECKING:
    from goflow.engine.resources import Resources
    from goflow.engine.sending import Sending
    from goflow.expressions.compile import Env
    from goflow.results.key import ResultKey
    from goflow.results.results import Results
    from goflow.workflow.model import CachePolicy, FunctionNode

__all__ = ["FunctionWork"]


class FunctionWork:
    """Awaits a coroutine function; any other is called in a thread."""

    __slots__ = ("_arguments", "name")

    def __init__(self, node: FunctionNode, *, strict: bool = False) -> None:
        self.name = node.function
        self._arguments, _ = fill(node.arguments, strict=strict)

    def prepare(self, env: Env) -> dict[str, Any]:
        """The keyword arguments, the function's own to change; raises ``ExpressionError``."""
        arguments: dict[str, Any] = copied(self._arguments(env))
        return arguments

    def key(
        self,
        request: dict[str, Any],
        policy: CachePolicy,
        within: str | None,
        results: Results,
        schema: str,
    ) -> ResultKey:
        """What a kept result of the call is found by; raises ``NotJson``."""
        from goflow.results.key import function_key  # noqa: PLC0415 - few runs reuse results

        return function_key(
            function=self.name,
            arguments=request,
            ignore=policy.ignore,
            version=policy.version,
            within=within,
        )

    def given(self, request: dict[str, Any]) -> Any:
        """Its arguments."""
        return request

    async def attempt(
        self,
        request: dict[str, Any],
        resources: Resources,
        timeout: float | None,
        sending: Sending | None,
    ) -> Answer:
        """Call it once. Raises ``FunctionFailed``, and ``NodeTimeout`` after ``timeout`` seconds;
        a thread cannot be stopped, and goes on then.
        """
        call = resources.functions[self.name]
        if sending is not None:
            await sending.before()
        try:
            called = _call(call, request)
            value = await (called if timeout is None else within(called, timeout))
        except asyncio.TimeoutError:
            if timeout is None:
                raise FunctionFailed(f"the function {self.name!r} raised TimeoutError") from None
            raise NodeTimeout(
                f"the function {self.name!r} took longer than {timeout:g} s", seconds=timeout
            ) from None
        except GoFlowError:
            raise
        except Exception as error:
            raise FunctionFailed(
                f"the function {self.name!r} raised {type(error).__name__}: {error}"
            ) from error
        problem = not_json(value)
        if problem:
            failed = FunctionFailed(
                f"the function {self.name!r} returned what is no JSON value: {problem}",
                hint="dicts with text keys, lists, texts, numbers, booleans and None are",
            )
            failed.code = "validation_error"
            raise failed
        return Answer(copied(value))

    def harmless(self, resources: Resources) -> bool:
        """Nobody knows what it does."""
        return False

    async def repeatable(self, resources: Resources) -> bool:
        """Nobody knows what it does."""
        return False


async def _call(call: Any, arguments: dict[str, Any]) -> Any:
    if inspect.iscoroutinefunction(call):
        return await call(**arguments)
    value = await asyncio.to_thread(call, **arguments)
    return await value if inspect.isawaitable(value) else value

"""``transform`` with a jq program: it waits for a worker process, while other nodes go on."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from goflow.engine.ending import until_done
from goflow.engine.nodes import Answer
from goflow.errors import TransformFailed
from goflow.expressions.compile import INPUT, RAW, Env
from goflow.expressions.jq import JqProgram, input_text, one_value
from goflow.expressions.jq_client import LIMIT, JqWorker
from goflow.expressions.transform import read_input

if TYPE_CHECKING:
    from goflow.engine.resources import Resources
    from goflow.engine.sending import Sending
    from goflow.results.key import ResultKey
    from goflow.results.results import Results
    from goflow.workflow.model import CachePolicy, TransformNode

__all__ = ["JqWork", "JqWorkers"]


class Request(NamedTuple):
    """The JSON text of the input, and the values of the program's variables."""

    text: bytes
    arguments: dict[str, Any]


class JqWork:
    """Runs one program on the input."""

    __slots__ = ("_input", "_program")

    def __init__(self, node: TransformNode, *, strict: bool = False) -> None:
        self._program = JqProgram(node.expression, strict=strict)
        self._input = None if node.input is None else read_input(node.input, strict=strict)

    def prepare(self, env: Env) -> Request:
        """The input and the program's variables; raises ``ExpressionError``."""
        if self._input is None:
            return Request(b"null", self._program.arguments(env))
        value = self._input.evaluate(env)
        raws = env[RAW]
        env["input"] = env[INPUT] = value
        raws["input"] = raws[INPUT] = None
        try:
            return Request(input_text(value), self._program.arguments(env))
        finally:
            del env["input"], env[INPUT], raws["input"], raws[INPUT]

    def key(
        self,
        request: Request,
        policy: CachePolicy,
        within: str | None,
        results: Results,
        schema: str,
    ) -> ResultKey:
        """What a kept result of the program is found by; raises ``NotJson``."""
        from goflow.results.key import transform_key  # noqa: PLC0415 - few runs reuse results

        return transform_key(
            expression=self._program.source,
            kind="jq",
            reads={"input": request.text.decode(), **request.arguments},
            version=policy.version,
            within=within,
        )

    def given(self, request: Request) -> Any:
        """The input and the program's variables."""
        return {"input": msgspec.Raw(request.text), "arguments": request.arguments}

    async def attempt(
        self,
        request: Request,
        resources: Resources,
        timeout: float | None,
        sending: Sending | None,
    ) -> Answer:
        """Evaluate once, within ``timeout`` (or 5) seconds; raises ``TransformFailed``."""
        workers = resources.connections.owned(JqWorkers)
        limit = LIMIT if timeout is None else timeout
        results = await workers.ask(self._program.source, request.arguments, request.text, limit)
        return Answer(one_value(results))

    def harmless(self, resources: Resources) -> bool:
        """Computing it again is always harmless."""
        return True

    async def repeatable(self, resources: Resources) -> bool:
        """Computing it again is always harmless."""
        return True


class JqWorkers:
    """The warm workers of one engine, started when they are needed, one for each processor."""

    def __init__(self) -> None:
        self._idle: list[JqWorker] = []
        self._free = asyncio.Semaphore(min(4, os.cpu_count() or 1))

    async def ask(
        self, program: str, arguments: dict[str, Any], text: bytes, limit: float
    ) -> list[Any]:
        """The program's results; raises ``TransformFailed``. Cancelling ends its worker."""
        async with self._free:
            worker = self._take()
            asked = asyncio.get_running_loop().run_in_executor(
                None, worker.ask, program, arguments, text, limit
            )
            # Nobody may be there to see how it ended when the run is cancelled.
            asked.add_done_callback(lambda done: done.cancelled() or done.exception())
            try:
                await asyncio.wait((asked,))
            except asyncio.CancelledError:
                worker.kill()  # the thread finds it gone, and closes it
                await until_done(asyncio.wait((asked,)))
                raise
            if worker.alive:
                self._idle.append(worker)
            return asked.result()

    def _take(self) -> JqWorker:
        while self._idle:
            worker = self._idle.pop()
            if worker.alive:
                return worker
            worker.close()
        try:
            return JqWorker()
        except OSError as error:
            raise TransformFailed(f"the jq worker cannot be started: {error}") from None

    def close(self) -> None:
        """End all that wait for work."""
        while self._idle:
            self._idle.pop().close()

    def __repr__(self) -> str:
        return f"<JqWorkers, {len(self._idle)} idle>"

"""``goflow.run``: one run from code that has no event loop."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from goflow.engine.inputs import bind
from goflow.engine.prepare import prepare
from goflow.errors import BadCall

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from goflow.cassettes.record import Recorder
    from goflow.cassettes.replay import Player
    from goflow.engine.events import Listener
    from goflow.engine.record import RunResult
    from goflow.results.policy import CacheOption
    from goflow.workflow.model import Workflow

__all__ = ["run"]


def run(
    workflow: Workflow | str | Path,
    inputs: Mapping[str, Any] | None = None,
    *,
    functions: Mapping[str, Callable[..., Any]] | None = None,
    listener: Listener | None = None,
    cache: CacheOption = None,
    history: bool = True,
    cassette: Recorder | Player | None = None,
) -> RunResult:
    """Run a workflow, or the one in a file, to its end; its servers live as long as the call.

    How it ended is the result's ``status``. The other options are those of ``Engine``.
    Raises ``BadCall``, ``WorkflowInvalid`` or ``InputError`` before anything runs; inside a running
    event loop it is a ``BadCall``.
    """
    plan = prepare(workflow, offline=cassette is not None and cassette.offline)
    bind(plan.workflow, inputs or {})
    import asyncio  # noqa: PLC0415 - a mistake in the file is told before

    from goflow.engine.engine import Engine  # noqa: PLC0415

    with suppress(RuntimeError):
        asyncio.get_running_loop()
        raise BadCall(
            "goflow.run cannot be called inside a running event loop",
            hint="async with goflow.Engine() as engine: await engine.run(…)",
        )

    async def main() -> RunResult:
        async with Engine(functions=functions, history=history, cassette=cassette) as engine:
            return await engine.run(plan, inputs, listener=listener, cache=cache)

    return asyncio.run(main())

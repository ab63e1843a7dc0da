"""What ``run`` and ``resume`` share: an engine for one run, who watches it, what is printed."""

from __future__ import annotations

import gc
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

from goflow.cli.output import emit, emit_json, say, say_error
from goflow.errors import BadCall, GoFlowError, InputError, OutcomeUnknown, WorkflowInvalid

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from goflow.cassettes.record import Recorder
    from goflow.cassettes.replay import Player
    from goflow.engine.engine import Engine
    from goflow.engine.events import Event, Listener
    from goflow.engine.plan import Plan
    from goflow.engine.record import RunResult
    from goflow.results.results import Results
    from goflow.servers.config import ServerConfig
    from goflow.servers.process import ServerProcess

__all__ = [
    "EXIT_CODES",
    "carry_out",
    "kept_results",
    "print_result",
    "refused",
    "say_line",
    "tell_error",
    "tell_warnings",
]

EXIT_CODES = {"completed": 0, "interrupted": 130}


def carry_out(
    start: Callable[[Engine, Listener | None], Awaitable[RunResult]],
    *,
    processes: Iterable[ServerProcess] = (),
    servers: Iterable[ServerConfig] = (),
    plan: Plan | None = None,
    mode: str = "quiet",
    events_file: str | None = None,
    history: bool = True,
    results: Results | None = None,
    cassette: Recorder | Player | None = None,
) -> RunResult:
    """Do one run in an engine of its own; interrupts end it, and it is watched meanwhile.

    ``mode`` is how it is shown (``modes.mode_of``), with what ``plan`` says of it.
    ``servers`` are those that the run may use, of which ``processes`` were started already: the
    engine connects first to those that were used most. ``events_file`` gets every event as a line
    of JSON; ``results`` are closed. A ``cassette`` records the servers' traffic, or plays it back.
    Raises what ``start`` raises, and ``BadCall`` for a file that cannot be written.
    """
    import asyncio  # noqa: PLC0415 - after the servers were started

    from goflow.cli.interrupts import interrupts  # noqa: PLC0415 - while the servers boot
    from goflow.cli.progress import progress_of  # noqa: PLC0415 - while the servers boot
    from goflow.engine.engine import Engine  # noqa: PLC0415

    async def main(listener: Listener | None) -> RunResult:
        async with Engine(
            spawned=processes,
            servers=servers,
            history=history,
            results=results,
            cassette=cassette,
        ) as engine:
            tell(partial(engine.stop, "interrupted"))
            return await start(engine, listener)

    with ExitStack() as stack:
        listeners: list[Listener] = []
        if results is not None:
            stack.callback(results.close)
        progress = progress_of(mode, plan)
        if events_file is not None:
            from goflow.cli.event_lines import EventLines  # noqa: PLC0415 - few runs write them

            listeners.append(stack.enter_context(EventLines(events_file)).on_event)
        if progress is not None:
            listeners.append(stack.enter_context(progress).on_event)
        tell = stack.enter_context(interrupts())
        # From here on there may be garbage, but not among what was loaded.
        gc.freeze()
        gc.enable()
        return asyncio.run(main(_both(listeners)))


def kept_results(
    plan: Plan, cache: str | None, *, anew: bool = False
) -> tuple[Results | None, tuple[ServerConfig, ...]]:
    """The store of results, if the run asks for it, and the servers to start at once.

    ``anew`` when nothing is to be taken from the store.
    """
    from goflow.results.policy import asked  # noqa: PLC0415

    asks = asked(cache, anew=anew)
    if not plan.may_reuse(asks):
        return None, plan.servers
    from goflow.home import home_folder  # noqa: PLC0415

    if not (home_folder() / "cache").exists():
        return None, plan.servers  # nothing was ever kept: the engine opens what is to be one
    from goflow.engine.reuse import servers_to_warm  # noqa: PLC0415 - few runs reuse results
    from goflow.results.results import Results  # noqa: PLC0415

    results = Results.open()
    return results, servers_to_warm(plan, results, asks)


def print_result(result: RunResult, *, as_json: bool, mode: str = "plain", shown: int = 0) -> int:
    """Print how a run ended, without its first ``shown`` warnings; the exit code.

    In the mode ``jsonl`` what goes to standard error is lines of JSON too.
    """
    result = result.redacted()
    if as_json:
        emit_json(result.to_dict())
    elif result.completed:
        print_value(result.result)
    if not result.completed and mode == "jsonl":
        say_line("failure", status=result.status, error=result.error)
    elif not result.completed:
        _say_failure(result)
    for warning in result.warnings[shown:]:
        say_warning(warning, mode)
    return EXIT_CODES.get(result.status, 1)


def print_value(value: Any) -> None:
    """A string as it is, null as nothing, anything else as JSON."""
    if isinstance(value, str):
        emit(value)
    elif value is not None:
        emit_json(value)


def say_warning(text: str, mode: str) -> None:
    """Tell a warning as the mode asks for."""
    if mode == "jsonl":
        say_line("warning", message=text)
    else:
        say(f"warning: {text}")


def tell_warnings(plan: Plan, mode: str) -> None:
    """Tell what was found in the file, as the mode asks for."""
    if mode == "jsonl":
        for warning in plan.warnings:
            say_warning(warning, mode)
    elif plan.warnings and mode != "quiet":
        say(plan.report.only("warning").render())


def tell_error(error: GoFlowError, mode: str) -> None:
    """Tell an error as the mode asks for."""
    if mode == "jsonl":
        say_line("error", code=error.code, message=error.message, hint=error.hint)
    else:
        say_error(error)


def say_line(event: str, **fields: Any) -> None:
    """A line of JSON on standard error, among those of events."""
    import msgspec  # noqa: PLC0415

    say(msgspec.json.encode({"event": event, **fields}).decode())


def refused(error: GoFlowError, as_json: bool, mode: str = "plain") -> int:
    """Nothing ran: say why, in the shape of a run's record when JSON is asked for."""
    if mode == "jsonl":
        say_line("refused", code=error.code, message=error.message, hint=error.hint)
    else:
        say_error(error)
    if as_json:
        detail: dict[str, Any] = {"code": error.code, "message": error.message, "hint": error.hint}
        if isinstance(error, WorkflowInvalid):
            detail |= error.report.to_dict()
        if isinstance(error, InputError):
            detail["variable"] = error.variable
        if isinstance(error, OutcomeUnknown):
            detail["nodes"] = list(error.nodes)
        record: dict[str, Any] = {
            "id": None,
            "workflow": None,
            "status": "refused",
            "result": None,
            "error": detail,
            "nodes": [],
        }
        emit_json(record)
    return 2 if isinstance(error, BadCall) else 1


def _both(listeners: list[Listener]) -> Listener | None:
    if len(listeners) < 2:
        return listeners[0] if listeners else None

    def tell(event: Event) -> None:
        for listener in listeners:
            listener(event)

    return tell


def _say_failure(result: RunResult) -> None:
    error = result.error or {"message": f"the run was {result.status}"}
    where = f"node {error['node']!r}: " if "node" in error else ""
    say(f"{result.status}: {where}{error['message']}")
    if "stderr" in error:
        say(f"the last lines of {error.get('server', 'the server')}'s stderr:")
        for line in error["stderr"].splitlines()[-10:]:
            say(f"  | {line}")
    if "hint" in error:
        say(f"hint: {error['hint']}")

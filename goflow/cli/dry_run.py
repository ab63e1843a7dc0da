"""``goflow run --dry-run``: what a run would do, in its order, and which servers it would need."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from goflow.cli.output import emit, emit_json
from goflow.engine.forecast import forecast
from goflow.shown import counted, duration
from goflow.workflow.model import ToolNode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from goflow.engine.forecast import Forecast, Outlook
    from goflow.engine.plan import Plan
    from goflow.engine.reuse import Reuse
    from goflow.results.results import Results

__all__ = ["tell_plan"]


def tell_plan(plan: Plan, variables: Mapping[str, Any], cache: str | None, as_json: bool) -> int:
    """Print it. Raises ``BadCall`` for a ``cache`` that cannot be."""
    results, reuse = _reuse(plan, cache)
    try:
        found = forecast(plan, variables, reuse)
    finally:
        if results is not None:
            results.close()
    if as_json:
        emit_json(_document(plan, variables, found))
        return 0
    from goflow.diagram.diagram import diagram_of  # noqa: PLC0415

    details = {box.id: box.summary for box in diagram_of(plan.workflow).all_boxes()}
    for line in _lines(plan, found, details):
        emit(line)
    return 0


def _reuse(plan: Plan, cache: str | None) -> tuple[Results | None, Reuse | None]:
    """Who looks results up; nobody when none can be there. No store is made."""
    from goflow.results.policy import asked  # noqa: PLC0415
    from goflow.results.results import Results, store_path  # noqa: PLC0415

    asks = asked(cache)
    if not plan.may_reuse(asks) or not store_path().exists():
        return None, None
    from goflow.engine.reuse import Reuse  # noqa: PLC0415

    results = Results.open()
    # Looking up asks no server: only attempts do.
    return results, Reuse(results, asks, "", plan.redactor, None)  # type: ignore[arg-type]


def _lines(plan: Plan, found: Forecast, details: Mapping[str, str]) -> Iterator[str]:
    workflow = plan.workflow
    count = len(found.nodes)
    yield f"{workflow.name}: {counted(count, 'node')} in {counted(len(found.levels), 'level')}"
    servers = {server.id: server for server in plan.servers}
    if servers:
        yield "\nservers"
        width = max(map(len, servers))
        for name, server in servers.items():
            what = server.url if server.transport != "stdio" else shlex.join(
                [server.command, *server.args]
            )  # fmt: skip
            what = plan.redactor.text(what)
            state = "would be connected" if name in found.servers else "not needed"
            yield f"  {name:{width}}  {state}  ({what})"
    names = max(len(one.id) + 2 * (one.owner is not None) for one in found.nodes)
    width = min(40, max(map(len, details.values()), default=0))
    level = -1
    for one in found.nodes:
        if one.level is not None and one.level != level:
            level = one.level
            yield f"\nlevel {level}"
        indent = "    " if one.owner is not None else "  "
        detail = details.get(one.id, "")
        detail = detail if len(detail) <= width else detail[: width - 1] + "…"
        line = f"{indent}{one.id:{names + 2 - len(indent)}}  {detail:{width}}  {_verdict(one)}"
        yield line.rstrip()
    yield f"\n{_sum(plan, found)}"


def _verdict(one: Outlook) -> str:
    words = {
        "run": ("runs", "may run"),
        "compute": ("computes", "may compute"),
        "cached": ("from the cache", "from the cache, if it runs"),
        "skip": ("skipped", "may be skipped"),
    }
    text = words[one.verdict][not one.certain]
    if one.items is not None:
        text += f" over {counted(one.items, 'item')}"
    if one.saved is not None:
        text += f", saves {duration(one.saved)}"
    return f"{text} ({one.reason})" if one.reason else text


def _sum(plan: Plan, found: Forecast) -> str:
    tools = {node.id for node in plan.workflow.nodes if isinstance(node, ToolNode)}
    calls = [one for one in found.nodes if one.id in tools and one.verdict == "run"]
    text = f"nothing was started; a run would make {counted(len(calls), 'call')}"
    if any(one.owner is not None for one in calls):
        text += ", some of them many times"
    inner = [one for one in found.nodes if one.type == "workflow" and one.verdict == "run"]
    if inner:
        text += f", and those of {counted(len(inner), 'workflow')} that it runs"
    cached = [one for one in found.nodes if one.verdict == "cached"]
    if cached:
        saved = duration(sum(one.saved or 0.0 for one in cached))
        text += f" and take {counted(len(cached), 'result')} from the cache, saving {saved}"
    return text


def _document(plan: Plan, variables: Mapping[str, Any], found: Forecast) -> dict[str, Any]:
    hide = plan.redactor
    servers = [
        {
            "id": server.id,
            "transport": server.transport,
            "command": hide.text(server.command) or None,
            "args": [hide.text(text) for text in server.args],
            "url": hide.text(server.url) or None,
            "needed": server.id in found.servers,
        }
        for server in plan.servers
    ]
    import msgspec  # noqa: PLC0415

    return {
        "workflow": plan.workflow.name,
        "variables": dict(variables),
        "levels": found.levels,
        "servers": servers,
        "nodes": [msgspec.structs.asdict(one) for one in found.nodes],
    }

"""Findings that only the servers can make: tools that exist, arguments that they take."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from goflow.engine.live_fields import check_fields
from goflow.engine.servers import configure
from goflow.errors import GoFlowError
from goflow.expressions.functions import nearest
from goflow.servers.connections import Connections
from goflow.workflow.diagnostics import Report
from goflow.workflow.fields import Findings
from goflow.workflow.model import ToolNode, Workflow

if TYPE_CHECKING:
    from goflow.workflow.diagnostics import Path
    from goflow.workflow.model import Server

__all__ = ["check_live", "validate_live"]

Tools = dict[str, dict[str, Any]]


def validate_live(workflow: Workflow, report: Report) -> Report:
    """``report`` with what the servers of a valid workflow say; not inside an event loop."""
    findings = Findings(workflow.document)
    asyncio.run(check_live(workflow, findings))
    return Report([*report.findings, *findings.found], file=report.file, text=report.text)


async def check_live(workflow: Workflow, findings: Findings) -> None:
    """Connect to every server that a node uses, at once, and check each node's tool and arguments.

    Calls no tool. Nothing of it is left when it returns.
    """
    folder = workflow.document.folder if workflow.document else None
    servers = _used(workflow, findings)
    connections = Connections()

    async def ask(server: Server, place: Path) -> Tools | None:
        try:
            lease, _ = await connections.acquire(configure(server, folder))
            try:
                tools = await lease.connection.list_tools()
            finally:
                connections.release(lease)
            return {str(tool.get("name")): tool for tool in tools}
        except GoFlowError as error:
            findings.add("GF601", error.message, place, hint=error.hint, severity="error")
            return None

    try:
        answers = await asyncio.gather(*(ask(*server) for server in servers))
    finally:
        await connections.close()
    known = {server.id: tools for (server, _), tools in zip(servers, answers, strict=True)}
    for i, node in enumerate(workflow.nodes):
        if isinstance(node, ToolNode):
            tools = known.get(node.server)
            if tools is not None:
                _check(node, ("nodes", i), tools, findings, cached=workflow.cache is not None)
    check_fields(workflow, {name: tools for name, tools in known.items() if tools}, findings)


def _used(workflow: Workflow, findings: Findings) -> list[tuple[Server, Path]]:
    """The servers that nodes use, each with the place in the file that defines or names it."""
    places: dict[str, Path] = {}
    for i, node in enumerate(workflow.nodes):
        if isinstance(node, ToolNode) and node.server not in places:
            places[node.server] = ("nodes", i, "server")
    used: list[tuple[Server, Path]] = []
    for i, server in enumerate(workflow.servers):
        if places.pop(server.id, None) is not None:
            used.append((server, ("servers", i, "id")))
    if places:
        from goflow.workflow.known_servers import known_servers  # noqa: PLC0415 - few name others

        used += ((server, places[name]) for name, server in known_servers(workflow).items())
    return used


def _check(node: ToolNode, path: Path, tools: Tools, findings: Findings, *, cached: bool) -> None:
    """``cached`` when the workflow has a policy that covers what is read-only."""
    tool = tools.get(node.tool)
    if tool is None:
        findings.add(
            "GF602",
            f"the server {node.server!r} has no tool {node.tool!r}",
            (*path, "tool"),
            hint=nearest(node.tool, tools) or f"it has {', '.join(sorted(tools)) or 'none'}",
        )
        return
    if node.cache is None and not cached and _is_read_only(tool):
        findings.add(
            "GF604",
            f"the server marks {node.tool!r} as read-only: its result could be cached",
            (*path, "tool"),
            hint="'cache: {ttl: 10m}' does, 'cache: false' says that it is not to be",
            severity="info",
        )
    schema = tool.get("inputSchema")
    if isinstance(schema, dict):
        place = (*path, "parameters")
        _check_arguments(node, place, schema, findings)


def _is_read_only(tool: dict[str, Any]) -> bool:
    annotations = tool.get("annotations")
    return isinstance(annotations, dict) and annotations.get("readOnlyHint") is True


def _check_arguments(
    node: ToolNode, path: Path, schema: dict[str, Any], findings: Findings
) -> None:
    from jsonschema import SchemaError  # noqa: PLC0415 - only --live needs it
    from jsonschema.validators import validator_for  # noqa: PLC0415

    try:
        kind = validator_for(schema)
        kind.check_schema(schema)
        problems: list[Any] = list(kind(schema).iter_errors(node.parameters))
    except (SchemaError, RecursionError):
        return  # what a server says of itself may be anything; the call will show
    except Exception as error:  # a schema that refers to what is not there
        if type(error).__module__.partition(".")[0] not in ("referencing", "jsonschema"):
            raise
        return
    for problem in problems:
        if _depends_on_the_run(problem):
            continue
        place = (*path, *problem.absolute_path)
        if problem.validator == "required":
            wanted = problem.validator_value
            missing = next(name for name in wanted if name not in problem.instance)
            message = f"the tool {node.tool!r} needs the argument {missing!r}"
            place = path if problem.absolute_path else path[:-1]
        else:
            message = f"the tool {node.tool!r} does not take this: {problem.message}"
        findings.add("GF603", message, place)
    properties = schema.get("properties")
    if isinstance(properties, dict) and schema.get("additionalProperties", True) is True:
        for name in node.parameters.keys() - properties.keys():
            findings.add(
                "GF603",
                f"the tool {node.tool!r} does not mention an argument {name!r}",
                (*path, name),
                hint=nearest(name, properties),
                severity="warning",
                key=True,
            )


def _depends_on_the_run(problem: Any) -> bool:
    """Whether the value that does not fit is not known before the run."""
    value = problem.instance
    if problem.validator in ("required", "additionalProperties", "dependentRequired"):
        return False  # keys are known
    if isinstance(value, str):
        mixed = "${" in value and not (value.startswith("${") and value.endswith("}"))
        return "${" in value and not (mixed and problem.validator == "type")
    return _interpolates(value)


def _interpolates(value: Any) -> bool:
    if isinstance(value, (list, dict)):
        items = value.values() if isinstance(value, dict) else value
        return any(_interpolates(item) for item in items)
    return isinstance(value, str) and "${" in value

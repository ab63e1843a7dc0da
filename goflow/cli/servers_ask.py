"""``goflow servers test``, ``tools`` and ``call``: what a live server says."""

from __future__ import annotations

import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from goflow.cli.output import emit, emit_json, say
from goflow.cli.parameters import read_map, read_pairs
from goflow.cli.servers_show import unknown
from goflow.errors import BadCall, GoFlowError, ServerError, ToolFailed

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from goflow.servers.config import ServerConfig
    from goflow.workflow.model import Server

__all__ = [
    "FILE_OPTION",
    "call_command",
    "chosen_server",
    "known_servers",
    "server_config",
    "test_command",
    "tools_command",
]

FILE_OPTION = click.option(
    "--file",
    "-f",
    type=click.Path(path_type=Path),
    help="A workflow whose servers count too.",
)
_SIGNATURE_WIDTH = 52
"""Columns: what tools do is aligned, except behind one with many arguments."""
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.command("test")
@click.argument("server_ids", metavar="[ID…]", nargs=-1)
@FILE_OPTION
@_JSON
def test_command(server_ids: tuple[str, ...], file: Path | None, as_json: bool) -> int:
    """Connect to each server ID (all of them without one), list its tools, and time both.

    \b
    Examples:
      goflow servers test time
      goflow servers test --json
      goflow servers test files -f report.yaml

    JSON is one object for one ID, else a list: {id, ok, transport, server, protocol_version, tools,
    connect_seconds, list_seconds, error}. Exit code 1 when one does not work.
    """
    configs = known_servers(file)
    chosen = [chosen_server(name, configs) for name in server_ids or configs]
    rows = []
    for server in chosen:
        row = _run(_test(server, file))
        rows.append(row)
        if not as_json:
            _say_row(row)
    if as_json:
        emit_json(rows[0] if len(server_ids) == 1 else rows)
    return 0 if all(row["ok"] for row in rows) else 1


@click.command("tools")
@click.argument("server_id", metavar="ID")
@click.option("--schema", is_flag=True, help="With the schemas of their arguments.")
@FILE_OPTION
@_JSON
def tools_command(server_id: str, schema: bool, file: Path | None, as_json: bool) -> int:
    """List the tools of the server ID, with their arguments and defaults ('?': none).

    \b
    Examples:
      goflow servers tools time
      goflow servers tools time --schema
      goflow servers tools time --json

    JSON is the list of tools as the server gives it.
    """
    config = server_config(chosen_server(server_id, known_servers(file)), file)
    try:
        tools = _hidden(config, _run(_with(config, lambda session: session.list_tools())))
    except GoFlowError as error:
        if as_json:
            emit_json({"error": _error(error)})
        raise
    if as_json:
        emit_json(tools)
        return 0
    from goflow.servers.signatures import signature  # noqa: PLC0415

    lines = [signature(tool) for tool in tools]
    width = min(max(map(len, lines), default=0), _SIGNATURE_WIDTH)
    for tool, line in zip(tools, lines, strict=True):
        first, _, _ = str(tool.get("description") or "").strip().partition("\n")
        emit(f"{line:{width}}  {first}".rstrip())
        if schema:
            emit_json(tool.get("inputSchema"))
    return 0


@click.command("call")
@click.argument("server_id", metavar="ID")
@click.argument("tool")
@click.argument("more", metavar="", nargs=-1)
@click.option("--arg", "pairs", multiple=True, metavar="NAME=VALUE", help="One; repeatable.")
@click.option("--input", "source", metavar="FILE|JSON", help="The arguments as a map.")
@click.option("--timeout", type=float, metavar="SECONDS", help="Of the call.")
@FILE_OPTION
@_JSON
def call_command(
    server_id: str,
    tool: str,
    more: tuple[str, ...],
    pairs: tuple[str, ...],
    source: str | None,
    timeout: float | None,
    file: Path | None,
    as_json: bool,
) -> int:
    """Call TOOL of the server ID and print its value, as a workflow would see it.

    \b
    Examples:
      goflow servers call time get_current_time --arg timezone=UTC
      goflow servers call box sum --input '{"values": [1, 2]}' --json

    A value is read by the type that the tool's schema gives the argument. JSON is {server, tool,
    value, result, seconds, error}, with the result as the tool gave it. Exit code 1 when the call
    failed.
    """
    if more:
        raise _without_option(more)
    config = server_config(chosen_server(server_id, known_servers(file)), file)
    arguments: dict[str, Any] = {} if source is None else read_map("--input", source)
    row = _run(_call(config, tool, arguments, read_pairs("--arg", pairs), timeout))
    if as_json:
        emit_json(row)
    elif row["error"] is None:
        value = row["value"]
        emit(value) if isinstance(value, str) else emit_json(value)
    if row["error"] is not None:
        say(f"error: {row['error']['message']}")
        if row["error"]["hint"] is not None:
            say(f"hint: {row['error']['hint']}")
    return 0 if row["error"] is None else 1


# -- which servers -----------------------------------------------------------------------------


def known_servers(file: Path | None) -> dict[str, Server]:
    """The servers of the workflow in ``file``, then those that are known to it."""
    from goflow.servers.registry import Known  # noqa: PLC0415
    from goflow.workflow.known_servers import read_known  # noqa: PLC0415
    from goflow.workflow.load import load  # noqa: PLC0415

    workflow = load(file) if file is not None else None
    found = {server.id: server for server in (workflow.servers if workflow else ())}
    for name, server in Known(file.absolute().parent if file else None).servers().items():
        read, findings = read_known(server)
        errors = [finding for finding in findings.found if finding.severity == "error"]
        if not errors:
            found.setdefault(name, read)
    return found


def chosen_server(server_id: str, servers: dict[str, Server]) -> Server:
    """The server of that id; raises ``BadCall`` with the nearest one."""
    if server_id not in servers:
        raise unknown(server_id, servers)
    return servers[server_id]


def server_config(server: Server, file: Path | None) -> ServerConfig:
    """The server's configuration, ``${…}`` filled in; raises ``BadCall`` for what is not set."""
    from goflow.engine.servers import configure  # noqa: PLC0415

    return configure(server, file.absolute().parent if file else None)


# -- what they say -----------------------------------------------------------------------------


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    import asyncio  # noqa: PLC0415 - nothing else here needs it

    return asyncio.run(work)


async def _with(config: ServerConfig, use: Any) -> Any:
    """What ``use(session)`` gives; the session is closed by then."""
    from goflow.servers.opening import open_session  # noqa: PLC0415

    session = await open_session(config)
    try:
        return await use(session)
    finally:
        await session.close()


async def _test(server: Server, file: Path | None) -> Any:
    from goflow.servers.opening import open_session  # noqa: PLC0415

    row: dict[str, Any] = {
        "id": server.id,
        "ok": False,
        "transport": server.transport,
        "server": None,
        "protocol_version": None,
        "tools": None,
        "connect_seconds": None,
        "list_seconds": None,
        "error": None,
    }
    try:
        config = server_config(server, file)
        began = time.perf_counter()
        session = await open_session(config)
        row["connect_seconds"] = round(time.perf_counter() - began, 6)
        row["server"], row["protocol_version"] = session.server_info, session.protocol_version
        try:
            began = time.perf_counter()
            tools = await session.list_tools()
            row["list_seconds"] = round(time.perf_counter() - began, 6)
        finally:
            await session.close()
    except GoFlowError as error:
        row["error"] = _error(error)
        return row
    return _hidden(config, {**row, "ok": True, "tools": [tool.get("name") for tool in tools]})


def _say_row(row: dict[str, Any]) -> None:
    if not row["ok"]:
        say(f"{row['id']}: {row['error']['message']}")
        if row["error"]["hint"]:
            say(f"hint: {row['error']['hint']}")
        return
    who = " ".join(str(row["server"][key]) for key in ("name", "version") if key in row["server"])
    emit(
        f"{row['id']}: connected in {row['connect_seconds'] * 1000:.0f} ms, "
        f"{len(row['tools'])} tools in {row['list_seconds'] * 1000:.1f} ms "
        f"({who or 'unnamed'}, MCP {row['protocol_version']})"
    )


async def _call(
    config: ServerConfig,
    name: str,
    arguments: dict[str, Any],
    pairs: dict[str, str],
    timeout: float | None,
) -> Any:
    from goflow.engine.answer import checked, failure, unwrap  # noqa: PLC0415
    from goflow.engine.refusal import looks_refused, refusal_hint  # noqa: PLC0415
    from goflow.expressions.functions import nearest  # noqa: PLC0415

    row: dict[str, Any] = {"server": config.id, "tool": name, "value": None, "result": None}
    row |= {"seconds": None, "error": None}

    async def use(session: Any) -> None:
        tools = {str(tool.get("name")): tool for tool in await session.list_tools()}
        if name not in tools:
            known = nearest(name, tools) or f"it has {', '.join(sorted(tools)) or 'none'}"
            raise BadCall(f"the server {config.id!r} has no tool {name!r}", hint=known)
        given = arguments | _typed(pairs, tools[name])
        began = time.perf_counter()
        try:
            raw = row["result"] = await session.call_tool(name, given, timeout=timeout)
            row["seconds"] = round(time.perf_counter() - began, 6)
            raw = checked(raw, server=config.id, tool=name)
            if raw["isError"]:
                raise failure(raw, server=config.id, tool=name)
        except (ToolFailed, ServerError) as error:
            if error.hint is None and looks_refused(error):
                error.hint = refusal_hint(name, given, tools)
            raise
        row["value"] = unwrap(raw, "auto", server=config.id, tool=name)

    try:
        await _with(config, use)
    except BadCall:
        raise
    except GoFlowError as error:
        row["error"] = _error(error)
    return _hidden(config, row)


def _hidden(config: ServerConfig, value: Any) -> Any:
    """What a server said, without the secrets that it got."""
    from goflow.servers.redaction import Redactor  # noqa: PLC0415

    return Redactor(config.credentials).value(value)


def _without_option(words: tuple[str, ...]) -> BadCall:
    """The error of words behind the tool's name, which are meant to be arguments."""
    shown = (shlex.quote(word) if "=" in word else f"NAME={shlex.quote(word)}" for word in words)
    return BadCall(
        f"{words[0]!r} is one word too many: arguments of a tool are given by --arg",
        hint=" ".join(f"--arg {word}" for word in shown),
    )


def _typed(pairs: dict[str, str], tool: dict[str, Any]) -> dict[str, Any]:
    """The arguments' values, each of the type that the tool's schema gives it."""
    from goflow.engine.inputs import parse_text  # noqa: PLC0415

    schema = tool.get("inputSchema")
    properties = schema.get("properties") if isinstance(schema, dict) else None
    values = {}
    for name, text in pairs.items():
        described = properties.get(name) if isinstance(properties, dict) else None
        kind = described.get("type") if isinstance(described, dict) else None
        wanted = {"integer": "number"}.get(kind, kind) if isinstance(kind, str) else "any"
        if wanted not in ("string", "number", "boolean", "array", "object"):
            wanted = "any"
        values[name] = parse_text(name, text, wanted)
    return values


def _error(error: GoFlowError) -> dict[str, Any]:
    return {"code": error.code, "message": error.message, "hint": error.hint}

"""``goflow servers list`` and ``show``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from goflow.cli.output import emit, emit_json, say
from goflow.errors import BadCall

if TYPE_CHECKING:
    from collections.abc import Iterable

    from goflow.servers.registry import KnownServer
    from goflow.workflow.model import Server

__all__ = ["list_command", "show_command", "shown", "unknown"]


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_command(as_json: bool) -> int:
    """List the servers you know, and those of the project that the working folder is in.

    \b
    Examples:
      goflow servers list
      goflow servers list --json

    JSON is a list of {id, transport, target, file}.
    """
    from goflow.servers.registry import Known, registry_file  # noqa: PLC0415

    rows = [_row(server) for server in Known().servers().values()]
    if as_json:
        emit_json(rows)
        return 0
    if not rows:
        say(f"no servers are known ({registry_file()} is not there)")
        say("hint: goflow servers add ID -- COMMAND…")
    width = max((len(row["id"]) for row in rows), default=0)
    for row in rows:
        emit(f"{row['id']:{width}}  {row['transport']:5}  {row['target']}")
    return 0


@click.command("show")
@click.argument("server_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show_command(server_id: str, as_json: bool) -> int:
    """Show the definition of the server ID, as a workflow would write it.

    \b
    Examples:
      goflow servers show time
      goflow servers show time --json

    Values that look like secrets and are written out are shown as ***.
    """
    from goflow.servers.registry import Known  # noqa: PLC0415
    from goflow.workflow.diagnostics import Report  # noqa: PLC0415
    from goflow.workflow.known_servers import read_known  # noqa: PLC0415

    known = Known()
    found = known.find(server_id)
    if found is None:
        raise unknown(server_id, known.servers())
    server, findings = read_known(found)
    tree = shown(server)
    if as_json:
        report = Report(findings.found).to_dict()
        emit_json({**tree, "file": str(found.file), **report})
    else:
        from goflow.workflow.yaml_text import write  # noqa: PLC0415

        emit(write(tree).rstrip())
        say(f"# from {found.file}")
        for finding in findings.found:
            say(f"{finding.severity}: {finding.message}")
    return 1 if any(finding.severity == "error" for finding in findings.found) else 0


def unknown(server_id: str, ids: Iterable[str]) -> BadCall:
    """The error for a server that is not known."""
    from goflow.expressions.functions import nearest  # noqa: PLC0415

    hint = nearest(server_id, ids) or "goflow servers list shows those that are"
    return BadCall(f"there is no server {server_id!r}", hint=hint)


def _row(server: KnownServer) -> dict[str, str]:
    from goflow.workflow.known_servers import read_known  # noqa: PLC0415

    read, findings = read_known(server)
    tree = shown(read)
    target = tree.get("url") or " ".join([tree.get("command") or "", *tree.get("args", ())])
    if any(finding.severity == "error" for finding in findings.found):
        target = f"(its definition has mistakes: goflow servers show {server.id})"
    return {
        "id": server.id,
        "transport": read.transport,
        "target": target,
        "file": str(server.file),
    }


def shown(server: Server) -> dict[str, Any]:
    """The definition of a server without the secrets that are written out in it."""
    from goflow.servers.redaction import Redactor  # noqa: PLC0415
    from goflow.servers.sensitive import sensitive_values  # noqa: PLC0415
    from goflow.workflow.export import server_tree  # noqa: PLC0415

    values = sensitive_values((server.env, server.headers), server.args, server.url or "")
    written = [value for value in values if "${" not in value]
    tree: dict[str, Any] = Redactor(written).value(server_tree(server))
    return tree

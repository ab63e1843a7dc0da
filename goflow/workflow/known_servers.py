"""The servers that a workflow names and does not define: the user's and the project's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goflow.errors import BadCall
from goflow.expressions.functions import nearest
from goflow.servers.registry import Known, KnownServer
from goflow.workflow.fields import Findings
from goflow.workflow.load_servers import read_server
from goflow.workflow.model import ToolNode

if TYPE_CHECKING:
    from goflow.workflow.model import Server, Workflow

__all__ = ["check_known", "known_servers", "read_known"]


def known_servers(workflow: Workflow) -> dict[str, Server]:
    """Those that its tool nodes name, by id; only those that are known and sound."""
    names = _undefined(workflow)
    known = _known(workflow)
    found = {name: known.find(name) for name in names}
    return {name: read_known(server)[0] for name, server in found.items() if server is not None}


def check_known(workflow: Workflow, findings: Findings) -> bool:
    """Add a finding for each node whose server is not defined anywhere, or not soundly.

    Whether each is defined somewhere.
    """
    names = _undefined(workflow)
    known = _known(workflow)
    try:
        known.servers()
    except BadCall as error:
        place = ("nodes", min(names.values()), "server")
        findings.add("GF406", error.message, place, hint=error.hint)
        return False
    all_known = True
    for i, node in enumerate(workflow.nodes):
        if not isinstance(node, ToolNode) or node.server not in names:
            continue
        place = ("nodes", i, "server")
        server = known.find(node.server)
        if server is None:
            all_known = False
            ids = [*(server.id for server in workflow.servers), *known.servers()]
            findings.add(
                "GF401",
                f"the server {node.server!r} is not defined",
                place,
                hint=nearest(node.server, ids)
                or "define it under 'servers', or add it to your own: goflow servers add",
            )
        elif i == names[node.server]:
            for finding in read_known(server)[1].found:
                message = f"the server {server.id!r} of {server.file}: {finding.message}"
                findings.add("GF406", message, place, hint=finding.hint, severity=finding.severity)
    return all_known


def read_known(server: KnownServer) -> tuple[Server, Findings]:
    """A known server as if a workflow defined it, and what is wrong with its definition."""
    findings = Findings(None)
    definition = server.definition
    if isinstance(definition, dict):
        definition = {"id": server.id, **definition}
    return read_server(definition, (), findings), findings


def _undefined(workflow: Workflow) -> dict[str, int]:
    """The ids that tool nodes name and the workflow does not define, with the first such node."""
    defined = {server.id for server in workflow.servers}
    names: dict[str, int] = {}
    for i, node in enumerate(workflow.nodes):
        if isinstance(node, ToolNode) and node.server and node.server not in defined:
            names.setdefault(node.server, i)
    return names


def _known(workflow: Workflow) -> Known:
    return Known(workflow.document.folder if workflow.document else None)

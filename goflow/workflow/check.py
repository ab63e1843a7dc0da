"""What the elements of a workflow mean together: every finding that more than one element makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goflow.expressions.transform import is_jq
from goflow.expressions.values import kind
from goflow.workflow.check_names import check_names
from goflow.workflow.check_structure import check_structure
from goflow.workflow.model import (
    ConditionNode,
    LoopNode,
    Node,
    ParallelNode,
    SubworkflowNode,
    ToolNode,
    TransformNode,
    Workflow,
)
from goflow.workflow.structure import Structure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goflow.workflow.fields import Findings

__all__ = ["check", "check_alone"]


def check(workflow: Workflow, findings: Findings) -> None:
    """Add every finding that needs more than one element to see."""
    check_alone(workflow, findings)
    if SubworkflowNode in map(type, workflow.nodes):
        from goflow.workflow.check_subworkflows import check_subworkflows  # noqa: PLC0415 - few do

        check_subworkflows(workflow, findings)


def check_alone(workflow: Workflow, findings: Findings) -> None:
    """``check``, but for the workflows that this one runs."""
    structure = Structure(workflow)
    _unique("variables", "name", [variable.name for variable in workflow.variables], findings)
    _unique("servers", "id", [server.id for server in workflow.servers], findings)
    _unique("nodes", "id", [node.id for node in workflow.nodes], findings)
    _defaults(workflow, findings)
    _servers(structure, findings)
    for i, node in enumerate(workflow.nodes):
        _settings(node, i, findings)
    ordered = check_structure(structure, findings)
    check_names(structure, findings, ordered=ordered)
    if any(_runs_jq(node) for _, node in structure.of_type(TransformNode)):
        from goflow.workflow.check_jq import check_jq  # noqa: PLC0415 - few do

        check_jq(workflow, findings)


def _unique(section: str, key: str, values: list[str], findings: Findings) -> None:
    if len(set(values)) == len(values):
        return
    seen: dict[str, int] = {}
    for i, value in enumerate(values):
        if value and seen.setdefault(value, i) != i:
            findings.add(
                "GF110",
                f"{value!r} is used twice: {section}[{seen[value]}] has it too",
                (section, i, key),
            )


def _defaults(workflow: Workflow, findings: Findings) -> None:
    for i, variable in enumerate(workflow.variables):
        given = kind(variable.default)
        if variable.has_default and variable.type not in ("any", given) and given != "null":
            findings.add(
                "GF501",
                f"the default of {variable.name!r} must be of type {variable.type}, not {given}",
                ("variables", i, "default"),
            )


def _servers(structure: Structure, findings: Findings) -> None:
    workflow = structure.workflow
    defined = {server.id for server in workflow.servers}
    used = {node.server for _, node in structure.of_type(ToolNode)}
    if used - defined - {""}:
        from goflow.workflow.known_servers import check_known  # noqa: PLC0415 - few name others

        if not check_known(workflow, findings):
            return  # a server that seems unused may be the one that was meant
    for i, server in enumerate(workflow.servers):
        if server.id and server.id not in used:
            findings.add(
                "GF402",
                f"the server {server.id!r} is never used",
                ("servers", i, "id"),
                severity="warning",
            )


def _settings(node: Node, i: int, findings: Findings) -> None:
    """Warn of settings that a node of this type has no use for."""
    without: list[tuple[str, str]] = []
    if node.retry is not None and _computes(node):
        without.append(("retry", "computing again gives the same"))
    if node.timeout is not None and _computes(node):
        without.append(("timeout", "computing has limits of its own"))
    if node.cache is not None and node.cache.mode != "off":
        without += [("cache", why) for why in _not_cached(node)]
    if isinstance(node, LoopNode) and node.max_parallel is not None and not node.parallel:
        without.append(("max_parallel", "its iterations run one after the other"))
    for key, why in without:
        findings.add(
            "GF504",
            f"{key!r} has no effect on {node.id!r}: {why}",
            ("nodes", i, key),
            severity="warning",
        )


def _computes(node: Node) -> bool:
    return isinstance(node, ConditionNode) or (
        isinstance(node, TransformNode) and not _runs_jq(node)
    )


def _not_cached(node: Node) -> Iterator[str]:
    """Why a policy is without effect, if it is."""
    if isinstance(node, ConditionNode):
        yield "conditions are never cached"
    elif isinstance(node, (LoopNode, ParallelNode, SubworkflowNode)):
        yield "the nodes that it runs have policies of their own"
    elif isinstance(node, TransformNode) and not _runs_jq(node):
        from goflow.workflow.purity import reads_of  # noqa: PLC0415 - few transforms ask

        if reads_of(node) is None:
            yield "it reads the time, random ids, the run, or how a node ran"


def _runs_jq(node: TransformNode) -> bool:
    return is_jq(node.expression, node.kind)

"""Fields of tools' results that expressions read and the tools' output schemas do not have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goflow.expressions import syntax
from goflow.expressions.functions import nearest
from goflow.workflow.fields import Findings
from goflow.workflow.model import LoopNode, ToolNode
from goflow.workflow.reads import edge_reads, node_reads

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from goflow.expressions.syntax import Expr
    from goflow.workflow.diagnostics import Path
    from goflow.workflow.model import Workflow
    from goflow.workflow.reads import Read

__all__ = ["check_fields"]

_REFERENCES = 20
"""How often a schema may refer to another on the way to one field: it may refer to itself."""


def check_fields(
    workflow: Workflow, tools: Mapping[str, Mapping[str, dict[str, Any]]], findings: Findings
) -> None:
    """Warn of fields that a tool's output schema lists none of; ``tools`` by server and name.

    Only variables that one tool alone writes are looked at, and only objects whose schema lists
    its properties and allows no others by name.
    """
    schemas = _schemas(workflow, tools)
    if not schemas:
        return
    for path, read in _reads(workflow):
        for node in syntax.walk(read.tree):
            if isinstance(node, syntax.Member) and not node.safe:
                _check(node, path, read, schemas, findings)


def _schemas(
    workflow: Workflow, tools: Mapping[str, Mapping[str, dict[str, Any]]]
) -> dict[str, _Schema]:
    """The schemas of the variables that hold a tool's result and nothing else."""
    taken = [variable.name for variable in workflow.variables]
    taken += [node.output for node in workflow.nodes if node.output]
    taken += [node.item for node in workflow.nodes if isinstance(node, LoopNode)]
    found = {}
    for node in workflow.nodes:
        if not isinstance(node, ToolNode) or not node.output or node.result != "auto":
            continue
        if taken.count(node.output) > 1 or node.on_error != "fail":
            continue
        root = tools.get(node.server, {}).get(node.tool, {}).get("outputSchema")
        schema = _Schema(root, root)
        listed = schema.properties()
        if listed is not None and listed.keys() == {"result"}:
            schema = _Schema(listed["result"], root)  # as the result itself is unwrapped
        found[node.output] = schema
    return found


def _reads(workflow: Workflow) -> Iterator[tuple[Path, Read]]:
    nowhere = Findings(None)
    for i, node in enumerate(workflow.nodes):
        for read in node_reads(node, ("nodes", i), nowhere):
            yield ("nodes", i), read
    for i, edge in enumerate(workflow.edges):
        for read in edge_reads(edge, ("edges", i), nowhere):
            yield ("edges", i), read


def _check(
    node: syntax.Member,
    path: Path,
    read: Read,
    schemas: dict[str, _Schema],
    findings: Findings,
) -> None:
    holder = _of(node.target, schemas)
    listed = holder.properties() if holder is not None else None
    if listed is None or node.key in listed or node.key in _RAW:
        return
    findings.add(
        "GF605",
        f"the tool's output schema has no field {node.key!r} here: it would be null",
        (*path, *read.within),
        hint=nearest(node.key, listed) or f"it has {', '.join(sorted(listed)) or 'none'}",
        severity="warning",
        word=(node.key, read.inside + node.at),
    )


_RAW = ("content", "structuredContent", "isError")
"""What an expression may ask any tool's value for: it gets the raw result's."""


def _of(node: Expr, schemas: dict[str, _Schema]) -> _Schema | None:
    """The schema of what an expression gives, as far as it can be followed."""
    if isinstance(node, syntax.Name):
        return schemas.get(node.name)
    if isinstance(node, syntax.Member):
        holder = _of(node.target, schemas)
        listed = holder.properties() if holder is not None else None
        if holder is None or listed is None or node.key not in listed:
            return None
        return _Schema(listed[node.key], holder.root)
    if isinstance(node, syntax.Index):
        holder = _of(node.target, schemas)
        return holder.items() if holder is not None else None
    return None


class _Schema:
    """A part of an output schema, and the whole that it may refer to."""

    __slots__ = ("part", "root")

    def __init__(self, part: Any, root: Any) -> None:
        self.root = root
        for _ in range(_REFERENCES):
            if not isinstance(part, dict) or not isinstance(part.get("$ref"), str):
                break
            part = _found(root, part["$ref"])
        self.part = part if isinstance(part, dict) and "$ref" not in part else {}

    def properties(self) -> dict[str, Any] | None:
        """The fields of a closed list of them; None for anything else than an object with such."""
        listed = self.part.get("properties")
        if self.part.get("type") != "object" or not isinstance(listed, dict):
            return None
        if self.part.get("additionalProperties") not in (None, False):
            return None
        if any(key in self.part for key in ("patternProperties", "anyOf", "oneOf", "allOf")):
            return None
        return listed

    def items(self) -> _Schema | None:
        """The schema of the items of a list."""
        return (
            _Schema(self.part.get("items"), self.root) if self.part.get("type") == "array" else None
        )


def _found(root: Any, reference: str) -> Any:
    """The part of a schema at ``#/$defs/Name``."""
    if not reference.startswith("#/"):
        return None
    for name in reference[2:].split("/"):
        root = (
            root.get(name.replace("~1", "/").replace("~0", "~")) if isinstance(root, dict) else None
        )
    return root

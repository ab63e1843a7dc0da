"""From a document to the model: every key, alias and default of the format's structure.

What needs the whole workflow (edges, names, servers) is ``check``'s; here each element is read on
its own, so that one mistake never hides another.
"""

from __future__ import annotations

import re
from pathlib import Path as FilePath
from typing import Any

from goflow.errors import WorkflowInvalid
from goflow.workflow.diagnostics import Path, Report
from goflow.workflow.document import Document, Unreadable
from goflow.workflow.fields import MISSING, Fields, Findings
from goflow.workflow.load_nodes import read_node
from goflow.workflow.load_policies import read_cache
from goflow.workflow.load_servers import read_server
from goflow.workflow.model import TIMESTAMP, VARIABLE_TYPES, Edge, Variable, Workflow

__all__ = ["build", "invalid", "is_template", "load", "open_document"]


def load(source: str | FilePath) -> Workflow:
    """The workflow in a file, or in a text (which has a line break or begins with a brace).

    Raises ``BadCall`` when there is no such file and ``WorkflowInvalid`` when an element of it
    cannot be read; what the elements mean together is for ``validate``.
    """
    try:
        document = open_document(source)
    except Unreadable as error:
        raise invalid(error.report) from None
    findings = Findings(document)
    workflow = build(document, findings)
    report = Report(findings.found, file=document.file, text=document.text)
    if workflow is None or not report.valid:
        raise invalid(report)
    return workflow


def open_document(source: str | FilePath) -> Document:
    """The document in a file or text; raises ``BadCall`` or ``Unreadable``."""
    if isinstance(source, str) and ("\n" in source or source.lstrip().startswith("{")):
        return Document(source)
    return Document.read(FilePath(source))


def is_template(tree: Any) -> bool:
    """Whether a file's values are those of a template."""
    return isinstance(tree, dict) and "workflow_spec" in tree


def invalid(report: Report) -> WorkflowInvalid:
    """The error of a report with errors; its text shows every finding."""
    count = len(report.errors)
    summary = f"{report.file or 'the workflow'} has {count} error{'s' * (count != 1)}"
    return WorkflowInvalid(
        f"{summary}:\n{report.render()}",
        report=report,
    )


def build(document: Document, findings: Findings) -> Workflow | None:
    """The model of a document, its mistakes added to ``findings``.

    None when the document is no map. Elements with a mistake stay in the model as far as they could
    be read, so that list positions in it are those of the file.
    """
    if not isinstance(document.tree, dict):
        findings.add("GF104", "a workflow file must be a map of keys", ())
        return None
    if is_template(document.tree):
        hint = "goflow.load_template reads it, and goflow run takes its parameters as --param"
        findings.add("GF104", "this is a template, not a workflow", (), hint=hint)
        return None
    known = len(findings.found)
    fields = Fields(document.tree, (), findings, "a workflow")
    _check_version(fields)
    workflow = Workflow(
        name=fields.text("name", required=True, default=""),
        description=fields.text("description"),
        metadata=_metadata(fields),
        variables=fields.each(_variable, "variables"),
        servers=fields.each(read_server, "servers"),
        nodes=fields.each(read_node, "nodes", required=True),
        edges=fields.each(_edge, "edges", required=True),
        timeout=fields.timeout("timeout"),
        max_parallel=fields.number("max_parallel", least=1, whole=True),
        cache=read_cache(fields),
        document=document,
    )
    fields.finish()
    document.notes = tuple(found for found in findings.found[known:] if found.severity != "error")
    return workflow


_VERSION = re.compile(r"v?1(\.\d+){0,2}")


def _check_version(fields: Fields) -> None:
    value, path = fields.take("version")
    if value is MISSING:
        fields.findings.add("GF103", "'version' is required here", (), hint='version: "1.0"')
    elif isinstance(value, bool) or not _VERSION.fullmatch(str(value)):
        fields.findings.add(
            "GF107",
            f"the format's version {value!r} is not supported",
            path,
            hint='this release reads version "1.0"',
        )


def _metadata(fields: Fields) -> dict[str, Any]:
    """What people and programs note; only the keys that the format names have a shape."""
    metadata: dict[str, Any] = fields.typed("object", "metadata", default={})
    for key, wanted, fits in (
        ("author", "a text", _is_text),
        ("created", "a time such as 2026-01-31T12:00:00Z", _is_time),
        ("last_modified", "a time such as 2026-01-31T12:00:00Z", _is_time),
        ("tags", "a list of texts", _are_texts),
        ("icon", "a text", _is_text),
    ):
        value = metadata.get(key)
        if value is not None and not fits(value):
            fields.findings.add(
                "GF104", f"{key!r} should be {wanted}", ("metadata", key), severity="warning"
            )
    return metadata


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_time(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(TIMESTAMP, value) is not None


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


_TYPES_MEANT = {
    **dict.fromkeys(("int", "integer", "float", "double"), "number"),
    **dict.fromkeys(("str", "text"), "string"),
    **dict.fromkeys(("list", "tuple"), "array"),
    **dict.fromkeys(("dict", "map", "json"), "object"),
    "bool": "boolean",
}
"""What other languages call the types."""


def _variable(data: Any, path: Path, findings: Findings) -> Variable:
    fields = Fields(data, path, findings, "a variable")
    default, _ = fields.take("default", "default_value")
    variable = Variable(
        name=fields.variable("name", required=True, default=""),
        type=fields.one_of(VARIABLE_TYPES, "type", default="any", meant=_TYPES_MEANT),
        default=None if default is MISSING else default,
        has_default=default is not MISSING,
        required=fields.flag("required"),
        description=fields.text("description"),
    )
    fields.finish()
    return variable


def _edge(data: Any, path: Path, findings: Findings) -> Edge:
    fields = Fields(data, path, findings, "an edge")
    edge = Edge(
        source=fields.text("from", required=True, default=""),
        target=fields.text("to", required=True, default=""),
        condition=fields.condition("condition", "when"),
        label=fields.text("label"),
        on=fields.one_of(("success", "error", "always"), "on", default="success"),
    )
    fields.finish()
    return edge

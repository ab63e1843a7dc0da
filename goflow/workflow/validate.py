"""``validate``: every finding of a workflow, at once and in the order of its lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goflow.errors import BadCall
from goflow.workflow.check import check
from goflow.workflow.diagnostics import Report
from goflow.workflow.document import Unreadable
from goflow.workflow.fields import Findings
from goflow.workflow.load import build, is_template, open_document
from goflow.workflow.model import Workflow

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path as FilePath

    from goflow.workflow.document import Document

__all__ = ["check_loaded", "examine", "validate"]


def validate(source: str | FilePath | Workflow) -> Report:
    """Every finding of a file, a text or a loaded workflow.

    Raises ``BadCall`` when there is no such file. Linear in the size of the workflow but for
    variables that joins write, where it is linear for each node that reads one.
    """
    return check_loaded(source) if isinstance(source, Workflow) else examine(source)[1]


def check_loaded(workflow: Workflow) -> Report:
    """Every finding of a model, placed in the text it was read from, if any."""
    document = workflow.document
    findings = Findings(document)
    if document is not None:
        findings.found += document.notes
    check(workflow, findings)
    return Report(
        findings.found,
        file=document.file if document else None,
        text=document.text if document else "",
    )


def examine(
    source: str | FilePath, parameters: Mapping[str, Any] | None = None
) -> tuple[Workflow | None, Report]:
    """The workflow of a file or text and every finding; None when there is nothing to run.

    A template is filled in with ``parameters``. Without them it is checked by itself, and with its
    defaults when these are enough. Raises ``InputError`` for parameters that do not fit.
    """
    try:
        document = open_document(source)
    except Unreadable as error:
        return None, error.report
    findings = Findings(document)
    if is_template(document.tree):
        workflow = _template(document, findings, parameters)
    elif parameters:
        raise BadCall(
            f"{document.file or 'the workflow'} is no template: it has no parameters",
            hint="--var gives a workflow's variables",
        )
    else:
        workflow = build(document, findings)
    if workflow is not None and workflow.document and _whole(workflow.document.tree):
        check(workflow, findings)
    report = Report(findings.found, file=document.file, text=document.text)
    return workflow if report.valid else None, report


def _template(
    document: Document, findings: Findings, parameters: Mapping[str, Any] | None
) -> Workflow | None:
    from goflow.workflow.template import read_template  # noqa: PLC0415 - few files are templates

    template = read_template(document, findings)
    if any(finding.severity == "error" for finding in findings.found):
        return None
    if parameters is None and any(p.required and not p.has_default for p in template.parameters):
        return None
    return template.fill(parameters or {}, findings)


def _whole(tree: dict[str, object]) -> bool:
    """Whether a check has all it needs, and positions in the model are those of the file."""
    for section in ("variables", "servers", "nodes", "edges"):
        if section not in tree and section in ("nodes", "edges"):
            return False
        items = tree.get(section) or []
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            return False
    return True

"""Findings about the workflows that a workflow runs: they exist, are sound, and take its inputs."""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, NamedTuple

from goflow.errors import BadCall
from goflow.expressions.functions import nearest
from goflow.expressions.values import kind
from goflow.workflow.check import check_alone
from goflow.workflow.document import Document, Unreadable
from goflow.workflow.fields import Findings
from goflow.workflow.load import build
from goflow.workflow.model import SubworkflowNode, Workflow
from goflow.workflow.subworkflows import find_workflow

if TYPE_CHECKING:
    from goflow.workflow.diagnostics import Finding, Path

__all__ = ["check_subworkflows"]


class _Checked(NamedTuple):
    workflow: Workflow | None
    errors: list[Finding]


def check_subworkflows(workflow: Workflow, findings: Findings) -> None:
    """Add the findings; each file that is reached is read and checked once."""
    own = workflow.document.file if workflow.document else None
    within = (FilePath(own).resolve(),) if own else ()
    _Checker({}).check(workflow, findings, within)


class _Checker:
    """``checked`` by file."""

    def __init__(self, checked: dict[FilePath, _Checked]) -> None:
        self._checked = checked

    def check(self, workflow: Workflow, findings: Findings, within: tuple[FilePath, ...]) -> None:
        folder = workflow.document.folder if workflow.document else None
        for i, node in enumerate(workflow.nodes):
            if isinstance(node, SubworkflowNode) and node.workflow:
                self._node(node, ("nodes", i), folder, findings, within)

    def _node(
        self,
        node: SubworkflowNode,
        path: Path,
        folder: FilePath | None,
        findings: Findings,
        within: tuple[FilePath, ...],
    ) -> None:
        place = (*path, "workflow")
        try:
            file = find_workflow(node.workflow, folder)
        except BadCall as error:
            findings.add("GF403", str(error), place, hint=error.hint)
            return
        if file in within:
            circle = [*within[within.index(file) :], file]
            findings.add(
                "GF404",
                f"workflows run each other in a circle: {' → '.join(f.name for f in circle)}",
                place,
            )
            return
        workflow, errors = self._file(file, (*within, file))
        if errors:
            first = errors[0]
            where = f"{file.name}:{first.line}" if first.line else file.name
            code = "GF404" if first.code == "GF404" else "GF403"
            count = f"{len(errors)} error{'s' * (len(errors) != 1)}"
            findings.add(
                code,
                f"the workflow {node.workflow!r} has {count}: {first.message} ({where})",
                place,
            )
        if workflow is not None:
            _inputs(node, path, workflow, findings)

    def _file(self, file: FilePath, within: tuple[FilePath, ...]) -> _Checked:
        kept = self._checked.get(file)
        if kept is None:
            kept = self._checked[file] = self._read(file, within)
        return kept

    def _read(self, file: FilePath, within: tuple[FilePath, ...]) -> _Checked:
        try:
            document = Document.read(file)
        except Unreadable as error:
            return _Checked(None, [error.finding])
        findings = Findings(document)
        workflow = build(document, findings)
        if workflow is not None and not _errors(findings):
            check_alone(workflow, findings)
            self.check(workflow, findings, within)
        return _Checked(workflow, _errors(findings))


def _errors(findings: Findings) -> list[Finding]:
    return [finding for finding in findings.found if finding.severity == "error"]


def _inputs(node: SubworkflowNode, path: Path, workflow: Workflow, findings: Findings) -> None:
    declared = {variable.name: variable for variable in workflow.variables}
    for name, value in node.inputs.items():
        place = (*path, "inputs", name)
        if name not in declared:
            findings.add(
                "GF405",
                f"{node.workflow!r} has no variable {name!r}",
                place,
                hint=nearest(name, declared),
                key=True,
            )
        elif not _fits(value, declared[name].type):
            findings.add(
                "GF405",
                f"{name!r} of {node.workflow!r} must be of type {declared[name].type}, "
                f"not {kind(value)}",
                place,
            )
    for variable in workflow.variables:
        if variable.required and not variable.has_default and variable.name not in node.inputs:
            findings.add("GF405", f"{node.workflow!r} needs the input {variable.name!r}", path)


def _fits(value: Any, type_: str) -> bool:
    """Whether a value may be given; one with ``${…}`` is anything."""
    return type_ == "any" or kind(value) == type_ or (isinstance(value, str) and "${" in value)

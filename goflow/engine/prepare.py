"""From a file or model to a plan, through the validator. Without asyncio, which loads meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goflow.engine.plan import Plan
from goflow.workflow.diagnostics import Report
from goflow.workflow.load import invalid, load
from goflow.workflow.model import Workflow
from goflow.workflow.validate import check_loaded, examine

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["prepare"]

_OF_SERVERS = frozenset({"GF401", "GF406"})
"""Findings about servers that a workflow names and does not define."""


def prepare(
    workflow: Workflow | str | Path,
    *,
    strict: bool = False,
    parameters: Mapping[str, Any] | None = None,
    offline: bool = False,
) -> Plan:
    """The plan of a workflow or file, which may then run many times.

    ``parameters`` are those of a template file. ``strict`` makes warnings errors, and missing keys
    in expressions too. ``offline`` says that a recording is played: nothing that the servers need
    is looked up, and they need not be defined. Raises ``BadCall`` when there is no such file,
    ``InputError`` for a parameter that does not fit, and ``WorkflowInvalid``, with every finding,
    when there are errors.
    """
    model: Workflow | None
    if isinstance(workflow, Workflow):
        model, report = workflow, check_loaded(workflow)
    else:
        model, report = examine(workflow, parameters or {})
    if offline and not report.valid:
        left = [found for found in report.findings if found.code not in _OF_SERVERS]
        report = Report(left, file=report.file, text=report.text)
        if model is None and report.valid and not isinstance(workflow, Workflow):
            model = load(workflow)
    if strict:
        report = report.strict()
    if model is None or not report.valid:
        raise invalid(report)
    return Plan(model, strict=strict, report=report, offline=offline)

"""From a file or model to a plan, through the validator. Without asyncio, which loads meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goflow.engine.plan import Plan
from goflow.workflow.load import invalid
from goflow.workflow.model import Workflow
from goflow.workflow.validate import check_loaded, examine

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


__all__ = ["prepare"]


def prepare(
    workflow: Workflow | str | Path,
    *,
    strict: bool = False,
    parameters: Mapping[str, Any] | None = None,
) -> Plan:
    """The plan of a workflow or file, which may then run many times.

    ``parameters`` are those of a template file.

    ``strict`` makes warnings errors, and missing keys in expressions too. Raises ``BadCall`` when
    there is no such file, ``InputError`` for a
    parameter that does not fit, and ``WorkflowInvalid``, with every finding, when there are errors.
    """
    model: Workflow | None
    if isinstance(workflow, Workflow):
        model, report = workflow, check_loaded(workflow)
    else:
        model, report = examine(workflow, parameters or {})
    if strict:
        report = report.strict()
    if model is None or not report.valid:
        raise invalid(report)
    return Plan(model, strict=strict, report=report)

"""The text of a plan, as the history keeps it: a run can go on although its files have changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from goflow.engine.plan import Plan
from goflow.workflow.document import Document
from goflow.workflow.fields import Findings
from goflow.workflow.load import build

if TYPE_CHECKING:
    from goflow.workflow.model import Workflow

__all__ = ["from_text", "to_text", "workflow_of"]


def to_text(plan: Plan) -> str:
    """A workflow and those that it runs, as JSON: each file's text and where it was."""
    return msgspec.json.encode(_bundle(plan)).decode()


def from_text(text: str, *, strict: bool) -> Plan:
    """The plan of such a text. Raises ``BadCall`` when a server needs what is not set."""
    return _plan(msgspec.json.decode(text), strict)


def workflow_of(text: str) -> Workflow:
    """The workflow of such a text, for looking at: nothing that its servers need has to be set."""
    return _workflow(msgspec.json.decode(text))


def _bundle(plan: Plan) -> dict[str, Any]:
    document = plan.workflow.document
    if document is None or document.filled or not document.text:
        text = plan.workflow.to_yaml()
    else:
        text = document.text
    return {
        "text": text,
        "file": document.file if document else None,
        "workflows": {name: _bundle(inner) for name, inner in plan.workflows.items()},
    }


def _plan(bundle: dict[str, Any], strict: bool) -> Plan:
    workflows = {name: _plan(inner, strict) for name, inner in bundle["workflows"].items()}
    return Plan(_workflow(bundle), strict=strict, workflows=workflows)


def _workflow(bundle: dict[str, Any]) -> Workflow:
    document = Document(bundle["text"], bundle["file"])
    workflow = build(document, Findings(document))
    assert workflow is not None
    return workflow

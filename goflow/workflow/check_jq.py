"""Findings about jq programs: whether jq compiles them, which only jq can say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from goflow.errors import ExpressionError, TransformFailed
from goflow.expressions.jq import JqProgram
from goflow.expressions.jq_client import JqWorker
from goflow.expressions.transform import is_jq
from goflow.workflow.model import TransformNode, Workflow

if TYPE_CHECKING:
    from goflow.workflow.fields import Findings

__all__ = ["check_jq"]

_KNOWN: dict[str, str | None] = {}
"""Why a program does not compile, or None, for those that were asked about."""
_KEPT = 1024


def check_jq(workflow: Workflow, findings: Findings) -> None:
    """Ask a worker about each program that no earlier workflow had; none is evaluated."""
    programs: dict[int, JqProgram] = {}
    for i, node in enumerate(workflow.nodes):
        if isinstance(node, TransformNode) and is_jq(node.expression, node.kind):
            try:
                programs[i] = JqProgram(node.expression)
            except ExpressionError:
                continue  # that is a finding already
    _ask([program for program in programs.values() if program.source not in _KNOWN])
    for i, program in programs.items():
        mistake = _KNOWN.get(program.source)
        if mistake is not None:
            first = mistake.splitlines()[0].replace(" at <top-level>", "").rstrip(":")
            findings.expression(_placed(first, program), ("nodes", i, "expression"))


def _placed(message: str, program: JqProgram) -> ExpressionError:
    """jq's own message, its line and column as a position in the transform's text."""
    found = re.fullmatch(r"(.*), line (\d+), column (\d+)", message)
    start = program.text.find(program.source)
    if found is None or start < 0:  # an interpolation makes another text of it
        return ExpressionError(f"jq: {message}", source=program.text)
    rows = program.source.split("\n")[: int(found[2]) - 1]
    at = start + sum(len(row) + 1 for row in rows) + int(found[3]) - 1
    return ExpressionError(f"jq: {found[1]}", source=program.text, position=at)


def _ask(programs: list[JqProgram]) -> None:
    """Learn about new programs; what no worker can say, the run will."""
    if not programs:
        return
    if len(_KNOWN) > _KEPT:
        _KNOWN.clear()
    try:
        worker = JqWorker()
    except (OSError, TransformFailed):
        return
    try:
        for program in programs:
            _KNOWN[program.source] = worker.mistake(program.source, program.names)
    except TransformFailed:
        return
    finally:
        worker.close()

"""Findings as SARIF 2.1.0, which code hosts and editors show beside the lines of a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from goflow import __version__
from goflow.workflow.diagnostics import CODES
from goflow.workflow.explanations import EXPLANATIONS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from goflow.workflow.diagnostics import Finding, Report

__all__ = ["to_sarif"]

_LEVELS = {"error": "error", "warning": "warning", "info": "note"}


def to_sarif(reports: Iterable[Report]) -> dict[str, Any]:
    """One SARIF log with the findings of all ``reports``, as plain JSON values.

    Paths are relative to the working folder where the files are below it. Only the rules that were
    broken are described.
    """
    found = [(finding, report) for report in reports for finding in report.findings]
    codes = sorted({finding.code for finding, _ in found})
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "goflow",
                        "semanticVersion": __version__,
                        "rules": [_rule(code) for code in codes],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [_result(finding, report, codes) for finding, report in found],
            }
        ],
    }


def _rule(code: str) -> dict[str, Any]:
    explanation = EXPLANATIONS[code]
    text = f"{explanation.why}\n\nMistake:\n\n{explanation.mistake}\nFix:\n\n{explanation.fix}"
    return {
        "id": code,
        "shortDescription": {"text": CODES[code]},
        "fullDescription": {"text": explanation.why},
        "help": {"text": text},
    }


def _result(finding: Finding, report: Report, codes: list[str]) -> dict[str, Any]:
    message = finding.message if not finding.hint else f"{finding.message} ({finding.hint})"
    location: dict[str, Any] = {}
    if report.file is not None:
        physical: dict[str, Any] = {"artifactLocation": {"uri": _uri(report.file)}}
        if finding.line is not None:
            region = {"startLine": finding.line, "startColumn": finding.column or 1}
            physical["region"] = region
        location["physicalLocation"] = physical
    if finding.path:
        location["logicalLocations"] = [{"fullyQualifiedName": finding.path}]
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": codes.index(finding.code),
        "level": _LEVELS[finding.severity],
        "message": {"text": message},
    }
    if location:
        result["locations"] = [location]
    return result


def _uri(file: str) -> str:
    path = Path(file).resolve()
    try:
        return quote(path.relative_to(Path.cwd()).as_posix())
    except ValueError:
        return path.as_uri()

"""Findings: what is wrong with a workflow file, where, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CODES", "Finding", "Path", "Report", "dotted"]

Path = tuple[str | int, ...]
"""Where in a document: keys and list indices from the top."""

CODES = {
    "GF101": "the text is not YAML or JSON",
    "GF102": "a key is written twice in one map",
    "GF103": "a required key is missing",
    "GF104": "a value has the wrong type",
    "GF105": "a key is not known here",
    "GF106": "a value is not one of those allowed",
    "GF107": "the format's version is not supported",
    "GF108": "a node's type is not known",
    "GF110": "an id or name is used twice",
    "GF111": "the file is too large, or grows too large through its aliases",
    "GF201": "there is not exactly one start node",
    "GF202": "there is no end node",
    "GF203": "an edge names a node that does not exist",
    "GF204": "an edge leads from a node to itself",
    "GF205": "the same edge is written twice",
    "GF206": "the edges make a cycle",
    "GF207": "no path leads from the start to a node",
    "GF208": "no path leads from a node to an end",
    "GF209": "a condition node has not exactly one true and one false edge",
    "GF210": "an edge begins or ends at a member of a loop or parallel",
    "GF211": "a loop or parallel names a member that does not exist",
    "GF212": "a node is a member twice",
    "GF213": "loops and parallels contain each other in a circle",
    "GF214": "a loop has no member, or a parallel fewer than two branches",
    "GF215": "a start or end node is a member",
    "GF216": "a condition node is a member, where it decides nothing",
    "GF217": "a parallel loop has a break condition",
    "GF301": "an expression has a syntax error",
    "GF302": "a name is not defined",
    "GF303": "a variable may not be set yet where it is read",
    "GF304": "an expression reads a node that does not exist",
    "GF305": "a transform is text although it looks like a computation",
    "GF306": "two nodes that may run at the same time use one variable, and one writes it",
    "GF307": "an operation always fails for the types of its values",
    "GF308": "a comparison has always the same result",
    "GF401": "a node names a server that is not known",
    "GF402": "a server is defined and never used",
    "GF403": "a workflow node names a workflow that cannot be run",
    "GF404": "workflows run each other in a circle",
    "GF405": "the inputs of a workflow node do not fit its workflow",
    "GF406": "the definition of a known server, outside the workflow, has a mistake",
    "GF501": "a variable's default does not have its type",
    "GF502": "a variable is declared, or written by a node, and never read",
    "GF503": "a retry rule contradicts itself",
    "GF504": "a setting has no effect on this node",
    "GF505": "a timeout leaves no time",
    "GF601": "a server cannot be connected",
    "GF602": "a server has no tool of this name",
    "GF603": "a tool does not take these arguments",
    "GF604": "a tool that only reads is not cached",
    "GF605": "a field is read that the tool's output schema does not have",
}
"""Every stable code with what it means in general."""

_RANK = {"error": 0, "warning": 1, "info": 2}


class Finding(msgspec.Struct, frozen=True):
    """One thing that is wrong or doubtful.

    ``severity`` is error, warning or info; ``path`` reads like ``nodes[3].tool``; ``line`` and
    ``column`` count from 1 and are None where the text is not at hand.
    """

    code: str
    severity: str
    message: str
    path: str
    line: int | None = None
    column: int | None = None
    hint: str | None = None


class Report:
    """All findings of one file, in the order of its lines.

    Iterates over its findings; true when there is no error among them.
    """

    __slots__ = ("file", "findings", "text")

    def __init__(self, findings: list[Finding], *, file: str | None = None, text: str = "") -> None:
        self.findings = tuple(
            sorted(findings, key=lambda f: (f.line or 0, f.column or 0, _RANK[f.severity], f.code))
        )
        self.file = file
        self.text = text

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that keep the workflow from running."""
        return tuple(f for f in self.findings if f.severity == "error")

    @property
    def valid(self) -> bool:
        """Whether no finding is an error."""
        return not self.errors

    def only(self, severity: str) -> Report:
        """The findings of one severity."""
        found = [f for f in self.findings if f.severity == severity]
        return Report(found, file=self.file, text=self.text)

    def strict(self) -> Report:
        """The same findings with every warning an error."""
        return Report(
            [
                msgspec.structs.replace(f, severity="error") if f.severity == "warning" else f
                for f in self.findings
            ],
            file=self.file,
            text=self.text,
        )

    def to_dict(self) -> dict[str, Any]:
        """``{valid, findings: […]}`` of plain JSON values."""
        return {
            "valid": self.valid,
            "findings": [msgspec.to_builtins(finding) for finding in self.findings],
        }

    def to_sarif(self) -> dict[str, Any]:
        """A SARIF 2.1.0 log of plain JSON values."""
        from goflow.workflow.sarif import to_sarif  # noqa: PLC0415 - a run never needs it

        return to_sarif([self])

    def render(self) -> str:
        """Text for people: each finding with its line and a caret under the place."""
        lines = self.text.splitlines()
        return "\n".join(_render(finding, self.file, lines) for finding in self.findings)

    def __bool__(self) -> bool:
        return self.valid

    def __len__(self) -> int:
        return len(self.findings)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __repr__(self) -> str:
        return f"<Report {len(self.errors)} errors, {len(self.findings)} findings>"


def dotted(path: Path) -> str:
    """``("nodes", 3, "tool")`` as ``nodes[3].tool``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def _render(finding: Finding, file: str | None, lines: list[str]) -> str:
    place = ":".join(str(part) for part in (file, finding.line, finding.column) if part is not None)
    where = f" ({finding.path})" if finding.path else ""
    text = [f"{place or 'workflow'}: {finding.severity} {finding.code}: {finding.message}{where}"]
    if finding.line is not None and finding.line <= len(lines):
        # A long line is cut around the place, so that the caret stays under it.
        source, column = lines[finding.line - 1].replace("\t", " "), (finding.column or 1) - 1
        start = max(0, column - 60)
        text.append(f"    {source[start : start + 100].rstrip()}")
        text.append(f"    {' ' * (column - start)}^")
    if finding.hint:
        text.append(f"    hint: {finding.hint}")
    return "\n".join(text)

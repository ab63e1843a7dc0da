"""The templates that ship with GoFlow, and a new workflow made from one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from goflow.errors import BadCall
from goflow.expressions.functions import nearest
from goflow.workflow.comments import read_comments
from goflow.workflow.diagnostics import Report
from goflow.workflow.fields import Findings
from goflow.workflow.format import canonical_text, render
from goflow.workflow.load import invalid
from goflow.workflow.template import load_template

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goflow.workflow.template import Parameter, Template

__all__ = ["Starter", "names", "starter"]

FOLDER = Path(__file__).parent
OWN = ("name", "data")
"""The parameters that follow from the new workflow's name."""
_SPEC = "workflow_spec"


class Starter(NamedTuple):
    """One template, and the sample files that its workflow works on."""

    name: str
    template: Template

    @property
    def description(self) -> str:
        """What it shows, in a line."""
        return self.template.description or ""

    @property
    def parameters(self) -> list[Parameter]:
        """What a person may choose."""
        return [p for p in self.template.parameters if p.name not in OWN]

    def text(self, values: Mapping[str, Any]) -> str:
        """The workflow with these parameters, comments and all, in the canonical spelling.

        Raises ``InputError`` for a parameter that is unknown or does not fit.
        """
        findings = Findings(None)
        workflow = self.template.fill(values, findings)
        if workflow is None or any(found.severity == "error" for found in findings.found):
            raise invalid(Report(findings.found))
        assert findings.document is not None
        assert self.template.document is not None
        comments = [
            comment._replace(path=comment.path[1:])
            for comment in read_comments(self.template.document.text)
            if comment.path[:1] == (_SPEC,)
        ]
        return canonical_text(render(findings.document.tree, comments))

    def samples(self) -> dict[str, bytes]:
        """The sample files by name."""
        folder = FOLDER / "data" / self.name
        return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


def names() -> list[str]:
    """The names of all templates, the simplest first."""
    order = ["pipeline", "routing", "fan-out", "files", "retry", "etl"]
    found = {file.stem for file in (FOLDER / "files").glob("*.yaml")}
    return [name for name in order if name in found] + sorted(found.difference(order))


def starter(name: str) -> Starter:
    """The template of that name; raises ``BadCall`` with the nearest one."""
    known = names()
    if name not in known:
        hint = nearest(name, known) or f"there are {', '.join(known)}"
        raise BadCall(f"there is no template {name!r}", hint=hint)
    return Starter(name, load_template(FOLDER / "files" / f"{name}.yaml"))

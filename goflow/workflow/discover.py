"""The workflow files in a folder and below it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from goflow.errors import BadCall
from goflow.workflow.document import Document, Unreadable
from goflow.workflow.fields import Findings
from goflow.workflow.load import build, is_template
from goflow.workflow.model import ToolNode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Found", "discover", "files_below"]

DEEPEST = 4
"""Folders below the first that are looked into."""
MOST_FILES = 2000
"""YAML and JSON files that are looked at."""
_LARGEST = 1 << 20
_SUFFIXES = (".yaml", ".yml", ".json")
_NOT_OURS = frozenset({"node_modules", "site-packages", "__pycache__", "venv", "vendor", "target"})


class Found(NamedTuple):
    """One file; ``valid`` says whether its elements could be read, ``servers`` are ids."""

    name: str
    file: Path
    kind: str
    description: str | None
    nodes: int
    servers: list[str]
    valid: bool


def discover(folder: Path) -> tuple[list[Found], bool]:
    """The workflows and templates of a folder, and whether all its files were looked at."""
    found: list[Found] = []
    for count, file in enumerate(files_below(folder)):
        if count == MOST_FILES:
            return found, False
        workflow = _read(file)
        if workflow is not None:
            found.append(workflow)
    return found, True


def files_below(folder: Path) -> Iterator[Path]:
    """YAML and JSON files in a folder, then below it. Links to folders are not followed."""
    folders = [(folder, 0)]
    for here, depth in folders:
        try:
            entries = sorted(os.scandir(here), key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                theirs = entry.name.startswith(".") or entry.name in _NOT_OURS
                if depth < DEEPEST and not theirs:
                    folders.append((here / entry.name, depth + 1))
            elif entry.name.endswith(_SUFFIXES) and not entry.name.startswith("."):
                yield here / entry.name


def _read(file: Path) -> Found | None:
    """The workflow in a file; None when there is none."""
    try:
        data = file.read_bytes() if file.stat().st_size <= _LARGEST else b""
        # Cheaper than reading what is something else.
        if b"nodes" not in data or b"edges" not in data:
            return None
        tree = Document(data.decode("utf-8-sig"), str(file)).tree
    except (OSError, UnicodeDecodeError, BadCall, Unreadable):
        return None
    kind = "template" if is_template(tree) else "workflow"
    spec = tree["workflow_spec"] if kind == "template" else tree
    if not isinstance(spec, dict) or not {"nodes", "edges"} <= spec.keys():
        return None
    document = Document("{}", str(file))
    document.tree = spec
    findings = Findings(None)
    workflow = build(document, findings)
    if workflow is None:
        return None
    used = dict.fromkeys(node.server for node in workflow.nodes if isinstance(node, ToolNode))
    named = tree if kind == "template" else spec
    description = named.get("description")
    return Found(
        name=str(named.get("name") or file.stem),
        file=file,
        kind=kind,
        description=description if isinstance(description, str) else None,
        nodes=len(workflow.nodes),
        servers=list(used),
        valid=kind == "template" or not any(each.severity == "error" for each in findings.found),
    )

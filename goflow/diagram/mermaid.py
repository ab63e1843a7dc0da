"""A diagram as a Mermaid flowchart, which GitHub, GitLab and many editors draw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goflow.diagram.svg import cut

if TYPE_CHECKING:
    from goflow.diagram.diagram import Box, Diagram, Link

__all__ = ["mermaid"]

# Opening and closing brackets of a shape.
_SHAPES = {
    "start": ("([", "])"),
    "end": ("([", "])"),
    "condition": ("{{", "}}"),
    "mcp_tool": ("[", "]"),
    "workflow": ("[[", "]]"),
}
_ARROWS = {"success": "-->", "error": "-.->", "always": "==>"}
_CLASSES = {
    "completed": "fill:#e9f7ec,stroke:#3b9150,color:#1f2430",
    "cached": "fill:#e5f4fa,stroke:#2c85a8,color:#1f2430",
    "skipped": "fill:#f5f6f8,stroke:#b9bfcc,color:#5b6375,stroke-dasharray:4 3",
    "pending": "fill:#f5f6f8,stroke:#b9bfcc,color:#5b6375,stroke-dasharray:4 3",
    "failed": "fill:#fdeceb,stroke:#c2413b,color:#1f2430,stroke-width:2px",
    "outcome_unknown": "fill:#fff4dd,stroke:#b9770e,color:#1f2430,stroke-width:2px",
    "cancelled": "fill:#fbf1e6,stroke:#b0753a,color:#1f2430",
    "running": "fill:#e8efff,stroke:#3767d6,color:#1f2430,stroke-width:2px",
}


def mermaid(diagram: Diagram) -> str:
    """The text of a flowchart. Ids are ours: Mermaid has words that no id may be. Linear."""
    names = {box.id: f"n{i}" for i, box in enumerate(diagram.all_boxes())}
    lines = ["flowchart TD"]
    for box in diagram.boxes:
        lines += _box(box, names, "  ")
    lines += [_link(link, names) for link in diagram.links]
    by_status: dict[str, list[str]] = {}
    for box in diagram.all_boxes():
        if box.status in _CLASSES:
            by_status.setdefault(box.status, []).append(names[box.id])
    for status, members in by_status.items():
        lines.append(f"  classDef {status} {_CLASSES[status]}")
        lines.append(f"  class {','.join(members)} {status}")
    return "\n".join(lines) + "\n"


def _box(box: Box, names: dict[str, str], indent: str) -> list[str]:
    name = names[box.id]
    texts = [f"<b>{_text(box.id)}</b>"]
    texts += [_text(cut(text)) for text in (box.summary, box.outcome) if text]
    label = f'"{"<br>".join(texts)}"'
    if not any(box.chains):
        left, right = _SHAPES.get(box.kind, ("(", ")"))
        return [f"{indent}{name}{left}{label}{right}"]
    lines = [f"{indent}subgraph {name} [{label}]"]
    for chain in box.chains:
        for member in chain:
            lines += _box(member, names, indent + "  ")
        if len(chain) > 1:
            lines.append(f"{indent}  " + " --> ".join(names[member.id] for member in chain))
    return [*lines, f"{indent}end"]


def _link(link: Link, names: dict[str, str]) -> str:
    arrow = _ARROWS[link.on]
    label = f'|"{_text(link.label)}"|' if link.label else ""
    return f"  {names[link.source]} {arrow}{label} {names[link.target]}"


def _text(text: str) -> str:
    """Text within quotes: whatever is markup, in Mermaid's way or HTML's, is written as a code."""
    return "".join(c if c.isalnum() or c in " _-.,:/·✓✗…=()" else f"#{ord(c)};" for c in text)

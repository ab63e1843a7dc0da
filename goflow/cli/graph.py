"""``goflow graph``: a workflow as a picture, plain or coloured by a run."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from goflow.cli.output import emit, emit_json, harmless, say
from goflow.errors import BadCall

if TYPE_CHECKING:
    from goflow.diagram.diagram import Box, Diagram
    from goflow.workflow.model import Workflow

__all__ = ["command", "write_file"]

_SUFFIXES = {
    ".svg": "svg",
    ".dot": "dot",
    ".gv": "dot",
    ".mmd": "mermaid",
    ".mermaid": "mermaid",
    ".txt": "text",
    ".json": "json",
}
_STYLES: dict[str, dict[str, Any]] = {
    "completed": {"fg": "green"},
    "cached": {"fg": "cyan"},
    "skipped": {"dim": True},
    "pending": {"dim": True},
    "failed": {"fg": "red", "bold": True},
    "outcome_unknown": {"fg": "yellow", "bold": True},
    "cancelled": {"fg": "yellow"},
    "running": {"fg": "blue", "bold": True},
}


@click.command("graph")
@click.argument("file", type=click.Path(path_type=Path, readable=False), required=False)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "svg", "mermaid", "dot", "json"]),
    help="By default that of -o's suffix, else text.",
)
@click.option("--run", metavar="ID", help="Colour by how this run went; FILE may be left out.")
@click.option("--output", "-o", metavar="FILE", help="Write to a file.")
@click.option(
    "--param", "given", multiple=True, metavar="NAME=VALUE", help="A template's; repeatable."
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
def command(
    file: Path | None,
    form: str | None,
    run: str | None,
    output: str | None,
    given: tuple[str, ...],
    as_json: bool,
) -> int:
    """Draw the workflow in FILE: its nodes, what leads where, and what is in loops.

    \b
    Examples:
      goflow graph report.yaml
      goflow graph report.yaml -o report.svg
      goflow graph report.yaml --format mermaid >> README.md
      goflow graph report.yaml --format dot | dot -Tpng -o report.png
      goflow graph --run last

    In text, a lane of the rails goes down to the node that it leads to; indented nodes are members
    of a loop or of branches. JSON is {name, nodes: [{id, type, detail, level, owner, status,
    seconds, attempts}], edges: [{from, to, label, on}]}.
    """
    from goflow.diagram.diagram import diagram_of  # noqa: PLC0415 - other verbs draw nothing

    workflow, states = _subject(file, run, given)
    diagram = diagram_of(workflow, states)
    if as_json:
        form = "json"
    if form is None:
        form = "text" if output is None else _SUFFIXES.get(Path(output).suffix.lower(), "text")
    if output is None and form == "text":
        _print(diagram)
    elif output is None and form == "json":
        emit_json(_document(diagram))
    elif output is None:
        emit(_written(diagram, form).rstrip("\n"))
    else:
        write_file(output, _written(diagram, form))
    return 0


def write_file(name: str, text: str) -> None:
    """Write a file and say so. Raises ``BadCall`` when it cannot be written."""
    try:
        Path(name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadCall(f"cannot write {name}: {error.strerror or error}") from None
    say(f"wrote {name}")


def _subject(
    file: Path | None, run: str | None, given: tuple[str, ...]
) -> tuple[Workflow, dict[str, Any] | None]:
    """The workflow to draw, and the states of the run's nodes."""
    from goflow.cli.parameters import read_parameters  # noqa: PLC0415

    if file is None and run is None:
        raise BadCall("Missing argument 'FILE'", hint="goflow graph --help")
    states = None
    if run is not None:
        from goflow.diagram.states import states_of  # noqa: PLC0415
        from goflow.engine.definition import workflow_of  # noqa: PLC0415
        from goflow.history.runs import Runs  # noqa: PLC0415

        with Runs() as runs:
            states = states_of(runs.show(run)["nodes"])
            kept = runs.kept(run)
        if file is None:
            return workflow_of(kept.definition), states
    from goflow.workflow.load import invalid  # noqa: PLC0415
    from goflow.workflow.validate import examine  # noqa: PLC0415

    assert file is not None
    workflow, report = examine(file, read_parameters(file, given))
    if workflow is None or not report.valid:
        raise invalid(report)
    return workflow, states


def _written(diagram: Diagram, form: str) -> str:
    if form == "svg":
        from goflow.diagram.svg import svg  # noqa: PLC0415

        return svg(diagram)
    if form == "mermaid":
        from goflow.diagram.mermaid import mermaid  # noqa: PLC0415

        return mermaid(diagram)
    if form == "dot":
        from goflow.diagram.dot import dot  # noqa: PLC0415

        return dot(diagram)
    if form == "json":
        import msgspec  # noqa: PLC0415

        return msgspec.json.format(msgspec.json.encode(_document(diagram)), indent=2).decode()
    from goflow.diagram.text import text  # noqa: PLC0415

    return text(diagram)


def _print(diagram: Diagram) -> None:
    """The rows as wide as the terminal, in its colours."""
    import os  # noqa: PLC0415

    from goflow.diagram.text import lines, text_rows  # noqa: PLC0415

    terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if terminal else 100
    coloured = terminal and not os.environ.get("NO_COLOR")
    for line, row in lines(list(text_rows(diagram)), width):
        shown = line
        if coloured:
            plain = harmless(line)
            head, tail = plain[: len(row.rails)], plain[len(row.rails) :]
            style: dict[str, Any] = _STYLES.get(row.status, {})
            if row.name:
                split = len(tail) - len(tail.lstrip()) + len(row.name)
                shown = (
                    click.style(head, **(style or {"fg": "bright_black"}))
                    + click.style(tail[:split], bold=True)
                    + click.style(tail[split:], **style)
                )
            else:
                shown = click.style(head, fg="bright_black")
        emit(shown, styled=coloured)


def _document(diagram: Diagram) -> dict[str, Any]:
    from goflow._core.graph import Graph  # noqa: PLC0415

    graph = Graph(
        [box.id for box in diagram.boxes], {(link.source, link.target) for link in diagram.links}
    )
    level = {box: i for i, boxes in enumerate(graph.levels()) for box in boxes}
    nodes: list[dict[str, Any]] = []

    def add(box: Box, owner: str | None) -> None:
        state = box.state
        nodes.append(
            {
                "id": box.id,
                "type": box.kind,
                "detail": box.detail,
                "level": level.get(box.id),
                "owner": owner,
                "status": state.status if state else None,
                "seconds": state.seconds if state else None,
                "attempts": state.attempts if state else None,
            }
        )
        for chain in box.chains:
            for member in chain:
                add(member, box.id)

    for box in diagram.boxes:
        add(box, None)
    edges = [
        {"from": link.source, "to": link.target, "label": link.label or None, "on": link.on}
        for link in diagram.links
    ]
    return {"name": diagram.name, "nodes": nodes, "edges": edges}

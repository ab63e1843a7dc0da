"""What shells are offered for an argument or option: runs, nodes, servers, templates, findings.

By the name of a parameter, in every verb. Used only while a shell asks; what cannot be read offers
nothing.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import click

__all__ = ["add_completers"]

_NEWEST = 30


def add_completers(command: click.Command) -> None:
    """Have the command's parameters, and those of its verbs, offer what they stand for."""
    for parameter in command.params:
        offer = _OFFERS.get(str(parameter.name))
        # Click's own way to set this is where each parameter is declared.
        if offer is not None and parameter._custom_shell_complete is None:
            parameter._custom_shell_complete = _completing(offer)
    for verb in getattr(command, "commands", {}).values():
        add_completers(verb)


def _completing(
    offer: Callable[[dict[str, Any]], Iterable[tuple[str, str]]],
) -> Callable[[click.Context, click.Parameter, str], list[CompletionItem]]:
    def complete(
        context: click.Context, parameter: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        found: list[CompletionItem] = []
        # A shell shows no errors while a person types.
        with suppress(Exception):
            for word, what in offer(context.params):
                if word.startswith(incomplete):
                    found.append(CompletionItem(word, help=what or None))
        return found

    return complete


def _runs(given: dict[str, Any]) -> Iterator[tuple[str, str]]:
    from goflow.history.runs import Runs  # noqa: PLC0415

    with Runs() as runs:
        newest = runs.newest(limit=_NEWEST)
    if newest:
        yield "last", "the newest"
    for run in newest:
        yield run["id"], f"{run['workflow']}, {run['status']}"


def _nodes(given: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The nodes of the file that stands in the line, else of the run, else of the last run."""
    from goflow.history.runs import Runs  # noqa: PLC0415
    from goflow.workflow.document import Document  # noqa: PLC0415

    # Click has parsed nothing where the option that is completed still lacks its value.
    words = os.environ.get("COMP_WORDS", "").split()
    files = [Path(word) for word in words if Path(word).is_file()]
    if files:
        tree = Document.read(files[0]).tree
        for node in tree.get("workflow_spec", tree)["nodes"]:
            yield node["id"], node["type"]
        return
    with Runs() as runs:
        known = {"last", *(run["id"] for run in runs.newest(limit=None))}
        run = next((word for word in words if word in known), "last")
        for node in runs.show(run)["nodes"]:
            yield node["id"], node["status"]


def _servers(given: dict[str, Any]) -> Iterator[tuple[str, str]]:
    from goflow.servers.registry import Known  # noqa: PLC0415

    for server in Known().servers().values():
        yield server.id, str(server.definition.get("url") or server.definition.get("command") or "")


def _templates(given: dict[str, Any]) -> Iterator[tuple[str, str]]:
    from goflow.templates.catalogue import names  # noqa: PLC0415

    for name in names():
        yield name, ""


def _codes(given: dict[str, Any]) -> Iterator[tuple[str, str]]:
    from goflow.workflow.diagnostics import CODES  # noqa: PLC0415

    yield from CODES.items()


_OFFERS: dict[str, Callable[[dict[str, Any]], Iterable[tuple[str, str]]]] = {
    "run": _runs,
    "node": _nodes,
    "start": _nodes,
    "rerun": _nodes,
    "server_id": _servers,
    "server_ids": _servers,
    "template": _templates,
    "code": _codes,
}

"""``goflow report``: one HTML file of a run."""

from __future__ import annotations

import click

from goflow.cli.output import emit, emit_json
from goflow.errors import BadCall

__all__ = ["command"]


@click.command("report")
@click.argument("run", metavar="ID")
@click.option("--output", "-o", metavar="FILE", help="Default: run-ID.html; - is standard output.")
@click.option("--json", "as_json", is_flag=True, help="Print where it is, as JSON.")
def command(run: str, output: str | None, as_json: bool) -> int:
    """Write a report of the run ID: one HTML file, readable anywhere, also without a network.

    \b
    Examples:
      goflow report last
      goflow report 3f9c2a -o nightly.html
      goflow report last -o - | ssh host 'cat > report.html'

    It shows the graph, when each node ran, what each was given and gave back, servers and cache.
    Known secrets are left out, as in the history; long values are cut. JSON is {run, file}.
    """
    from goflow.cli.graph import write_file  # noqa: PLC0415
    from goflow.engine.definition import workflow_of  # noqa: PLC0415
    from goflow.history.runs import Runs  # noqa: PLC0415
    from goflow.report.page import page  # noqa: PLC0415

    if output == "-" and as_json:
        raise BadCall("--json and -o - exclude each other: both print to standard output")
    with Runs() as runs:
        found = runs.show(run)
        log = runs.log(found["id"])
        workflow = workflow_of(runs.kept(found["id"]).definition)
    text = page(workflow, found, log)
    if output == "-":
        emit(text.rstrip("\n"))
        return 0
    file = output or f"run-{found['id']}.html"
    write_file(file, text)
    if as_json:
        emit_json({"run": found["id"], "file": file})
    return 0

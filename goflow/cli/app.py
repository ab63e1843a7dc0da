"""The command and its verbs; what every verb does with an error is decided here."""

from __future__ import annotations

import sys
from typing import NoReturn

import click

from goflow import __version__
from goflow.cli.output import forget_output, open_streams, say, say_error
from goflow.cli.verbs import Verbs
from goflow.errors import BadCall, GoFlowError

__all__ = ["app", "cli"]

VERBS = {
    "init": "Begin a workflow from a template.",
    "templates": "List the templates that init begins with.",
    "list": "List the workflows here, and how they last ran.",
    "run": "Run a workflow and print its result.",
    "graph": "Draw a workflow as text, SVG, Mermaid or DOT, coloured by a run if you like.",
    "record": "Run a workflow and keep its servers' traffic, for run --replay.",
    "validate": "Find the mistakes in a workflow file.",
    "runs": "List the runs that are kept; show or forget some.",
    "report": "Write one HTML file of a run: its graph, times, inputs and outputs.",
    "logs": "Say what happened in a run, in its order.",
    "why": "Say why a node ran, or was taken from the cache.",
    "resume": "Go on with a run that was cut off or failed.",
    "servers": "Manage the servers you know, and try them.",
    "secrets": "Keep what servers need and nobody may read.",
    "fmt": "Write workflow files in the canonical spelling.",
    "export": "Write a workflow without its secrets, to share it.",
    "import": "Take in a shared workflow, and see what it needs.",
    "doctor": "Look for what is wrong with this installation.",
    "completion": "Print what makes a shell complete goflow's words.",
    "schema": "Print the JSON Schema of workflow files, for editors.",
    "functions": "List the functions that expressions can call.",
    "cache": "Look at the results that are kept between runs, and tend them.",
    "explain": "Say what a finding's code means, with the mistake and its fix.",
}
_MODULES = {"import": "import_"}
"""Modules that cannot have their verb's name."""
INTERRUPTED = 130


@click.group(
    cls=Verbs,
    verbs={name: (_MODULES.get(name, name), what) for name, what in VERBS.items()},
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 the run failed or the file has errors, "
    "2 the call itself is wrong, 130 interrupted.",
)
@click.version_option(__version__, prog_name="goflow")
def cli() -> None:
    """Run deterministic workflows over MCP servers: YAML in, result out, no model in the loop."""


def app() -> NoReturn:
    """Run the command line and exit with its code."""
    open_streams()
    try:
        code = cli.main(prog_name="goflow", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except GoFlowError as error:
        say_error(error)
        code = 2 if isinstance(error, BadCall) else 1
    except OSError as error:
        forget_output()
        say(f"error: cannot write the output: {error.strerror or error}")
        code = 1
    sys.exit(code or 0)

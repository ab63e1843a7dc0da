"""The toolbox: a small MCP server that comes with GoFlow, for examples, tests and everyday files.

    goflow-toolbox [--root DIR] [--read-only]

It speaks MCP over standard input and output, needs nothing but Python and starts in a few
milliseconds more than Python itself. To add a tool, write a function with `@tool(...)` above it in
one of the `tools_*.py` files.
"""

from __future__ import annotations

import os
import sys

from goflow import __version__
from goflow.toolbox.registry import CommandLineError

USAGE = """\
usage: goflow-toolbox [--root DIR] [--read-only]

An MCP server with text, JSON, CSV and file tools, over standard input and output.

  --root DIR    the folder that all file tools are confined to (default: the current one)
  --read-only   offer no tool that changes a file
  --version     show the version
  --help        show this
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the server on a command line (without the program's name); gives the exit code."""
    try:
        return _run(sys.argv[1:] if arguments is None else arguments)
    except CommandLineError as error:
        print(f"goflow-toolbox: {error}\n{USAGE.splitlines()[0]}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _run(arguments: list[str]) -> int:
    root, read_only = ".", False
    rest = iter(arguments)
    for argument in rest:
        name, equals, value = argument.partition("=")
        if name == "--root":
            root = value if equals else next(rest, "")
            if not root:
                raise CommandLineError("--root needs a folder")
        elif argument == "--read-only":
            read_only = True
        elif argument in ("--help", "-h"):
            print(USAGE, end="")
            return 0
        elif argument == "--version":
            print(f"goflow-toolbox {__version__}")
            return 0
        else:
            raise CommandLineError(f"unknown argument {argument!r}")
    if os.open not in os.supports_dir_fd:
        raise CommandLineError("this system cannot confine files to a folder (it has no openat)")
    from goflow.toolbox.server import run  # noqa: PLC0415 - not every system can import it

    return run(root, read_only=read_only)

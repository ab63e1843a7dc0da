"""The server: the tools, the folder and the protocol, put together and run."""

from __future__ import annotations

from goflow import __version__
from goflow.toolbox import tools_data, tools_files, tools_text
from goflow.toolbox.folder import Folder
from goflow.toolbox.protocol import TOO_LONG, Server
from goflow.toolbox.registry import TOOLS, CommandLineError
from goflow.toolbox.stdio import serve

TOOL_FILES = (tools_files, tools_text, tools_data)
"""The files that hold the tools: importing one adds its tools to the table."""


def run(root: str, *, read_only: bool) -> int:
    """Serve standard input and output until they end; gives the exit code.

    Raises `CommandLineError` if the root folder cannot be opened.
    """
    try:
        folder = Folder(root)
    except OSError as error:
        raise CommandLineError(
            f"--root {root!r}: {(error.strerror or str(error)).lower()}"
        ) from None
    except ValueError as error:
        raise CommandLineError(f"--root {root!r}: {error}") from None
    try:
        return serve(Server(TOOLS, folder, __version__, read_only=read_only).answer, TOO_LONG)
    finally:
        folder.close()

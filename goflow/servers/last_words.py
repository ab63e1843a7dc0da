"""What the error output of a server that died says: its last line, and what to do about it."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

from goflow.errors import ConnectFailed
from goflow.servers.config import child_environment, resolve_command

if TYPE_CHECKING:
    from goflow.servers.config import ServerConfig

__all__ = ["death_hint", "last_line"]

_LIMIT = 600
_NO_MODULE = re.compile(r"No module named '?([\w.]+)")


def last_line(stderr: str) -> str:
    """The last line of an error output; one over 600 characters ends at a space."""
    line = stderr.rstrip().rpartition("\n")[2].strip()
    if len(line) <= _LIMIT:
        return line
    return f"{line[:_LIMIT].rpartition(' ')[0] or line[:_LIMIT]} …"


def death_hint(config: ServerConfig, stderr: str) -> str:
    """What to do about a server that died with those words."""
    missing = _NO_MODULE.search(last_line(stderr))
    if missing is None:
        return "run its command by hand: it must speak MCP on standard input and output"
    try:
        program = resolve_command(config, child_environment(config))
    except ConnectFailed:
        program = config.command
    # One environment has several names for its Python: python, python3…
    if os.path.dirname(program) == os.path.dirname(sys.executable):
        return f"{missing[1]!r} is not there for {program}, the environment that runs GoFlow too"
    return (
        f"{missing[1]!r} is not there for {program}, which was started; GoFlow runs on "
        f"{sys.executable}: if it is there, that is the 'command'"
    )

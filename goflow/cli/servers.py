"""``goflow servers``: the servers that the user knows."""

from __future__ import annotations

import click

from goflow.cli.verbs import Verbs

__all__ = ["command"]

VERBS = {
    "list": ("servers_show", "List the servers you know, and the project's."),
    "show": ("servers_show", "Show one server's definition."),
    "add": ("servers_edit", "Add a server to your own."),
    "remove": ("servers_edit", "Take a server out of your own."),
    "import": ("servers_edit", "Add the servers of an MCP client's file."),
    "test": ("servers_ask", "Connect to servers, list their tools, and time it."),
    "tools": ("servers_ask", "List the tools of a server."),
    "call": ("servers_ask", "Call a tool of a server."),
    "stats": ("servers_stats", "Show what servers were used for."),
    "login": ("servers_login", "Log in to a server behind HTTP, with a browser."),
    "logout": ("servers_login", "Forget what a login left."),
}


@click.group("servers", cls=Verbs, verbs=VERBS)
def command() -> None:
    """Manage the servers you know, and try them.

    \b
    Examples:
      goflow servers add time -- uvx mcp-server-time
      goflow servers test time
      goflow servers call time get_current_time --arg timezone=UTC

    A workflow that names a server it does not define finds it here, or in the .mcp.json of the
    project it is in.
    """

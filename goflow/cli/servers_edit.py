"""``goflow servers add``, ``remove`` and ``import``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from goflow.cli.output import emit, emit_json, say
from goflow.cli.parameters import read_pairs
from goflow.errors import BadCall

if TYPE_CHECKING:
    from goflow.servers.registry import KnownServer

__all__ = ["add_command", "import_command", "remove_command"]


@click.command("add")
@click.argument("server_id", metavar="ID")
@click.argument("command", nargs=-1, metavar="[-- COMMAND…]", type=click.UNPROCESSED)
@click.option("--url", help="The address of a server behind HTTP.")
@click.option("--transport", help="http (the default with --url) or sse.")
@click.option("--env", multiple=True, metavar="NAME=VALUE", help="For a process; repeatable.")
@click.option("--header", multiple=True, metavar="NAME=VALUE", help="For HTTP; repeatable.")
@click.option("--cwd", help="The folder that a process starts in.")
@click.option("--credential", metavar="NAME", help="The secret of a server behind HTTP.")
@click.option("--timeout", help="Of one call: 30s, 2m, …")
@click.option("--connect-timeout", help="Until it has answered for the first time.")
@click.option("--max-in-flight", type=int, help="Calls at once.")
@click.option("--description", help="What it is for.")
@click.option(
    "--direct/--as-given",
    default=None,
    help="Start the script behind npx or uvx without them, or not.",
)
@click.option("--replace", is_flag=True, help="Put it in the place of one with the same id.")
@click.option("--json", "as_json", is_flag=True, help="Print the definition as JSON.")
def add_command(
    server_id: str,
    command: tuple[str, ...],
    direct: bool | None,
    replace: bool,
    as_json: bool,
    **options: Any,
) -> int:
    """Add a server to your own: a COMMAND that starts it, or a --url.

    \b
    Examples:
      goflow servers add time -- uvx mcp-server-time --local-timezone UTC
      goflow servers add todo -- .venv/bin/python todo_server.py
      goflow servers add files --direct -- npx -y @modelcontextprotocol/server-filesystem .
      goflow servers add git --env 'TOKEN=${secret.git}' -- mcp-server-git
      goflow servers add issues --url https://example.org/mcp --credential issues

    Where an argument is the path of a file from here, the server starts in this folder, unless
    --cwd names another.

    npx and uvx look for a package before they start it, at every start of the server. Where the
    script behind them is installed, starting it directly saves hundreds of milliseconds: --direct
    does it, and on a terminal you are asked.
    """
    from goflow.servers import registry  # noqa: PLC0415

    words = _started(command, direct) if command else ()
    definition = _definition(server_id, words, options)
    known = _sound(server_id, definition)
    registry.add({server_id: definition}, replace=replace)
    say(f"added {server_id!r} to {known.file}")
    if "cwd" in definition and not options["cwd"]:
        say(f"it starts in {definition['cwd']}, where its files are (--cwd names another folder)")
    _say_written_secrets(known)
    if as_json:
        emit_json({"id": server_id, **definition})
    return 0


@click.command("remove")
@click.argument("server_ids", metavar="ID…", nargs=-1, required=True)
def remove_command(server_ids: tuple[str, ...]) -> int:
    """Take servers out of your own.

    \b
    Examples:
      goflow servers remove time
    """
    from goflow.servers import registry  # noqa: PLC0415

    for server_id in server_ids:
        registry.remove(server_id)
        say(f"removed {server_id!r}")
    return 0


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--only", multiple=True, metavar="ID", help="Just this one; repeatable.")
@click.option("--replace", is_flag=True, help="Put them in the place of those with the same ids.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def import_command(file: Path, only: tuple[str, ...], replace: bool, as_json: bool) -> int:
    """Add the servers of FILE, the JSON of an MCP client ({"mcpServers": {…}}).

    \b
    Examples:
      goflow servers import ~/.config/Claude/claude_desktop_config.json
      goflow servers import .mcp.json --only files --only git

    Those that are there already, or have mistakes, are left out and named. JSON is {added: [ID…],
    skipped: [{id, reason}]}. Exit code 1 when one had mistakes.
    """
    from goflow.servers import registry  # noqa: PLC0415
    from goflow.servers.definitions import read_definitions  # noqa: PLC0415
    from goflow.servers.registry import Known, registry_file  # noqa: PLC0415

    found = read_definitions(file)
    for name in only:
        if name not in found:
            raise BadCall(f"there is no server {name!r} in {file}", hint=f"it has {_list(found)}")
    own = {i for i, server in Known().servers().items() if server.file == registry_file()}
    added: list[KnownServer] = []
    skipped: list[dict[str, str]] = []
    broken = False
    for name, definition in found.items():
        if only and name not in only:
            continue
        if name in own and not replace:
            skipped.append({"id": name, "reason": "there is one of that id; see --replace"})
            continue
        try:
            added.append(_sound(name, definition))
        except BadCall as error:
            broken = True
            skipped.append({"id": name, "reason": error.message})
    registry.add({server.id: server.definition for server in added}, replace=True)
    for server in added:
        say(f"added {server.id!r}")
        _say_written_secrets(server)
    for entry in skipped:
        say(f"left out {entry['id']!r}: {entry['reason']}")
    if as_json:
        emit_json({"added": [server.id for server in added], "skipped": skipped})
    elif added:
        emit("\n".join(server.id for server in added))
    return 1 if broken else 0


def _definition(server_id: str, words: tuple[str, ...], options: dict[str, Any]) -> dict[str, Any]:
    """The definition that the options make; what they leave out is left to its default."""
    if bool(words) == bool(options["url"]):
        raise BadCall(
            "a server has either a COMMAND or a --url",
            hint=f"goflow servers add {server_id} -- COMMAND…",
        )
    definition: dict[str, Any] = {}
    if words:
        command = words[0]
        definition["command"] = os.path.abspath(command) if os.sep in command else command
        definition["args"] = list(words[1:])
    else:
        definition["transport"] = options["transport"] or "http"
        definition["url"] = options["url"]
    if options["cwd"]:
        definition["cwd"] = os.path.abspath(os.path.expanduser(options["cwd"]))
    elif any(map(_is_file_here, words[1:])):
        definition["cwd"] = os.getcwd()
    definition["env"] = read_pairs("--env", options["env"])
    definition["headers"] = read_pairs("--header", options["header"])
    if options["credential"]:
        definition["credential_ref"] = f"keyring://{options['credential']}"
    for name in ("timeout", "connect_timeout", "max_in_flight", "description"):
        definition[name] = options[name]
    return {key: value for key, value in definition.items() if value not in (None, {}, [])}


def _is_file_here(word: str) -> bool:
    """Whether an argument is a file's path that means another file in another folder."""
    return not os.path.isabs(word) and os.path.isfile(word)


def _sound(server_id: str, definition: dict[str, Any]) -> KnownServer:
    """The server, checked; raises ``BadCall`` with everything that is wrong with it."""
    from goflow.servers.registry import KnownServer, registry_file  # noqa: PLC0415
    from goflow.workflow.known_servers import read_known  # noqa: PLC0415

    server = KnownServer(server_id, definition, registry_file())
    errors = [f for f in read_known(server)[1].found if f.severity == "error"]
    if errors:
        raise BadCall("; ".join(f.message for f in errors), hint=errors[0].hint)
    return server


def _started(command: tuple[str, ...], direct: bool | None) -> tuple[str, ...]:
    """The words that start the server: ``command``, or the script behind its launcher."""
    from goflow.servers.launchers import Direct, is_launcher, resolve  # noqa: PLC0415

    if direct is False or not is_launcher(command[0]):
        return command
    found = resolve(command[0], command[1:])
    if not isinstance(found, Direct):
        if direct:
            raise BadCall(f"nothing can be started directly: {found}")
        say(f"{command[0]} looks for the package at every start ({found})")
        return command
    words = (found.command, *found.args)
    say(f"{command[0]} would start {found.package}: {' '.join(words)}")
    if direct is None and sys.stdin.isatty():
        direct = click.confirm(
            "Start it directly? That saves hundreds of milliseconds at each start, and stays at "
            "the version that is installed",
            default=True,
            err=True,
        )
    if not direct:
        say("hint: --direct starts it without, which saves hundreds of milliseconds each time")
        return command
    say(f"it is started directly, at the version that is installed, without {command[0]}")
    return words


def _say_written_secrets(server: KnownServer) -> None:
    """Say which values look like secrets and would better not stand in a file."""
    from goflow.servers.sensitive import sensitive_values  # noqa: PLC0415

    for key in ("env", "headers"):
        for name, value in server.definition.get(key, {}).items():
            if any("${" not in found for found in sensitive_values(({name: value},))):
                say(
                    f"hint: {name} of {server.id!r} is written out in the file; "
                    f"goflow secrets set NAME keeps it, and ${{secret.NAME}} stands for it"
                )


def _list(names: Any) -> str:
    return ", ".join(names) or "none"

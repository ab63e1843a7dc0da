"""``goflow servers login`` and ``logout``: OAuth for servers behind HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from goflow.cli.output import say
from goflow.cli.servers_ask import FILE_OPTION, chosen_server, known_servers, server_config
from goflow.errors import BadCall

if TYPE_CHECKING:
    from pathlib import Path

    from goflow.servers.config import ServerConfig

__all__ = ["login_command", "logout_command"]


@click.command("login")
@click.argument("server_id", metavar="ID")
@click.option("--no-browser", is_flag=True, help="Only print the page's address.")
@click.option("--client-id", metavar="ID|URL", help="A client that the server knows already.")
@click.option("--client-secret", metavar="NAME", help="The name of the secret that is its.")
@FILE_OPTION
def login_command(
    server_id: str,
    no_browser: bool,
    client_id: str | None,
    client_secret: str | None,
    file: Path | None,
) -> int:
    """Log in to the server ID with a browser (OAuth).

    \b
    Examples:
      goflow servers login issues
      goflow servers login issues --no-browser
      goflow servers login issues --client-id goflow-7f3a --client-secret issues-client
      goflow servers login issues --client-id https://example.org/goflow-client.json

    Without --client-id GoFlow registers with the server. A URL is that of a document which
    describes the client, for servers that read such.
    The tokens are kept in the system's keyring, by the server's address, and renewed when they are
    used. A run never opens a browser: when a login is over, it says so.
    """
    import asyncio  # noqa: PLC0415
    import webbrowser  # noqa: PLC0415

    from goflow.servers.oauth import login  # noqa: PLC0415 - loads the SDK
    from goflow.servers.secrets import secret  # noqa: PLC0415

    config = _behind_http(server_id, file)
    client = None
    if client_id is not None:
        client = {"client_id": client_id}
        if client_secret is not None:
            client["client_secret"] = secret(client_secret, server=server_id)
    elif client_secret is not None:
        raise BadCall("--client-secret needs --client-id: the client that it is of")

    def show(url: str) -> None:
        say(f"log in at {url}")

    browse = (lambda url: None) if no_browser else webbrowser.open
    asyncio.run(login(config, show=show, browse=browse, client=client))
    say(f"logged in to {server_id!r}")
    return 0


@click.command("logout")
@click.argument("server_id", metavar="ID")
@FILE_OPTION
def logout_command(server_id: str, file: Path | None) -> int:
    """Forget what a login to the server ID left in the keyring.

    \b
    Examples:
      goflow servers logout issues
    """
    from goflow.servers.logins import forget, tokens_kept  # noqa: PLC0415

    config = _behind_http(server_id, file)
    if not tokens_kept(config):
        raise BadCall(f"nobody is logged in to {server_id!r}")
    forget(config)
    say(f"logged out of {server_id!r}")
    return 0


def _behind_http(server_id: str, file: Path | None) -> ServerConfig:
    config = server_config(chosen_server(server_id, known_servers(file)), file)
    if config.transport == "stdio":
        raise BadCall(
            f"the server {server_id!r} is a process, which has no login",
            hint="what it needs to know goes into its 'env': ${secret.NAME}",
        )
    return config

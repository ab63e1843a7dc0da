"""``goflow secrets``: keep them, list them, remove them; never show them."""

from __future__ import annotations

import sys

import click

from goflow.cli.output import emit, emit_json, say
from goflow.errors import BadCall

__all__ = ["command"]

_LARGEST = 1 << 20


@click.group("secrets")
def command() -> None:
    """Keep what servers need and nobody may read.

    \b
    Examples:
      goflow secrets set github
      goflow secrets list

    A server's definition names a secret as ${secret.NAME} in its args, env, url and headers, or by
    'credential_ref: keyring://NAME'. It is looked for in the system's keyring, then in the
    environment (GOFLOW_SECRET_NAME), then in the file that GOFLOW_SECRETS_FILE names.
    """


@command.command("set")
@click.argument("name")
def set_command(name: str) -> int:
    """Put the secret NAME into the system's keyring.

    \b
    Examples:
      goflow secrets set github
      pass show github | goflow secrets set github

    The value is asked for, or read from standard input; one line break at its end is left out. It
    is never an argument, which others could see.
    """
    from goflow.servers import secrets  # noqa: PLC0415

    secrets.keep(name, _value(name))
    written = f"${{secret.{name}}}" if name.isidentifier() else f"keyring://{name}"
    say(f"{name!r} is in the keyring; a server's definition names it as {written}")
    return 0


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_command(as_json: bool) -> int:
    """List the names of the secrets that can be found, and where each is; never a value.

    \b
    Examples:
      goflow secrets list
      goflow secrets list --json

    JSON is a list of {name, source, entry, also}; 'source' is keyring, environment, file, or null
    for one that is gone, and 'also' holds the sources that come after it.
    """
    from goflow.servers import secrets  # noqa: PLC0415

    rows = []
    for name in secrets.known_names():
        places = secrets.places(name)
        first = places[0] if places else None
        rows.append(
            {
                "name": name,
                "source": first.source if first else None,
                "entry": first.entry if first else None,
                "also": [place.source for place in places[1:]],
            }
        )
    if as_json:
        emit_json(rows)
        return 0
    if not rows:
        say("no secrets are known\nhint: goflow secrets set NAME")
    width = max((len(str(row["name"])) for row in rows), default=0)
    for row in rows:
        where = f"{row['source']} ({row['entry']})" if row["source"] else "gone from the keyring"
        emit(f"{row['name']:{width}}  {where}")
    return 0


@command.command("remove")
@click.argument("name")
def remove_command(name: str) -> int:
    """Take the secret NAME out of the keyring.

    \b
    Examples:
      goflow secrets remove github
    """
    from goflow.servers import secrets  # noqa: PLC0415

    secrets.delete(name)
    say(f"removed {name!r}")
    return 0


def _value(name: str) -> str:
    if sys.stdin.isatty():
        value: str = click.prompt(f"Value of {name}", hide_input=True, err=True)
        return value
    data = sys.stdin.buffer.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise BadCall(f"the secret is larger than {_LARGEST >> 20} MiB")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise BadCall("the secret on standard input is not UTF-8 text") from None
    return text.removesuffix("\n").removesuffix("\r")

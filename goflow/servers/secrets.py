"""Secrets by name: where they are looked for, and how they are kept.

In this order, so that what is kept best counts first:

1. the keyring of the operating system, where ``goflow secrets set`` puts them (service ``goflow``);
2. the environment: ``GOFLOW_SECRET_`` and the name in capitals, other characters than letters
   and digits as ``_`` (``github-token`` is ``GOFLOW_SECRET_GITHUB_TOKEN``);
3. the file that ``GOFLOW_SECRETS_FILE`` names, which only the user may read: a JSON object, or
   lines of ``NAME=VALUE``.

No function here puts a value into an error or a log.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from goflow.errors import BadCall, GoFlowError
from goflow.home import home_folder, only_writer, write_private

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "KEYRING",
    "Place",
    "credential",
    "delete",
    "keep",
    "kept",
    "known_names",
    "places",
    "remembered",
    "secret",
]

KEYRING = "keyring"
SERVICE = "goflow"
FILE_VARIABLE = "GOFLOW_SECRETS_FILE"
PREFIX = "GOFLOW_SECRET_"
_NAME = re.compile(r"[^/\s]+")


class Place(NamedTuple):
    """Where a secret is: ``keyring``, ``environment`` or ``file``, and which entry there."""

    source: str
    entry: str


def secret(name: str, *, server: str) -> str:
    """The value of ``${secret.NAME}``; raises ``BadCall`` that says where to set it."""
    problems: list[str] = []
    for look in (_in_keyring, _in_environment, _in_file):
        value = look(name, problems)
        if value:
            return value
    because = f" ({'; '.join(problems)})" if problems else ""
    raise BadCall(
        f"server {server!r} needs the secret {name!r}, which is not set{because}",
        hint=f"goflow secrets set {name}, or export {variable(name)}=…",
    )


def credential(reference: str, *, server: str) -> str:
    """The value of ``keyring://NAME`` or ``keyring://NAME/FIELD``.

    With a field, the secret is a JSON object and the value one of its strings. Raises ``BadCall``.
    """
    name, slash, field = reference.removeprefix("keyring://").partition("/")
    value = secret(name, server=server)
    if not slash:
        return value
    try:
        found = json.loads(value)[field]
    except (ValueError, LookupError, TypeError, RecursionError):
        found = None
    if not isinstance(found, str) or not found:
        raise BadCall(
            f"server {server!r} needs the field {field!r} of the secret {name!r}, which has none",
            hint=f"goflow secrets set {name}, a JSON object with that field",
        ) from None
    return found


def variable(name: str) -> str:
    """The environment variable of a secret."""
    return PREFIX + re.sub(r"[^A-Za-z0-9]", "_", name).upper()


# -- the three places --------------------------------------------------------------------------


def _in_keyring(name: str, problems: list[str]) -> str | None:
    try:
        return _keyring(lambda keyring: keyring.get_password(SERVICE, name))  # type: ignore[no-any-return]
    except _NoKeyring as error:
        if not error.absent:
            problems.append(error.message)
        return None


def _in_environment(name: str, problems: list[str]) -> str | None:
    return os.environ.get(variable(name))


def _in_file(name: str, problems: list[str]) -> str | None:
    return _file_secrets().get(name)


class _NoKeyring(GoFlowError):
    """The keyring cannot be used; ``absent`` when there is none."""

    absent = False


def _keyring(use: Callable[[Any], Any]) -> Any:
    import keyring  # noqa: PLC0415 - few servers have secrets
    from keyring.errors import KeyringError, NoKeyringError  # noqa: PLC0415

    try:
        return use(keyring)
    except NoKeyringError:
        failed = _NoKeyring("there is no keyring on this system")
        failed.absent = True
    except KeyringError as error:
        failed = _NoKeyring(f"the keyring cannot be used: {error or type(error).__name__}")
    except Exception as error:  # a backend's own, such as of a bus that is not there
        failed = _NoKeyring(f"the keyring cannot be used: {type(error).__name__}")
    raise failed


def _file_secrets() -> dict[str, str]:
    """The secrets of the user's file, none when there is no such file named."""
    named = os.environ.get(FILE_VARIABLE)
    if not named:
        return {}
    file = Path(named).expanduser()
    try:
        with file.open("rb") as stream:
            if os.name == "posix" and os.fstat(stream.fileno()).st_mode & 0o077:
                raise BadCall(
                    f"{FILE_VARIABLE} names {file}, which others may read or write",
                    hint=f"chmod 600 {file}",
                )
            text = stream.read().decode()
    except OSError as error:
        raise BadCall(
            f"{FILE_VARIABLE} names {file}, which cannot be read: {error.strerror or error}"
        ) from None
    except UnicodeDecodeError:
        raise BadCall(f"{FILE_VARIABLE} names {file}, which is not UTF-8") from None
    return _from_json(text, file) if text.lstrip().startswith("{") else _from_lines(text, file)


def _from_json(text: str, file: Path) -> dict[str, str]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        # Not the parser's own words: they may quote the file.
        raise BadCall(f"{FILE_VARIABLE} names {file}, which is not a JSON object")
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in document.items()
    }


def _from_lines(text: str, file: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        entry = line.strip().removeprefix("export ")
        if not entry or entry.startswith("#"):
            continue
        name, equals, value = entry.partition("=")
        if not equals:
            raise BadCall(
                f"{FILE_VARIABLE} names {file}, whose line {number} is not NAME=VALUE",
                hint="or it is a JSON object",
            )
        value = value.strip()
        if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
            value = value[1:-1]
        found[name.strip()] = value
    return found


# -- keeping them ------------------------------------------------------------------------------


def keep(name: str, value: str) -> None:
    """Put a secret into the keyring; raises ``BadCall`` when there is none that keeps it."""
    _check_name(name)
    if not value:
        raise BadCall(f"the value of the secret {name!r} is empty")
    elsewhere = f"export {variable(name)}=…, or name a private file by {FILE_VARIABLE}"
    try:
        _keyring(lambda keyring: keyring.set_password(SERVICE, name, value))
        kept = _keyring(lambda keyring: keyring.get_password(SERVICE, name))
    except _NoKeyring as error:
        raise BadCall(error.message, hint=elsewhere) from None
    if kept != value:
        raise BadCall("the keyring did not keep the secret", hint=elsewhere)
    _change_index(lambda names: names | {name})


def delete(name: str) -> None:
    """Take a secret out of the keyring; raises ``BadCall`` when it is not in it."""
    _check_name(name)

    def take_out(keyring: Any) -> bool:
        if keyring.get_password(SERVICE, name) is None:
            return False
        keyring.delete_password(SERVICE, name)
        return True

    try:
        found = _keyring(take_out)
    except _NoKeyring as error:
        raise BadCall(error.message) from None
    _change_index(lambda names: names - {name})
    if not found:
        others = [place for place in places(name) if place.source != KEYRING]
        raise BadCall(
            f"there is no secret {name!r} in the keyring",
            hint=f"it comes from the {others[0].source}: {others[0].entry}" if others else None,
        )


def kept(name: str) -> str | None:
    """The value in the keyring, if it is there; raises ``BadCall`` when that cannot be used."""
    try:
        return _keyring(lambda keyring: keyring.get_password(SERVICE, name))  # type: ignore[no-any-return]
    except _NoKeyring as error:
        raise BadCall(error.message) from None


def remembered() -> list[str]:
    """The names of what ``keep`` put into the keyring, without asking it."""
    return _index()


def known_names() -> list[str]:
    """The names of the secrets that can be found, as far as their places list them.

    Keyrings do not; those that ``keep`` put there are remembered by name in GoFlow's folder.
    Variables give their name in lower case.
    """
    names = set(_index())
    names |= {
        key.removeprefix(PREFIX).lower()
        for key, value in os.environ.items()
        if key.startswith(PREFIX) and key != PREFIX and value
    } - {re.sub(r"[^A-Za-z0-9]", "_", name).lower() for name in names}
    return sorted(names | _file_secrets().keys())


def places(name: str) -> list[Place]:
    """Where the secret is, the place that counts first."""
    found = []
    problems: list[str] = []
    if _in_keyring(name, problems):
        found.append(Place(KEYRING, f"{SERVICE}/{name}"))
    if _in_environment(name, problems):
        found.append(Place("environment", variable(name)))
    if _in_file(name, problems):
        found.append(Place("file", os.environ[FILE_VARIABLE]))
    return found


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise BadCall(f"{name!r} is not a secret's name", hint="no blanks and no '/'")


def _index_file() -> Path:
    return home_folder() / "secrets.json"


def _index() -> list[str]:
    try:
        names = json.loads(_index_file().read_bytes())["names"]
    except (OSError, ValueError, LookupError, TypeError):
        return []  # it only helps to list them
    return [name for name in names if isinstance(name, str)]


def _change_index(change: Callable[[set[str]], set[str]]) -> None:
    file = _index_file()
    try:
        with only_writer(file):
            names = sorted(change(set(_index())))
            write_private(file, json.dumps({"version": 1, "names": names}).encode() + b"\n")
    except OSError as error:
        raise BadCall(f"{file} cannot be written: {error.strerror or error}") from None

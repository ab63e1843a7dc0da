"""The servers that a user knows, beside those that a workflow defines itself.

They are in ``servers.json`` of GoFlow's home folder (mode 0600), which only the user writes, and in
the ``.mcp.json`` of a project. The user's own word comes first: a checkout cannot put another
program in the place of one that the user knows by that name.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from goflow.errors import BadCall
from goflow.home import home_folder, only_writer, write_private
from goflow.servers.definitions import Definition, read_definitions, read_section

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Known", "KnownServer", "add", "project_file", "registry_file", "remove"]

PROJECT_FILE = ".mcp.json"


class KnownServer(NamedTuple):
    """A definition with the keys of a workflow's servers (but for ``id``), and its file."""

    id: str
    definition: Definition
    file: Path


class Known:
    """The servers known to a workflow in ``folder``, read when they are first asked for.

    Methods raise ``BadCall`` when one of the files cannot be read or has another shape.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._servers: dict[str, KnownServer] | None = None

    def find(self, server_id: str) -> KnownServer | None:
        """The server of that id, the user's own before the project's."""
        return self.servers().get(server_id)

    def servers(self) -> dict[str, KnownServer]:
        """All of them by id: the user's in the order they were added, then the project's."""
        if self._servers is None:
            found: dict[str, KnownServer] = {}
            own, project = registry_file(), project_file(self._folder)
            if own.exists():
                for name, definition in read_section(own, ("servers",)).items():
                    found[name] = KnownServer(name, definition, own)
            if project is not None:
                for name, definition in read_definitions(project).items():
                    found.setdefault(name, KnownServer(name, definition, project))
            self._servers = found
        return self._servers


def registry_file() -> Path:
    """The user's own file; it may not exist."""
    return home_folder() / "servers.json"


def project_file(folder: Path | None = None) -> Path | None:
    """The ``.mcp.json`` of the project that ``folder`` (by default the working one) is in.

    Looked for upwards to the project's root, which is where ``.git`` is. Outside a repository only
    the folder itself counts: what lies above is somebody else's.
    """
    start = (folder or Path()).absolute()
    folders = [start]
    for parent in (start, *start.parents):
        if (parent / ".git").exists():
            folders = [start, *start.parents]
            del folders[folders.index(parent) + 1 :]
            break
    for each in folders:
        file = each / PROJECT_FILE
        if file.is_file():
            return file
    return None


def add(definitions: dict[str, Definition], *, replace: bool = False) -> None:
    """Put servers into the user's file, all or none.

    Raises ``BadCall`` for an id that is there already, unless ``replace``, and when the file cannot
    be read or written.
    """

    def change(section: dict[str, Any]) -> None:
        for name, definition in definitions.items():
            if name in section and not replace:
                raise BadCall(
                    f"there is a server {name!r} already",
                    hint=f"--replace puts this one in its place; goflow servers show {name}",
                )
            section[name] = definition

    _change(change)


def remove(server_id: str) -> None:
    """Take a server out of the user's file.

    Raises ``BadCall`` when it is not there, and when the file cannot be read or written.
    """

    def change(section: dict[str, Any]) -> None:
        if section.pop(server_id, None) is None:
            raise BadCall(f"there is no server {server_id!r} in {registry_file()}")

    _change(change)


def _change(change: Callable[[dict[str, Any]], None]) -> None:
    file = registry_file()
    try:
        with only_writer(file):
            # What cannot be read is an error here, and is not overwritten.
            section = read_section(file, ("servers",)) if file.exists() else {}
            change(section)
            text = json.dumps({"version": 1, "servers": section}, indent=2, ensure_ascii=False)
            write_private(file, f"{text}\n".encode())
    except OSError as error:
        raise BadCall(f"{file} cannot be written: {error.strerror or error}") from None

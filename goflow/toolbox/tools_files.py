"""The tools that read, write and list files below the root folder."""

from __future__ import annotations

import time
from fnmatch import fnmatchcase

from goflow.toolbox.registry import ToolError, flag, listing, record, string, tool

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from typing import Any

    from goflow.toolbox.folder import Folder

MOST_FILES = 100_000

PATH = string("The file, relative to the root folder.", minLength=1)
WRITTEN = record(
    path="string", size={"type": "integer", "description": "The file's size in bytes."}
)
MODIFIED = {"type": "string", "description": "When it was last changed: ISO 8601, UTC."}


@tool(
    access="read",
    arguments={
        "path": string("The folder, relative to the root folder.", minLength=1),
        "pattern": string("What the files' names must match: * ? [abc] [!abc].", maxLength=1000),
        "recursive": flag("List the folders inside too."),
    },
    result=record(files=listing(record(path="string", size="integer", modified=MODIFIED))),
)
def list_files(
    folder: Folder, path: str = ".", pattern: str = "*", recursive: bool = False
) -> dict[str, Any]:
    """List the files in a folder, sorted by path. Symbolic links are left out."""
    files = []
    with folder.at(path) as place:
        for name, last, status in place.scan(recursive=recursive):
            if not fnmatchcase(last, pattern):
                continue
            files.append({"path": name, "size": status.st_size, "modified": _modified(status)})
            if len(files) > MOST_FILES:
                raise ToolError(f"there are more than {MOST_FILES} files")
    files.sort(key=lambda file: str(file["path"]))
    return {"files": files}


@tool(access="read", arguments={"path": PATH})
def read_text(folder: Folder, path: str) -> str:
    """Read a text file (UTF-8) and give its text unchanged."""
    return read_utf8(folder, path)


@tool(
    access="read",
    arguments={"path": PATH},
    result=record(
        path="string", size="integer", sha256="string", lines="integer", modified=MODIFIED
    ),
)
def file_info(folder: Folder, path: str) -> dict[str, Any]:
    """Give a file's size, SHA-256 digest, number of lines and time of change."""
    from hashlib import sha256  # noqa: PLC0415 - loading OpenSSL takes as long as all the rest

    digest = sha256()
    size = lines = 0
    end = b"\n"
    with folder.at(path) as place:
        status = place.status()
        for chunk in place.chunks():
            digest.update(chunk)
            size += len(chunk)
            lines += chunk.count(b"\n")
            end = chunk[-1:]
        return {
            "path": place.path,
            "size": size,
            "sha256": digest.hexdigest(),
            "lines": lines + (end != b"\n"),
            "modified": _modified(status),
        }


@tool(
    access="write",
    destructive=True,
    arguments={"path": PATH, "content": string("The whole text of the file.")},
    result=WRITTEN,
)
def write_text(folder: Folder, path: str, content: str) -> dict[str, Any]:
    """Write a text file (UTF-8), over what was there, atomically."""
    with folder.at(path) as place:
        return {"path": place.path, "size": place.replace([content.encode()])}


@tool(
    access="write",
    idempotent=False,
    arguments={"path": PATH, "content": string("The text to add.")},
    result=WRITTEN,
)
def append_text(folder: Folder, path: str, content: str) -> dict[str, Any]:
    """Add text to the end of a file, which is made if missing."""
    with folder.at(path) as place:
        return {"path": place.path, "size": place.append(content.encode())}


@tool(
    access="write",
    destructive=True,
    idempotent=False,  # A second call would change nothing, but it fails where the first did not.
    arguments={
        "source": string("The file to copy, relative to the root folder.", minLength=1),
        "destination": string("The copy, relative to the root folder.", minLength=1),
        "overwrite": flag("Copy over a file that is there; without it that is an error."),
    },
    result=WRITTEN,
)
def copy_file(
    folder: Folder, source: str, destination: str, overwrite: bool = False
) -> dict[str, Any]:
    """Copy a file, atomically, with its permissions."""
    with folder.at(source) as origin, folder.at(destination) as copy:
        mode = origin.status().st_mode & 0o777
        if not overwrite and copy.exists():
            raise ToolError(f"{copy.path!r} is there already; set overwrite to copy over it")
        return {"path": copy.path, "size": copy.replace(origin.chunks(), mode)}


@tool(
    access="write",
    destructive=True,
    idempotent=False,
    arguments={"path": PATH},
    result=record(path="string", deleted="boolean"),
)
def delete_file(folder: Folder, path: str) -> dict[str, Any]:
    """Delete a file. A missing file, a folder and a symbolic link are errors."""
    with folder.at(path, follow=False) as place:
        place.remove()
        return {"path": place.path, "deleted": True}


@tool(
    access="write",
    arguments={"path": string("The folder, relative to the root folder.", minLength=1)},
    result=record(path="string", created="boolean"),
)
def make_folder(folder: Folder, path: str) -> dict[str, Any]:
    """Make a folder, and those above it that are missing."""
    made, created = folder.make(path)
    return {"path": made, "created": created}


def read_utf8(folder: Folder, path: str) -> str:
    """A file's text; `ToolError` if it is not UTF-8."""
    with folder.at(path) as place:
        data = place.read()
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise ToolError(f"{path!r} is not UTF-8 text (byte {error.start})") from None


def _modified(status: os.stat_result) -> str:
    seconds, rest = divmod(status.st_mtime_ns, 1_000_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest // 1_000_000:03}Z"

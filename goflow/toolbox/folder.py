"""The root folder, and no way out of it.

A path is walked one name at a time from a descriptor of the root: each folder is opened relative
to the one before with O_NOFOLLOW, a symbolic link is read and its names are walked the same way,
and `..` goes back to the descriptor that the walk came from. Nothing is resolved first and used
later, so no rename or link made by another program between a check and its use leads outside:
this is the way of openat2's RESOLVE_BENEATH and of Go's os.Root, in user space.

Promised: no tool opens, makes, changes, lists or deletes anything but what is reached by names
below the root. Absolute links are refused, even those that lead back inside.

Not promised: what another program with access to the root does. A folder that it moves out of the
root during a call stays reachable for that call; a hard link or a mount that it puts inside counts
as inside; and two programs that write one file at once do not see each other: the last one wins.
"""

from __future__ import annotations

import errno
import os

from goflow.toolbox.place import OPEN_FOLDER, Place
from goflow.toolbox.registry import ToolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

LONGEST_PATH = 4096
LONGEST_NAME = 255
MOST_LINKS = 40  # As Linux has it.


class Folder:
    """The root folder, held open. Raises `OSError` if it cannot be opened."""

    def __init__(self, path: str) -> None:
        self._fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        # An absolute path is taken when it begins with one of the root's two own names.
        self._names = {os.path.abspath(path), os.path.realpath(path)}

    def close(self) -> None:
        """Let go of the folder."""
        os.close(self._fd)

    def at(self, path: str, *, follow: bool = True) -> Walk:
        """The place that a path names: `with folder.at(path) as place`.

        The last name may be missing. If it is a link, the place is where the link leads, or the
        link itself with `follow=False`. Raises `ToolError`.
        """
        return Walk(self._fd, path, self._parts(path), follow=follow)

    def make(self, path: str) -> tuple[str, bool]:
        """Make the folder and those above it; gives its path and whether it is new.

        A path with `..` is refused, as it could make one folder and then turn out to be wrong.
        """
        parts = self._parts(path)
        if ".." in parts:
            raise ToolError(f"path {path!r} must not contain '..' here")
        made = False
        for end in range(1, len(parts) + 1):
            with self.at("/".join(parts[:end])) as place:
                made = place.make_folder()
        with self.at(path) as place:
            return place.path, made

    def _parts(self, path: str) -> list[str]:
        """The names in a path that is relative to the root."""
        if not path:
            raise ToolError("a path must not be empty; the root folder is '.'")
        if "\0" in path:
            raise ToolError("a path must not contain a NUL character")
        if not _is_utf8(path):
            raise ToolError("a path must be valid Unicode text")
        if len(path.encode()) > LONGEST_PATH:
            raise ToolError(f"a path must not be longer than {LONGEST_PATH} bytes")
        if path.startswith("/"):
            path = self._below_root(path)
        parts = _split(path)
        if any(len(part.encode()) > LONGEST_NAME for part in parts):
            raise ToolError(f"a file's name must not be longer than {LONGEST_NAME} bytes")
        return parts

    def _below_root(self, path: str) -> str:
        for name in self._names:
            if path == name:
                return "."
            if path.startswith(name.rstrip("/") + "/"):
                return path[len(name.rstrip("/")) + 1 :]
        raise _outside(path)


class Walk:
    """The walk along one path; a context manager that holds its folders open."""

    __slots__ = ("_fds", "_follow", "_links", "_names", "_path", "_root", "_todo")

    def __init__(self, root: int, path: str, parts: list[str], *, follow: bool) -> None:
        self._root = root
        self._path = path  # As the caller wrote it, for messages.
        self._follow = follow
        self._todo = parts[::-1]  # Names still to walk, the next one last.
        self._fds: list[int] = []  # The folders walked into, the root left out,
        self._names: list[str] = []  # and their names.
        self._links = 0

    def __enter__(self) -> Place:
        try:
            return self._walk()
        except BaseException:
            self._close()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._close()

    def _close(self) -> None:
        while self._fds:
            os.close(self._fds.pop())

    def _walk(self) -> Place:
        while self._todo:
            name = self._todo.pop()
            here = self._fds[-1] if self._fds else self._root
            last = not self._todo
            if name == "..":
                if not self._fds:
                    raise _outside(self._path)
                os.close(self._fds.pop())
                self._names.pop()
            elif self._enter_link(name, here, last):
                continue
            elif last:
                return Place(here, name, "/".join([*self._names, name]))
            else:
                self._enter_folder(name, here)
        # The path is the root itself, or ends in "..".
        here = self._fds[-1] if self._fds else self._root
        return Place(here, ".", "/".join(self._names) or ".")

    def _enter_link(self, name: str, here: int, last: bool) -> bool:
        """If the name is a link, put its names before those still to walk."""
        if last and not self._follow:
            return False
        try:
            target = os.readlink(name, dir_fd=here)
        except OSError as error:
            # EINVAL: there, but not a link. ENOENT: opening it will say so, making it may go well.
            if error.errno in (errno.EINVAL, errno.ENOENT):
                return False
            raise
        self._links += 1
        if self._links > MOST_LINKS:
            raise ToolError(f"path {self._path!r} goes through too many links")
        if target.startswith("/"):
            raise _outside(self._path)
        if not _is_utf8(target):  # No answer could spell the path that was reached.
            raise ToolError(f"path {self._path!r} goes through a name that is not UTF-8")
        self._todo.extend(reversed(_split(target)))
        return True

    def _enter_folder(self, name: str, here: int) -> None:
        path = "/".join([*self._names, name])
        try:
            self._fds.append(os.open(name, OPEN_FOLDER, dir_fd=here))
        except FileNotFoundError:
            raise ToolError(f"there is no folder {path!r}") from None
        except NotADirectoryError:
            raise ToolError(f"{path!r} is not a folder") from None
        self._names.append(name)


def _split(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _outside(path: str) -> ToolError:
    return ToolError(f"path {path!r} leads out of the root folder")

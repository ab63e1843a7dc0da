"""A place: one name in an open folder, and what may be done there.

Only regular files are read and written. A folder, a link, a FIFO, a socket or a device is an
error, found before it is opened (opening one can wait for ever, or do something) and once more
after it.
"""

from __future__ import annotations

import os
import stat

from goflow.toolbox.registry import ToolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MIB = 1 << 20
LARGEST_READ = 32 * MIB  # Of a file that becomes part of an answer.
LARGEST_STREAM = 1024 * MIB  # Of a file that is only copied or hashed.
CHUNK = 1 * MIB
DEEPEST_SCAN = 64

_ALWAYS = os.O_CLOEXEC | os.O_NOFOLLOW
OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | _ALWAYS
# O_NONBLOCK does nothing to a regular file, and opening a FIFO that took its name does not wait.
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | _ALWAYS
_WRITE = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | _ALWAYS
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _ALWAYS


class Place:
    """A name in a folder. `path` is the way to it from the root, with links followed.

    Lives inside the `with folder.at(...)` that gave it. All methods raise `ToolError` for what a
    caller can mend and `OSError` for the rest.
    """

    __slots__ = ("_fd", "_name", "path")

    def __init__(self, fd: int, name: str, path: str) -> None:
        self._fd = fd
        self._name = name
        self.path = path

    def exists(self) -> bool:
        """Whether there is anything of this name, a dangling link too."""
        return self._stat() is not None

    def status(self) -> os.stat_result:
        """The status of the regular file here."""
        status = self._stat()
        if status is None:
            raise ToolError(f"there is no file {self.path!r}")
        self._must_be_regular(status)
        return status

    def read(self) -> bytes:
        """The whole file, at most `LARGEST_READ` bytes."""
        return b"".join(self.chunks(LARGEST_READ))

    def chunks(self, limit: int = LARGEST_STREAM) -> Iterator[bytes]:
        """The file piece by piece; an error once it proves larger than `limit` bytes."""
        # The size is checked before, to fail early, and while reading: a file can grow.
        left = limit - self.status().st_size
        if left >= 0:
            left = limit
            with open(self._open(_READ), "rb", buffering=0) as file:
                while chunk := file.read(CHUNK):
                    left -= len(chunk)
                    if left < 0:
                        break
                    yield chunk
        if left < 0:
            raise ToolError(f"{self.path!r} is too large: the limit is {limit // MIB} MiB")

    def replace(self, chunks: Iterable[bytes], mode: int = 0o666) -> int:
        """Put a whole new file here, atomically; gives its size in bytes.

        The new content is written to a file beside it, which then takes its name: a reader sees
        the old file or the new one, and a failure leaves the old one. A file that was there gives
        its permissions to the new one (not its owner, and a hard link to it keeps the old
        content); otherwise `mode` and the umask do. Not synced to disk: a power cut may undo it.
        """
        old = self._stat()
        if old is not None:
            self._must_be_regular(old)
            # A file that may not be written to may not be replaced, though its folder allows it.
            os.close(self._open(_WRITE))
        beside = f".goflow-{os.urandom(8).hex()}.tmp"
        try:  # Around its creation too: a signal may come right after it.
            with open(self._create(beside, mode), "wb", buffering=0) as file:
                size = 0
                for chunk in chunks:
                    size += _write_all(file.fileno(), chunk)
                if old is not None:
                    os.fchmod(file.fileno(), stat.S_IMODE(old.st_mode) & 0o777)
            os.replace(beside, self._name, src_dir_fd=self._fd, dst_dir_fd=self._fd)
        except BaseException:  # A signal's exit too must not leave the file beside it.
            _unlink_quietly(beside, self._fd)
            raise
        return size

    def _create(self, name: str, mode: int) -> int:
        try:
            return os.open(name, _CREATE, mode, dir_fd=self._fd)
        except PermissionError:  # The file beside is none of the caller's business.
            raise ToolError(f"{self.path!r}: no permission to write in its folder") from None

    def append(self, data: bytes) -> int:
        """Add to the end of the file, which is made if missing; gives its new size.

        Written in place: a reader may see a part of it, a full disk may leave a part of it.
        """
        if self._stat() is not None:
            self.status()
        fd = self._open(_WRITE | os.O_APPEND | os.O_CREAT)
        try:
            _write_all(fd, data)
            return os.fstat(fd).st_size
        finally:
            os.close(fd)

    def remove(self) -> None:
        """Delete the regular file here."""
        self.status()
        os.unlink(self._name, dir_fd=self._fd)

    def make_folder(self) -> bool:
        """Make a folder here; gives False if it was there."""
        try:
            os.mkdir(self._name, dir_fd=self._fd)
        except FileExistsError:
            status = self._stat()
            if status is None or not stat.S_ISDIR(status.st_mode):
                raise ToolError(f"{self.path!r} is not a folder") from None
            return False
        return True

    def scan(self, *, recursive: bool) -> Iterator[tuple[str, str, os.stat_result]]:
        """Path, name and status of the regular files in the folder here, in no order.

        Links are left out. So are names that are not UTF-8: no answer could spell them.
        """
        try:
            fd = os.open(self._name, OPEN_FOLDER, dir_fd=self._fd)
        except FileNotFoundError:
            raise ToolError(f"there is no folder {self.path!r}") from None
        except NotADirectoryError:
            raise ToolError(f"{self.path!r} is not a folder") from None
        prefix = "" if self.path == "." else self.path + "/"
        return _scan(fd, prefix, DEEPEST_SCAN if recursive else 0, recursive)

    def _stat(self) -> os.stat_result | None:
        try:
            return os.stat(self._name, dir_fd=self._fd, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def _open(self, flags: int) -> int:
        fd = os.open(self._name, flags, 0o666, dir_fd=self._fd)
        try:
            self._must_be_regular(os.fstat(fd))
        except BaseException:
            os.close(fd)
            raise
        return fd

    def _must_be_regular(self, status: os.stat_result) -> None:
        if stat.S_ISDIR(status.st_mode):
            raise ToolError(f"{self.path!r} is a folder, not a file")
        if not stat.S_ISREG(status.st_mode):
            raise ToolError(f"{self.path!r} is not a regular file")


def _scan(
    fd: int, prefix: str, levels: int, recursive: bool
) -> Iterator[tuple[str, str, os.stat_result]]:
    try:
        with os.scandir(fd) as entries:
            for entry in entries:
                try:
                    entry.name.encode()
                    if recursive and entry.is_dir(follow_symlinks=False):
                        if not levels:
                            raise ToolError(f"folders nest too deeply below {prefix!r}")
                        inner = os.open(entry.name, OPEN_FOLDER, dir_fd=fd)
                        yield from _scan(inner, f"{prefix}{entry.name}/", levels - 1, True)
                    elif entry.is_file(follow_symlinks=False):
                        status = entry.stat(follow_symlinks=False)
                        yield prefix + entry.name, entry.name, status
                except (FileNotFoundError, NotADirectoryError, UnicodeEncodeError):
                    continue  # Gone or exchanged since it was listed, or not UTF-8.
    finally:
        os.close(fd)


def _write_all(fd: int, data: bytes) -> int:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]
    return len(data)


def _unlink_quietly(name: str, fd: int) -> None:
    try:  # noqa: SIM105 - contextlib is not otherwise imported
        os.unlink(name, dir_fd=fd)
    except OSError:
        pass

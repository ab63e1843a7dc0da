"""The checks of ``goflow doctor``: each looks at one thing and changes nothing."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import sys
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

from goflow import __version__
from goflow.errors import BadCall, GoFlowError
from goflow.home import home_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["Check", "check_all"]

ROOM = 100 << 20
"""Bytes that should be free where GoFlow keeps its files."""
_PRIVATE = ("history.db", "servers.json", "secrets.json", "owners.lock", "cache/results.db")


class Check(NamedTuple):
    """What one check found; ``status`` is ok, note or problem."""

    name: str
    status: str
    detail: str
    hint: str | None = None


def check_all(*, servers: bool) -> list[Check]:
    """Every check, in the order in which a person would look; ``servers`` connects to them."""
    checks: list[Callable[[], Iterator[Check]]] = [
        _versions,
        _core,
        _folder,
        _permissions,
        _room,
        _history,
        _cache,
        _keyring,
        _secrets_file,
        lambda: _servers(connect=servers),
        _launchers,
    ]
    found = []
    for check in checks:
        try:
            found += list(check())
        except Exception as error:  # a check that breaks is a finding, not the end
            name = getattr(check, "__name__", "check").strip("_<>")
            found.append(Check(name, "problem", f"{type(error).__name__}: {error}"))
    return found


def _versions() -> Iterator[Check]:
    from importlib.metadata import version  # noqa: PLC0415

    python = ".".join(map(str, sys.version_info[:3]))
    packages = ", ".join(f"{name} {version(name)}" for name in ("mcp", "msgspec", "click"))
    yield Check(
        "version", "ok", f"goflow {__version__}, Python {python}, SQLite {sqlite3.sqlite_version}"
    )
    yield Check("packages", "ok", packages)
    yield Check("place", "ok", os.path.dirname(os.path.dirname(__file__)))


def _core() -> Iterator[Check]:
    from importlib import import_module  # noqa: PLC0415

    for name in ("graph", "value", "cache", "pool"):
        try:
            module = import_module(f"goflow._core.{name}")
        except ImportError as error:
            yield Check(
                "core", "problem", f"the compiled module {name} does not load: {error}",
                "install a wheel for this Python, or a C compiler and then again",
            )  # fmt: skip
            return
    yield Check("core", "ok", f"compiled ({os.path.basename(module.__file__ or '')})")


# -- files -------------------------------------------------------------------------------------


def _folder() -> Iterator[Check]:
    home = home_folder()
    above = _nearest(home)
    if home.exists() and not home.is_dir():
        yield Check("folder", "problem", f"{home} is no folder", "move it, or set GOFLOW_HOME")
    elif not _writable(above):
        yield Check(
            "folder", "problem", f"{home} cannot be written",
            f"chmod u+rwx {above}, or set GOFLOW_HOME to a folder of yours",
        )  # fmt: skip
    elif not home.exists():
        yield Check("folder", "ok", f"{home} (made when it is needed)")
    else:
        yield Check("folder", "ok", str(home))


def _permissions() -> Iterator[Check]:
    if os.name != "posix":
        return
    home = home_folder()
    open_ones = []
    for file in (home, *(home / name for name in _PRIVATE)):
        try:
            mode = stat.S_IMODE(file.stat().st_mode)
        except OSError:
            continue
        if mode & 0o077 and (file.is_file() or not _only_ours(file)):
            open_ones.append((file, "600" if file.is_file() else "700"))
    for file, wanted in open_ones:
        yield Check(
            "private files", "problem", f"others may read or write {file}",
            f"chmod {wanted} {file}",
        )  # fmt: skip
    if not open_ones and home.is_dir():
        yield Check("private files", "ok", "only you may read them")


def _only_ours(folder: Path) -> bool:
    """Whether a folder that others may look into holds nothing that is not private by itself."""
    return not os.stat(folder).st_mode & 0o022


def _room() -> Iterator[Check]:
    free = shutil.disk_usage(_nearest(home_folder())).free
    detail = f"{free / (1 << 30):.1f} GiB free"
    if free < ROOM:
        hint = "goflow runs prune and goflow cache prune give some back; or move GOFLOW_HOME"
        yield Check("room", "problem", f"only {free >> 20} MiB free", hint)
    else:
        yield Check("room", "ok", detail)


def _history() -> Iterator[Check]:
    from goflow.history.database import VERSION  # noqa: PLC0415

    file = home_folder() / "history.db"
    hint = f"mv {file} {file}.bad: a new one is begun, earlier runs are lost"
    yield _store("history", file, "runs", VERSION, hint)


def _cache() -> Iterator[Check]:
    from goflow.results.results import store_path  # noqa: PLC0415

    yield _store("cache", store_path(), None, None, "goflow cache clear, or remove the file")


def _store(name: str, file: Path, table: str | None, version: int | None, hint: str) -> Check:
    """An SQLite file, opened for reading only and looked through."""
    if not file.exists():
        return Check(name, "ok", "nothing kept yet")
    # Without a log nobody writes, and reading need leave no files of its own.
    logged = file.with_name(f"{file.name}-wal").exists()
    address = f"{file.as_uri()}?{'mode=ro' if logged else 'immutable=1'}"
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=5)) as database:
            found = database.execute("PRAGMA quick_check(1)").fetchone()[0]
            if found != "ok":
                return Check(name, "problem", f"{file} is damaged: {found}", hint)
            kept = database.execute("PRAGMA user_version").fetchone()[0]
            if version is not None and kept > version:
                detail = f"{file} was written by a newer release (tables {kept}, here {version})"
                return Check(name, "problem", detail, "upgrade goflow, or move the file")
            count = ""
            if table is not None:
                number = database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
                count = f"{number} {table}, "
    except sqlite3.Error as error:
        return Check(name, "problem", f"{file} cannot be read: {error}", hint)
    return Check(name, "ok", f"{count}{file.stat().st_size / (1 << 20):.1f} MiB")


def _nearest(path: Path) -> Path:
    """The path, or the nearest one above it that is there."""
    while not path.exists():
        path = path.parent
    return path


def _writable(folder: Path) -> bool:
    """Whether a file can be made there: one without a name, that is gone at once."""
    import tempfile  # noqa: PLC0415

    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


# -- secrets and servers -----------------------------------------------------------------------


def _keyring() -> Iterator[Check]:
    import keyring  # noqa: PLC0415
    from keyring.errors import NoKeyringError  # noqa: PLC0415

    elsewhere = "secrets come from GOFLOW_SECRET_… or the file that GOFLOW_SECRETS_FILE names"
    try:
        backend = keyring.get_keyring()
        keyring.get_password("goflow", "doctor")
    except NoKeyringError:
        yield Check("keyring", "note", "there is none", elsewhere)
    except Exception as error:  # locked, or a backend's own, such as of a bus that is gone
        detail = f"it cannot be used: {error or type(error).__name__}"
        yield Check("keyring", "problem", detail, f"unlock it; without it {elsewhere}")
    else:
        yield Check("keyring", "ok", getattr(backend, "name", type(backend).__name__))


def _secrets_file() -> Iterator[Check]:
    from goflow.servers import secrets  # noqa: PLC0415

    if not os.environ.get(secrets.FILE_VARIABLE):
        return
    try:
        names = secrets.known_names()
    except BadCall as error:
        yield Check("secrets file", "problem", error.message, error.hint)
    else:
        yield Check("secrets file", "ok", f"readable; {len(names)} secrets are known in all")


def _servers(*, connect: bool) -> Iterator[Check]:
    from goflow.servers.registry import Known  # noqa: PLC0415
    from goflow.workflow.known_servers import read_known  # noqa: PLC0415

    try:
        known = Known().servers()
    except BadCall as error:
        yield Check("servers", "problem", error.message, error.hint or "mend or remove the file")
        return
    if not known:
        yield Check("servers", "ok", "you know none yet", "goflow servers add ID -- COMMAND…")
    for server in known.values():
        read, findings = read_known(server)
        errors = [finding for finding in findings.found if finding.severity == "error"]
        name = f"server {server.id}"
        if errors:
            hint = f"goflow servers show {server.id}; it is in {server.file}"
            yield Check(name, "problem", errors[0].message, hint)
            continue
        try:
            yield Check(name, "ok", _reached(read, server.file) if connect else _startable(read))
        except GoFlowError as error:
            yield Check(name, "problem", error.message, error.hint or f"it is in {server.file}")


def _startable(server: object) -> str:
    """What the server would be started by; raises what is missing."""
    from goflow.engine.servers import configure  # noqa: PLC0415
    from goflow.servers.config import child_environment, resolve_command  # noqa: PLC0415

    config = configure(server, None)  # type: ignore[arg-type]
    if config.transport != "stdio":
        return f"{config.transport}, not asked (--servers does)"
    return f"{resolve_command(config, child_environment(config))} (--servers connects to it)"


def _reached(server: object, file: Path) -> str:
    """What the server says; raises ``GoFlowError``."""
    import asyncio  # noqa: PLC0415

    from goflow.engine.servers import configure  # noqa: PLC0415
    from goflow.servers.opening import open_session  # noqa: PLC0415

    async def ask() -> str:
        session = await open_session(configure(server, None))  # type: ignore[arg-type]
        try:
            tools = await session.list_tools()
        finally:
            await session.close()
        return f"reached, {len(tools)} tools, MCP {session.protocol_version}"

    return asyncio.run(ask())


def _launchers() -> Iterator[Check]:
    for name, brings in (("node", "Node.js"), ("npx", "Node.js"), ("uvx", "uv")):
        path = shutil.which(name)
        if path:
            yield Check(name, "ok", path)
        else:
            yield Check(name, "note", "not there", f"servers that it starts need {brings}")

"""What stands behind ``npx`` and ``uvx``: the script that can be started without them.

They look for a package, and often ask a registry for a newer one, before they start it: hundreds
of milliseconds at every start of a server.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Direct", "is_launcher", "resolve"]

_LAUNCHERS = {"npx": "npm", "bunx": "npm", "uvx": "python", "pipx": "python", "uv": "python"}
_PATIENCE = 20.0


class Direct(NamedTuple):
    """The command that a launcher would start; ``package`` is what it is of, with its version."""

    command: str
    args: tuple[str, ...]
    package: str


class _Wanted(NamedTuple):
    package: str
    version: str | None
    script: str
    args: tuple[str, ...]


def is_launcher(command: str) -> bool:
    """Whether the command looks for a package and starts a script of it."""
    return _name(command) in _LAUNCHERS


def resolve(command: str, args: Sequence[str]) -> Direct | str:
    """The direct command, or why there is none, in words."""
    kind = _LAUNCHERS[_name(command)]
    wanted = _npm(args) if kind == "npm" else _python(_name(command), args)
    if wanted is None:
        return f"its arguments are more than {_name(command)} PACKAGE ARGUMENTS…"
    found = _npm_script(wanted) if kind == "npm" else _python_script(wanted)
    if found is None:
        install = "npm install -g" if kind == "npm" else "uv tool install"
        version = f"@{wanted.version}" if wanted.version and kind == "npm" else ""
        return f"{wanted.package} is not installed: {install} {wanted.package}{version}"
    return found


def _name(command: str) -> str:
    return Path(command).name.removesuffix(".cmd").removesuffix(".exe")


# -- what is asked for -------------------------------------------------------------------------


def _npm(args: Sequence[str]) -> _Wanted | None:
    """``npx [-y] [-p PACKAGE] [--] PACKAGE[@VERSION] ARGUMENTS…``."""
    rest = list(args)
    package = None
    while rest and rest[0].startswith("-"):
        option, equals, value = rest.pop(0).partition("=")
        if option in ("-p", "--package"):
            package = value if equals else (rest.pop(0) if rest else None)
        elif option == "--":
            break
        elif option not in ("-y", "--yes", "-q", "--quiet", "--no-install", "--prefer-offline"):
            return None
    if not rest:
        return None
    name, version = _split(package or rest[0])
    script = rest[0] if package else ""
    return _Wanted(name, version, script, tuple(rest[1:]))


def _python(launcher: str, args: Sequence[str]) -> _Wanted | None:
    """``uvx [--from PACKAGE] SCRIPT[@VERSION] …``, and ``uv tool run`` and ``pipx run``."""
    rest = list(args)
    for word in {"uv": ("tool", "run"), "pipx": ("run",)}.get(launcher, ()):
        if not rest or rest.pop(0) != word:
            return None
    package = None
    while rest and rest[0].startswith("-"):
        option, equals, value = rest.pop(0).partition("=")
        if option in ("--from", "--spec"):
            package = value if equals else (rest.pop(0) if rest else None)
        elif option not in ("-q", "--quiet", "--offline"):
            return None
    if not rest:
        return None
    script, version = _split(rest[0])
    requirement = re.fullmatch(
        r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?(?:(?:==|@)(.+))?", package or script
    )
    if requirement is None:
        return None
    return _Wanted(requirement[1], requirement[2] or version, script, tuple(rest[1:]))


def _split(text: str) -> tuple[str, str | None]:
    """``@scope/name@1.2`` as its name and version; a tag such as ``latest`` is no version."""
    name, at, version = text.rpartition("@")
    if not at or not name:
        return text, None
    return name, version if version[:1].isdigit() else None


# -- what is installed -------------------------------------------------------------------------


def _npm_script(wanted: _Wanted) -> Direct | None:
    for modules in _module_folders():
        folder = modules / wanted.package
        try:
            manifest = json.loads((folder / "package.json").read_bytes())
            scripts, version = manifest.get("bin"), manifest.get("version")
        except (OSError, ValueError, AttributeError):
            continue
        if wanted.version is not None and version != wanted.version:
            continue
        short = wanted.package.rpartition("/")[2]
        if isinstance(scripts, str):
            scripts = {short: scripts}
        if not isinstance(scripts, dict) or not scripts:
            continue
        name = wanted.script or (short if short in scripts else next(iter(scripts)))
        script = folder / str(scripts.get(name, ""))
        if name in scripts and script.is_file():
            package = f"{wanted.package} {version}"
            return Direct("node", (str(script.resolve()), *wanted.args), package)
    return None


def _module_folders() -> Iterator[Path]:
    """Where npm packages are, the nearest first: projects around, global, those npx keeps."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        yield folder / "node_modules"
    npm = shutil.which("npm")
    if npm is None:
        return
    for key, inside in (("prefix", "lib/node_modules"), ("cache", "_npx/*/node_modules")):
        try:
            asked = subprocess.run(
                [npm, "config", "get", key, *(["--global"] if key == "prefix" else [])],
                capture_output=True, text=True, timeout=_PATIENCE, check=True,
                stdin=subprocess.DEVNULL,
            )  # fmt: skip
        except (OSError, subprocess.SubprocessError):
            continue
        root = Path(asked.stdout.strip())
        if root.is_absolute():
            yield from sorted(root.glob(inside))


def _python_script(wanted: _Wanted) -> Direct | None:
    """A console script on the PATH, of uv's tools, or beside the running interpreter.

    One of another version than asked for does not count.
    """
    for folder in _script_folders():
        path = shutil.which(wanted.script, path=str(folder))
        if path is None:
            continue
        version = _version_of(Path(path), wanted.package)
        if wanted.version is None or version == wanted.version:
            package = f"{wanted.package} {version}" if version else wanted.package
            return Direct(os.path.abspath(path), wanted.args, package)
    return None


def _script_folders() -> Iterator[Path]:
    yield Path(sys.executable).parent
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        if folder:
            yield Path(folder)
    yield Path.home() / ".local" / "bin"


def _version_of(script: Path, package: str) -> str | None:
    """The version of the package that a console script is of: it lies beside its environment."""
    wanted = re.sub(r"[-_.]+", "_", package).lower()
    environment = script.resolve().parent.parent
    for info in environment.glob("lib/python3*/site-packages/*.dist-info"):
        name, _, version = info.name.removesuffix(".dist-info").rpartition("-")
        if re.sub(r"[-_.]+", "_", name).lower() == wanted:
            return version
    return None

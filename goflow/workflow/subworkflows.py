"""Where the workflow is that a ``workflow`` node names."""

from __future__ import annotations

from pathlib import Path as FilePath

from goflow.errors import BadCall
from goflow.expressions.functions import nearest

__all__ = ["find_workflow"]

_SUFFIXES = (".yaml", ".yml", ".json")


def find_workflow(name: str, folder: FilePath | None) -> FilePath:
    """The file that ``name`` means in ``folder``: a path, or a file's name without its suffix.

    ``folder`` is that of the workflow that names it; None is the working folder. Raises ``BadCall``
    when there is none.
    """
    folder = folder or FilePath.cwd()
    suffixes = ("",) if name.endswith(_SUFFIXES) else _SUFFIXES
    try:
        for suffix in suffixes:
            file = (folder / f"{name}{suffix}").resolve()
            if file.is_file():
                return file
        beside = [file.name for file in folder.iterdir() if file.suffix in _SUFFIXES]
    except (OSError, ValueError):
        beside = []
    if not name.endswith(_SUFFIXES):
        beside = [file.rpartition(".")[0] for file in beside]
    raise BadCall(f"there is no workflow {name!r}", hint=nearest(name, beside))

"""The folder where GoFlow keeps what it writes: logs, caches, histories."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["home_folder", "private_folder"]


def home_folder() -> Path:
    """``$GOFLOW_HOME`` if it is set and not empty, else the platform's user data folder.

    It may not exist yet; `private_folder` makes it.
    """
    moved = os.environ.get("GOFLOW_HOME")
    if moved:
        return Path(moved).expanduser().absolute()
    from platformdirs import user_data_path  # noqa: PLC0415 (rarely needed at start-up)

    return user_data_path("goflow", appauthor=False)


def private_folder(name: str) -> Path:
    """A folder in the home folder, made if it is not there; what is made is the user's alone.

    Raises OSError when it cannot be made.
    """
    home = home_folder()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = home / name
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder

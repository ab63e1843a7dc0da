from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from toolbox.client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder that the server is confined to; the folder around it is out of bounds."""
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


@pytest.fixture
def box(root: Path) -> Iterator[Client]:
    with Client("--root", str(root)) as client:
        yield client

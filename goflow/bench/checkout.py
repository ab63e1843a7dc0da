"""Where the benchmarks are: a checkout of GoFlow, at or above the current folder."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from goflow.errors import BadCall

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

__all__ = ["Checkout"]


@dataclass(frozen=True)
class Checkout:
    """A source tree with ``benchmarks/`` in it."""

    root: Path

    @classmethod
    def around(cls, folder: Path) -> Checkout:
        """The checkout that ``folder`` is in. Raises ``BadCall`` when it is in none."""
        for root in (folder, *folder.parents):
            if (root / "benchmarks" / "measure.py").is_file():
                return cls(root)
        raise BadCall(
            "no checkout of GoFlow is here: the benchmarks are not installed with the package",
            hint="go to a clone of GoFlow's repository, or name one with --checkout",
        )

    @property
    def benchmarks(self) -> Path:
        """The folder of the benchmarks."""
        return self.root / "benchmarks"

    def categories(self) -> dict[str, Path]:
        """Category → its file."""
        files = sorted(self.benchmarks.glob("bench_*.py"))
        return {file.stem.removeprefix("bench_"): file for file in files}

    def module(self, name: str) -> ModuleType:
        """A module of the benchmarks that needs nothing of them, such as ``targets``."""
        file = self.benchmarks / f"{name}.py"
        spec = importlib.util.spec_from_file_location(f"goflow_benchmarks_{name}", file)
        if spec is None or spec.loader is None or not file.is_file():
            raise BadCall(f"this checkout has no benchmarks/{name}.py")
        module: Any = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module  # type: ignore[no-any-return]

"""What a workflow is: its model, the files that describe it, and what can be wrong with them.

``goflow.workflow(name)`` begins to write one in Python: the package itself can be called.
"""

from __future__ import annotations

import sys
from types import ModuleType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from goflow.workflow.builder import Builder


class _Package(ModuleType):
    def __call__(self, name: str, **top: Any) -> Builder:
        """A builder of the workflow ``name``; ``top`` are further keys of a file."""
        from goflow.workflow.builder import Builder  # noqa: PLC0415 - files need none

        return Builder(name, **top)


sys.modules[__name__].__class__ = _Package

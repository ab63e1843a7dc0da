"""``end``: the run's result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goflow.expressions.text import fill

if TYPE_CHECKING:
    from goflow.expressions.compile import Env
    from goflow.workflow.model import EndNode

__all__ = ["EndWork"]


class EndWork:
    """Fills the end node's ``return`` with the run's values."""

    __slots__ = ("_fill",)

    def __init__(self, node: EndNode, *, strict: bool = False) -> None:
        self._fill, _ = fill(node.value, strict=strict)

    def now(self, env: Env) -> Any:
        """The result; raises ``ExpressionError``."""
        return self._fill(env)

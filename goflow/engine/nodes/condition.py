"""``condition``: a boolean that its edges branch on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goflow.expressions.compile import Env, Expression

if TYPE_CHECKING:
    from goflow.workflow.model import ConditionNode

__all__ = ["ConditionWork"]


class ConditionWork:
    """Evaluates the condition; its value is whether that is truthy."""

    __slots__ = ("_expression",)

    def __init__(self, node: ConditionNode, *, strict: bool = False) -> None:
        self._expression = Expression.of(node.condition, strict)

    def now(self, env: Env) -> bool:
        """Whether the condition holds; raises ``ExpressionError``."""
        return bool(self._expression.evaluate(env))

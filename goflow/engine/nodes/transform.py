"""``transform``: a value computed from the input and the variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goflow.expressions.compile import INPUT, RAW, Env, raw_of
from goflow.expressions.transform import read_input, read_transform

if TYPE_CHECKING:
    from goflow.expressions.syntax import Expr
    from goflow.workflow.model import TransformNode

__all__ = ["TransformWork"]


class TransformWork:
    """Binds ``input`` and ``$`` to the input's value while the transform is evaluated."""

    __slots__ = ("_input", "_raw", "_transform")

    def __init__(self, node: TransformNode, *, strict: bool = False) -> None:
        self._transform = read_transform(node.expression, node.kind, strict=strict)
        self._input = None if node.input is None else read_input(node.input, strict=strict)
        tree: Expr | None = getattr(self._input, "tree", None)
        self._raw = None if tree is None else raw_of(tree)

    def now(self, env: Env) -> Any:
        """The transformed value; raises ``ExpressionError``."""
        if self._input is None:
            return self._transform.evaluate(env)
        raws = env[RAW]
        raw = self._raw(env) if self._raw is not None else None
        env["input"] = env[INPUT] = self._input.evaluate(env)
        raws["input"] = raws[INPUT] = raw
        try:
            return self._transform.evaluate(env)
        finally:
            del env["input"], env[INPUT], raws["input"], raws[INPUT]

"""What the text of a transform is: an expression, a path, a template, or a literal value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goflow.errors import ExpressionError
from goflow.expressions import syntax
from goflow.expressions.bound_path import BoundPath, is_path
from goflow.expressions.compile import INPUT, Expression
from goflow.expressions.jsonpath import JSONPath
from goflow.expressions.text import Template, fill

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goflow.expressions.syntax import Expr

__all__ = ["JQ_CALL", "PREFIX", "Filled", "is_jq", "read_input", "read_transform"]

PREFIX = "template:"
"""What a transform's text begins with to be a template in any case."""
JQ_CALL = "jq("
"""What a transform's text begins with to be a jq program."""


class Filled:
    """A literal YAML value whose texts may hold ``${…}``."""

    __slots__ = ("evaluate", "value")

    def __init__(self, value: Any, *, strict: bool = False) -> None:
        self.value = value
        self.evaluate, _ = fill(value, strict=strict)

    def trees(self) -> Iterator[Expr]:
        """The trees of all its interpolations."""
        return _trees(self.value)


def _trees(value: Any) -> Iterator[Expr]:
    if isinstance(value, str) and "${" in value:
        yield from Template.of(value).trees()
    elif isinstance(value, (list, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _trees(item)


def is_jq(text: Any, kind: str) -> bool:
    """Whether a transform's text is a jq program."""
    if not isinstance(text, str):
        return False
    return kind == "jq" or (kind == "auto" and text.lstrip().startswith(JQ_CALL))


def read_transform(
    text: Any, kind: str = "auto", *, strict: bool = False
) -> Expression | Template | Filled | BoundPath:
    """The compiled form of a transform's ``expression``; each has ``evaluate(env)``.

    Not for jq programs (``is_jq``), which are no closures. Raises ``ExpressionError`` for text that
    does not parse.
    """
    if not isinstance(text, str):
        return Filled(text, strict=strict)
    body = text.strip()
    if kind in ("auto", "template") and body.startswith(PREFIX):
        return Template.of(body[len(PREFIX) :].lstrip(), strict=strict)
    if kind == "template":
        return Template.of(text, strict=strict)
    if kind == "jsonpath":
        return _path(body, strict)
    if kind == "auto" and "${" in body:
        template = Template.of(body, strict=strict)
        if is_path(template):
            return BoundPath(body, strict=strict)
        if template.whole is None:
            return Template.of(text, strict=strict)
    return Expression.of(body, strict)


def read_input(text: str, *, strict: bool = False) -> Expression | Template:
    """The compiled form of a transform's ``input``: a name, an expression, or text with ``${}``."""
    try:
        return Expression.of(text.strip(), strict)
    except ExpressionError:
        if "${" not in text:
            raise
    return Template.of(text, strict=strict)


def _path(body: str, strict: bool) -> Expression | BoundPath:
    if "${" in body:
        return BoundPath(body, strict=strict)
    JSONPath.of(body)
    return Expression(body, syntax.Path(0, syntax.Name(0, INPUT), body), strict)

"""A JSONPath with ``${…}`` inside: each is bound as a literal, never pasted as it stands."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

from goflow.errors import ExpressionError
from goflow.expressions import syntax
from goflow.expressions.budget import Budget
from goflow.expressions.compile import INPUT, Env, Run, budgeted, compile_tree, find
from goflow.expressions.jsonpath import JSONPath, path_end
from goflow.expressions.operators import BUDGET
from goflow.expressions.text import Template
from goflow.expressions.values import EvalError, a_kind
from goflow.expressions.written import text as text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goflow.expressions.syntax import Expr

__all__ = ["BoundPath", "is_path", "quote_after"]

MAX_BOUND = 64 * 1024
"""Longest path once its values are bound, in characters."""


class BoundPath:
    """A path whose literals may come from variables; raises ``ExpressionError`` for mistakes.

    Inside quotes a ``${…}`` is part of that string; elsewhere it is a whole literal: a string,
    number, boolean or null.
    """

    __slots__ = ("_pieces", "_run", "_template", "source")

    def __init__(self, source: str, *, strict: bool = False) -> None:
        self.source = source
        self._template = Template.of(source, strict=strict)
        self._pieces: list[tuple[str | Run, str]] = []
        quote = ""
        for part in self._template.parts:
            if isinstance(part, str):
                self._pieces.append((part, quote))
                quote = quote_after(part, quote)
            else:
                self._pieces.append((compile_tree(part, strict), quote))
        self._run = budgeted(self._find)
        self._check()

    def trees(self) -> Iterator[Expr]:
        """The trees of its interpolations, and the input."""
        yield syntax.Name(0, INPUT)
        yield from self._template.trees()

    def evaluate(self, env: Env) -> Any:
        """What the path selects of the input; raises ``ExpressionError``."""
        try:
            return self._run(env)
        except EvalError as error:
            raise ExpressionError(
                f"{error.message} (in {self.source!r})",
                source=self.source,
                position=error.at or 0,
                hint=error.hint,
            ) from None
        except ExpressionError as error:
            if error.source == self.source:
                raise
            raise ExpressionError(
                f"{error.message}, with its values: {error.source[:200]!r}", source=self.source
            ) from None

    def _find(self, env: Env) -> Any:
        if INPUT not in env:
            raise EvalError(f"{INPUT!r} is the input of a transform; there is none here")
        values = [piece(env) if callable(piece) else piece for piece, _ in self._pieces]
        return find(JSONPath.of(self._bind(values, env[BUDGET])), env[INPUT], env)

    def _bind(self, values: list[Any], budget: Budget) -> str:
        """The path's text with a literal for each value."""
        pieces = []
        for (piece, quote), value in zip(self._pieces, values, strict=True):
            if isinstance(piece, str):
                pieces.append(piece)
            elif quote:
                pieces.append(_escaped(text_of(value, budget), quote))
            else:
                pieces.append(_literal(value))
        if sum(map(len, pieces)) > MAX_BOUND:
            raise EvalError(f"the path is longer than {MAX_BOUND >> 10} KiB with its values")
        return "".join(pieces)

    def _check(self) -> None:
        """See that it is a path with text or numbers for the values; which, the run shows."""
        mistake = None
        for sample in ("x", 1):
            text = self._bind([sample] * len(self._pieces), Budget())
            try:
                JSONPath.of(text)
            except ExpressionError as error:
                mistake = mistake or error
            else:
                return
        assert mistake is not None
        raise ExpressionError(mistake.message, source=self.source, position=self._place(mistake))

    def _place(self, error: ExpressionError) -> int:
        """Where in the source the mistake is that stands in the text with sample values."""
        bound, at = 0, 0
        for piece, quote in self._pieces:
            if isinstance(piece, str):
                start = self.source.find(piece, at)
                if error.position < bound + len(piece):
                    return start + error.position - bound if start >= 0 else 0
                bound, at = bound + len(piece), max(start, at) + len(piece)
            else:
                bound += 1 if quote else 3
        return min(at, len(self.source))

    def __repr__(self) -> str:
        return f"<BoundPath {self.source!r}>"


def is_path(template: Template) -> bool:
    """Whether a text with interpolations is one JSONPath from its first to its last character."""
    text = "".join(part if isinstance(part, str) else "0" for part in template.parts)
    try:
        return text.startswith(("$.", "$[")) and path_end(text, 0) == len(text)
    except ExpressionError:
        return False


def quote_after(text: str, quote: str) -> str:
    """The quote that is open at the end of ``text`` when ``quote`` (or none) was at its start."""
    escaped = False
    for character in text:
        if escaped:
            escaped = False
        elif quote and character == "\\":
            escaped = True
        elif character == quote:
            quote = ""
        elif not quote and character in "\"'":
            quote = character
    return quote


def _literal(value: Any) -> str:
    if type(value) is str:
        return f'"{_escaped(value, chr(34))}"'
    if value is None or type(value) is bool:
        return {None: "null", True: "true", False: "false"}[value]
    if type(value) is int or (type(value) is float and isfinite(value)):
        return repr(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(value)
    raise EvalError(
        f"${{…}} in a JSONPath is a string, number, boolean or null, not {a_kind(value)}"
    )


def _escaped(text: str, quote: str) -> str:
    return "".join(
        f"\\{character}"
        if character in ("\\", quote)
        else f"\\u{ord(character):04x}"
        if character < " "
        else character
        for character in text
    )

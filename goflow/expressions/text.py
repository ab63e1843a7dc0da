"""Text with ``${…}`` inside, and YAML values that hold such text: compiled once, filled many times.

A string that is exactly one ``${…}`` keeps the type of its value; inside other text values read as
``written.text`` writes them. ``$${`` and ``\\${`` stand for a literal ``${``.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from goflow.errors import ExpressionError
from goflow.expressions import grammar, syntax
from goflow.expressions.budget import bytes_of
from goflow.expressions.compile import Env, Run, budgeted, compile_tree
from goflow.expressions.operators import BUDGET
from goflow.expressions.values import UNCOMPUTABLE, EvalError, uncomputable
from goflow.expressions.written import text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from goflow.expressions.syntax import Expr

__all__ = ["Template", "fill", "whole_reference"]


class Template:
    """A text with interpolations.

    ``parts`` alternates literal text and trees; ``whole`` is the tree when the text is exactly one
    ``${…}``; ``constant`` is True when there is nothing to fill in.
    """

    __slots__ = ("_strict", "parts", "run", "source")

    def __init__(self, source: str, *, strict: bool = False) -> None:
        self.source = source
        self.parts = tuple(_split(source))
        self._strict = strict

    @staticmethod
    def of(source: str, *, strict: bool = False) -> Template:
        """The template of a text; raises ``ExpressionError``. Short ones are kept."""
        return _kept(source, strict) if len(source) < 1024 else Template(source, strict=strict)

    def __getattr__(self, name: str) -> Run:
        if name != "run":
            raise AttributeError(name)
        self.run: Run = self._compile(self._strict)
        return self.run

    @property
    def constant(self) -> bool:
        """Whether no part of it depends on a variable."""
        return not any(True for _ in self.trees())

    @property
    def whole(self) -> Expr | None:
        """The tree of a text that is exactly one ``${…}``."""
        if len(self.parts) == 1 and not isinstance(self.parts[0], str):
            return self.parts[0]
        return None

    def trees(self) -> Iterator[Expr]:
        """The trees of its interpolations, in order."""
        return (part for part in self.parts if not isinstance(part, str))

    def evaluate(self, env: Env) -> Any:
        """Its value in ``env``; raises ``ExpressionError`` with the place that failed."""
        try:
            return self.run(env)
        except EvalError as error:
            problem = error
        except UNCOMPUTABLE as error:
            problem = uncomputable(error)
        raise ExpressionError(
            f"{problem.message} (in {_excerpt(self.source, problem.at or 0)})",
            source=self.source,
            position=problem.at or 0,
            hint=problem.hint,
        )

    def _compile(self, strict: bool) -> Run:
        if self.constant:
            value = "".join(part for part in self.parts if isinstance(part, str))
            return lambda env: value
        if self.whole is not None:
            return compile_tree(self.whole, strict)
        runs = tuple(
            part if isinstance(part, str) else compile_tree(part, strict) for part in self.parts
        )

        def run(env: Env) -> str:
            budget = env[BUDGET]
            pieces = []
            for part in runs:
                piece = part if isinstance(part, str) else text(part(env), budget)
                budget.build(bytes_of(piece))
                pieces.append(piece)
            return "".join(pieces)

        return budgeted(run)

    def __repr__(self) -> str:
        return f"<Template {self.source!r}>"


@lru_cache(maxsize=4096)
def _kept(source: str, strict: bool) -> Template:
    return Template(source, strict=strict)


def fill(value: Any, *, strict: bool = False) -> tuple[Callable[[Env], Any], bool]:
    """A function that builds ``value`` (any nested YAML) with its ``${…}`` filled in.

    The second result says whether the value is constant; then the function returns the value
    itself, which callers must not change. Raises ``ExpressionError`` for text that does not parse.
    """
    if isinstance(value, str):
        if "${" not in value:
            return (lambda env: value), True
        template = Template.of(value, strict=strict)
        return template.evaluate, template.constant
    if isinstance(value, list):
        items = [fill(item, strict=strict) for item in value]
        builders = [build for build, _ in items]
        return _settled(lambda env: [build(env) for build in builders], items)
    if isinstance(value, dict):
        pairs = {key: fill(item, strict=strict) for key, item in value.items()}
        entries = [(key, build) for key, (build, _) in pairs.items()]
        return _settled(lambda env: {key: build(env) for key, build in entries}, pairs.values())
    return (lambda env: value), True


def _settled(
    build: Callable[[Env], Any], parts: Iterable[tuple[Callable[[Env], Any], bool]]
) -> tuple[Callable[[Env], Any], bool]:
    """``build``, or when all its parts are constant a function of its one value."""
    if not all(constant for _, constant in parts):
        return build, False
    done = build({})
    return (lambda env: done), True


def whole_reference(value: Any) -> str | None:
    """The variable's name when ``value`` is exactly ``${name}``, else None."""
    if isinstance(value, str) and value.startswith("${") and value.endswith("}"):
        try:
            tree = Template.of(value).whole
        except ExpressionError:
            return None
        if isinstance(tree, syntax.Name):
            return tree.name
    return None


def _split(source: str) -> Iterator[str | Expr]:
    literal: list[str] = []
    start = 0
    while (found := source.find("${", start)) >= 0:
        if found > start and source[found - 1] in "$\\":
            literal.append(source[start : found - 1] + "${")
            start = found + 2
            continue
        literal.append(source[start:found])
        if before := "".join(literal):
            yield before
        literal.clear()
        tree, start = grammar.parse_embedded(source, found + 2)
        yield tree
    literal.append(source[start:])
    if rest := "".join(literal):
        yield rest


def _excerpt(source: str, at: int) -> str:
    """The part of a long text around ``at``, quoted."""
    start, stop = max(0, at - 30), min(len(source), at + 30)
    head, tail = "…" if start else "", "…" if stop < len(source) else ""
    return repr(f"{head}{source[start:stop]}{tail}")

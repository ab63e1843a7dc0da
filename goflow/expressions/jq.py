"""jq programs in transforms: their text, with ``${…}`` bound as jq variables, never pasted."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec

from goflow.errors import ExpressionError
from goflow.expressions.compile import Env, Run, compile_tree
from goflow.expressions.text import Template
from goflow.expressions.transform import JQ_CALL
from goflow.expressions.values import EvalError, a_kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goflow.expressions.syntax import Expr

__all__ = ["JqProgram", "input_text", "one_value"]


class JqProgram:
    """A program; ``source`` is its text, where each ``${…}`` stands as a variable.

    Raises ``ExpressionError`` for an interpolation that does not parse. Whether jq accepts the
    program, its worker says.
    """

    __slots__ = ("_runs", "_template", "source", "text")

    def __init__(self, text: str, *, strict: bool = False) -> None:
        self.text = text
        body = text.strip()
        self._template = Template(body, strict=strict)
        self._runs: list[Run] = []
        scanner = _Scanner()
        pieces = []
        parts = list(self._template.parts)
        if body.startswith(JQ_CALL):
            parts = _unwrapped(parts, text)
        for part in parts:
            if isinstance(part, str):
                scanner.feed(part)
                pieces.append(part)
            else:
                self._runs.append(compile_tree(part, strict))
                variable = f"$__{len(self._runs)}"
                pieces.append(f"\\({variable})" if scanner.in_string else f" {variable} ")
        if scanner.broken and body.startswith(JQ_CALL):
            raise ExpressionError(
                "jq(…) must be the whole of a transform",
                source=text,
                hint="a further step can be a transform of its own",
            )
        self.source = "".join(pieces)

    def trees(self) -> Iterator[Expr]:
        """The trees of its interpolations, in order."""
        return self._template.trees()

    @property
    def names(self) -> list[str]:
        """The jq variables that its interpolations are."""
        return [f"__{i}" for i in range(1, len(self._runs) + 1)]

    def arguments(self, env: Env) -> dict[str, Any]:
        """The values of its variables in ``env``; raises ``ExpressionError``."""
        try:
            return {
                name: _plain(run(env)) for name, run in zip(self.names, self._runs, strict=True)
            }
        except EvalError as error:
            raise ExpressionError(
                f"{error.message} (in {self.text!r})",
                source=self.text,
                position=error.at or 0,
                hint=error.hint,
            ) from None

    def __repr__(self) -> str:
        return f"<JqProgram {self.source!r}>"


class _Scanner:
    """Where in a jq program one is: in a string, in code, or in the code inside a string.

    A wrong guess could not let a value become code: values are never part of the text.
    """

    def __init__(self) -> None:
        self.depths = [0]  # open parentheses of each code that one is inside of
        self.in_string = False
        self.broken = False  # a parenthesis was closed that was never opened
        self._escaped = False
        self._comment = False

    def feed(self, text: str) -> None:
        for character in text:
            if self.in_string:
                self._string(character)
            elif self._comment:
                self._comment = character != "\n" or self._escaped
                self._escaped = character == "\\" and not self._escaped
            else:
                self._code(character)

    def _string(self, character: str) -> None:
        if self._escaped:
            self._escaped = False
            if character == "(":
                self.in_string = False
                self.depths.append(0)
        elif character == "\\":
            self._escaped = True
        elif character == '"':
            self.in_string = False

    def _code(self, character: str) -> None:
        if character == '"':
            self.in_string = True
        elif character == "#":
            self._comment, self._escaped = True, False
        elif character == "(":
            self.depths[-1] += 1
        elif character == ")":
            if self.depths[-1]:
                self.depths[-1] -= 1
            elif len(self.depths) > 1:
                self.depths.pop()
                self.in_string = True
            else:
                self.broken = True


def input_text(value: Any) -> bytes:
    """The JSON text of a program's input; text that holds JSON is that JSON.

    Raises ``ExpressionError`` for what has no JSON text.
    """
    if type(value) is str:
        with suppress(msgspec.DecodeError, UnicodeError, RecursionError):
            value = msgspec.json.decode(value)
    try:
        return msgspec.json.encode(value)
    except (msgspec.MsgspecError, TypeError, ValueError, RecursionError, OverflowError) as error:
        raise ExpressionError(f"the input of jq has no JSON text: {error}") from None


def one_value(results: list[Any]) -> Any:
    """The value of a transform: null for no result, the one, or the list of several."""
    if not results:
        return None
    return results[0] if len(results) == 1 else results


def _plain(value: Any) -> Any:
    try:
        msgspec.json.encode(value)
    except (msgspec.MsgspecError, TypeError, ValueError, RecursionError, OverflowError):
        raise EvalError(f"{a_kind(value)} that has no JSON text cannot be given to jq") from None
    return value


def _unwrapped(parts: list[str | Expr], text: str) -> list[str | Expr]:
    """The parts between ``jq(`` and its ``)``."""
    first, last = parts[0], parts[-1]
    if not isinstance(last, str) or not last.endswith(")"):
        raise ExpressionError("expected ')' to close 'jq('", source=text, position=len(text))
    assert isinstance(first, str)
    parts[0] = first.removeprefix(JQ_CALL)
    last = parts[-1]
    assert isinstance(last, str)
    parts[-1] = last.removesuffix(")")
    return parts

"""Regular expressions in linear time: RE2, which has neither back-references nor look-around.

The library is imported when the first pattern is compiled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from goflow.expressions.budget import Budget

__all__ = ["PatternError", "compile_pattern", "found"]

MAX_PATTERN = 4096
"""Longest pattern, in characters."""
_MEMORY = 2 << 20
_KEPT = 256
_COMPILED: dict[str, Any] = {}


class PatternError(ValueError):
    """The pattern has a mistake, or there is no engine for it here."""


def compile_pattern(pattern: str) -> Any:
    """The compiled pattern; raises ``PatternError``. Memory is at most 2 MiB a pattern."""
    compiled = _COMPILED.get(pattern)
    if compiled is None:
        compiled = _compile(pattern)
        if len(_COMPILED) >= _KEPT:
            _COMPILED.clear()
        _COMPILED[pattern] = compiled
    return compiled


def _compile(pattern: str) -> Any:
    try:
        import re2  # noqa: PLC0415 - only patterns need it
    except ImportError:
        raise PatternError(
            "regular expressions need the package google-re2, which is not installed here"
        ) from None
    if len(pattern) > MAX_PATTERN:
        raise PatternError(f"a pattern is at most {MAX_PATTERN} characters long")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0] if error.args else error
        text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise PatternError(f"this pattern is not supported: {text}") from None
    except UnicodeEncodeError:
        raise PatternError("half of a surrogate pair in the pattern") from None


def found(pattern: str, text: str, budget: Budget, *, whole: bool = False) -> bool:
    """Whether ``pattern`` occurs in ``text``, or is all of it.

    Linear in the text, at worst times the length of the compiled pattern, and paid for so: patterns
    without repetitions of repetitions are much faster. Raises ``PatternError``.
    """
    compiled = _COMPILED.get(pattern)
    if compiled is None:
        budget.visit(100)
        compiled = compile_pattern(pattern)
        budget.visit(compiled.programsize)
    budget.visit(1 + (len(text) * compiled.programsize >> 8))
    try:
        return (compiled.fullmatch(text) if whole else compiled.search(text)) is not None
    except UnicodeEncodeError:
        return False

"""Regular expressions in linear time: RE2, which has neither back-references nor look-around.

The library is imported when the first pattern is compiled.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

__all__ = ["PatternError", "compile_pattern", "found"]

MAX_PATTERN = 4096
"""Longest pattern, in characters."""
_MEMORY = 8 << 20


class PatternError(ValueError):
    """The pattern has a mistake, or there is no engine for it here."""


@lru_cache(maxsize=256)
def compile_pattern(pattern: str) -> Any:
    """The compiled pattern; raises ``PatternError``. Memory is at most 8 MiB a pattern."""
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


def found(pattern: Any, text: str, *, whole: bool = False) -> bool:
    """Whether ``pattern`` occurs in ``text``, or is all of it; linear in ``text``."""
    try:
        return (pattern.fullmatch(text) if whole else pattern.search(text)) is not None
    except UnicodeEncodeError:
        return False

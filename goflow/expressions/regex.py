"""Regular expressions in linear time: RE2's syntax, with neither back-references nor look-around.

The engine is the one inside pydantic-core, which the MCP SDK needs anyway and which has wheels for
every platform; it is imported when the first pattern is compiled.
"""

from __future__ import annotations

import sys
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from goflow.expressions.budget import Budget

__all__ = ["PatternError", "compile_pattern", "found"]

MAX_PATTERN = 4096
"""Longest pattern, in characters."""
_KEPT = 256
_LOADING = Lock()


class PatternError(ValueError):
    """The pattern has a mistake, or is too large."""


class _Pattern(NamedTuple):
    matches: Callable[[str], bool]
    size: int


_COMPILED: dict[tuple[str, bool], _Pattern] = {}


def compile_pattern(pattern: str, *, whole: bool = False) -> _Pattern:
    """Whether a text has ``pattern`` in it, or is all of it, as a function; ``PatternError``."""
    compiled = _COMPILED.get((pattern, whole))
    if compiled is None:
        compiled = _compile(pattern, whole)
        if len(_COMPILED) >= _KEPT:
            _COMPILED.clear()
        _COMPILED[pattern, whole] = compiled
    return compiled


def _compile(pattern: str, whole: bool) -> _Pattern:
    if len(pattern) > MAX_PATTERN:
        raise PatternError(f"a pattern is at most {MAX_PATTERN} characters long")
    from goflow.expressions.regex_syntax import rewritten  # noqa: PLC0415 - few have patterns

    engine = _engine()
    try:
        text, size = rewritten(pattern)
        # Compiled by itself even when it is wrapped: ")|(" is no pattern.
        validator = engine.SchemaValidator(_schema(text))
        if whole:
            validator = engine.SchemaValidator(_schema(rf"\A(?:{text})\z"))
    except PatternError as error:
        raise PatternError(f"this pattern is not supported: {error}") from None
    except engine.SchemaError as error:
        reason = str(error).rpartition("error: ")[2].strip()
        raise PatternError(f"this pattern is not supported: {reason}") from None
    return _Pattern(validator.isinstance_python, size)


def _schema(pattern: str) -> dict[str, str]:
    return {"type": "str", "pattern": pattern, "regex_engine": "rust-regex"}


def _engine() -> Any:
    """The compiled module of pydantic-core, without the hundreds of classes that describe its use.

    Making these takes as long as starting Python and half as much again. Who imports the package
    later finds the module there.
    """
    name = "pydantic_core._pydantic_core"
    with _LOADING:  # by one thread: it can be initialized once
        if name not in sys.modules:
            sys.modules[name] = _loaded(name)
    return sys.modules[name]


def _loaded(name: str) -> Any:
    from importlib.machinery import PathFinder  # noqa: PLC0415 - only patterns need them
    from importlib.util import find_spec, module_from_spec  # noqa: PLC0415

    package = find_spec("pydantic_core")
    spec = package and PathFinder.find_spec(name, package.submodule_search_locations)
    if spec is None or spec.loader is None:
        raise PatternError("regular expressions need the package pydantic-core")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def found(pattern: str, text: str, budget: Budget, *, whole: bool = False) -> bool:
    """Whether ``pattern`` occurs in ``text``, or is all of it.

    Linear in the text, at worst times the size of the compiled pattern, and paid for so: patterns
    without repetitions of repetitions are much faster. Raises ``PatternError``.
    """
    compiled = _COMPILED.get((pattern, whole))
    if compiled is None:
        budget.visit(100 + len(pattern))
        compiled = compile_pattern(pattern, whole=whole)
        budget.visit(compiled.size)
    budget.visit(1 + (len(text) * compiled.size >> 8))
    return compiled.matches(text)

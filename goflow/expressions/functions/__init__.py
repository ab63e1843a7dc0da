"""The functions of the language, one file a subject. To add one, write it under ``@function``.

A function takes and returns JSON values and raises ``EvalError`` (the caller adds the position).
Its docstring is what ``goflow functions`` shows. One that loops or builds takes the evaluation's
``budget`` first, and pays before it works; ``pure=False`` marks one whose answer changes between
calls, so that nodes which use it are never cached.
"""

from __future__ import annotations

from goflow.expressions.functions import (
    conversions,
    dates,
    lists,
    numbers,
    objects,
    paths,
    texts,
)
from goflow.expressions.functions.registry import FUNCTIONS, Function, nearest, nearest_name

__all__ = ["ELEMENT_FUNCTIONS", "FUNCTIONS", "SUBJECTS", "Function", "nearest", "nearest_name"]

SUBJECTS = (texts, numbers, lists, objects, conversions, dates, paths)
"""The modules that hold them."""
ELEMENT_FUNCTIONS = frozenset(name for name, known in FUNCTIONS.items() if known.per_element)
"""Functions whose second argument is evaluated once per element, with ``#`` for it."""

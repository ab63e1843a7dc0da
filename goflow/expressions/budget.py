"""What one evaluation may still do: steps to take, and bytes of new value to build.

A step is half a microsecond of work or less: an element visited with a few operations on it, or a
stretch of text looked through. Whatever loops, compares or builds pays before it does so; an
evaluation that runs out takes about a second at most, and little more memory than it may build.
"""

from __future__ import annotations

from goflow.expressions.values import EvalError

__all__ = ["ENTRY", "LIST", "MAP", "MAX_BYTES", "MAX_STEPS", "TEXT", "Budget", "bytes_of"]

MAX_STEPS = 1_000_000
"""Steps that one evaluation may take."""
MAX_BYTES = 16 * 1024 * 1024
"""Bytes of strings, lists and maps that one evaluation may build."""

LIST, MAP, TEXT = 56, 64, 48
"""Bytes of an empty list, map and text."""
ENTRY = 100
"""Bytes of an entry of a map."""


def bytes_of(text: str) -> int:
    """Bytes of the characters of a text: one each, or four where one of them needs more."""
    return len(text) if text.isascii() else 4 * len(text)


class Budget:
    """The account of one evaluation; each method raises ``EvalError`` when it is overdrawn."""

    __slots__ = ("bytes", "steps")

    def __init__(self) -> None:
        self.steps = MAX_STEPS
        self.bytes = MAX_BYTES

    def visit(self, count: int) -> None:
        """Pay for ``count`` steps."""
        self.steps -= count
        if self.steps < 0:
            raise EvalError(f"the expression takes more than {MAX_STEPS:,} steps")

    def scan(self, text: str, pattern: str = "") -> None:
        """Pay for a look through ``text``, character by character or for a ``pattern`` in it."""
        length = len(text)
        if length < 30_000 and len(pattern) > 1:
            # Python's search is linear in long texts; in short ones it may try every place.
            length *= min(len(pattern), 100)
        self.visit(length >> 8)

    def build(self, size: int) -> None:
        """Pay for ``size`` bytes of new value."""
        self.bytes -= size
        if self.bytes < 0:
            raise EvalError(f"the expression builds more than {MAX_BYTES >> 20} MiB")

    def text(self, text: str, times: int = 1) -> None:
        """Pay for new text of so many times the length of ``text``."""
        self.build(TEXT + bytes_of(text) * times)

    def elements(self, count: int) -> None:
        """Pay for a new list of ``count`` elements, each visited."""
        self.visit(count)
        self.build(LIST + 8 * count)

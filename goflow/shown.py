"""Statuses, durations and sizes as people read them, in the command, diagrams and reports alike."""

from __future__ import annotations

__all__ = ["MARKS", "counted", "duration"]

MARKS = {
    "completed": "✓",
    "cached": "=",
    "skipped": "-",
    "failed": "✗",
    "outcome_unknown": "?",
    "cancelled": "✗",
}
"""One character for each status of a node that is done with."""


def duration(seconds: float) -> str:
    """Seconds as people read them: ``850 µs``, ``12 ms``, ``3.4 s``, ``2 min 5 s``."""
    if seconds < 0.001:
        return f"{seconds * 1e6:.0f} µs"
    if seconds < 1:
        return f"{seconds * 1e3:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{seconds // 60:.0f} min {seconds % 60:.0f} s"


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun: ``1 node``, ``2 nodes``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"

"""The ways to show a run, apart from what shows it: that is loaded while servers boot."""

from __future__ import annotations

import os
import sys

from goflow.errors import BadCall

__all__ = ["MODES", "mode_of"]

MODES = ("auto", "live", "plain", "jsonl", "quiet")


def mode_of(asked: str, *, quiet: bool = False) -> str:
    """What ``auto`` is here, and everything else if it can be. Raises ``BadCall``."""
    if quiet and asked not in ("auto", "quiet"):
        raise BadCall(f"--quiet and --progress {asked} exclude each other")
    if quiet:
        return "quiet"
    terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    if asked == "live" and not terminal:
        raise BadCall(
            "--progress live needs a terminal on standard error", hint="--progress plain needs none"
        )
    if asked == "auto":
        return "live" if terminal else "plain"
    return asked

"""Values in a page: pretty JSON, escaped, and cut where they are long."""

from __future__ import annotations

from html import escape
from typing import Any

import msgspec

__all__ = ["LONGEST", "shown", "told"]

LONGEST = 20_000
"""Characters of one value; the history and `goflow runs show --json` have more."""
_SHORT = 60


def shown(value: Any, label: str) -> str:
    """A labelled block; a short value is on one line, a long one can be unfolded."""
    if isinstance(value, str):
        text = value
    else:
        text = msgspec.json.encode(value).decode()
        if len(text) > _SHORT:
            text = msgspec.json.format(text, indent=2)
    left = len(text) - LONGEST
    if left > 0:
        text = f"{text[:LONGEST]}\n… {left:,} characters more"
    if len(text) <= _SHORT and "\n" not in text:
        return f'<p class="value"><b>{escape(label)}</b> <code>{told(text)}</code></p>'
    opened = " open" if len(text) <= 2_000 else ""
    return (
        f'<details class="value"{opened}><summary><b>{escape(label)}</b> '
        f"<small>{len(text):,} characters</small></summary><pre>{told(text)}</pre></details>"
    )


def told(text: str) -> str:
    """Text as HTML; control characters, which a page cannot hold, as what stands for them."""
    return escape("".join(c if c >= " " or c in "\n\t" else chr(0x2400 + ord(c)) for c in text))

"""Functions of times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goflow.expressions.budget import TEXT
from goflow.expressions.functions.registry import as_text, function
from goflow.expressions.values import EvalError, kind

if TYPE_CHECKING:
    from datetime import datetime

    from goflow.expressions.budget import Budget

__all__: list[str] = []


@function("now()", pure=False)
def _now(budget: Budget) -> str:
    """The time in UTC, as RFC 3339 text."""
    from datetime import datetime, timezone  # noqa: PLC0415

    budget.visit(2)
    budget.build(TEXT + 24)
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@function("formatDate(date, format)")
def _format_date(budget: Budget, value: Any, pattern: Any = "%Y-%m-%d") -> str:
    """An RFC 3339 text or a Unix time in seconds, written by a strftime pattern, in UTC."""
    from datetime import datetime, timezone  # noqa: PLC0415

    if len(as_text(pattern)) > 200:
        raise EvalError("the pattern is longer than 200 characters")
    budget.visit(4 + len(pattern))
    try:
        if kind(value) == "number":
            date = datetime.fromtimestamp(value, timezone.utc)
        else:
            date = _read(as_text(value)[:100].strip())
        result = date.strftime(pattern)
    except (ValueError, OverflowError, OSError):
        raise EvalError(
            f"{str(value)[:40]!r} is not a date, or {pattern!r} not a pattern"
        ) from None
    budget.text(result)
    return result


def _read(text: str) -> datetime:
    import re  # noqa: PLC0415
    from datetime import datetime, timezone  # noqa: PLC0415

    # Python 3.10 reads neither a final Z nor any number of decimals.
    text = re.sub(r"[Zz]$", "+00:00", text)
    text = re.sub(r"\.(\d{1,6})\d*", lambda match: f".{match[1]:0<6}", text)
    date = datetime.fromisoformat(text)
    utc = timezone.utc
    return date.replace(tzinfo=utc) if date.tzinfo is None else date.astimezone(utc)

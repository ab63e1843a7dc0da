"""Whether a failed attempt is tried again, and when: pure decisions, no waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goflow.errors import ConnectionLost, GoFlowError, NodeTimeout, ServerTimeout
from goflow.workflow.model import ERROR_CLASSES

if TYPE_CHECKING:
    from goflow.workflow.model import Retry

__all__ = ["delay_after", "names_class", "names_error", "outcome_unknown"]


def outcome_unknown(error: GoFlowError) -> bool:
    """Whether the request was sent and nobody knows what became of it."""
    return isinstance(error, (ConnectionLost, NodeTimeout, ServerTimeout))


def names_error(words: tuple[str, ...], error: GoFlowError) -> bool:
    """Whether one of ``words`` names the class of ``error`` or occurs in its message."""
    return any(
        word == error.code if word in ERROR_CLASSES else word.lower() in error.message.lower()
        for word in words
    )


def names_class(retry: Retry, error: GoFlowError) -> bool:
    """Whether the node itself, not a default, names the class of ``error`` in ``on``."""
    return retry.on_given and error.code in retry.on


def delay_after(retry: Retry | None, error: GoFlowError, attempt: int) -> float | None:
    """Seconds until the next attempt, or None when this one was the last.

    ``attempt`` counts from 1. The caller sees to it that an unknown outcome is tried again only
    when that is harmless or the node names its class.
    """
    if retry is None or attempt >= retry.max_attempts:
        return None
    if names_error(retry.skip_on, error) or not names_error(retry.on, error):
        return None
    delay = min(_backoff(retry, attempt), retry.max_delay)
    if retry.jitter:
        from random import uniform  # noqa: PLC0415 - only failures need it

        delay = uniform(0, delay)
    # Not before the server wants to be asked again, as far as the rule allows.
    return max(delay, min(getattr(error, "retry_after", None) or 0.0, retry.max_delay))


def _backoff(retry: Retry, attempt: int) -> float:
    if retry.backoff == "constant":
        return retry.initial_delay
    if retry.backoff == "linear":
        return retry.initial_delay * attempt
    try:
        return float(retry.initial_delay * retry.multiplier ** (attempt - 1))
    except OverflowError:
        return retry.max_delay

"""Whether a failed attempt is tried again, and when: pure decisions, no waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goflow.errors import ConnectionLost, GoFlowError, ServerTimeout

if TYPE_CHECKING:
    from goflow.workflow.model import Retry

__all__ = ["ERROR_CLASSES", "delay_after", "names_error", "outcome_unknown"]

ERROR_CLASSES = frozenset(
    {
        "connection_error",
        "timeout",
        "tool_error",
        "rate_limit",
        "validation_error",
        "transform_error",
        "service_unavailable",
        "bad_request",
        "unauthorized",
        "not_found",
    }
)
"""Words in ``on`` and ``skip_on`` that name a class; any other word matches the message."""


def outcome_unknown(error: GoFlowError) -> bool:
    """Whether the request was sent and nobody knows what became of it."""
    return isinstance(error, (ConnectionLost, ServerTimeout))


def names_error(words: tuple[str, ...], error: GoFlowError) -> bool:
    """Whether one of ``words`` names the class of ``error`` or occurs in its message."""
    return any(
        word == error.code if word in ERROR_CLASSES else word.lower() in error.message.lower()
        for word in words
    )


def delay_after(
    retry: Retry | None, error: GoFlowError, attempt: int, *, repeatable: bool = True
) -> float | None:
    """Seconds until the next attempt, or None when this one was the last.

    ``attempt`` counts from 1. An outcome that is unknown is tried again only when the call is
    ``repeatable`` (read-only or idempotent), or when the node itself names the class in ``on``.
    """
    if retry is None or attempt >= retry.max_attempts:
        return None
    if names_error(retry.skip_on, error) or not names_error(retry.on, error):
        return None
    if outcome_unknown(error) and not repeatable and not retry.on_given:
        return None
    delay = min(_backoff(retry, attempt), retry.max_delay)
    if retry.jitter:
        from random import uniform  # noqa: PLC0415 - only failures need it

        return uniform(0, delay)
    return delay


def _backoff(retry: Retry, attempt: int) -> float:
    if retry.backoff == "constant":
        return retry.initial_delay
    if retry.backoff == "linear":
        return retry.initial_delay * attempt
    try:
        return float(retry.initial_delay * retry.multiplier ** (attempt - 1))
    except OverflowError:
        return retry.max_delay

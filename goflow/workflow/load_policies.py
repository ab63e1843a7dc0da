"""What any working node may say of its failures and its result: retry, cache, on_error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goflow.expressions.functions import nearest
from goflow.workflow.fields import MISSING, Fields, text_item
from goflow.workflow.model import ERROR_CLASSES, CachePolicy, Retry

if TYPE_CHECKING:
    from goflow.workflow.diagnostics import Path

__all__ = ["read_cache", "read_on_error", "read_retry"]


def read_retry(fields: Fields) -> Retry | None:
    """The rule under ``retry``, if there is one."""
    data, path = fields.take("retry")
    if data is MISSING or data is None:
        return None
    retry = Fields(data, path, fields.findings, "'retry'")
    default = Retry()
    words = _error_words(retry, "on", "retryable_errors")
    given = "on" in retry or "retryable_errors" in retry
    result = Retry(
        max_attempts=retry.number("max_attempts", default=1, least=1, whole=True),
        backoff=retry.one_of(
            ("exponential", "linear", "constant"), "backoff", default="exponential"
        ),
        initial_delay=retry.duration("initial_delay", default=default.initial_delay),
        max_delay=retry.duration("max_delay", default=default.max_delay),
        multiplier=float(retry.number("multiplier", "backoff_multiplier", default=2.0, least=1)),
        jitter=retry.flag("jitter", default=True),
        on=words if given else default.on,
        on_given=given,
        skip_on=_error_words(retry, "skip_on", "non_retryable_errors"),
    )
    retry.finish()
    _check_bounds(result, retry, path)
    return result


def _check_bounds(rule: Retry, retry: Fields, path: Path) -> None:
    """Warn of a rule that contradicts itself."""
    add = retry.findings.add
    if "initial_delay" in retry and rule.initial_delay > rule.max_delay:
        add(
            "GF503",
            f"'initial_delay' is longer than 'max_delay', {rule.max_delay:g} s, and is cut to it",
            (*path, "initial_delay"),
            severity="warning",
        )
    if rule.max_attempts == 1:
        add(
            "GF503",
            "with 'max_attempts' 1 nothing is tried again",
            (*path, "max_attempts"),
            hint="max_attempts counts all tries: 3 means two more after the first",
            severity="warning",
        )
    for word in rule.skip_on:
        if rule.on_given and word in rule.on:
            add(
                "GF503",
                f"{word!r} is both in 'on' and in 'skip_on', and is not tried again",
                (*path, "skip_on"),
                severity="warning",
            )


def _error_words(retry: Fields, *names: str) -> tuple[str, ...]:
    words: tuple[str, ...] = retry.each(text_item, *names)
    for word in words:
        if word not in ERROR_CLASSES and (hint := nearest(word, ERROR_CLASSES)):
            _, path = retry.take(*names)
            retry.findings.add(
                "GF106",
                f"{word!r} is no class of errors: it matches errors whose message holds it",
                path,
                hint=hint,
                severity="warning",
            )
    return words


def read_cache(fields: Fields) -> CachePolicy | None:
    """The policy under ``cache``, if there is one."""
    value = fields.typed(("boolean", "object"), "cache")
    if value is None:
        return None
    if isinstance(value, bool):
        return CachePolicy() if value else CachePolicy(mode="off")
    policy = Fields(value, (*fields.path, "cache"), fields.findings, "'cache'")
    result = CachePolicy(
        ttl=policy.duration("ttl"),
        version=_cache_version(policy),
        ignore=policy.each(text_item, "ignore"),
        scope=policy.one_of(("shared", "workflow", "run"), "scope", default="shared"),
        mode=policy.one_of(("use", "refresh", "off"), "mode", default="use"),
        max_bytes=policy.number("max_bytes", least=1, whole=True),
    )
    policy.finish()
    return result


def _cache_version(policy: Fields) -> str | None:
    """A text; a whole number counts as its digits."""
    value, _ = policy.take("version")
    if type(value) is int:
        return str(value)
    text: str | None = policy.text("version")
    return text


def read_on_error(fields: Fields) -> str | dict[str, Any]:
    """What a failure means: ``fail``, ``continue`` or ``{value: …}``."""
    value, path = fields.take("on_error")
    if value is MISSING or value is None:
        return "fail"
    if value in ("fail", "continue"):
        return str(value)
    if isinstance(value, dict) and value.keys() == {"value"}:
        return value
    fields.findings.add(
        "GF106",
        f"{value!r} is not an on_error",
        path,
        hint="it is fail, continue, or a map with the one key 'value'",
    )
    return "fail"

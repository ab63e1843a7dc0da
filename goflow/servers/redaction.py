"""Secrets taken out of what servers say, also when one arrives in two pieces."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["RedactingStream", "Redactor", "learn"]

MARK = "***"
_MARK = MARK.encode()
# An unfinished secret at the very end is hidden from this many bytes on; fewer tell nothing.
_TELLING = 4
# What JSON writes as it is.
_PLAIN = re.compile(r"[ !#-\[\]-~]*")
# What a URL writes as it is.
_SAFE = re.compile(r"[A-Za-z0-9_.~-]*")
_SAFE_IN_QUERIES = "!$%&'()*+,/:;=?@[\\]^`{|}~"


# Secrets that came up while redactors were in use already, such as renewed tokens: each hides them.
_learned: tuple[str, ...] = ()
# How many of those are remembered; a token that is older was over long ago.
_REMEMBERED = 256


def learn(secrets: Iterable[str]) -> None:
    """Have every redactor of this process hide these too, from now on."""
    global _learned  # noqa: PLW0603 - one tuple in the place of another, which threads may see
    more = [secret for secret in dict.fromkeys(secrets) if secret and secret not in _learned]
    if more:
        _learned = (*_learned, *more)[-_REMEMBERED:]


class _Known(NamedTuple):
    """What a redactor hides: as bytes, the longest first, and the pattern of them."""

    learned: tuple[str, ...]  # what it knows of `_learned`
    secrets: list[bytes]
    pattern: re.Pattern[bytes]


class Redactor:
    """Replaces every one of some secret values by ``***``, the longest where several fit.

    A secret is also known as it is written inside a JSON string, a Python string and a URL. What
    is learned later (`learn`) is hidden too. Thread-safe.
    """

    __slots__ = ("_known", "_own")

    def __init__(self, secrets: Iterable[str]) -> None:
        self._own = tuple(filter(None, secrets))
        self._known = _known(self._own, _learned)

    @property
    def secrets(self) -> list[bytes]:
        """What is hidden, the longest first."""
        return self._up_to_date().secrets

    def _up_to_date(self) -> _Known:
        known = self._known
        if known.learned is not _learned:
            self._known = known = _known(self._own, _learned)
        return known

    def data(self, data: bytes) -> bytes:
        """``data`` without the secrets."""
        known = self._up_to_date()
        return known.pattern.sub(_MARK, data) if known.secrets else data

    def text(self, text: str) -> str:
        """``text`` without the secrets."""
        if not self.secrets:
            return text
        return self.data(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")

    def value(self, value: Any) -> Any:
        """A JSON value without the secrets in any of its strings (keys too)."""
        if not self.secrets:
            return value
        try:
            return self._value(value)
        except RecursionError:  # too deep to look through
            return MARK

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self._value(item) for item in value]
        if isinstance(value, dict):
            return {self.text(key): self._value(item) for key, item in value.items()}
        return value

    def split(self, data: bytes) -> tuple[bytes, bytes]:
        """What of ``data`` can be shown, redacted, and an end that may begin a secret."""
        known = self._up_to_date()
        if not known.secrets:
            return data, b""
        held = _may_begin(known.secrets, data, 0)
        shown: list[bytes] = []
        position = 0
        for match in known.pattern.finditer(data):
            if match.start() >= held:
                break
            shown += data[position : match.start()], _MARK
            position = match.end()
        if position > held:
            held = _may_begin(known.secrets, data, position)
        shown.append(data[position:held])
        return b"".join(shown), data[held:]


def _may_begin(secrets: list[bytes], data: bytes, start: int) -> int:
    """The first offset, not before ``start``, from which all the rest begins a secret."""
    for offset in range(max(start, len(data) - len(secrets[0]) + 1), len(data)):
        rest = data[offset:]
        if any(len(secret) > len(rest) and secret.startswith(rest) for secret in secrets):
            return offset
    return len(data)


def _known(own: tuple[str, ...], learned: tuple[str, ...]) -> _Known:
    """All of the secrets in every way that they may be written."""
    values: set[bytes] = set()
    for secret in (*own, *learned):
        values.add(secret.encode("utf-8", "surrogateescape"))
        if not _PLAIN.fullmatch(secret):
            import json  # noqa: PLC0415 (few secrets need it)

            for ascii_only in (True, False):
                written = json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
                values.add(written.encode("utf-8", "surrogateescape"))
            # Which quotes are escaped depends on what else is in the string.
            plain = repr(secret)[1:-1].replace("\\'", "'")
            for written in (plain, plain.replace("'", "\\'")):
                values.add(written.encode("utf-8", "surrogateescape"))
        if not _SAFE.fullmatch(secret):
            from urllib.parse import quote  # noqa: PLC0415

            for safe in ("", "/", _SAFE_IN_QUERIES):
                written = quote(secret, safe=safe, errors="surrogateescape")
                values |= {written.encode(), written.replace("%20", "+").encode()}
    secrets = sorted(values, key=len, reverse=True)
    return _Known(learned, secrets, re.compile(b"|".join(map(re.escape, secrets))))


class RedactingStream:
    """Redacts a stream that comes in pieces cut anywhere; keeps back what may begin a secret."""

    __slots__ = ("_held", "_redactor")

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """What can be shown after this piece; may be empty."""
        shown, self._held = self._redactor.split(self._held + data if self._held else data)
        return shown

    def finish(self) -> bytes:
        """What was kept back when the stream ends; most of a secret is hidden like a whole one."""
        held, self._held = self._held, b""
        return held if len(held) < _TELLING else _MARK

"""Secrets taken out of what servers say, also when one arrives in two pieces."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["RedactingStream", "Redactor"]

MARK = "***"
_MARK = MARK.encode()
# An unfinished secret at the very end is hidden from this many bytes on; fewer tell nothing.
_TELLING = 4
# What JSON writes as it is.
_PLAIN = re.compile(r"[ !#-\[\]-~]*")
# What a URL writes as it is.
_SAFE = re.compile(r"[A-Za-z0-9_.~-]*")
_SAFE_IN_QUERIES = "!$%&'()*+,/:;=?@[\\]^`{|}~"


class Redactor:
    """Replaces every one of some secret values by ``***``, the longest where several fit.

    A secret is also known as it is written inside a JSON string, a Python string and a URL.
    """

    __slots__ = ("_pattern", "secrets")

    def __init__(self, secrets: Iterable[str]) -> None:
        values: set[bytes] = set()
        for secret in filter(None, secrets):
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
        self.secrets = sorted(values, key=len, reverse=True)
        self._pattern = re.compile(b"|".join(map(re.escape, self.secrets)))

    def data(self, data: bytes) -> bytes:
        """``data`` without the secrets."""
        return self._pattern.sub(_MARK, data) if self.secrets else data

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
        if not self.secrets:
            return data, b""
        held = self._may_begin(data, 0)
        shown: list[bytes] = []
        position = 0
        for match in self._pattern.finditer(data):
            if match.start() >= held:
                break
            shown += data[position : match.start()], _MARK
            position = match.end()
        if position > held:
            held = self._may_begin(data, position)
        shown.append(data[position:held])
        return b"".join(shown), data[held:]

    def _may_begin(self, data: bytes, start: int) -> int:
        """The first offset, not before ``start``, from which all the rest begins a secret."""
        for offset in range(max(start, len(data) - len(self.secrets[0]) + 1), len(data)):
            rest = data[offset:]
            if any(len(secret) > len(rest) and secret.startswith(rest) for secret in self.secrets):
                return offset
        return len(data)


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

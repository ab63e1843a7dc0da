"""Values as the history keeps them: exact JSON, compressed when large, without known secrets."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["decode", "encode", "kept", "text"]

_COMPRESS = 1 << 16
"""Bytes from which on a value is compressed."""
_PACKED = b"z"  # no JSON text begins with it


def encode(value: Any) -> bytes:
    """The exact JSON bytes of a value. Raises ``UnicodeEncodeError`` for a lone surrogate."""
    data = msgspec.json.encode(value)
    return data if len(data) < _COMPRESS else _PACKED + zlib.compress(data, 1)


def decode(data: bytes | None) -> Any:
    """The value of stored bytes; None for none."""
    return None if data is None else msgspec.json.decode(_unpacked(data))


def text(data: bytes | None, limit: int) -> str | None:
    """The JSON text of stored bytes, cut after ``limit`` characters."""
    if data is None:
        return None
    whole = _unpacked(data).decode("utf-8", "replace")
    return whole if len(whole) <= limit else f"{whole[:limit]}… ({len(whole)} characters)"


def kept(value: Any, redact: Callable[[bytes], bytes] | None) -> tuple[bytes, bool]:
    """What may be kept of a value, and whether that is all of it.

    A value with a secret in it is kept without: resuming cannot use it.
    """
    try:
        data = msgspec.json.encode(value)
    except (UnicodeEncodeError, RecursionError, ValueError, TypeError):
        return encode(f"<{type(value).__name__} that has no JSON text>"), False
    shown = data if redact is None else redact(data)
    exact = shown == data
    return shown if len(shown) < _COMPRESS else _PACKED + zlib.compress(shown, 1), exact


def _unpacked(data: bytes) -> bytes:
    return zlib.decompress(data[1:]) if data[:1] == _PACKED else data

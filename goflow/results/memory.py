"""Results of this process, in front of the store on disk."""

from __future__ import annotations

from typing import Any

import msgspec

from goflow._core.cache import Cache

__all__ = ["MEMORY_BYTES", "Kept", "Memory"]

MEMORY_BYTES = 64 * 1024 * 1024


class Kept(msgspec.Struct, frozen=True):
    """A node's result as it is kept.

    ``raw`` is the tool's raw result, from which its value came; ``stored`` and ``expires`` are Unix
    times, ``duration`` the seconds that it took to get.
    """

    value: Any
    raw: dict[str, Any] | None
    stored: float
    expires: float | None
    duration: float


class Memory:
    """The results used last, in at most ``max_bytes``; what is given out is the caller's own."""

    __slots__ = ("__weakref__", "_cache")

    def __init__(self, max_bytes: int = MEMORY_BYTES) -> None:
        self._cache = Cache(None, max_bytes=max_bytes)

    def get(self, key: bytes) -> Kept | None:
        """The result under a digest, though its time may be over."""
        fields: list[Any] | None = self._cache.get(key.hex())
        return None if fields is None else Kept(*fields)

    def set(self, key: bytes, kept: Kept) -> None:
        """Keep a result, unless it is larger than all may be."""
        self._cache.set(key.hex(), [kept.value, kept.raw, kept.stored, kept.expires, kept.duration])

    def clear(self) -> None:
        """Forget everything."""
        self._cache.clear()

    def __len__(self) -> int:
        return len(self._cache)

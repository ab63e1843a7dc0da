"""What connecting to a server costs, and how much of that nobody waited for."""

from __future__ import annotations

from typing import Any, NamedTuple

__all__ = ["Connecting"]


class Connecting(NamedTuple):
    """What connecting to a server has cost: ``seconds`` in all, ``waited`` of them by a call."""

    server: str
    connects: int
    seconds: float
    waited: float

    @property
    def saved(self) -> float:
        """Seconds of connecting during which something else was done."""
        return max(0.0, self.seconds - self.waited)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, with ``saved``."""
        return {**self._asdict(), "saved": self.saved}

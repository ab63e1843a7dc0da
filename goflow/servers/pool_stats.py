"""What a pool counts."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["PoolStats"]


class PoolStats(NamedTuple):
    """Counts since the pool was made, and its sizes now; times are sums, in seconds.

    Of ``leases``, ``hits`` were there at once; ``misses`` is how often none was, ``waits`` how
    often someone waited then, ``timeouts`` how often in vain. ``connect_time`` was spent
    connecting, and during ``connect_waited`` of it somebody waited. ``retired`` counts connections
    by why: idle, lifetime, broken, unhealthy, drained, resized, closed.
    """

    leases: int
    hits: int
    misses: int
    waits: int
    wait_time: float
    timeouts: int
    connects: int
    connect_failures: int
    connect_time: float
    connect_waited: float
    leaks: int
    retired: dict[str, int]
    open: int
    idle: int
    in_use: int
    connecting: int
    waiting: int

    @property
    def connect_saved(self) -> float:
        """Seconds of connecting that nobody waited for."""
        return max(0.0, self.connect_time - self.connect_waited)

    @property
    def reuse(self) -> float:
        """The part of all leases that needed no new connection, from 0 to 1; 0 without leases."""
        return max(0.0, 1.0 - self.connects / self.leases) if self.leases else 0.0

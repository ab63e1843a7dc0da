"""What a connection pool decides: who gets what, who waits, what to connect and close."""

from collections.abc import Callable, Hashable
from typing import TypeVar

from typing_extensions import disjoint_base

from goflow._core.lease import Lease
from goflow._core.reaper import Reaper

_K = TypeVar("_K", bound=Hashable)
_C = TypeVar("_C")

@disjoint_base
class Pool(Reaper[_K, _C]):
    def __init__(
        self,
        *,
        max_size: int | None = 10,
        max_in_flight: int | None = 1,
        idle_timeout: float | None = None,
        check_after: float | None = None,
        leak_after: float | None = None,
        backoff: float | None = 0.1,
        max_backoff: float | None = 10.0,
        connect_attempts: int = 1,
        breaker_failures: int | None = 5,
        breaker_reset: float | None = 30.0,
        notify: Callable[[], object] | None = None,
        clock: Callable[[], float] | None = None,
        internal: str = "",
    ) -> None: ...
    def checkout(self, key: _K, /) -> Lease[_K, _C] | None: ...
    def take(self, key: _K, /) -> Lease[_K, _C] | None: ...
    def checkin(self, lease: Lease[_K, _C], /) -> bool: ...
    def wait(self, key: _K, token: object) -> Lease[_K, _C]: ...
    def forget(self, lease: Lease[_K, _C], timed_out: bool = False) -> bool: ...
    def is_warm(self, key: _K, /) -> bool: ...

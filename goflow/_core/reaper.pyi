"""How a pool's connections go: what is given to nobody any more."""

from collections.abc import Hashable
from typing import TypeVar

from goflow._core.connector import Connector
from goflow._core.lane import Slot
from goflow._core.lease import Lease
from goflow._core.stock import REASONS as REASONS

_K = TypeVar("_K", bound=Hashable)
_C = TypeVar("_C")

class Reaper(Connector[_K, _C]):
    def retire(self, slot: Slot[_K, _C], reason: str = "broken", at_once: bool = False) -> bool: ...
    def sweep(self) -> tuple[float | None, list[Lease[_K, _C]]]: ...
    def drain(self, key: _K | None = None) -> None: ...
    def resize(
        self, max_size: int | None = None, max_in_flight: int | None = None, key: _K | None = None
    ) -> None: ...
    def discard(self, key: _K) -> None: ...
    def close(self) -> None: ...

"""How a pool's connections come: how many are needed, and what becomes of connecting."""

from collections.abc import Hashable
from typing import TypeVar

from typing_extensions import disjoint_base

from goflow._core.lane import Slot
from goflow._core.stock import Stock

_K = TypeVar("_K", bound=Hashable)
_C = TypeVar("_C")

@disjoint_base
class Connector(Stock[_K, _C]):
    def warm(self, key: _K, size: int = 1) -> int: ...
    def connected(
        self, slot: Slot[_K, _C], connection: _C, lifetime: float | None = None
    ) -> None: ...
    def failed(self, slot: Slot[_K, _C], error: BaseException) -> None: ...

"""What a pool knows: its connections by key, and what is to be connected, closed and settled."""

from collections.abc import Hashable
from types import GenericAlias
from typing import Any, Generic, TypeVar

from typing_extensions import disjoint_base

from goflow._core.lane import Slot
from goflow._core.lease import Lease

_K = TypeVar("_K", bound=Hashable)
_C = TypeVar("_C")

REASONS: tuple[str, ...]

@disjoint_base
class Stock(Generic[_K, _C]):
    @classmethod
    def __class_getitem__(cls, item: Any) -> GenericAlias: ...
    def decisions(
        self,
    ) -> tuple[list[Slot[_K, _C]], list[Slot[_K, _C]], list[Lease[_K, _C]]]: ...
    def keys(self) -> list[_K]: ...
    def slots(self, key: _K | None = None) -> list[Slot[_K, _C]]: ...
    def holders(self, key: _K) -> list[Lease[_K, _C]]: ...
    def stats(self, key: _K | None = None) -> dict[str, Any]: ...
    def describe(self, key: _K | None = None) -> str: ...
    @property
    def is_closed(self) -> bool: ...

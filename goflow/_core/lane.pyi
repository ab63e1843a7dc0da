"""One key of a pool: its connections, listed by load so that the least loaded is found at once."""

from types import GenericAlias
from typing import Any, Generic, TypeVar

from typing_extensions import disjoint_base

_K = TypeVar("_K")
_C = TypeVar("_C")

@disjoint_base
class Slot(Generic[_K, _C]):
    @classmethod
    def __class_getitem__(cls, item: Any) -> GenericAlias: ...
    @property
    def key(self) -> _K: ...
    @property
    def connection(self) -> _C: ...
    @property
    def number(self) -> int: ...
    @property
    def delay(self) -> float: ...
    @property
    def closed(self) -> bool: ...
    owner: Any

@disjoint_base
class Lane:
    def __new__(cls, key: object, pool: object, max_size: int, max_in_flight: int) -> Lane: ...
    @property
    def key(self) -> object: ...

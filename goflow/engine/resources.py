"""What nodes need of the engine that runs them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from goflow.servers.connections import Connections

__all__ = ["Resources"]


class Resources(NamedTuple):
    """``functions`` are those that the host program registered, by name."""

    connections: Connections
    functions: Mapping[str, Callable[..., Any]]
    max_parallel: int

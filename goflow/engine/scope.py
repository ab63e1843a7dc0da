"""The environment of a run's expressions: its variables, and views of its nodes and itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goflow.engine.record import timestamp
from goflow.expressions.compile import RAW, Env
from goflow.expressions.values import View

if TYPE_CHECKING:
    from goflow.engine.record import NodeRecord

__all__ = ["NodesView", "RunView", "environment"]


class NodesView(View):
    """``nodes``: each member is the record of the node of that id."""

    __slots__ = ("_index", "_raw", "_records")

    def __init__(
        self, records: list[NodeRecord], index: dict[str, int], raw: dict[int, Any]
    ) -> None:
        self._records = records
        self._index = index
        self._raw = raw

    def member(self, key: str) -> Any:
        """``output status error attempts duration`` of the node ``key``."""
        try:
            record = self._records[self._index[key]]
        except KeyError:
            raise KeyError(f"there is no node {key!r}") from None
        return {
            "output": record.output,
            "status": record.status,
            "error": record.error,
            "attempts": record.attempts,
            "duration": record.duration,
        }

    def raw(self, key: str) -> dict[str, Any] | None:
        """The raw result that the node's output came from, if it came from a tool."""
        index = self._index.get(key)
        return None if index is None else self._raw.get(index)


class RunView(View):
    """``run``: ``id``, ``workflow`` and ``started_at``."""

    __slots__ = ("_values",)

    def __init__(self, run_id: str, workflow: str, started_at: float) -> None:
        self._values = {
            "id": run_id,
            "workflow": workflow,
            "started_at": timestamp(started_at),
        }

    def member(self, key: str) -> Any:
        """One of the three."""
        try:
            return self._values[key]
        except KeyError:
            raise KeyError(f"'run' has no member {key!r}: id, workflow and started_at") from None


def environment(
    variables: dict[str, Any], inputs: dict[str, Any], nodes: NodesView, run: RunView
) -> Env:
    """One dict with all that an expression may name; variables can never be reserved words."""
    return {**variables, "inputs": inputs, "nodes": nodes, "run": run, RAW: {}}

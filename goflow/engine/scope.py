"""What expressions see while a run goes: variables, the records of nodes, and the run itself.

A run has one scope; each chain of members, and each iteration that runs beside others, has one of
its own: a copy that is written back, as far as it changed, when the chain is left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goflow.engine.record import timestamp
from goflow.expressions.compile import RAW, Env
from goflow.expressions.values import View

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goflow.engine.record import NodeRecord

__all__ = ["NodesView", "RunView", "Scope"]


class Scope:
    """One environment; ``records`` and ``raws`` are by the nodes' indices.

    ``hidden`` are the names that a loop gives its members. ``path`` are the indices of the
    iterations and branches around, the outermost first. Making one is linear in the variables.
    """

    __slots__ = ("_changed", "env", "hidden", "index", "parent", "path", "raws", "records")

    def __init__(
        self,
        env: Env,
        records: dict[int, NodeRecord],
        index: Mapping[str, int],
        parent: Scope | None = None,
        path: tuple[int, ...] = (),
    ) -> None:
        self.env = env
        self.records = records
        self.raws: dict[int, dict[str, Any] | None] = {}
        self.index = index
        self.parent = parent
        self.path = path
        self.hidden: frozenset[str] = frozenset()
        self._changed: dict[str, None] = {}
        env["nodes"] = NodesView(self)

    def child(self, *path: int) -> Scope:
        """A scope for members: everything of this one, whose changes stay there for now."""
        env = self.env.copy()
        env[RAW] = self.env[RAW].copy()
        return Scope(env, {}, self.index, self, (*self.path, *path))

    def store(self, index: int, name: str | None, value: Any, raw: dict[str, Any] | None) -> None:
        """Keep the value of a node, and the raw tool result it came from, if any."""
        self.record(index).output = value
        if raw is not None or self.parent is not None:
            self.raws[index] = raw
        if name is not None:
            self._set(name, value, raw)

    def give(self, **names: Any) -> None:
        """Set the names that a loop gives its members."""
        self.hidden |= names.keys()
        for name, value in names.items():
            self._set(name, value, None)

    def absorb(self, child: Scope) -> dict[str, Any]:
        """Write back what ``child`` changed: values, each with its raw result, by name."""
        raws = child.env[RAW]
        written = {
            name: [child.env[name], raws.get(name)]
            for name in child._changed
            if name not in child.hidden
        }
        self.write(written)
        self.records.update(child.records)
        self.raws.update(child.raws)
        return written

    def recall(self, child: Scope) -> None:
        """Keep what became of the members of ``child``, which failed: nothing of it counts."""
        self.records.update(child.records)

    def write(self, written: Mapping[str, Any]) -> None:
        """Set variables to values with their raw results."""
        for name, (value, raw) in written.items():
            self._set(name, value, raw)

    def record(self, index: int) -> NodeRecord:
        """The latest record of a node, as this scope knows it."""
        scope: Scope = self
        while index not in scope.records:
            assert scope.parent is not None
            scope = scope.parent
        return scope.records[index]

    def raw(self, index: int) -> dict[str, Any] | None:
        """The raw tool result of a node, as this scope knows it."""
        scope: Scope | None = self
        while scope is not None:
            if index in scope.raws:
                return scope.raws[index]
            scope = scope.parent
        return None

    def _set(self, name: str, value: Any, raw: dict[str, Any] | None) -> None:
        self.env[name] = value
        if self.parent is not None:
            self._changed[name] = None
        if raw is not None:
            self.env[RAW][name] = raw
        else:
            self.env[RAW].pop(name, None)

    def __repr__(self) -> str:
        return f"<Scope {'.'.join(map(str, self.path)) or 'of a run'}>"


class NodesView(View):
    """``nodes``: each member is the record of the node of that id."""

    __slots__ = ("_scope",)

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def member(self, key: str) -> Any:
        """``output status error attempts duration`` of the node ``key``."""
        try:
            record = self._scope.record(self._scope.index[key])
        except KeyError:
            raise KeyError(f"there is no node {key!r}") from None
        return {
            "output": record.output,
            # A node that was found in the cache completed once: nothing may depend on when.
            "status": "completed" if record.cached else record.status,
            "error": record.error,
            "attempts": record.attempts,
            "duration": record.duration,
        }

    def raw(self, key: str) -> dict[str, Any] | None:
        """The raw result that the node's output came from, if it came from a tool."""
        index = self._scope.index.get(key)
        return None if index is None else self._scope.raw(index)


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

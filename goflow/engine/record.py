"""What a run leaves: one record a node and the result of the whole."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from typing import Any

import msgspec

from goflow.errors import GoFlowError, RunFailed
from goflow.servers.connecting import Connecting  # noqa: TC001 - msgspec looks it up
from goflow.servers.redaction import Redactor  # noqa: TC001 - msgspec looks it up

__all__ = ["CacheUse", "NodeRecord", "RunResult", "error_value", "new_id", "timestamp"]


class NodeRecord(msgspec.Struct, kw_only=True):
    """One node of one run.

    ``status`` is pending, running, completed, cached, skipped, failed, outcome_unknown or
    cancelled; ``started_at`` is a Unix time and ``duration`` is in seconds, both None for a node
    that never started; ``error`` is the JSON form of what it failed with. ``cached`` when its
    output was taken from the cache, ``saved`` are the seconds that it took once. ``lookup`` says
    what became of looking it up, for a node with a cache policy.
    """

    id: str
    type: str
    status: str = "pending"
    reason: str | None = None
    attempts: int = 0
    started_at: float | None = None
    duration: float | None = None
    cached: bool = False
    output: Any = None
    error: dict[str, Any] | None = None
    saved: float | None = None
    lookup: Any = None

    def __repr__(self) -> str:
        # Without the output, which may be large, or hold a secret.
        return f"<NodeRecord {self.id!r}: {self.status}>"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, times as RFC 3339 text; without the output, which may be large."""
        return {
            "id": self.id,
            "type": self.type,
            "status": self.status,
            "reason": self.reason,
            "attempts": self.attempts,
            "started_at": timestamp(self.started_at),
            "duration": self.duration,
            "cached": self.cached,
            "saved": self.saved,
            "error": self.error,
        }


class CacheUse(msgspec.Struct, frozen=True, kw_only=True):
    """What the cache did for a run: nodes that were taken from it, looked up in vain, and kept.

    ``saved`` is the seconds that getting the taken results took once, node by node.
    """

    hits: int = 0
    misses: int = 0
    stored: int = 0
    saved: float = 0.0

    @property
    def hit_rate(self) -> float:
        """The part of the nodes looked up that was there, from 0 to 1."""
        return self.hits / max(1, self.hits + self.misses)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, with ``hit_rate``."""
        return {**msgspec.structs.asdict(self), "hit_rate": self.hit_rate}


class RunResult(msgspec.Struct, frozen=True, kw_only=True):
    """How a run ended.

    ``status`` is completed, failed, cancelled, timed_out or interrupted; ``result`` is the end
    node's value, ``error`` the JSON form of what stopped the run, ``variables`` their last values.
    ``redactor`` hides the secrets of the run's servers. ``cache`` is what the cache did for it,
    None when nothing asked for it. ``connections`` say of each server that was connected during
    the run how many seconds that took, for how many of them a call waited, and how many were saved
    by having begun before.
    """

    id: str
    workflow: str
    status: str
    result: Any
    error: dict[str, Any] | None
    nodes: tuple[NodeRecord, ...]
    variables: dict[str, Any]
    warnings: tuple[str, ...]
    started_at: float
    duration: float
    redactor: Redactor | None = None
    cache: CacheUse | None = None
    connections: tuple[Connecting, ...] = ()

    @property
    def completed(self) -> bool:
        """Whether the run did all it was asked to."""
        return self.status == "completed"

    def node(self, node_id: str) -> NodeRecord:
        """The record of one node; raises ``KeyError`` when there is none of that id."""
        for record in self.nodes:
            if record.id == node_id:
                return record
        raise KeyError(node_id)

    def raise_for_status(self) -> RunResult:
        """This result if it completed; raises ``RunFailed`` otherwise."""
        if self.completed:
            return self
        message = self.error["message"] if self.error else f"the run was {self.status}"
        raise RunFailed(message, result=self, hint=(self.error or {}).get("hint"))

    def to_dict(self) -> dict[str, Any]:
        """The document that ``goflow run --json`` prints."""
        return {
            "id": self.id,
            "workflow": self.workflow,
            "status": self.status,
            "result": self.result,
            "error": self.error,
            "started_at": timestamp(self.started_at),
            "duration": self.duration,
            "cache": None if self.cache is None else self.cache.to_dict(),
            "warnings": list(self.warnings),
            "connections": [one.to_dict() for one in self.connections],
            "nodes": [record.to_dict() for record in self.nodes],
        }

    def redacted(self) -> RunResult:
        """This result for showing: without secrets in what tools gave back."""
        hide = self.redactor
        if hide is None or not hide.secrets:
            return self
        return msgspec.structs.replace(
            self, result=hide.value(self.result), variables=hide.value(self.variables)
        )

    def __repr__(self) -> str:
        return f"<RunResult {self.id} of {self.workflow!r}: {self.status} in {self.duration:.3f} s>"


def error_value(
    error: GoFlowError, redactor: Redactor, *, node: str | None = None
) -> dict[str, Any]:
    """The JSON form of an error, redacted: ``code``, ``message`` and the fields that it has."""
    fields = {
        "code": error.code,
        "message": error.message,
        "node": node,
        "server": getattr(error, "server", None),
        "tool": getattr(error, "tool", None),
        "hint": error.hint,
        "stderr": getattr(error, "stderr", None) or None,
    }
    return {name: redactor.text(value) for name, value in fields.items() if value is not None}


def new_id() -> str:
    """An id for a run: 12 random hexadecimal digits."""
    return os.urandom(6).hex()


def timestamp(seconds: float | None) -> str | None:
    """A Unix time as RFC 3339 text in UTC."""
    if seconds is None:
        return None
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

"""Why a node of an earlier run ran, or was taken from the cache: what `goflow why` says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from goflow.engine.definition import from_text
from goflow.errors import BadCall, GoFlowError
from goflow.expressions.functions import nearest
from goflow.results.policy import Asked, decide
from goflow.results.results import Results, ago, store_path
from goflow.workflow.model import TransformNode

if TYPE_CHECKING:
    from goflow.engine.plan import Plan, Step
    from goflow.history.runs import Runs

__all__ = ["Reason", "why"]


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Why one execution of a node did or did not come from the cache.

    ``outcome`` is ``hit``, ``shared``, ``miss``, or ``none`` when nothing was looked for;
    ``because`` says it in words, most telling first; ``kept`` is whether the node's own result was
    kept, or why not, None when there was none to keep.
    """

    node: str
    path: str
    status: str
    outcome: str
    because: tuple[str, ...]
    kept: bool | str | None = None
    saved: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return msgspec.structs.asdict(self)


def why(runs: Runs, run: str, node: str) -> tuple[str, list[Reason]]:
    """The run's id, and a reason for each execution of ``node``, ``ID`` or ``ID@PATH``, in order.

    Raises ``BadCall`` when the run has no such node.
    """
    shown = runs.show(run)
    name, at, path = node.partition("@")
    found = [one for one in shown["nodes"] if one["id"] == name and (not at or one["path"] == path)]
    if not found:
        paths = [one["path"] for one in shown["nodes"] if one["id"] == name]
        names = [f"{name}@{path}" if path else name for path in paths]
        names = names or list(dict.fromkeys(one["id"] for one in shown["nodes"]))
        raise BadCall(
            f"the run {shown['id']} has no node {node!r}",
            hint=nearest(node, names) or f"it has {', '.join(names)}",
        )
    judge = _Judge(runs, shown)
    try:
        return shown["id"], [judge.reason(one) for one in found]
    finally:
        judge.close()


class _Judge:
    """One run as it is kept, beside the results that are kept now."""

    def __init__(self, runs: Runs, shown: dict[str, Any]) -> None:
        self._shown = shown
        self._definition = runs.kept(shown["id"]).definition
        self._told = shown["statistics"].get("cache", {})
        self._results: Results | None = None
        self._plan: Plan | None = None

    def close(self) -> None:
        if self._results is not None:
            self._results.close()

    def reason(self, row: dict[str, Any]) -> Reason:
        cache = row.get("cache")
        outcome = "none" if cache is None else cache["outcome"]
        kept = None if cache is None else cache.get("kept")
        if outcome in ("none", "miss") and row["status"] in ("failed", "outcome_unknown"):
            kept = "failures are never kept"
        return Reason(
            node=row["id"],
            path=row["path"],
            status=row["status"],
            outcome=outcome,
            because=tuple(self._because(row, cache)),
            kept=kept,
            saved=row.get("saved"),
        )

    def _because(self, row: dict[str, Any], cache: dict[str, Any] | None) -> list[str]:
        if cache is None:
            return [self._not_looked_for(row)]
        if cache["outcome"] == "hit":
            return [f"nothing it depends on had changed since its result, {ago(cache['age'])} old"]
        if cache["outcome"] == "shared":
            return ["an equal call was in flight, and its answer was taken"]
        if "reason" in cache:
            reason = cache["reason"]
            return [reason if cache["outcome"] == "miss" else f"not cacheable: {reason}"]
        if "expired" in cache:
            return [f"the earlier result had expired {ago(cache['expired'])} before"]
        return self._compared(row, cache)

    def _compared(self, row: dict[str, Any], cache: dict[str, Any]) -> list[str]:
        if self._results is None:
            if not store_path().exists():
                return ["no earlier result of this tool is kept"]
            self._results = Results.open()
        workflow = self._shown["workflow"]
        if "/" in row["path"]:
            plan = self._plan_at(row["path"])
            workflow = workflow if plan is None else plan.workflow.name
        origin = f"{workflow}/{row['id']}"
        family = bytes.fromhex(cache["family"])
        return self._results.compare(family, cache["parts"], origin, cache["at"])

    def _not_looked_for(self, row: dict[str, Any]) -> str:
        if row["status"] in ("skipped", "cancelled", "pending"):
            return f"it did not run: {row.get('reason') or row['status']}"
        plan = self._plan_at(row["path"])
        step = None if plan is None else _step(plan, row["id"])
        if plan is None or step is None:
            return "not cacheable: its definition cannot be read any more"
        asks = Asked.from_dict(self._told)
        decision = decide(
            step.node,
            workflow=plan.workflow.cache,
            engine=asks.policy,
            mode=asks.mode,
            read_only=row["id"] in self._told.get("read_only", ()),
            pure=step.cacheable or not isinstance(step.node, TransformNode),
        )
        if decision.reason is not None:
            return f"not cacheable: {decision.reason}"
        if row["status"] in ("failed", "outcome_unknown"):
            return "it failed before it could be looked up"
        return "not cacheable: nothing was looked for"

    def _plan_at(self, path: str) -> Plan | None:
        """The plan of the workflow that a place is in."""
        if self._plan is None:
            try:
                self._plan = from_text(self._definition, strict=False)
            except GoFlowError:
                return None
        plan = self._plan
        for part in path.split("/")[:-1]:
            step = _step(plan, part.rpartition(":")[2])
            if step is None:
                return None
            plan = plan.workflows[step.node.workflow]  # type: ignore[attr-defined]
        return plan


def _step(plan: Plan, node: str) -> Step | None:
    index = plan.index.get(node)
    return None if index is None else plan.steps[index]

"""What each node was given, gave back and failed with: a part of the page that unfolds."""

from __future__ import annotations

from collections import defaultdict
from html import escape
from typing import TYPE_CHECKING, Any

from goflow.report.values import shown, told
from goflow.shown import MARKS, counted, duration

if TYPE_CHECKING:
    from collections.abc import Iterable

    from goflow.diagram.diagram import Box, Diagram

__all__ = ["MOST_TIMES", "nodes"]

MOST_TIMES = 50
"""Times that a member ran of which each is shown; the failed ones come first."""


def nodes(diagram: Diagram, records: Iterable[dict[str, Any]]) -> str:
    """Every node of the diagram in its order, with its records. Linear."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    inner: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for record in records:
        head, slash, _ = record["path"].partition("/")
        if slash:
            inner[head.rpartition(":")[2]].append(record)
        else:
            found[record["id"]].append(record)
    return "".join(_node(box, found[box.id], inner[box.id]) for box in diagram.all_boxes())


def _node(box: Box, records: list[dict[str, Any]], inner: list[dict[str, Any]]) -> str:
    status = box.status or "pending"
    state = box.state
    took = ""
    if state is not None and state.seconds is not None and status != "skipped":
        took = duration(state.seconds)
    extra = []
    if len(records) > 1:
        extra.append(f"{len(records):,} times")
    if state is not None and state.attempts > state.times:
        extra.append(f"{state.attempts:,} attempts")
    name = escape(box.id)
    parts = []
    if len(records) == 1 and not records[0]["path"]:
        parts.append(_record(records[0]))
    else:
        order = sorted(records, key=lambda one: one["status"] not in ("failed", "outcome_unknown"))
        parts += [_time(record) for record in order[:MOST_TIMES]]
        if len(order) > MOST_TIMES:
            parts.append(f"<p>… and {len(order) - MOST_TIMES:,} times more.</p>")
    if inner:
        parts.append(f"<p>{counted(len(inner), 'node')} of the workflow that it ran:</p>")
        parts += [_time(record) for record in inner[:MOST_TIMES]]
    if not records:
        parts.append("<p>The run did not come to it.</p>")
    return (
        f'<details class="node" id="node-{name}" data-status="{escape(status)}">'
        f'<summary><span class="badge b-{escape(status)}">{MARKS.get(status, "·")} '
        f"{escape(status.replace('_', ' '))}</span> <b>{name}</b> "
        f"<small>{told(_cut(box.summary))}</small>"
        f'<span class="took">{" · ".join([*extra, took] if took else extra)}</span></summary>'
        f'<div class="inside">{"".join(parts)}</div></details>'
    )


def _time(record: dict[str, Any]) -> str:
    """One of several times that a node ran."""
    took = record.get("duration")
    mark = MARKS.get(record["status"], "·")
    place = f"{record['id']}@{record['path']}" if record["path"] else record["id"]
    when = "" if took is None else f" in {duration(took)}"
    return (
        f"<details class=time><summary>{mark} {escape(place)}: {escape(record['status'])}{when}"
        f"</summary>{_record(record)}</details>"
    )


def _record(record: dict[str, Any]) -> str:
    parts = []
    if record.get("reason"):
        parts.append(f"<p>{told(record['reason'])}</p>")
    tries = record["tries"]
    for attempt in tries:
        label = "input" if len(tries) == 1 else f"attempt {attempt['attempt']}"
        parts.append(shown(attempt["input"], label))
        if "error" in attempt:
            parts.append(_error(attempt["error"]))
    if record.get("error"):
        parts.append(_error(record["error"]))
    if record.get("output") is not None or record["status"] in ("completed", "cached"):
        where = f"output → {record['variable']}" if record.get("variable") else "output"
        parts.append(shown(record.get("output"), where))
    return "".join(parts)


def _error(error: dict[str, Any]) -> str:
    hint = f"<p>hint: {told(error['hint'])}</p>" if error.get("hint") else ""
    stderr = f"<pre>{told(error['stderr'])}</pre>" if error.get("stderr") else ""
    return (
        f'<div class="error"><b>{escape(error["code"])}</b> {told(error["message"])}'
        f"{hint}{stderr}</div>"
    )


def _cut(text: str) -> str:
    return text if len(text) <= 90 else text[:89] + "…"

"""The page: everything in one file, nothing from outside, nothing a run said as markup.

All of it is plain HTML that is readable without scripts; the script filters and zooms. The page
forbids itself everything else (its Content-Security-Policy names the hash of that script).
"""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime, timezone
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goflow import __version__
from goflow.diagram.diagram import diagram_of
from goflow.diagram.states import states_of
from goflow.diagram.svg import STYLE, svg_element
from goflow.history.runs import last_changes
from goflow.report.nodes import nodes
from goflow.report.timeline import spans_of, timeline
from goflow.report.values import shown, told
from goflow.shown import counted, duration
from goflow.workflow.model import ToolNode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from goflow.history.runs import Entry
    from goflow.workflow.model import Workflow

__all__ = ["page"]

MOST_LOOKUPS = 200
"""Of which each has a row of its own."""
_FOLDER = Path(__file__).parent


def page(workflow: Workflow, run: dict[str, Any], log: Iterable[Entry]) -> str:
    """The report of a run, as ``Runs.show`` and ``Runs.log`` give it. Linear but for the layout."""
    diagram = diagram_of(workflow, states_of(run["nodes"]))
    spans = spans_of(run["nodes"], log)
    begin = run["started_at"]
    ends = [span.end for of_node in spans.values() for span in of_node]
    end = max([begin + (run["duration"] or 0.0), *ends])
    script = (_FOLDER / "page.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    sections = [
        _section("graph", "Graph", _graph(svg_element(diagram, anchors="node-"))),
        _section("timeline", "Timeline", timeline(diagram, spans, begin, end)),
        _section("nodes", "Nodes", _filters(run["nodes"]) + nodes(diagram, run["nodes"])),
        _section("servers", "Servers", _servers(workflow, run)),
        _section("cache", "Cache", _cache(run["nodes"])),
        _section("variables", "Variables", _variables(run["variables"])),
    ]
    title = told(f"{run['workflow']} · {run['id']}")
    links = "".join(
        f'<a href="#{name}">{label}</a>' for name, label, content in sections if content
    )
    body = "".join(
        f'<section id="{name}"><h2>{label}</h2>{content}</section>'
        for name, label, content in sections
        if content
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        f"style-src 'unsafe-inline'; script-src 'sha256-{digest}'\">"
        f'<meta name="color-scheme" content="light dark"><title>{title}</title>'
        f"<style>{(_FOLDER / 'page.css').read_text(encoding='utf-8')}{STYLE}</style></head>"
        f"<body>{_head(run)}<nav>{links}</nav><main>{body}</main>"
        f"<footer>goflow {__version__}</footer><script>{script}</script></body></html>\n"
    )


def _section(name: str, label: str, content: str) -> tuple[str, str, str]:
    return name, label, content


def _head(run: dict[str, Any]) -> str:
    status = run["status"]
    started = datetime.fromtimestamp(run["started_at"], timezone.utc)
    facts = [started.strftime("%Y-%m-%d %H:%M:%S UTC")]
    if run["duration"] is not None:
        facts.append(duration(run["duration"]))
    facts.append(f"run <code>{escape(run['id'])}</code>")
    if run["source"]:
        facts.append(f"with results of <code>{escape(run['source'])}</code>")
    parts = [
        f'<h1>{told(run["workflow"])} <span class="badge b-{escape(status)}">'
        f"{escape(status.replace('_', ' '))}</span></h1><p>{' · '.join(facts)}</p>"
    ]
    if run["error"]:
        where = run["error"].get("node")
        place = f'<a href="#node-{escape(where)}">{escape(where)}</a>: ' if where else ""
        hint = f"<p>hint: {told(run['error']['hint'])}</p>" if run["error"].get("hint") else ""
        parts.append(f'<div class="error">{place}{told(run["error"]["message"])}{hint}</div>')
    parts += [f'<div class="warning">{told(text)}</div>' for text in run["warnings"]]
    if run["inputs"]:
        parts.append(shown(run["inputs"], "inputs"))
    if run["result"] is not None:
        parts.append(shown(run["result"], "result"))
    return f"<header>{''.join(parts)}</header>"


def _graph(drawn: str) -> str:
    buttons = "".join(
        f'<button type="button" data-zoom="{by}" title="{title}">{label}</button>'
        for by, label, title in (("fit", "fit", "fit the width"), ("1", "1:1", "full size"),
                                 ("in", "+", "larger"), ("out", "&minus;", "smaller"))
    )  # fmt: skip
    return f'<div class="tools">{buttons}</div><div class="graph" tabindex="0">{drawn}</div>'


def _filters(records: list[dict[str, Any]]) -> str:
    statuses = dict.fromkeys(
        "cached" if record.get("cached") else record["status"] for record in records
    )
    buttons = "".join(
        f'<button type="button" data-only="{escape(status)}">{escape(status.replace("_", " "))}'
        "</button>"
        for status in statuses
    )
    return (
        '<div class="tools"><input type="search" placeholder="filter by name" '
        f'aria-label="filter by name">{buttons}<span class="count"></span></div>'
    )


def _servers(workflow: Workflow, run: dict[str, Any]) -> str:
    """Each server with its calls. Of its definition nothing is shown that could hold a secret."""
    server_of = {node.id: node.server for node in workflow.nodes if isinstance(node, ToolNode)}
    calls: dict[str, list[dict[str, Any]]] = {name: [] for name in server_of.values()}
    for record in run["nodes"]:
        if "/" not in record["path"] and record["id"] in server_of:
            calls[server_of[record["id"]]].append(record)
    if not calls:
        return ""
    defined = {server.id: server for server in workflow.servers}
    connections = {one["server"]: one for one in run.get("connections", ())}
    rows = []
    for name, records in calls.items():
        made = [record for record in records if record["tries"] and not record.get("cached")]
        attempts = sum(len(record["tries"]) for record in made)
        failed = sum(record["status"] in ("failed", "outcome_unknown") for record in made)
        took = sum(record.get("duration") or 0.0 for record in made)
        server = defined.get(name)
        kind = "known by name" if server is None else server.transport
        rows.append(
            f"<tr><td>{escape(name)}</td><td>{escape(kind)}</td><td>{attempts:,}</td>"
            f"<td>{failed:,}</td><td>{duration(took)}</td>{_connecting(connections.get(name))}</tr>"
        )
    return (
        '<div class="scroll"><table><tr><th>server</th><th>transport</th><th>calls</th>'
        f"<th>failed</th><th>time in nodes</th><th>connected in</th><th>waited for it</th>"
        f"</tr>{''.join(rows)}</table></div>"
    )


def _connecting(one: dict[str, Any] | None) -> str:
    """What connecting took, and how much of that a call waited."""
    if one is None:
        return "<td></td><td></td>"
    return f"<td>{duration(one['seconds'])}</td><td>{duration(one['waited'])}</td>"


def _cache(records: list[dict[str, Any]]) -> str:
    """What was looked up in the cache; nothing when nothing was."""
    looked = [record for record in records if (record.get("cache") or {}).get("key")]
    hits = [record for record in looked if record.get("cached")]
    if not looked:
        return ""
    saved = sum(record.get("saved") or 0.0 for record in hits)
    gain = f", which saved {duration(saved)}" if hits else ""
    kept = sum(record["cache"].get("kept") is True for record in looked)
    rows = "".join(_looked_up(record) for record in looked[:MOST_LOOKUPS])
    more = f"<p>… and {len(looked) - MOST_LOOKUPS:,} more.</p>" * (len(looked) > MOST_LOOKUPS)
    return (
        f"<p>{len(hits):,} of {counted(len(looked), 'result')} came from the cache{gain}; "
        f"{kept:,} were kept for later runs.</p>"
        '<div class="scroll"><table><tr><th>node</th><th>outcome</th><th>age</th><th>saved</th>'
        f"<th></th></tr>{rows}</table></div>{more}"
    )


def _looked_up(record: dict[str, Any]) -> str:
    lookup = record["cache"]
    name = f"{record['id']}@{record['path']}" if record["path"] else record["id"]
    age = "" if lookup.get("age") is None else duration(lookup["age"])
    saved = "" if record.get("saved") is None else duration(record["saved"])
    kept = lookup.get("kept")
    said = lookup.get("reason") or (f"not kept: {kept}" if isinstance(kept, str) else "")
    return (
        f"<tr><td>{escape(name)}</td><td>{escape(lookup['outcome'])}</td><td>{age}</td>"
        f"<td>{saved}</td><td>{told(said)}</td></tr>"
    )


def _variables(changes: list[dict[str, Any]]) -> str:
    return "".join(
        shown(change["value"], f"{name} (written by {change['node']})")
        for name, change in sorted(last_changes(changes).items())
    )

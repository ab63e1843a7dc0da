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
            f"<td>{failed:,}</td><td>{duration(took)}</td></tr>"
        )
    return (
        '<div class="scroll"><table><tr><th>server</th><th>transport</th><th>calls</th>'
        f"<th>failed</th><th>time in nodes</th></tr>{''.join(rows)}</table></div>"
    )


def _cache(records: list[dict[str, Any]]) -> str:
    """What came from the cache; nothing when nothing did."""
    hits = [record for record in records if record.get("cached")]
    if not hits:
        return ""
    saved = sum(record.get("saved") or 0.0 for record in hits)
    gain = f", which saved {duration(saved)}" if saved else ""
    return f"<p>{counted(len(hits), 'result')} came from the cache{gain}.</p>"


def _variables(changes: list[dict[str, Any]]) -> str:
    last = {change["name"]: change for change in changes}
    return "".join(
        shown(change["value"], f"{name} (written by {change['node']})")
        for name, change in sorted(last.items())
    )

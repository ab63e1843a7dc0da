"""What is written of a diagram can be read by those it is for, whatever names and texts hold."""

import json
import os
import shutil
import subprocess
import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path

import pytest
from support.browser import Browser
from support.workflows import (
    condition,
    loop,
    parallel,
    passthrough,
    row,
    tool,
    transform,
    workflow,
)

import goflow
from goflow.diagram.diagram import Box, Diagram, Link, diagram_of
from goflow.diagram.dot import dot
from goflow.diagram.mermaid import mermaid
from goflow.diagram.states import State, states_of
from goflow.diagram.svg import STYLE, svg, svg_element
from goflow.diagram.text import text

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").rglob("*.yaml"))
EXAMPLES = [file for file in EXAMPLES if not {"templates", "node_modules"} & set(file.parts)]
HOSTILE = (
    '"quotes" & <b>tags</b> </script><script>alert(1)</script>',
    "back\\slash \\n [brackets] {braces} (round) |pipe| #35;",
    "end",
    "click subgraph %% comment --> ---",
    "日本語 ünï \u200b 🎉 ` ~ ; : $ ^ *",
)
MIXED = workflow(
    [
        tool("fetch", "echo", text="hi", output="f"),
        condition("ok", "f == 'hi'"),
        loop("each", "[1, 2, 3]", ["a", "b"], item="x"),
        transform("a", "x + 1", output="y"),
        tool("b", "echo", text="${y}", output="z"),
        parallel("both", [["p", "q"], ["r"], ["inner"]]),
        transform("p", "1", output="pp"),
        transform("q", "2", output="qq"),
        transform("r", "3", output="rr"),
        loop("inner", "[1, 2]", ["s"], item="k"),
        transform("s", "k", output="ss"),
        passthrough("join"),
        transform("oops", "'failed'", output="msg"),
    ],
    ["start fetch", "fetch ok", "ok each true", "ok both false", "each join", "both join",
     "join end", "fetch oops on:error", "oops end"],
)  # fmt: skip


def hostile():
    """Ids are words, Mermaid's and DOT's own too; all other texts can be anything."""
    ids = ("end", "graph", "click", "subgraph", "node")
    boxes = [
        Box(id=name, kind="transform", detail=word) for name, word in zip(ids, HOSTILE, strict=True)
    ]
    both = Box(id="strict", kind="parallel", detail=HOSTILE[1], chains=((boxes[0],), (boxes[1],)))
    links = [Link(a, b, word) for (a, b), word in zip(pairwise(ids[2:]), HOSTILE, strict=False)]
    links.append(Link("strict", "node", HOSTILE[1]))
    return Diagram(HOSTILE[0], (both, *boxes[2:]), tuple(links))


def states(diagram):
    names = ["completed", "failed", "cached", "skipped", "outcome_unknown", "cancelled", "running"]
    found = {}
    for i, box in enumerate(diagram.all_boxes()):
        found[box.id] = State(names[i % len(names)], i / 10, 1 + i % 2, 2)
    return found


def diagrams():
    yield "hostile", hostile()
    flow = goflow.load(MIXED)
    yield "mixed", diagram_of(flow)
    yield "mixed, run", diagram_of(flow, states(diagram_of(flow)))
    for file in EXAMPLES:
        yield file.stem, diagram_of(goflow.load(file))


DIAGRAMS = dict(diagrams())


@pytest.mark.parametrize("name", DIAGRAMS)
def test_svg_is_one_well_formed_document_without_scripts_or_anything_from_outside(name):
    written = svg(DIAGRAMS[name])
    root = ET.fromstring(written)
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert tags <= {"svg", "title", "style", "rect", "g", "path", "polygon", "text"}
    texts = {element.text for element in root.iter() if element.tag.endswith("text")}
    for box in DIAGRAMS[name].boxes:
        assert box.id[:20] in "\n".join(filter(None, texts))
    assert written.count("http") == 1  # the namespace
    assert "@import" not in STYLE
    assert "url(" not in STYLE


def test_boxes_of_an_svg_can_be_links_within_a_page():
    root = ET.fromstring(svg_element(DIAGRAMS["mixed"], anchors="node-"))
    links = [element.get("href") for element in root.iter() if element.tag.endswith("}a")]
    assert "#node-fetch" in links
    assert "#node-inner" in links


@pytest.mark.parametrize("name", DIAGRAMS)
def test_dot_is_read_by_graphviz(name):
    if shutil.which("dot") is None:
        pytest.skip("optional: no Graphviz")
    done = subprocess.run(
        ["dot", "-Tjson"], input=dot(DIAGRAMS[name]), capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    drawn = json.loads(done.stdout)
    names = {one["name"] for one in drawn["objects"]}
    for box in DIAGRAMS[name].all_boxes():
        assert (f"cluster_{box.id}" if any(box.chains) else box.id) in names


def test_mermaid_is_read_by_mermaid(tmp_path):
    """Mermaid's own bundle, in a browser: GOFLOW_TEST_MERMAID names it."""
    bundle = os.environ.get("GOFLOW_TEST_MERMAID")
    if bundle is None:
        pytest.skip("optional: GOFLOW_TEST_MERMAID names no mermaid.min.js")
    texts = json.dumps({name: mermaid(one) for name, one in DIAGRAMS.items()})
    page = tmp_path / "page.html"
    page.write_text(
        f"<!doctype html><meta charset=utf-8><script src='file://{bundle}'></script>"
        f"<p id=verdict></p><script>const texts = {texts.replace('</', '<' + chr(92) + '/')};"
        "mermaid.initialize({startOnLoad: false});"
        "(async () => { let said = ''; for (const [name, text] of Object.entries(texts)) {"
        "try { await mermaid.parse(text); said += name + ' ok; '; }"
        "catch (error) { said += name + ' ' + error.message + '; '; } }"
        "document.getElementById('verdict').textContent = said; })()</script>"
    )
    said = Browser(tmp_path).dump(page.as_uri())
    for name in DIAGRAMS:
        assert f"{name} ok; " in said, said[-2000:]


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("name", DIAGRAMS)
def test_text_names_every_node_and_keeps_its_width(name, width):
    lines = text(DIAGRAMS[name], width).splitlines()
    assert max(map(len, lines)) <= width
    for box in DIAGRAMS[name].all_boxes():
        assert any(box.id[:8] in line for line in lines)


def test_rails_lead_from_each_node_to_those_after_it():
    lines = text(DIAGRAMS["order-summary"]).splitlines()
    assert [line[:17].rstrip() for line in lines] == [
        "○     start",
        "├─╮",
        "● │   read",
        "├─│─╮",
        "● │ │ paid",
        "│ │ ● open",
        "├─│─╯",
        "│ ●   fingerprint",
        "├─╯",
        "●     table",
        "◎     end",
    ]


def test_states_are_one_a_node_however_often_it_ran():
    found = states_of(
        [
            {"id": "a", "path": "0", "status": "completed", "duration": 1.0, "attempts": 1},
            {"id": "a", "path": "1", "status": "failed", "duration": 2.0, "attempts": 3},
            {"id": "a", "path": "2", "status": "skipped", "duration": None, "attempts": 0},
            {"id": "b", "path": "", "status": "completed", "cached": True, "attempts": 1},
            {"id": "a", "path": "sub/", "status": "completed", "attempts": 1},
        ]
    )
    assert found == {"a": State("failed", 3.0, 3, 4), "b": State("cached", None, 1, 1)}


def test_a_diagram_of_a_run_shows_status_time_and_attempts():
    flow = goflow.load(workflow([tool("t", "echo")], row("t")))
    diagram = diagram_of(flow, {"t": State("failed", 1.5, 1, 3)})
    assert "failed · 1.5 s · 3 attempts" in text(diagram)
    assert 'class="box mcp_tool s-failed"' in svg(diagram)
    assert "class n1 failed" in mermaid(diagram)

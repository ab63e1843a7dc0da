"""``goflow graph`` as people use it: on a terminal, into files, of a run."""

import json
import xml.etree.ElementTree as ET

import pytest
from support.terminal import GOFLOW, Terminal
from support.workflows import condition, loop, row, tool, transform, workflow

BRANCHES = workflow(
    [
        condition("big", "n > 10"),
        transform("shrink", "n / 2", output="m"),
        transform("keep", "n", output="m"),
    ],
    ["start big", "big shrink true", "big keep false", "shrink end", "keep end"],
    variables=[{"name": "n", "type": "number", "default": 12}],
    result="${m}",
)


def test_a_terminal_shows_the_graph_as_text_in_colours(write, tmp_path):
    with Terminal([GOFLOW, "graph", write(BRANCHES)], columns=60, cwd=tmp_path) as screen:
        screen.finish()
    assert (screen.code, screen.coloured) == (0, True)
    assert screen.text.splitlines() == [
        "○   start",
        "◆   big     n > 10",
        "├─╮",
        "● │ shrink  [big: true] n / 2",
        "│ ● keep    [big: false] n",
        "├─╯",
        "◎   end",
    ]


def test_a_terminal_without_colours_gets_none(write, tmp_path):
    with Terminal(
        [GOFLOW, "graph", write(BRANCHES)], env={"NO_COLOR": "1"}, cwd=tmp_path
    ) as screen:
        screen.finish()
    assert (screen.code, screen.coloured) == (0, False)


def test_a_run_colours_the_graph(cli, write, tmp_path):
    cli("run", write(BRANCHES))
    with Terminal([GOFLOW, "graph", "--run", "last"], cwd=tmp_path) as screen:
        lines = screen.finish().splitlines()
    (taken,) = [line for line in lines if "shrink" in line]
    assert taken.startswith("✓ │ shrink")
    assert "completed · " in taken
    (skipped,) = [line for line in lines if "keep" in line]
    assert skipped.startswith("│ - keep")
    assert skipped.endswith("skipped")


def test_each_format_goes_to_standard_output_or_by_its_suffix_to_a_file(cli, write, tmp_path):
    file = write(BRANCHES)
    assert cli("graph", file).out.startswith("○   start\n")
    assert cli("graph", file, "--format", "mermaid").out.startswith("flowchart TD\n")
    assert cli("graph", file, "--format", "dot").out.startswith('digraph "test" {\n')
    ET.fromstring(cli("graph", file, "--format", "svg").out)
    for name, beginning in {"a.svg": "<?xml", "a.mmd": "flowchart", "a.dot": "digraph"}.items():
        done = cli("graph", file, "-o", name)
        assert (done.code, done.out, done.err) == (0, "", f"wrote {name}\n")
        assert (tmp_path / name).read_text().startswith(beginning)


def test_json_lists_nodes_with_levels_and_owners_and_edges(cli, write):
    flow = workflow([loop("each", "[1]", ["a"]), transform("a", "item", output="x")], row("each"))
    document = json.loads(cli("graph", write(flow), "--json").out)
    nodes = {node["id"]: node for node in document["nodes"]}
    assert (nodes["each"]["level"], nodes["a"]["level"], nodes["a"]["owner"]) == (1, None, "each")
    assert document["edges"][0] == {"from": "start", "to": "each", "label": None, "on": "success"}
    cli("run", write(flow))
    of_run = json.loads(cli("graph", "--run", "last", "--json").out)
    assert {node["status"] for node in of_run["nodes"]} == {"completed"}


def test_a_graph_of_a_run_needs_no_secret_of_its_servers(cli, write):
    servers = [{"id": "lab", "command": "true", "env": {"TOKEN": "${env.FOR_THIS_RUN}"}}]
    flow = workflow([tool("t", "echo")], row("t"), servers=servers)
    cli("run", write(flow), env={"FOR_THIS_RUN": "x"})
    assert "t " in cli("graph", "--run", "last").out


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "Missing argument 'FILE'"),
        (["nope.yaml"], "nope.yaml"),
        (["--run", "nope"], "no run"),
        (["flow.yaml", "--format", "png"], "png"),
        (["flow.yaml", "-o", "no/such/folder.svg"], "cannot write no/such/folder.svg"),
    ],
)
def test_a_wrong_call_exits_with_2(cli, write, args, message):
    write(BRANCHES)
    cli("run", "flow.yaml")
    done = cli("graph", *args)
    assert done.code == 2
    assert message in done.err
    assert done.out == ""


def test_a_file_with_errors_is_not_drawn(cli, write):
    done = cli("graph", write(BRANCHES.replace('"to": "big"', '"to": "bog"')))
    assert done.code == 1
    assert "there is no node 'bog'" in done.err

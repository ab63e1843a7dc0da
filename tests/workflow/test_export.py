"""``to_yaml``: what is written loads back equal, in any reader, and people like to read it."""

from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from support.generate import NODES, ODD, durations, values, workflows

import goflow
from goflow.errors import BadCall
from goflow.workflow.document import Document
from goflow.workflow.export import duration_text
from goflow.workflow.fields import duration
from goflow.workflow.load_nodes import READERS
from goflow.workflow.model import Edge, EndNode, StartNode, TransformNode, Workflow
from goflow.workflow.yaml12 import MAX_DEPTH
from goflow.workflow.yaml_text import write

EXAMPLES = sorted(
    file
    for file in (Path(__file__).parents[2] / "examples").rglob("*.yaml")
    if not {"templates", "node_modules"}.intersection(file.parts)
)

CANONICAL = """\
version: "1.0"
name: orders
description: Ask, wait, answer
metadata: {author: Blake, tags: [a, "yes"]}

variables:
  - {name: folder, type: string, default: data, required: true, description: Where}

servers:
  - id: files
    name: Files
    command: goflow-toolbox
    args: [--root, .]
    env: {LANG: C}
    timeout: 1m30s
    max_in_flight: 4
    mode: exclusive

nodes:
  - {id: start, type: start}
  - id: read
    type: mcp_tool
    description: "Reads: one file"
    server: files
    tool: read_json
    parameters:
      path: "${folder}/a.json"
      deep: {list: [1, 2.5, null, true, "1"]}
    result: json
    output: data
    if: folder != ''
    timeout: 250ms
    retry: {max_attempts: 3, initial_delay: 10ms, jitter: false, "on": [timeout]}
    on_error: {value: null}
  - {id: many, type: condition, condition: length(data) > 3}
  - id: text
    type: transform
    input: data
    expression: |-
      template:
      ${length(data)} things:
        * ${join(data, "\\n  * ")}
    kind: template
    output: total
  - {id: join, type: passthrough, if: "true"}
  - {id: end, type: end, return: "${total}"}

edges:
  - {from: start, to: read}
  - {from: read, to: many}
  - {from: many, to: text, condition: "true", label: more than three}
  - {from: many, to: join, condition: "false"}
  - {from: text, to: join, "on": always}
  - {from: join, to: end}

timeout: 1h
max_parallel: 4
cache: false
"""


def test_the_canonical_text_is_written_as_it_was_read():
    assert goflow.load(CANONICAL).to_yaml() == CANONICAL


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_every_example_loads_back_equal(file):
    workflow = goflow.load(file)
    again = goflow.load(workflow.to_yaml())
    assert again == workflow
    assert again.to_yaml() == workflow.to_yaml()
    # A text is in no folder, where the files that it names could be.
    codes = [finding.code for finding in goflow.validate(again) if finding.code != "GF403"]
    assert codes == [finding.code for finding in goflow.validate(workflow)]


@settings(max_examples=100, deadline=None)
@given(workflows)
def test_every_workflow_loads_back_equal(workflow):
    text = workflow.to_yaml()
    assert goflow.load(text) == workflow
    # A reader of YAML 1.1 sees the same values.
    assert yaml.safe_load(text) == Document(text).tree


@pytest.mark.parametrize("kind", NODES)
@settings(max_examples=30, deadline=None)
@given(st.data())
def test_every_type_of_node_loads_back_equal(kind, data):
    workflow = Workflow(name="t", nodes=(data.draw(NODES[kind]),))
    assert goflow.load(workflow.to_yaml()) == workflow


def test_every_type_of_node_is_generated():
    assert set(NODES) == set(READERS)


@settings(deadline=None)
@given(values)
def test_every_value_keeps_its_type(value):
    text = Workflow(name="t", metadata={"a": value, "b": [value]}).to_yaml()
    got = goflow.load(text).metadata
    assert got == {"a": value, "b": [value]}
    assert repr(got["a"]) == repr(value)


@pytest.mark.parametrize("text", ODD)
def test_an_odd_word_stays_a_word_in_every_reader(text):
    for place in ({"a": text}, {"a": ["b", text]}, {text: 1}, {"a": {text: text}}):
        workflow = Workflow(name=text or "x", metadata=place)
        written = workflow.to_yaml()
        assert goflow.load(written) == workflow
        assert yaml.safe_load(written) == Document(written).tree


@settings(deadline=None)
@given(durations)
def test_every_duration_reads_back_exactly(seconds):
    assert duration(duration_text(seconds)) == seconds


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0s"),
        (0.25, "250ms"),
        (1.0, "1s"),
        (1.5, "1.5s"),
        (30.0, "30s"),
        (90.0, "1m30s"),
        (3600.0, "1h"),
        (5400.0, "1h30m"),
        (90000.0, "25h"),
        (1e-7, 1e-7),
    ],
)
def test_durations_are_written_for_people(seconds, text):
    assert duration_text(seconds) == text


def test_many_lines_are_block_text():
    node = TransformNode(id="a", expression="template:\n${x} # no comment\n\n  - ${y}: z\n")
    text = Workflow(name="t", nodes=(node,)).to_yaml()
    assert (
        "    expression: |\n      template:\n      ${x} # no comment\n\n        - ${y}: z\n" in text
    )


def test_a_long_line_is_folded():
    text = Workflow(name="t", description="word " * 30 + "end").to_yaml()
    assert f"description: >-\n  {'word ' * 18}word\n  {'word ' * 11}end\n" in text


@given(st.text(st.sampled_from("ab  #-:|>'\"{}[],&*!%@`\\?~=<é"), min_size=85, max_size=300))
def test_a_long_text_is_the_same_for_every_reader(text):
    listed = {"metadata": {"a": [text, [text], {"b": text}], "c": text}, "description": text}
    written = write(listed)
    assert yaml.load(written, yaml.CSafeLoader) == listed
    assert yaml.load(written, yaml.SafeLoader) == listed
    assert Document(written).tree == listed


@given(values)
def test_lists_stand_further_in_than_their_keys(value):
    lines = write({"metadata": {"a": value, "b": [[value], {"c": [value]}]}}).split("\n")
    keys = [line for line in lines if line.endswith(":")]
    assert keys
    for line, following in pairwise(lines):
        if line.endswith(":") and following.lstrip().startswith("- "):
            key = len(line) - len(line.lstrip(" -"))
            assert len(following) - len(following.lstrip()) == key + 2


def test_a_long_edge_has_more_lines_than_one():
    edge = Edge(source="a", target="b", condition=" and ".join(["x > 1"] * 20))
    assert (
        "- from: a\n    to: b\n    condition: >-\n      x > 1 and"
        in Workflow(name="t", edges=(edge,)).to_yaml()
    )


def test_a_null_that_must_be_said_is_said():
    text = Workflow(name="t", nodes=(TransformNode(id="a", expression=None),)).to_yaml()
    assert goflow.load(text).nodes[0].expression is None


@pytest.mark.parametrize("value", [b"x", {1, 2}, object(), {1: 2}, "\ud800"])
def test_what_yaml_cannot_hold_is_refused(value):
    nodes = (StartNode(id="start"), EndNode(id="end", value=[value]))
    with pytest.raises(BadCall):
        Workflow(name="t", nodes=nodes).to_yaml()


def nested(levels):
    """A workflow whose values are that many levels deep."""
    value = []
    for _ in range(levels - 3):  # the file, metadata, and this list are three
        value = [value]
    return Workflow(name="t", metadata={"a": value})


def test_values_nest_as_deep_as_a_file_may():
    deepest = nested(MAX_DEPTH)
    assert goflow.load(deepest.to_yaml()) == deepest
    for levels in (MAX_DEPTH + 1, 5000):
        with pytest.raises(BadCall, match="nest deeper"):
            nested(levels).to_yaml()


def test_a_value_inside_itself_is_refused():
    value = []
    value.append(value)
    with pytest.raises(BadCall, match="nest deeper"):
        Workflow(name="t", metadata={"a": value}).to_yaml()

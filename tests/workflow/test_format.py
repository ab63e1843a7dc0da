"""Formatting: canonical spelling, nothing lost, nothing meant otherwise, done once is done."""

from pathlib import Path

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st
from support.generate import workflows

import goflow
from goflow.errors import BadCall, WorkflowInvalid
from goflow.workflow.comments import read_comments
from goflow.workflow.export import to_yaml
from goflow.workflow.format import canonical_text

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(
    path for path in ROOT.glob("examples/**/*.yaml") if "node_modules" not in path.parts
)
SPELLED = """\
# yaml-language-server: $schema=goflow.json

name: "report"   # what it is called
version: 1
# the steps
nodes:
  - type: start
    id: 'start'
  # reads it all
  - type: mcp_tool
    id: read
    server_id: files  # ours
    # the one that reads
    tool_name: read_text
    arguments:
      path: a.txt   # the file
    output_variable: text
    note: unknown keys stay
    # - id: later

  - {type: end, id: end,
     return_value: "${text}"}  # all of it
edges:
- to: read
  from: start
- {to: end, from: read}
servers:
- id: files
  command: goflow-toolbox
# the end
"""
CANONICAL = """\
# yaml-language-server: $schema=goflow.json
version: "1.0"
name: report  # what it is called

servers:
  - {id: files, command: goflow-toolbox}

# the steps
nodes:
  - {id: start, type: start}
  # reads it all
  - id: read
    type: mcp_tool
    server: files  # ours
    # the one that reads
    tool: read_text
    parameters:
      path: a.txt  # the file
    output: text
    note: unknown keys stay
    # - id: later

  - id: end
    type: end
    return: "${text}"  # all of it

edges:
  - {from: start, to: read}
  - {from: read, to: end}
# the end
"""


def test_aliases_order_and_quotes_become_canonical_and_comments_stay_where_they_belong():
    assert canonical_text(SPELLED) == CANONICAL


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_written_in_the_canonical_spelling(file):
    text = file.read_text()
    assert canonical_text(text) == text


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_as_libyaml_writes_it_becomes_what_it_is(file):
    text = file.read_text()
    tree = yaml.load(text, yaml.CSafeLoader)
    done = canonical_text(yaml.dump(tree, Dumper=yaml.CSafeDumper, sort_keys=False))
    assert yaml.load(done, yaml.CSafeLoader) == tree
    if "templates" not in file.parts:
        assert goflow.load(done) == goflow.load(text)


@given(workflows)
def test_what_to_yaml_writes_is_canonical(workflow):
    text = to_yaml(workflow)
    assert canonical_text(text) == text


@given(workflows, st.randoms(use_true_random=False))
def test_formatting_twice_is_formatting_once_wherever_comments_stand(workflow, chance):
    text = commented(to_yaml(workflow), chance)
    try:
        assume(goflow.load(text) == workflow)
    except WorkflowInvalid:
        assume(False)  # it went into block text
    once = canonical_text(text)
    assert canonical_text(once) == once
    assert goflow.load(once) == goflow.load(text)
    assert sorted(words_of(once)) == sorted(words_of(text))


def words_of(text):
    return [comment.text for comment in read_comments(text) if comment.text]


def commented(text, chance):
    """``text`` with comments and blank lines where there may be some."""
    lines = []
    for line in text.split("\n"):
        starts = line.lstrip().startswith(("- ", "id:", "type:", "name:", "nodes:", "edges:"))
        if starts and chance.random() < 0.4:
            indent = " " * chance.choice([len(line) - len(line.lstrip()), 0, 2, 4])
            lines.append(f"{indent}# c{len(lines)}")
        if line and line[-1] in "}]" and chance.random() < 0.4:
            line += f" # e{len(lines)}"  # noqa: PLW2901
        lines.append(line)
    return "\n".join(lines)


def test_json_stays_json():
    text = '{"nodes": [], "name": "n", "version": 1, "edges": []}'
    done = canonical_text(text)
    assert done.startswith('{\n  "version": "1.0",\n  "name": "n"')
    assert canonical_text(done) == done


def test_a_file_with_aliases_is_left_as_it_is():
    text = "version: '1.0'\nname: &a x\nnodes: []\nedges: []\ndescription: *a\n"
    with pytest.raises(BadCall, match="aliases"):
        canonical_text(text)


@pytest.mark.parametrize("text", ["a: [", "- 1\n", "a: 1\na: 2\n"])
def test_what_is_no_workflow_is_an_error_with_its_place(text):
    with pytest.raises(WorkflowInvalid) as caught:
        canonical_text(text)
    assert caught.value.report.errors[0].line is not None


def test_a_file_with_mistakes_keeps_them():
    text = "version: '1.0'\nname: x\nnodes: [{id: a, type: nothing}]\nedges: 7\n"
    assert "nothing" in canonical_text(text)


def test_a_comment_in_text_is_text():
    text = CANONICAL.replace('return: "${text}"', 'return: "a # ${b}"')
    assert canonical_text(text) == text
    assert "# ${b}" not in words_of(text)


@pytest.mark.parametrize("below", ["servers", "edges"])
@pytest.mark.parametrize("column", range(8))
@pytest.mark.parametrize("nested", [False, True], ids=["workflow", "template"])
def test_a_comment_behind_the_last_item_of_a_list_stays_there(below, column, nested):
    sections = {
        "name": "name: n",
        "servers": "servers:\n  - {id: s, command: x}",
        "nodes": "nodes:\n  - {id: start, type: start}\n  - {id: end, type: end}",
        "edges": "edges:\n  - {from: start, to: end}",
    }
    sections[below] += f"\n{' ' * column}# here"
    text = "\n".join(sections.values()) + "\n"
    if nested:
        text = "name: t\nworkflow_spec:\n" + "".join(f"  {line}\n" for line in text.splitlines())
    once = canonical_text(text)
    assert canonical_text(once) == once
    assert words_of(once) == ["# here"]
    last = "command: x}" if below == "servers" else "to: end}"
    if column:
        assert once.partition(last)[2].lstrip("]").split()[:2] == ["#", "here"]


def test_blank_lines_in_text_stay():
    text = CANONICAL.replace('return: "${text}"  # all of it', "return: |-\n      a\n\n\n      b")
    assert canonical_text(text) == text

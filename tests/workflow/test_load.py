"""What a file says: YAML 1.2 words, aliases of keys, durations, JSON, and the model they make."""

import pytest

import goflow
from goflow.workflow.document import Document
from goflow.workflow.fields import duration
from goflow.workflow.model import Retry

CANONICAL = """\
version: "1.0"
name: orders
variables:
  - {name: folder, type: string, default: data}
servers:
  - id: files
    command: goflow-toolbox
    args: [--root, "."]
    timeout: 1m30s
nodes:
  - {id: start, type: start}
  - id: read
    type: mcp_tool
    server: files
    tool: read_json
    parameters: {path: "${folder}/a.json"}
    if: "folder != ''"
    output: data
  - {id: many, type: condition, condition: "length(data) > 3"}
  - {id: sum, type: transform, input: data, expression: "sum(input)", output: total}
  - {id: end, type: end, return: "${total}"}
edges:
  - {from: start, to: read}
  - {from: read, to: many, condition: "true or false"}
  - {from: many, to: sum, condition: "true"}
  - {from: many, to: end, condition: "false"}
  - {from: sum, to: end, on: always}
"""

ALIASES = """\
version: v1
name: orders
variables:
  - {name: folder, type: string, default_value: data}
servers:
  - {id: files, transport: stdio, command: goflow-toolbox, args: [--root, "."], timeout: 90}
nodes:
  - {id: start, type: start}
  - {id: read, type: mcp_tool, server_id: files, tool_name: read_json,
     arguments: {path: "${folder}/a.json"}, condition: "folder != ''", output_variable: data}
  - {id: many, type: condition, expression: "length(data) > 3"}
  - {id: sum, type: transform, input: data, template: "sum(input)", output_var: total}
  - {id: end, type: end, return_value: "${total}"}
edges:
  - {from: start, to: read}
  - {from: read, to: many, when: "true or false"}
  - {from: many, to: sum, condition: true}
  - {from: many, to: end, condition: false}
  - {from: sum, to: end, on: always}
"""


def test_every_alias_loads_to_the_same_model():
    assert goflow.load(ALIASES) == goflow.load(CANONICAL)


def test_json_loads_to_the_same_model(tmp_path):
    import json

    file = tmp_path / "orders.json"
    file.write_text(json.dumps(Document(CANONICAL).tree, indent="\t"))
    assert goflow.load(file) == goflow.load(CANONICAL)


def test_where_a_workflow_was_written_is_no_part_of_what_it_is(tmp_path):
    file = tmp_path / "orders.yaml"
    file.write_text(CANONICAL)
    assert goflow.load(str(file)) == goflow.load(CANONICAL)


@pytest.mark.parametrize("version", ['"1.0"', "1", "1.0", "v1", '"1.2.3"'])
def test_a_version_1_is_accepted_however_it_is_written(version):
    assert goflow.load(CANONICAL.replace('version: "1.0"', f"version: {version}"))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("yes", "yes"),
        ("No", "No"),
        ("true", True),
        ("FALSE", False),
        ("2026-01-02", "2026-01-02"),
        ("12:30:45", "12:30:45"),
        ("1_000", "1_000"),
        ("0o17", 15),
        ("0x1F", 31),
        ("017", 17),
        ("-5", -5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("~", None),
        ("", None),
        ("=", "="),
        ("<<", "<<"),
    ],
)
def test_scalars_follow_yaml_1_2(text, value):
    if text == "<<":
        assert Document("a: [<<]").tree == {"a": ["<<"]}
        return
    got = Document(f"a: {text}").tree["a"]
    assert got == value
    assert type(got) is type(value)


def test_a_key_that_looks_like_a_boolean_stays_a_word():
    assert Document("on: 1\ntrue: 2\n5: 3").tree == {"on": 1, "true": 2, "5": 3}


def test_merge_keys_and_anchors_work():
    text = "base: &b {x: 1, y: 2}\nmore: {<<: *b, y: 3}"
    assert Document(text).tree["more"] == {"x": 1, "y": 3}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("250ms", 0.25),
        ("1s", 1.0),
        ("1.5s", 1.5),
        ("2m", 120.0),
        ("1h", 3600.0),
        ("1m30s", 90.0),
        ("1h1ms", 3600.001),
        (2, 2.0),
        (0.5, 0.5),
        ("", None),
        ("5", None),
        ("1d", None),
        ("s", None),
        ("1s1m", None),
        (-1, None),
        (True, None),
        (float("nan"), None),
        (1e300, None),
    ],
)
def test_durations(text, seconds):
    assert duration(text) == seconds


def test_a_retry_is_read_with_its_aliases():
    text = CANONICAL.replace(
        "    output: data\n",
        "    output: data\n    retry: {max_attempts: 3, backoff_multiplier: 3,"
        " retryable_errors: [timeout], initial_delay: 10ms, jitter: false}\n",
    )
    assert goflow.load(text).nodes[1].retry == Retry(
        max_attempts=3,
        multiplier=3.0,
        on=("timeout",),
        on_given=True,
        initial_delay=0.01,
        jitter=False,
    )


def test_positions_of_elements_are_found_in_the_text():
    document = Document(CANONICAL)
    rows = CANONICAL.splitlines()
    line, column = document.locate(("nodes", 1, "tool"))
    assert rows[line - 1][column - 1 :] == "read_json"
    line, column = document.locate(("nodes", 1, "parameters"))
    assert rows[line - 1][column - 1 :].startswith("parameters:")
    line, column = document.locate(("edges", 3, "to"))
    assert rows[line - 1][column - 1 :].startswith("end,")
    assert document.locate(("nodes", 99, "x"))[0] == rows.index("nodes:") + 1


@pytest.mark.parametrize("load", [goflow.load, goflow.load_template])
@pytest.mark.parametrize("content", [b'{"name": ', b"name: [", b"\xff"])
def test_what_cannot_be_read_is_told_with_its_file(tmp_path, load, content):
    file = tmp_path / "report.yaml"
    file.write_bytes(content)
    with pytest.raises(goflow.errors.WorkflowInvalid, match="yaml has 1 error") as info:
        load(file)
    assert info.value.report.file == goflow.validate(file).file == str(file)


@pytest.mark.parametrize("load", [goflow.load, goflow.load_template])
@pytest.mark.parametrize("text", ['{"name": ', "name: [\n"])
def test_a_text_that_cannot_be_read_is_not_taken_for_the_name_of_a_file(load, text):
    with pytest.raises(goflow.errors.WorkflowInvalid, match="the workflow has 1 error") as info:
        load(text)
    assert info.value.report.file is goflow.validate(text).file is None

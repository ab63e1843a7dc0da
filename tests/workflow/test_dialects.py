"""The dialects that files are written in: every alias, and a whole file in each, make one model."""

import copy
import json

import pytest

import goflow
from goflow.expressions.compile import Expression
from goflow.workflow import schema

FULL = {
    "version": "1.0",
    "name": "dialects",
    "timeout": "1m30s",
    "variables": [{"name": "folder", "type": "string", "default": "data"}],
    "servers": [{"id": "web", "transport": "http", "url": "https://example.org/mcp"}],
    "nodes": [
        {"id": "start", "type": "start", "output": "begun"},
        {
            "id": "read", "type": "mcp_tool", "server": "web", "tool": "read",
            "parameters": {"path": "${folder}"}, "output": "data", "if": "folder != ''",
            "retry": {"max_attempts": 3, "multiplier": 3, "on": ["timeout"],
                      "skip_on": ["unauthorized"]},
        },
        {"id": "many", "type": "condition", "condition": "length(data) > 3", "output": "large"},
        {"id": "sum", "type": "transform", "input": "data", "expression": "length(input)",
         "output": "total", "if": "true"},
        {"id": "each", "type": "loop", "collection": "data", "item": "row", "body": ["one"],
         "output": "all", "if": "true"},
        {"id": "one", "type": "transform", "expression": "row", "output": "x"},
        {"id": "both", "type": "parallel", "branches": [["a"], ["b"]], "merge": "wait_first",
         "output": "first", "if": "true"},
        {"id": "a", "type": "passthrough", "if": "true", "output": "joined"},
        {"id": "b", "type": "function", "function": "f", "arguments": {"x": 1}, "output": "y",
         "if": "true"},
        {"id": "sub", "type": "workflow", "workflow": "other", "inputs": {"n": 1}, "output": "z",
         "if": "true"},
        {"id": "end", "type": "end", "return": {"total": "${total}"}},
    ],
    "edges": [
        {"from": "start", "to": "read", "condition": "folder != ''"},
        {"from": "read", "to": "many"},
        {"from": "many", "to": "sum", "condition": "true"},
        {"from": "many", "to": "end", "condition": "false"},
        {"from": "sum", "to": "each"},
        {"from": "each", "to": "both"},
        {"from": "both", "to": "sub"},
        {"from": "sub", "to": "end"},
    ],
}  # fmt: skip
WORKING = ("read", "sum", "each", "both", "b", "sub")
ALIASES = [
    ("variables", None, "default", "default_value"),
    *(("nodes", node, "output", alias)
      for node in (*WORKING, "many", "a", "start") for alias in ("output_variable", "output_var")),
    *(("nodes", node, "if", "condition") for node in (*WORKING, "a")),
    ("nodes", "end", "return", "return_value"),
    ("nodes", "end", "return", "output"),
    ("nodes", "read", "server", "server_id"),
    ("nodes", "read", "tool", "tool_name"),
    ("nodes", "read", "parameters", "arguments"),
    ("nodes", "read", "parameters", "input"),
    ("nodes", "sum", "expression", "template"),
    ("nodes", "many", "condition", "expression"),
    ("nodes", "both", "merge", "merge_strategy"),
    ("nodes", "each", "item", "item_variable"),
    ("nodes", "each", "item", "variable"),
    ("retry", "read", "multiplier", "backoff_multiplier"),
    ("retry", "read", "on", "retryable_errors"),
    ("retry", "read", "skip_on", "non_retryable_errors"),
    ("edges", None, "condition", "when"),
]  # fmt: skip
"""Section, node, canonical key and another name of it."""
SPELLINGS = [
    ("version", lambda file: file.update(version=1)),
    ("version", lambda file: file.update(version=1.0)),
    ("version", lambda file: file.update(version="1")),
    ("version", lambda file: file.update(version="v1")),
    ("version", lambda file: file.update(version="1.0.2")),
    ("a duration", lambda file: file.update(timeout=90)),
    ("a duration", lambda file: file.update(timeout="90s")),
    ("a duration", lambda file: file.update(timeout="1.5m")),
    ("transport", lambda file: file["servers"][0].update(transport="streamable-http")),
    ("merge", lambda file: _node(file, "both").update(merge="race")),
    ("a bare boolean", lambda file: _node(file, "sum").update({"if": True})),
]


def _node(file, node_id):
    return next(node for node in file["nodes"] if node["id"] == node_id)


def _renamed(mapping, key, alias):
    """The same map, in the same order, with one key renamed."""
    items = [(alias if name == key else name, value) for name, value in mapping.items()]
    mapping.clear()
    mapping.update(items)


def _rename(file, section, node, key, alias):
    if section == "nodes":
        _renamed(_node(file, node), key, alias)
    elif section == "retry":
        _renamed(_node(file, node)["retry"], key, alias)
    else:
        for element in file[section]:
            _renamed(element, key, alias)


@pytest.mark.parametrize(("section", "node", "key", "alias"), ALIASES)
def test_an_alias_loads_to_the_same_model(section, node, key, alias):
    file = copy.deepcopy(FULL)
    _rename(file, section, node, key, alias)
    assert file != FULL
    assert goflow.load(json.dumps(file)) == goflow.load(json.dumps(FULL))


@pytest.mark.parametrize(("what", "change"), SPELLINGS)
def test_another_spelling_of_a_value_loads_to_the_same_model(what, change):
    file = copy.deepcopy(FULL)
    change(file)
    assert file != FULL
    assert goflow.load(json.dumps(file)) == goflow.load(json.dumps(FULL))


@pytest.mark.parametrize("choice", [0, 1])
def test_a_whole_file_in_another_dialect_loads_to_the_same_model(choice):
    """All keys by their first (or last) other name at once."""
    file = copy.deepcopy(FULL)
    by_key = {}
    for section, node, key, alias in ALIASES:
        by_key.setdefault((section, node, key), []).append(alias)
    for (section, node, key), names in by_key.items():
        _rename(file, section, node, key, names[-choice])
    assert goflow.load(json.dumps(file)) == goflow.load(json.dumps(FULL))


@pytest.mark.parametrize(("section", "node", "key", "alias"), ALIASES)
def test_what_is_written_is_canonical(section, node, key, alias):
    file = copy.deepcopy(FULL)
    _rename(file, section, node, key, alias)
    assert goflow.load(json.dumps(file)).to_yaml() == goflow.load(json.dumps(FULL)).to_yaml()


def test_every_alias_of_the_format_is_tried():
    """What the schema lists as another name of a key is in ``ALIASES``."""
    named = set()
    for definition in schema.build()["$defs"].values():
        for key, value in definition.get("properties", {}).items():
            text = value.get("description", "")
            if text.startswith("Another name of "):
                named.add((text.split("'")[1], key))
    assert named == {(key, alias) for _, _, key, alias in ALIASES}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a && !b || c", "a and not b or c"),
        ("len(l) > 1", "length(l) > 1"),
        ("tojson(l)", "toJSON(l)"),
        ("fromjson(s)", "fromJSON(s)"),
        ("nil", "null"),
        ("${a} > 1", "a > 1"),
        ("${a > 1}", "a > 1"),
        ("'x'", '"x"'),
        ("map(l, 'k')", "map(l, .k)"),
        ("map(l, #.k)", "map(l, .k)"),
        ("l | map(.k)", "map(l, .k)"),
    ],
)
def test_another_spelling_of_an_expression_means_the_same(one, other):
    env = {"a": 2, "b": False, "c": 0, "l": [{"k": 1}, {"k": 2}], "s": "[1]"}
    values = [Expression.of(text).evaluate(dict(env)) for text in (one, other)]
    assert values[0] == values[1]

"""The JSON Schema says what the loader says, wherever a schema can."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from support.generate import workflows
from support.mistakes import MISTAKES, PLAIN
from workflow.test_load import ALIASES, CANONICAL

import goflow
from goflow.workflow.document import Document, Unreadable
from goflow.workflow.export import to_tree
from goflow.workflow.schema import FILE, UNSAID, build, json_text

EXAMPLES = sorted(
    file
    for file in (Path(__file__).parents[2] / "examples").rglob("*.yaml")
    if not {"templates", "node_modules"}.intersection(file.parts)
)
VALIDATOR = Draft202012Validator(build())
SAID = {
    "GF103", "GF104", "GF105", "GF106", "GF107", "GF108", "GF201", "GF202",
    "GF214", "GF217", "GF501",
}  # fmt: skip
"""Codes of mistakes that the schema sees; GF102 too, where a key has two names."""


def accepts(tree):
    return VALIDATOR.is_valid(tree)


UNSAID_WORDS = ("has no effect in", "is no class of errors", "secrets are not", "transform is text")


def loader_accepts(text):
    """Whether the loader has no finding that a schema could have."""
    for finding in goflow.validate(text):
        said = finding.code in SAID or "two names of one key" in finding.message
        unsaid = any(words in finding.message for words in UNSAID_WORDS)
        if said and finding.severity != "info" and not unsaid:
            return False
    return True


def test_the_file_is_what_is_built():
    assert FILE.read_text(encoding="utf-8") == json_text()


def test_it_is_a_json_schema():
    Draft202012Validator.check_schema(build())


def test_every_key_has_a_description():
    def walk(schema, path):
        if isinstance(schema, dict):
            for key, value in schema.get("properties", {}).items():
                # The properties of a condition only pick out the maps that it is about.
                if not path or path[-1] not in ("if", "then", "else", "not", "contains"):
                    assert "description" in value, (*path, key)
            for key, value in schema.items():
                walk(value, (*path, key))
        elif isinstance(schema, list):
            for item in schema:
                walk(item, path)

    walk(build(), ())


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_every_example_is_accepted(file):
    assert accepts(Document.read(file).tree)


@pytest.mark.parametrize("text", [PLAIN, CANONICAL, ALIASES])
def test_valid_texts_are_accepted(text):
    assert accepts(Document(text).tree)


def is_document(text):
    try:
        return Document(text) is not None
    except Unreadable:
        return False


UNSAID_MISTAKES = (
    "jq that is no text",
    "a cache that is asked for",
    "a pool in this release",
    "a cache in this release",
    "an error class with a typo",
)


@pytest.mark.parametrize("mistake", [name for name in MISTAKES if is_document(MISTAKES[name][2])])
def test_the_schema_agrees_with_the_loader_on_every_mistake(mistake):
    code, _, text = MISTAKES[mistake]
    tree = Document(text).tree
    assert accepts(tree) == loader_accepts(text)
    if code in SAID and mistake not in UNSAID_MISTAKES:
        assert not accepts(tree)


@settings(deadline=None)
@given(workflows)
def test_whatever_is_exported_is_accepted(workflow):
    tree = to_tree(workflow)
    assert accepts(tree) == loader_accepts(json.dumps(tree))


FULL = Document(
    """\
version: "1.0"
name: all
description: x
metadata: {author: a}
variables:
  - {name: a, type: number, default: 1, required: false, description: x}
servers:
  - {id: s, command: x, args: [a], env: {A: b}, cwd: ., timeout: 1s, max_sessions: 2, mode: run}
  - {id: h, transport: http, url: x, headers: {A: b}, connect_timeout: 5, prewarm: true}
nodes:
  - {id: start, type: start, label: x}
  - {id: t, type: mcp_tool, server: s, tool: x, parameters: {a: 1}, result: raw,
     output: o, if: 'true', retry: {max_attempts: 2, backoff: linear, on: [timeout], multiplier: 3},
     on_error: {value: 1}, cache: false, timeout: 1m}
  - {id: x, type: transform, input: o, expression: input, kind: expression, output_var: p}
  - {id: c, type: condition, condition: a > 1, on_error: continue}
  - {id: p, type: passthrough, if: 'true'}
  - {id: end, type: end, return: "${p}"}
edges:
  - {from: start, to: t}
  - {from: t, to: x, on: success, when: a > 1}
timeout: 1h
max_parallel: 2
"""
).tree
KEYS = [
    "id", "name", "type", "output", "output_variable", "if", "condition", "expression", "template",
    "input", "server_id", "arguments", "when", "on", "return", "default_value", "default", "url",
    "credential_ref", "retry", "on_error", "timeout", "cache", "label", "transport", "nope",
]  # fmt: skip
VALUES = [
    None, True, False, 0, 1, -1, 2.5, 5, "", "x", "a b", "a.b", "nodes", "true", "1.0", "2.0", "v1",
    "1s", "1m30s", "5 s", "loop", "start", "end", "mcp_tool", "transform", "condition", "number",
    "string", "http", "jsonpath", "jq(.a)", "continue", "error", [], ["x"], [1], [None], {},
    {"value": 1}, {"value": 1, "x": 2}, {"max_attempts": 0}, {"a": "b"}, {"a": 1},
]  # fmt: skip


def places(value, path=()):
    yield path
    if isinstance(value, (dict, list)):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*path, key))


def changed(tree, path, change):
    """A copy of the tree with ``change`` applied to the container and key at ``path``."""
    tree = json.loads(json.dumps(tree))
    container = tree
    for part in path[:-1]:
        container = container[part]
    change(container, path[-1])
    return tree


PLACES = [path for path in places(FULL) if path]


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_schema_and_loader_agree_on_any_change_of_a_file(data):
    path = data.draw(st.sampled_from(PLACES))
    action = data.draw(st.sampled_from(["remove", "replace", "add"]))
    value = data.draw(st.sampled_from(VALUES))
    if action == "remove":
        tree = changed(FULL, path, lambda container, key: container.pop(key))
    elif action == "replace":
        tree = changed(FULL, path, lambda container, key: container.__setitem__(key, value))
    else:
        new = data.draw(st.sampled_from(KEYS))

        def add(container, key):
            if isinstance(container, dict):
                container[new] = value
            else:
                container.append(value)

        tree = changed(FULL, path, add)
    assert accepts(tree) == loader_accepts(json.dumps(tree))


def test_the_full_file_of_these_tests_is_accepted():
    assert accepts(FULL)
    assert loader_accepts(json.dumps(FULL))


@pytest.mark.parametrize(
    ("key", "value"),
    [("max_parallel", 3.0), ("timeout", "90000h")],
    ids=["a whole number with a point", "more than ten years"],
)
def test_what_a_schema_cannot_say_is_left_to_the_loader(key, value):
    tree = {**Document(PLAIN).tree, key: value}
    assert accepts(tree)
    assert not loader_accepts(json.dumps(tree))
    assert len(UNSAID) == 9


def test_a_message_is_about_the_type_of_the_node():
    tree = {**Document(PLAIN).tree}
    tree["nodes"] = [*tree["nodes"], {"id": "a", "type": "transform", "input": "x"}]
    (error,) = VALIDATOR.iter_errors(tree)
    assert "not valid under any of the given schemas" in error.message
    assert list(error.absolute_path) == ["nodes", 2]
    assert {e.message for e in error.context} == {
        "'expression' is a required property",
        "'template' is a required property",
    }

"""Template files: parameters, placeholders, nodes that are kept or dropped, and what is wrong."""

import json

import pytest
from hypothesis import given, settings
from support.generate import workflows

import goflow
from goflow.errors import BadCall, InputError, WorkflowInvalid
from goflow.workflow.export import to_tree

SPEC = {
    "version": "1.0",
    "name": "greet",
    "nodes": [
        {"id": "start", "type": "start"},
        {"id": "end", "type": "end", "return": "{{greeting}}"},
    ],
    "edges": [{"from": "start", "to": "end"}],
}


def template(*parameters, spec=None, **top):
    return json.dumps(
        {"name": "t", "parameters": list(parameters), "workflow_spec": spec or SPEC, **top}
    )


def filled(text, **parameters):
    return goflow.load_template(text).workflow(**parameters)


def end_of(text, **parameters):
    return filled(text, **parameters).nodes[-1].value


GREETING = {"name": "greeting", "required": True}


@pytest.mark.parametrize("value", ["hello", 5, 2.5, True, None, [1, "a"], {"a": {"b": 1}}])
def test_a_text_that_is_one_placeholder_keeps_the_type(value):
    got = end_of(template(GREETING), greeting=value)
    assert got == value
    assert type(got) is type(value)


@pytest.mark.parametrize(
    ("value", "text"), [("a", "<a>"), (5, "<5>"), (True, "<true>"), ([1, "x"], '<[1,"x"]>')]
)
def test_inside_text_a_placeholder_is_written_as_text(value, text):
    spec = {**SPEC, "nodes": [SPEC["nodes"][0], {**SPEC["nodes"][1], "return": "<{{ greeting }}>"}]}
    assert end_of(template(GREETING, spec=spec), greeting=value) == text


def test_after_a_backslash_braces_are_literal():
    spec = {**SPEC, "nodes": [SPEC["nodes"][0], {**SPEC["nodes"][1], "return": "\\{{greeting}}"}]}
    assert end_of(template(spec=spec)) == "{{greeting}}"


def test_braces_of_expressions_are_no_placeholders():
    value = '${{"a": {"b": 1}}}'
    spec = {**SPEC, "nodes": [SPEC["nodes"][0], {**SPEC["nodes"][1], "return": value}]}
    assert end_of(template(spec=spec)) == value


def test_defaults_and_what_is_required():
    text = template({"name": "greeting", "default": "hi"})
    assert end_of(text) == "hi"
    assert end_of(text, greeting="ho") == "ho"
    with pytest.raises(InputError, match="the parameter 'greeting' is required"):
        filled(template(GREETING))


def test_an_unknown_parameter_names_the_nearest():
    with pytest.raises(InputError, match="no parameter 'greetign'") as caught:
        filled(template(GREETING), greetign="x")
    assert caught.value.hint == "did you mean 'greeting'?"


@pytest.mark.parametrize(
    ("parameter", "good", "bad", "message"),
    [
        ({"type": "number"}, 5, "5", "must be of type number, not string"),
        ({"type": "number", "validation": {"min": 1}}, 1, 0.5, "must be at least 1"),
        ({"type": "number", "validation": {"max": 9}}, 9, 10, "must be at most 9"),
        ({"validation": {"pattern": "^a+$"}}, "aa", "b", "must match '^a+$'"),
        ({"validation": {"min_length": 2}}, "ab", "a", "a length of at least 2"),
        ({"validation": {"max_length": 2}}, [1, 2], [1, 2, 3], "a length of at most 2"),
        ({}, [1], {1: 2}, "is no JSON value"),
    ],
)
def test_a_parameter_is_validated(parameter, good, bad, message):
    text = template({**GREETING, **parameter})
    assert end_of(text, greeting=good) == good
    with pytest.raises(InputError) as caught:
        filled(text, greeting=bad)
    assert message in str(caught.value)


OPTIONAL = {
    "version": "1.0",
    "name": "optional",
    "nodes": [
        {"id": "start", "type": "start"},
        {"id": "extra", "type": "transform", "expression": "1", "condition": "{{flag}}"},
        {"id": "end", "type": "end"},
    ],
    "edges": [
        {"from": "start", "to": "extra"},
        {"from": "extra", "to": "end"},
        {"from": "start", "to": "end"},
    ],
}


def test_a_node_is_kept_or_dropped_with_its_edges():
    text = template({"name": "flag", "type": "boolean", "required": True}, spec=OPTIONAL)
    kept, dropped = filled(text, flag=True), filled(text, flag=False)
    assert [node.id for node in kept.nodes] == ["start", "extra", "end"]
    assert kept.nodes[1].run_if is None
    assert [node.id for node in dropped.nodes] == ["start", "end"]
    assert [(edge.source, edge.target) for edge in dropped.edges] == [("start", "end")]
    assert goflow.validate(kept).valid
    assert goflow.validate(dropped).valid


def test_a_condition_that_holds_more_is_a_condition():
    spec = json.loads(json.dumps(OPTIONAL).replace("{{flag}}", "{{flag}} and true"))
    text = template({"name": "flag", "type": "boolean", "default": False}, spec=spec)
    assert filled(text).nodes[1].run_if == "false and true"


TEXT = """\
name: t
parameters:
  - {name: greeting, type: string, default: hello}
  - {name: flag, type: boolean, default: false}
workflow_spec:
  version: "1.0"
  name: greet
  nodes:
    - {id: start, type: start}
    - {id: extra, type: transform, expression: '1', if: "{{flag}}"}
    - {id: end, type: end, return: "{{greeting}} ${nobody}"}
  edges:
    - {from: start, to: extra}
    - {from: extra, to: end}
    - {from: start, to: end}
"""


def test_a_finding_about_the_workflow_points_into_the_templates_text():
    (finding,) = goflow.validate(TEXT)
    assert (finding.code, finding.line, finding.path) == ("GF302", 11, "nodes[1].return")
    assert TEXT.splitlines()[10][finding.column - 1 :].startswith("nobody")


def change(old, new):
    text = TEXT.replace("${nobody}", "")
    assert old in text
    return text.replace(old, new)


MISTAKES = {
    "no name": ("GF103", change("name: t\n", "description: x #!\n")),
    "an unknown key": ("GF105", change("name: t\n", "name: t\nauthr: me #!\n")),
    "a specification that is no map": ("GF104", "name: t\nworkflow_spec: 5 #!\n"),
    "a parameter without name": ("GF103", change("{name: flag,", "{nam: flag, #!\n  ")),
    "a parameter's type": ("GF106", change("type: boolean, default: false}", "type: bool} #!")),
    "a parameter twice": ("GF110", change("name: flag,", "name: greeting, #!\n  ")),
    "a default of another type": ("GF501", change("default: false}", "default: 'no'} #!")),
    "a default that its validation refuses": (
        "GF501",
        change("default: hello}", "default: hello, validation: {max_length: 3}} #!"),
    ),
    "a validation that nothing fits": (
        "GF106",
        change("default: hello}", "validation: {min_length: 3, max_length: 2}} #!"),
    ),
    "a pattern": ("GF301", change("default: hello}", "validation: {pattern: '(a'}} #!")),
    "an unknown rule": ("GF105", change("default: hello}", "validation: {minimum: 3}} #!")),
    "a placeholder of no parameter": ("GF302", change('"{{greeting}} "}', '"{{greting}}"} #!')),
    "a parameter that nobody uses": (
        "GF502",
        change("default: hello}", "default: hello}\n  - {name: other} #!"),
    ),
    "braces without quotes": ("GF101", change('"{{greeting}} "}', "{{greeting}}} #!")),
    "a node of the workflow": ("GF108", change("type: transform", "type: trasnform #!\n     ")),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_has_its_code_at_its_line(mistake):
    code, text = MISTAKES[mistake]
    text = text.replace("default: false", "default: true") if mistake.startswith("a node") else text
    line = next(i for i, row in enumerate(text.splitlines(), 1) if "#!" in row)
    assert (code, line) in [(f.code, f.line) for f in goflow.validate(text)]


def test_a_template_is_no_workflow_and_a_workflow_no_template():
    with pytest.raises(WorkflowInvalid, match="this is a template"):
        goflow.load(TEXT)
    with pytest.raises(BadCall, match="is no template"):
        goflow.load_template(json.dumps(SPEC))


def test_one_that_needs_parameters_is_checked_by_itself():
    assert goflow.validate(template(GREETING)).valid


@settings(deadline=None, max_examples=60)
@given(workflows)
def test_a_template_without_placeholders_is_its_workflow(workflow):
    tree = to_tree(workflow)
    if "{{" in json.dumps(tree):
        return
    assert filled(template(spec=tree)) == goflow.load(json.dumps(tree))

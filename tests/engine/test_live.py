"""``validate --live``: what only the servers know. Real servers, of which no tool is called."""

import pytest
from support.workflows import lab_server, loop, row, tool, workflow

import goflow
from goflow.engine.live import validate_live

TOOLBOX = {"id": "box", "command": "goflow-toolbox", "args": ["--root", "."]}


def live(text):
    found = goflow.validate(text)
    assert found.valid, found.render()
    return [
        (finding.code, finding.severity, finding.path, finding.message, finding.hint)
        for finding in validate_live(goflow.load(text), found)
    ]


def boxed(name, /, **arguments):
    node = {**tool("call", name, server="box", **arguments), "cache": False}
    return workflow([node], row("call"), servers=[TOOLBOX])


def test_tools_and_arguments_that_fit_give_no_finding():
    assert live(boxed("read_text", path="${run.id}.txt")) == []


def test_a_tool_that_the_server_does_not_have():
    ((code, severity, path, message, hint),) = live(boxed("read_txt", path="a"))
    assert (code, severity, path) == ("GF602", "error", "nodes[1].tool")
    assert message == "the server 'box' has no tool 'read_txt'"
    assert hint == "did you mean 'read_text'?"


def test_a_required_argument_that_is_missing():
    ((code, _, path, message, _),) = live(boxed("write_text", path="a"))
    assert (code, path) == ("GF603", "nodes[1]")
    assert message == "the tool 'write_text' needs the argument 'content'"


def test_an_argument_of_the_wrong_type():
    ((code, _, path, message, _),) = live(boxed("read_text", path=5))
    assert (code, path) == ("GF603", "nodes[1].parameters.path")
    assert "5 is not of type 'string'" in message


def reading(text, **options):
    """A workflow that returns ``text``, of what two tools of the toolbox gave."""
    nodes = [
        {**tool("count", "word_count", server="box", text="a", output="counted"), **options},
        tool("list", "list_files", server="box", output="listing"),
    ]
    for node in nodes:
        node["cache"] = False
    top = {"servers": [TOOLBOX], "result": text}
    return workflow(nodes, row("count", "list"), **top)


def fields(text):
    return [(hint, severity) for code, severity, _, _, hint in live(text) if code == "GF605"]


def test_a_field_that_the_output_schema_does_not_list_is_a_warning():
    read = reading("${counted.wrods} ${listing.files[0].pth}")
    assert fields(read) == [
        ("did you mean 'words'?", "warning"),
        ("did you mean 'path'?", "warning"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "${counted.words} ${listing.files[0].path}",
        "${counted?.wrods}",
        "${counted.content[0].text}",
    ],
)
def test_a_field_that_is_listed_or_asked_for_with_care_is_none(text):
    assert fields(reading(text)) == []


def test_a_result_that_may_be_something_else_is_not_judged():
    assert fields(reading("${counted.wrods}", on_error="continue")) == []
    assert fields(reading("${counted.wrods}", result="raw")) == []


def test_an_argument_that_the_tool_does_not_have():
    codes = {code for code, *_ in live(boxed("read_text", path="a", encodign="utf-8"))}
    assert codes == {"GF603"}


@pytest.mark.parametrize("value", ["${run.id}", "${1 + 1}", {"a": "${run.id}"}])
def test_what_only_a_run_knows_is_not_judged(value):
    text = workflow(
        [tool("call", "keep", content=value)],
        row("call"),
    )
    found = live(text)
    assert found == [] or isinstance(value, dict)


def suggested(**top):
    nodes = [
        tool("read", "read_text", server="box", path="a"),
        {**tool("off", "read_text", server="box", path="a"), "cache": False},
        tool("write", "write_text", server="box", path="a", content="x"),
    ]
    text = workflow(nodes, row("read", "off", "write"), servers=[TOOLBOX], **top)
    return [found[:3] for found in live(text)]


def test_a_tool_that_only_reads_is_suggested_for_the_cache():
    """An MCP readOnlyHint makes the validator suggest caching, once nobody has decided."""
    assert suggested() == [("GF604", "info", "nodes[1].tool")]
    assert suggested(cache={"ttl": "1h"}) == []
    assert suggested(cache=False) == []


def test_members_are_checked_too():
    text = workflow([loop("each", [1], ["call"]), tool("call", "sya", text="x")], row("each"))
    ((code, *_),) = live(text)
    assert code == "GF602"


def test_a_server_that_cannot_be_connected_hides_no_other():
    broken = {"id": "broken", "command": "no-such-program-here"}
    nodes = [tool("a", "x", server="broken"), tool("b", "sya", text="x")]
    text = workflow(nodes, row("a", "b"), servers=[broken, lab_server()])
    found = {(code, path) for code, _, path, _, _ in live(text)}
    assert found == {("GF601", "servers[0].id"), ("GF602", "nodes[2].tool")}

"""What an error says of a call that the server refused: what was meant, and what the tool takes."""

import sys

import pytest
from support.servers import SCRIPTS
from support.workflows import row, tool, workflow

SDK = {"id": "lab", "command": sys.executable, "args": [str(SCRIPTS / "sdk_stdio.py")]}
BOX = {"id": "lab", "command": "goflow-toolbox", "args": ["--root", "."]}
BEFORE = " (goflow validate FILE --live finds this before a run)"


def error_of(go, server, name, **arguments):
    """The error of a run that only calls that tool."""
    return go(workflow([tool("call", name, **arguments)], row("call"), servers=[server])).error


@pytest.mark.parametrize("server", [SDK, BOX], ids=["isError", "JSON-RPC error"])
def test_an_unknown_tool_is_met_with_the_one_that_is_most_like_it(go, server):
    error = error_of(go, server, "ecko", text="a")
    assert "nknown tool" in error["message"]
    assert error["hint"] == f"did you mean 'echo'?{BEFORE}"


def test_an_unknown_tool_that_is_like_no_other_is_met_with_those_there_are(go):
    assert "it has append_text, copy_file, " in error_of(go, BOX, "translate")["hint"]


@pytest.mark.parametrize("server", [SDK, BOX], ids=["sdk", "toolbox"])
def test_an_argument_that_the_tool_does_not_have_is_met_with_the_one_it_has(go, server):
    error = error_of(go, server, "echo", txt="a")
    assert error["code"] == "tool_error"
    expected = "the tool has no argument 'txt' (did you mean 'text'?); it is echo(text)"
    assert error["hint"] == expected + BEFORE


def test_an_argument_that_is_missing_or_of_another_type_is_named(go):
    hint = error_of(go, SDK, "add", a=1)["hint"]
    assert hint == f"the tool needs 'b'; it is add(a, b){BEFORE}"
    hint = error_of(go, SDK, "add", a=1, b="one")["hint"]
    assert hint == f"'b' must be of type number, not string; it is add(a, b){BEFORE}"


def test_a_tool_that_fails_by_itself_gets_no_hint_about_its_arguments(go):
    error = error_of(go, BOX, "read_text", path="unknown argument.md")
    assert "unknown argument.md" in error["message"]
    assert error.get("hint") is None


def test_the_errors_of_pydantic_stand_on_a_line_each_without_types_and_addresses(go):
    message = error_of(go, SDK, "add", b="one")["message"]
    assert message.splitlines()[1:] == [
        "a: Field required",
        "b: Input should be a valid number, unable to parse string as a number (it is 'one')",
    ]

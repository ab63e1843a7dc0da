"""Arguments are checked against the schema that the tool shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goflow.toolbox import server
from goflow.toolbox.arguments import WORDS, check_arguments
from goflow.toolbox.registry import TOOLS, ToolError

if TYPE_CHECKING:
    from toolbox.client import Client

assert server.TOOL_FILES  # Importing it has filled the table.


@pytest.mark.parametrize(
    ("tool", "arguments", "message"),
    [
        ("echo", {}, "argument 'text' is missing"),
        ("echo", {"text": "a", "loud": 1}, "unknown argument 'loud'; the arguments are: text"),
        ("echo", {"text": 1}, "argument 'text' must be a string, not a number"),
        ("echo", {"text": None}, "argument 'text' must be a string, not null"),
        ("echo", {"text": ["a"]}, "argument 'text' must be a string, not a list"),
        ("list_files", {"recursive": 1}, "argument 'recursive' must be a boolean, not a number"),
        (
            "list_files",
            {"pattern": "*" * 1001},
            "argument 'pattern' is longer than 1000 characters",
        ),
        ("list_files", {"path": ""}, "argument 'path' must not be empty"),
        (
            "write_json",
            {"path": "x", "value": 1, "indent": True},
            "argument 'indent' must be a whole number, not a boolean",
        ),
        (
            "write_json",
            {"path": "x", "value": 1, "indent": 1.5},
            "argument 'indent' must be a whole number, not a number",
        ),
        (
            "write_json",
            {"path": "x", "value": 1, "indent": 9},
            "argument 'indent' must be from 0 to 8",
        ),
        ("write_json", {"path": "x"}, "argument 'value' is missing"),
        ("markdown_table", {"rows": {}}, "argument 'rows' must be a list, not an object"),
        (
            "markdown_table",
            {"rows": [{}, "x"]},
            "argument 'rows'[1] must be an object, not a string",
        ),
        (
            "markdown_table",
            {"rows": [], "columns": [True]},
            "argument 'columns'[0] must be a string, not a boolean",
        ),
    ],
)
def test_a_bad_argument_is_named(
    box: Client, tool: str, arguments: dict[str, Any], message: str
) -> None:
    assert box.failure(tool, **arguments) == message
    assert box.call("list_files") == {"files": []}


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


@settings(deadline=None)
@given(st.data())
def test_the_checker_agrees_with_a_full_validator(data: st.DataObject) -> None:
    schema = TOOLS[data.draw(st.sampled_from(sorted(TOOLS)))].input_schema
    names = st.sampled_from([*schema["properties"], "other"])
    arguments = data.draw(st.dictionaries(names, values))
    valid = jsonschema.Draft202012Validator(schema).is_valid(arguments)
    try:
        check_arguments(schema, arguments)
    except ToolError:
        assert not valid
    else:
        assert valid


@pytest.mark.parametrize("name", TOOLS)
def test_a_tools_entry_is_complete(name: str) -> None:
    tool = TOOLS[name]
    assert tool.entry["name"] == name
    assert tool.entry["description"].endswith(".")
    hints = {"readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"}
    assert set(tool.entry["annotations"]) == hints
    schema = tool.input_schema
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["additionalProperties"] is False
    assert all(argument["description"].endswith(".") for argument in schema["properties"].values())
    if "outputSchema" in tool.entry:
        jsonschema.Draft202012Validator.check_schema(tool.entry["outputSchema"])
        assert tool.entry["outputSchema"]["type"] == "object"


@pytest.mark.parametrize("name", TOOLS)
def test_a_tools_schema_names_the_functions_parameters(name: str) -> None:
    tool = TOOLS[name]
    code = tool.run.__code__
    parameters = code.co_varnames[: code.co_argcount]
    if tool.access != "none":
        assert parameters[0] == "folder"
        parameters = parameters[1:]
    assert parameters == tuple(tool.input_schema["properties"])


def test_the_schemas_use_only_the_words_that_the_checker_knows() -> None:
    def words(schema: dict[str, Any]) -> set[str]:
        found = set(schema)
        for inner in [*schema.get("properties", {}).values(), schema.get("items")]:
            found |= words(inner) if inner else set()
        return found

    for tool in TOOLS.values():
        assert words(tool.input_schema) <= WORDS, tool.name

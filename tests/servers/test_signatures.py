"""A tool in one line."""

import pytest

from goflow.servers.signatures import signature


def tool(properties, required=()):
    return {"name": "f", "inputSchema": {"properties": properties, "required": list(required)}}


def test_what_is_needed_comes_first_and_defaults_are_shown():
    described = tool({"a": {"default": 1.0}, "b": {}, "c": {"default": "é"}, "d": {}}, ["b"])
    assert signature(described) == 'f(b, a=1.0, c="é", d?)'


def test_a_default_that_is_long_is_left_out():
    assert signature(tool({"a": {"default": list(range(100))}})) == "f(a=…)"


def test_a_line_ends_where_it_would_be_too_long():
    line = signature(tool({f"argument{i}": {} for i in range(100)}))
    assert len(line) <= 100
    assert line.endswith(", …)")


@pytest.mark.parametrize("schema", [None, [], {}, {"properties": 3, "required": "a"}])
def test_what_is_no_schema_has_no_arguments(schema):
    assert signature({"name": "f", "inputSchema": schema}) == "f()"

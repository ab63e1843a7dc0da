"""Keys of results: what changes them, what does not, and what is said of a change."""

import pytest

from goflow.errors import NotJson
from goflow.results.key import (
    difference,
    function_key,
    server_identity,
    tool_key,
    tool_schema,
    transform_key,
)
from goflow.servers.config import ServerConfig

KEY = bytes(range(32))
SECRET = "hunter2-hunter2"


def config(**changes):
    fields = {
        "id": "files",
        "command": "server",
        "args": ("--token", SECRET, "--root", "."),
        "env": {"TOKEN": SECRET, "MODE": "fast"},
        "secrets": (SECRET,),
    }
    return ServerConfig(**{**fields, **changes})


def key(**changes):
    fields = {
        "server": server_identity(config(), KEY),
        "tool": "read",
        "schema": "abc",
        "arguments": {"path": "a.md", "limit": 3},
    }
    return tool_key(**{**fields, **changes})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"arguments": {"path": "b.md", "limit": 3}}, "argument 'path' changed: "),
        ({"arguments": {"path": "a.md", "limit": 3.0}}, "argument 'limit' changed: 3 → 3.0"),
        ({"arguments": {"path": "a.md"}}, "argument 'limit' is gone"),
        ({"arguments": {"path": "a.md", "limit": 3, "x": None}}, "argument 'x' is new"),
        ({"schema": "abd"}, "the tool's schema or description changed"),
        ({"tool": "write"}, 'the tool changed: "read" → "write"'),
        ({"result": "raw"}, "how its answer becomes a value ('result') changed"),
        ({"version": "2"}, "the node's cache version is new"),
        ({"within": "run 1"}, "the scope it is kept to is new"),
        ({"originals": {"path": "[1]"}}, "the text that an argument was read from is new"),
        (
            {"server": server_identity(config(command="other"), KEY)},
            'the server\'s command changed: "server" → "other"',
        ),
        (
            {"server": server_identity(config(env={"TOKEN": SECRET, "MODE": "slow"}), KEY)},
            "the server's env changed",
        ),
        (
            {"server": server_identity(config(env={"TOKEN": "new", "MODE": "fast"}), KEY)},
            "the server's env changed",
        ),
        (
            {"server": server_identity(config(transport="http", url="https://x"), KEY)},
            'the server\'s transport changed: "stdio" → "http"',
        ),
        ({"server": server_identity(config(cwd="/srv"), KEY)}, "the server's cwd changed"),
        (
            {"server": server_identity(config(headers={"A": "1"}), KEY)},
            "the server's headers changed",
        ),
    ],
)
def test_whatever_can_change_the_answer_changes_the_key_and_is_named(change, told):
    before, after = key(), key(**change)
    assert before.digest != after.digest
    assert any(text.startswith(told) for text in difference(before.summary(), after.summary()))


def test_what_cannot_change_the_answer_is_not_in_the_key():
    base = key()
    assert key(arguments={"limit": 3, "path": "a.md"}) == base
    other = config(id="renamed", timeout=3.0, connect_timeout=9.0, max_sessions=4, prewarm=True)
    assert key(server=server_identity(other, KEY)) == base
    assert key(version=None, within=None) == base
    assert difference(base.summary(), base.summary()) == []


def test_ignored_arguments_are_left_out():
    one = key(arguments={"path": "a", "request_id": 1}, ignore=("request_id",))
    two = key(arguments={"path": "a", "request_id": 2}, ignore=("request_id",))
    assert one == two
    assert one.digest != key(arguments={"path": "a", "request_id": 1}).digest


def test_secrets_are_in_no_part_of_a_key():
    made = key(server=server_identity(config(headers={"Authorization": SECRET}), KEY))
    assert SECRET not in repr(made)
    assert SECRET not in repr(made.summary())
    assert "hash:" in repr(made.parts["server"]["args"])
    assert key(server=server_identity(config(), bytes(32))).digest != key().digest


def test_the_schema_covers_what_a_server_says_of_a_tool():
    tool = {"name": "a", "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": True}}
    assert tool_schema(tool) == tool_schema({**tool, "name": "b", "_meta": {}, "icons": []})
    for change in (
        {"inputSchema": {}},
        {"outputSchema": {}},
        {"annotations": {}},
        {"description": "x"},
    ):
        assert tool_schema({**tool, **change}) != tool_schema(tool)


def test_kinds_of_work_never_share_a_key():
    function = function_key(function="f", arguments={"a": 1})
    transform = transform_key(expression="f", kind="jq", reads={"a": 1})
    digests = {function.digest, transform.digest, key().digest}
    assert len(digests) == 3
    assert transform_key(expression="f", kind="jq", reads={"a": 2}).digest not in digests
    assert function_key(function="g", arguments={"a": 1}).family != function.family
    assert function_key(function="f", arguments={"a": 2}).family == function.family


def test_arguments_that_are_no_json_are_refused():
    with pytest.raises(NotJson):
        key(arguments={"a": float("nan")})


def test_glimpses_are_short():
    summary = key(arguments={"path": "x" * 1000}).summary()
    assert all(len(text) <= 60 for _, text in summary.values())

"""The era that opens with `initialize`, and JSON-RPC itself."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from toolbox.client import STATELESS, Client, command

if TYPE_CHECKING:
    from pathlib import Path

VERSIONS = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]


@pytest.mark.parametrize("version", VERSIONS)
def test_initialize_answers_a_version_it_knows_with_that_version(box: Client, version: str) -> None:
    result = box.request("initialize", protocolVersion=version)
    assert result["protocolVersion"] == version
    assert result["capabilities"] == {"tools": {}}
    assert result["serverInfo"]["name"] == "goflow-toolbox"


@pytest.mark.parametrize("version", ["2023-01-01", "2026-07-28", "", "x"])
def test_initialize_answers_any_other_version_with_its_newest(box: Client, version: str) -> None:
    assert box.request("initialize", protocolVersion=version)["protocolVersion"] == VERSIONS[-1]


@pytest.mark.parametrize("params", [{}, {"protocolVersion": 1}, {"protocolVersion": None}])
def test_initialize_without_a_version_is_bad_params(box: Client, params: dict[str, Any]) -> None:
    assert box.request("initialize", **params)["code"] == -32602


def test_ping_is_answered_with_nothing(box: Client) -> None:
    assert box.request("ping") == {}


def test_an_unknown_method_is_an_error(box: Client) -> None:
    for method in ("resources/list", "logging/setLevel", "", "tools/call/"):
        error = box.request(method)
        assert error == {"code": -32601, "message": f"unknown method {method!r}"}


def test_an_unknown_tool_is_bad_params(box: Client) -> None:
    assert box.request("tools/call", name="fly") == {
        "code": -32602,
        "message": "unknown tool 'fly'",
    }


@pytest.mark.parametrize(
    "params",
    [
        [],
        "x",
        None,
        {"name": 1},
        {"arguments": {}},
        {"name": "echo", "arguments": []},
        {"name": "echo", "arguments": None},
        {"name": "echo", "_meta": 3},
    ],
)
def test_a_call_of_the_wrong_shape_is_bad_params(box: Client, params: object) -> None:
    message = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params}
    answer = box.exchange(message)
    assert (answer["id"], answer["error"]["code"]) == (7, -32602)


def test_a_cursor_that_was_never_given_out_is_bad_params(box: Client) -> None:
    assert box.request("tools/list", cursor="2")["code"] == -32602
    assert box.request("tools/list", cursor=None)["tools"]


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"nonsense",
        b'{"jsonrpc":"2.0","id":1,"method":"ping"}}',
        b'{"jsonrpc":"2.0","id":NaN,"method":"ping"}',
        b'{"id": "\xff"}',
        b"\x00",
        b"\xef\xbb\xbf{}",
        b'"' + b"x" * 100_000,
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"9" * 10_000,
        '{"jsonrpc":"2.0","id":1,"method":"ping"}'.encode("utf-16-le"),
    ],
    ids=range(12),
)
def test_what_is_not_json_is_a_parse_error_with_no_id(box: Client, line: bytes) -> None:
    box.send(line)
    answer = box.receive()
    assert (answer["id"], answer["error"]["code"]) == (None, -32700)
    assert box.request("ping") == {}


@pytest.mark.parametrize(
    "message",
    [
        3,
        None,
        "ping",
        True,
        {},
        {"jsonrpc": "2.0", "id": None, "method": "ping"},
        {"jsonrpc": "2.0", "id": True, "method": "ping"},
        {"jsonrpc": "2.0", "id": 1.5, "method": "ping"},
        {"jsonrpc": "2.0", "id": [], "method": "ping"},
        {"jsonrpc": "2.0", "id": "\ud800", "method": "ping"},
    ],
)
def test_a_message_without_a_usable_id_is_an_invalid_request(box: Client, message: object) -> None:
    answer = box.exchange(message)
    assert (answer["id"], answer["error"]["code"]) == (None, -32600)


@pytest.mark.parametrize(
    "message",
    [
        {"id": 5, "method": "ping"},
        {"jsonrpc": "1.0", "id": 5, "method": "ping"},
        {"jsonrpc": "2.0", "id": 5, "method": 3},
        {"jsonrpc": "2.0", "id": 5},
    ],
)
def test_a_message_that_is_no_request_gets_an_error_with_its_id(
    box: Client, message: object
) -> None:
    answer = box.exchange(message)
    assert (answer["id"], answer["error"]["code"]) == (5, -32600)


def test_a_batch_is_refused(box: Client) -> None:
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    for batch in ([], [ping], [ping, ping]):
        answer = box.exchange(batch)
        assert (answer["id"], answer["error"]["code"]) == (None, -32600)


def test_an_id_comes_back_as_it_was(box: Client) -> None:
    for request_id in (0, -1, 2**70, "", "a", "ü\n", "1"):
        answer = box.exchange({"jsonrpc": "2.0", "id": request_id, "method": "ping"})
        assert answer == {"jsonrpc": "2.0", "id": request_id, "result": {}}


def test_notifications_responses_and_blank_lines_get_no_answer(box: Client) -> None:
    for message in (
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}},
        {"jsonrpc": "2.0", "method": "no/such/notification", "params": 3},
        {"jsonrpc": "2.0", "id": 1, "result": {}},
        {"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": ""}},
    ):
        box.send(json.dumps(message).encode())
    box.send(b"")
    box.send(b"  \r")
    assert box.request("ping") == {}


def test_requests_are_answered_in_order(box: Client) -> None:
    for number in range(50):
        box.send(b'{"jsonrpc":"2.0","id":%d,"method":"ping"}' % number)
    assert [box.receive()["id"] for _ in range(50)] == list(range(50))


def test_no_request_depends_on_one_before_it(box: Client) -> None:
    assert box.request("tools/list")["tools"]
    assert box.request("server/discover", _meta=STATELESS)["supportedVersions"]
    assert box.request("initialize", protocolVersion=VERSIONS[0])["protocolVersion"] == VERSIONS[0]
    assert box.call("echo", text="x") == "x"


def test_a_last_line_without_a_line_feed_is_answered(root: Path) -> None:
    line = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
    done = subprocess.run(command(), input=line, capture_output=True, cwd=root, check=True)
    assert json.loads(done.stdout) == {"jsonrpc": "2.0", "id": 1, "result": {}}


def test_every_answer_is_one_line_of_utf8(box: Client) -> None:
    text = "a\nb\r\n\u2028\x85é😀\x00"
    assert box.call("echo", text=text) == text


def test_half_a_surrogate_pair_is_an_error_and_not_a_broken_line(box: Client) -> None:
    assert "surrogate" in box.failure("echo", text="\ud800")
    assert "'?'" in box.failure("echo", **{"text": "x", "\ud800": "x"}).replace("\\ud800", "?")
    assert box.request("\udfff")["code"] == -32601
    assert box.request("ping") == {}


def test_a_number_that_json_cannot_hold_is_an_error(box: Client) -> None:
    box.send(
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":'
        b'{"name":"write_json","arguments":{"path":"x","value":1e999}}}'
    )
    assert box.receive()["result"]["isError"] is True
    assert box.call("list_files") == {"files": []}

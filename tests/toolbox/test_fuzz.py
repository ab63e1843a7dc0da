"""Whatever comes in, the server gives at most one well-formed answer a line, and lives on."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from toolbox.client import STATELESS, Client

from goflow.toolbox import server
from goflow.toolbox.folder import Folder
from goflow.toolbox.protocol import Server
from goflow.toolbox.registry import TOOLS

if TYPE_CHECKING:
    from collections.abc import Iterator

assert server.TOOL_FILES  # Importing it has filled the table.

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["2.0", "ping", "..", "/", "\0", "\ud800", "x"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["id", "method", "params", "_meta", "path"]), inner)
        | st.dictionaries(st.text(), inner, max_size=4)
    ),
    max_leaves=10,
)
methods = st.sampled_from(
    ["initialize", "ping", "tools/list", "tools/call", "server/discover", "notifications/x"]
)
arguments = st.one_of(
    json_values,
    st.dictionaries(
        st.sampled_from(sorted({n for t in TOOLS.values() for n in t.input_schema["properties"]})),
        json_values,
    ),
)
params = st.one_of(
    json_values,
    st.fixed_dictionaries(
        {"name": st.sampled_from(sorted(TOOLS)), "arguments": arguments},
        optional={"_meta": st.just(STATELESS) | json_values, "protocolVersion": json_values},
    ),
)
requests = st.fixed_dictionaries(
    {},
    optional={
        "jsonrpc": st.just("2.0") | json_values,
        "id": st.integers() | json_values,
        "method": methods | json_values,
        "params": params,
    },
)
well_formed = st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0"), "id": st.integers(), "method": methods, "params": params}
)
lines = st.one_of(
    st.binary(),
    json_values.map(lambda value: json.dumps(value).encode()),
    requests.map(lambda value: json.dumps(value).encode()),
    well_formed.map(lambda value: json.dumps(value).encode()),
    well_formed.map(lambda value: json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")),
    st.tuples(well_formed, st.integers(0, 200)).map(
        lambda cut: json.dumps(cut[0]).encode()[: cut[1]]
    ),
).map(lambda line: line.replace(b"\n", b" "))


def check_answer(answer: bytes) -> Any:
    assert answer.count(b"\n") == 1
    assert answer.endswith(b"\n")
    message = json.loads(answer.decode(), parse_constant=pytest.fail)
    assert message["jsonrpc"] == "2.0"
    assert ("result" in message) != ("error" in message)
    if "error" in message:
        assert message["error"]["code"] in (-32700, -32600, -32601, -32602, -32022)
    return message


@pytest.fixture(scope="module")
def in_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root = tmp_path_factory.mktemp("root")
    (root / "x").write_text("[1]")
    folder = Folder(os.fspath(root))
    yield Server(TOOLS, folder, "0", read_only=False)
    folder.close()


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=400)
@given(line=lines)
def test_every_line_gets_at_most_one_well_formed_answer(in_process: Server, line: bytes) -> None:
    answer = in_process.answer(line)
    if answer is not None:
        check_answer(answer)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=400)
@given(request=well_formed)
def test_every_request_is_answered_with_its_id(in_process: Server, request: dict[str, Any]) -> None:
    answer = in_process.answer(json.dumps(request).encode())
    assert answer is not None
    message = check_answer(answer)
    # A number that is not JSON makes the whole line unreadable, its id too.
    assert message["id"] == request["id"] or message["error"]["code"] == -32700


@settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    deadline=None,
    max_examples=60,
)
@given(batch=st.lists(lines, max_size=20))
def test_random_lines_never_kill_the_process(box: Client, batch: list[bytes]) -> None:
    for line in batch:
        box.send(line)
    box.send(b'{"jsonrpc":"2.0","id":"the last","method":"ping"}')
    while check_answer(box.receive_line()).get("id") != "the last":
        pass

"""The JSON files of MCP clients, in their several spellings."""

import json

import pytest

from goflow.errors import BadCall
from goflow.servers.definitions import read_definitions, server_id


@pytest.fixture
def read(tmp_path):
    """``read(servers, section)``: the definitions of a file that holds them."""

    def read(servers, section="mcpServers"):
        file = tmp_path / "mcp.json"
        file.write_text(json.dumps({section: servers}))
        return read_definitions(file)

    return read


def test_a_process_starts_in_the_folder_of_the_file_unless_it_says_where(read, tmp_path):
    found = read({"a": {"command": "x", "args": ["y"]}, "b": {"command": "x", "cwd": "sub"}})
    assert found["a"] == {"command": "x", "args": ["y"], "cwd": f"{tmp_path}/"}
    assert found["b"]["cwd"] == f"{tmp_path}/sub"


@pytest.mark.parametrize("section", ["mcpServers", "servers", "context_servers"])
def test_the_sections_of_several_clients_are_read(read, section):
    assert read({"a": {"url": "http://x"}}, section) == {
        "a": {"url": "http://x", "transport": "http"}
    }


@pytest.mark.parametrize(
    ("entry", "transport"),
    [
        ({"url": "http://x"}, "http"),
        ({"type": "http", "url": "http://x"}, "http"),
        ({"type": "streamable-http", "url": "http://x"}, "http"),
        ({"type": "streamableHttp", "url": "http://x"}, "http"),
        ({"type": "sse", "url": "http://x"}, "sse"),
        ({"transport": "sse", "url": "http://x"}, "sse"),
        ({"serverUrl": "http://x"}, "http"),
        ({"httpUrl": "http://x"}, "http"),
    ],
)
def test_the_names_of_transports_are_understood(read, entry, transport):
    assert read({"a": entry})["a"] == {"url": "http://x", "transport": transport}


def test_placeholders_become_ours(read, monkeypatch):
    monkeypatch.setenv("SET", "a value")
    monkeypatch.delenv("UNSET", raising=False)
    env = {
        "a": "${TOKEN}",
        "b": "${env:TOKEN}",
        "c": "${UNSET:-text}",
        "d": "${SET:-text}",
        "e": "${input:api-key}",
        "f": "${secret.mine} and ${env.OTHER}",
        "g": "costs $5 {or} so",
    }
    found = read({"s": {"command": "x", "env": env, "headers": {"h": "Bearer ${TOKEN}"}}})["s"]
    assert found["env"] == {
        "a": "${env.TOKEN}",
        "b": "${env.TOKEN}",
        "c": "text",
        "d": "${env.SET}",
        "e": "${secret.api_key}",
        "f": "${secret.mine} and ${env.OTHER}",
        "g": "costs $5 {or} so",
    }
    assert found["headers"] == {"h": "Bearer ${env.TOKEN}"}


def test_a_command_and_a_folder_are_filled_in_at_once(read, tmp_path, monkeypatch):
    monkeypatch.setenv("BASE", "/opt")
    found = read({"s": {"command": "${BASE}/x", "cwd": "${workspaceFolder}/y", "args": ["${A}"]}})
    assert found["s"]["command"] == "/opt/x"
    assert found["s"]["cwd"] == f"{tmp_path}/y"
    assert found["s"]["args"] == ["${env.A}"]


def test_servers_that_are_switched_off_are_left_out(read):
    found = read(
        {
            "off": {"command": "x", "disabled": True},
            "no": {"command": "x", "enabled": False},
            "on": {"command": "x", "disabled": False, "autoApprove": ["y"]},
        }
    )
    assert list(found) == ["on"]
    assert "autoApprove" not in found["on"]


def test_a_timeout_counts_when_it_says_its_unit(read):
    found = read({"a": {"url": "u", "timeout": 600000}, "b": {"url": "u", "timeout": "5s"}})
    assert "timeout" not in found["a"]
    assert found["b"]["timeout"] == "5s"


def test_a_name_becomes_an_id(read):
    assert server_id("My server / 2") == "My-server-2"
    assert list(read({"My server": {"command": "x"}})) == ["My-server"]
    with pytest.raises(BadCall, match="no id of its own"):
        read({"My server": {"command": "x"}, "My-server": {"command": "y"}})
    with pytest.raises(BadCall, match="no id of its own"):
        read({"ü": {"command": "x"}})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "5",
        "{}",
        '{"mcpServers": []}',
        '{"mcpServers": {"a": 5}}',
        "[" * 100_000,
        '{"mcpServers": {"a": {"command": "x"}}} // note',
    ],
)
def test_a_file_of_another_shape_is_a_bad_call_that_names_it(tmp_path, text):
    file = tmp_path / "mcp.json"
    file.write_text(text)
    with pytest.raises(BadCall, match=r"mcp\.json"):
        read_definitions(file)


def test_a_file_that_cannot_be_read_is_a_bad_call(tmp_path):
    with pytest.raises(BadCall, match="cannot be read"):
        read_definitions(tmp_path / "none.json")
    with pytest.raises(BadCall, match="cannot be read"):
        read_definitions(tmp_path)
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadCall, match="is not JSON"):
        read_definitions(tmp_path / "bytes.json")
    (tmp_path / "large.json").write_bytes(b" " * ((4 << 20) + 1))
    with pytest.raises(BadCall, match="is larger than 4 MiB"):
        read_definitions(tmp_path / "large.json")

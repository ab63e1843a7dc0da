"""The official SDK is the oracle: the same calls, through its client and ours, give the same."""

import asyncio
import subprocess
import sys

import msgspec
import pytest
from support.servers import SCRIPTS, faulty, minimal
from support.web import web_server

from goflow.errors import RequestRejected
from goflow.servers.config import ServerConfig
from goflow.servers.session import Session
from goflow.servers.stdio import StdioSession

mcp = pytest.importorskip("mcp")

# Results hold what this says, as the wire has it: no defaults filled in, no nulls added.
WIRE = {"by_alias": True, "mode": "json", "exclude_unset": True}


async def through_sdk(config, calls, quiet):
    """What the SDK's client makes of the server: identity, tools, and the outcome of each call."""
    from mcp import ClientSession, MCPError, StdioServerParameters
    from mcp.client._probe import negotiate_auto
    from mcp.client.stdio import stdio_client

    parameters = StdioServerParameters(
        command=config.command, args=list(config.args), env=dict(config.env), cwd=config.cwd
    )
    async with (
        stdio_client(parameters, errlog=quiet) as (reading, writing),
        ClientSession(reading, writing) as session,
    ):
        if config.era == "handshake":
            await session.initialize()
        else:
            await negotiate_auto(session)
        tools, cursor = [], None
        while True:
            page = await session.list_tools(
                params=mcp.types.PaginatedRequestParams(cursor=cursor) if cursor else None
            )
            tools += [tool.model_dump(**WIRE) for tool in page.tools]
            cursor = page.next_cursor
            if not cursor:
                break
        outcomes = []
        for name, arguments in calls:
            try:
                result = await session.call_tool(name, arguments)
            except MCPError as error:
                outcomes.append((error.error.code, error.error.message, error.error.data))
            else:
                outcomes.append(result.model_dump(**WIRE))
        return {
            "identity": [
                session.protocol_version,
                session.server_info.model_dump(**WIRE),
                session.server_capabilities.model_dump(**WIRE),
                session.instructions,
            ],
            "tools": tools,
            "outcomes": outcomes,
        }


async def through_ours(config, calls):
    """The same, through our session."""
    session = await StdioSession.connect(config)
    assert isinstance(session, Session)
    outcomes = []
    try:
        tools = await session.list_tools()
        for name, arguments in calls:
            try:
                outcomes.append(await session.call_tool(name, arguments))
            except RequestRejected as error:
                message = error.message.split(": ", 1)[1].rsplit(" (JSON-RPC", 1)[0]
                outcomes.append((error.rpc_code, message, error.data))
        await session.ping()
        return {
            "identity": [
                session.protocol_version,
                session.server_info,
                session.capabilities,
                session.instructions,
            ],
            "tools": tools,
            "outcomes": outcomes,
        }
    finally:
        await session.close()


def as_json(value):
    """The value, comparable as JSON: true is not 1, which Python thinks, but 1 is 1.0."""
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    if isinstance(value, dict):
        return {key: as_json(item) for key, item in value.items()}
    return value


@pytest.fixture(params=["auto", "handshake"])
def same(run, tmp_path, request):
    """Make the calls both ways, compare, and give our outcomes; in each of the eras.

    Both clients try the newer one first in ``auto``, and fall back with the same servers.
    """

    def same(config, calls, *, newest="2025-11-25"):
        config = msgspec.structs.replace(config, era=request.param)
        with open(tmp_path / "stderr", "w") as quiet:
            theirs = asyncio.run(through_sdk(config, calls, quiet))
        ours = run(through_ours(config, calls))
        assert as_json(ours["identity"]) == as_json(theirs["identity"])
        assert ours["identity"][0] == (newest if request.param == "auto" else "2025-11-25")
        assert as_json(ours["tools"]) == as_json(theirs["tools"])
        assert len(ours["outcomes"]) == len(calls)
        for (name, arguments), mine, other in zip(
            calls, ours["outcomes"], theirs["outcomes"], strict=True
        ):
            assert as_json(mine) == as_json(other), f"{name} {arguments}"
        return ours["outcomes"]

    return same


def test_the_minimal_server(same):
    outcomes = same(
        minimal(),
        [
            ("echo", {"text": "hé 日本 \U0001f600 \u0000 \u2028 \"'\\"}),
            ("add", {"a": 2**70, "b": 1}),
            ("add", {"a": 0.1, "b": 0.2}),
            ("add", {"a": "no"}),
            ("no such tool", {}),
        ],
    )
    assert outcomes[1]["structuredContent"]["sum"] == 2**70 + 1


def test_pages_and_errors(same):
    outcomes = same(faulty("reject"), [("echo", {"text": "hi"})])
    assert outcomes == [(-32602, "text is hunter2", {"key": ["hunter2"]})]
    same(faulty(), [("echo", {"text": "x" * 300_000}), ("unknown", {})])


def test_the_environment_is_the_same_safe_list(same, monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_PARENT", "not for servers")
    monkeypatch.setenv("TERM", "dumb")
    outcomes = same(faulty(env={"EXTRA": "1"}), [("environment", {})])
    assert "SECRET_OF_THE_PARENT" not in str(outcomes)
    assert "EXTRA" in str(outcomes)


def test_an_sdk_built_server_of_both_eras(same):
    config = ServerConfig(id="sdk", command=sys.executable, args=(str(SCRIPTS / "sdk_stdio.py"),))
    outcomes = same(
        config,
        [
            ("echo", {"text": "hé 日本 \U0001f600 \u2028"}),
            ("add", {"a": 1, "b": 0.2}),
            ("same", {"value": {"a": None, "b": [None, 2**70, 1.5, True], "c": {}}}),
            ("kinds", {}),
            ("fail", {"reason": "on purpose"}),
            ("reject", {"reason": "no way"}),
            ("steps", {"count": 3}),
            ("no such tool", {}),
        ],
        newest="2026-07-28",
    )
    assert outcomes[5] == (-32000, "no way", {"reason": "no way"})


def test_the_embedded_server(same, scripts, tmp_path):
    (tmp_path / "a.json").write_text('{"a": [1, 2]}')
    config = ServerConfig(
        id="box", command=str(scripts / "goflow-toolbox"), args=("--root", str(tmp_path))
    )
    outcomes = same(
        config,
        [
            ("read_text", {"path": "a.json"}),
            ("read_json", {"path": "a.json"}),
            ("write_text", {"path": "b.txt", "text": "ü" * 100_000}),
            ("read_text", {"path": "../outside"}),
            ("read_text", {"path": 5}),
            ("no_such_tool", {}),
        ],
        newest="2026-07-28",
    )
    assert outcomes[3]["isError"] is True


def test_mcp_server_time(same, scripts):
    config = ServerConfig(
        id="time", command=str(scripts / "mcp-server-time"), args=("--local-timezone", "UTC")
    )
    outcomes = same(
        config,
        [
            (
                "convert_time",
                {"source_timezone": "UTC", "time": "12:30", "target_timezone": "Asia/Tokyo"},
            ),
            ("get_current_time", {"timezone": "Nowhere/Atlantis"}),
            ("convert_time", {}),
            ("no_such_tool", {}),
        ],
        newest="2026-07-28",
    )
    assert outcomes[1]["isError"] is True


def test_mcp_server_git(same, scripts, tmp_path):
    folder = tmp_path / "repository"
    git = ["git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    folder.mkdir()
    (folder / "a.txt").write_text("one\n")
    for command in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *command], check=True, stdout=subprocess.DEVNULL)
    (folder / "a.txt").write_text("two\n")
    config = ServerConfig(
        id="git", command=str(scripts / "mcp-server-git"), args=("--repository", str(folder))
    )
    repository = {"repo_path": str(folder)}
    outcomes = same(
        config,
        [
            ("git_status", repository),
            ("git_diff_unstaged", repository),
            ("git_log", {**repository, "max_count": 1}),
            ("git_show", {**repository, "revision": "no-such-revision"}),
        ],
        newest="2026-07-28",
    )
    assert "a.txt" in str(outcomes[0])


def test_mcp_server_fetch(same, scripts, tmp_path):
    (tmp_path / "page.html").write_text("<html><body><h1>Hello</h1><p>World</p></body></html>")
    with web_server("static_web", str(tmp_path), isolated=True) as web:
        config = ServerConfig(
            id="fetch",
            command=str(scripts / "mcp-server-fetch"),
            args=("--ignore-robots-txt", "--allow-private-ips"),
            env={"NO_PROXY": "127.0.0.1"},
        )
        outcomes = same(
            config,
            [
                ("fetch", {"url": f"{web.url}/page.html", "raw": True}),
                ("fetch", {"url": f"{web.url}/page.html", "raw": True, "max_length": 20}),
                ("fetch", {"url": f"{web.url}/nothing.html"}),
                ("fetch", {"url": "not a url"}),
            ],
            newest="2026-07-28",
        )
    assert "Hello" in str(outcomes[0])


@pytest.mark.node
def test_the_filesystem_server(same, node_modules, tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "a.json").write_text('{"a": [1, 2]}')
    script = node_modules / "@modelcontextprotocol/server-filesystem/dist/index.js"
    config = ServerConfig(id="files", command="node", args=(str(script), str(folder)))
    outcomes = same(
        config,
        [
            ("read_text_file", {"path": str(folder / "a.json")}),
            ("write_file", {"path": str(folder / "b.txt"), "content": "ü" * 200_000}),
            ("read_text_file", {"path": str(folder / "b.txt")}),
            ("read_text_file", {"path": "/etc/hostname"}),
            ("read_text_file", {"path": 5}),
            ("list_directory", {"path": str(folder)}),
        ],
    )
    assert outcomes[3]["isError"] is True


@pytest.mark.node
def test_the_everything_server(same, node_modules):
    script = node_modules / "@modelcontextprotocol/server-everything/dist/index.js"
    config = ServerConfig(id="everything", command="node", args=(str(script), "stdio"))
    same(
        config,
        [
            ("echo", {"message": "hé"}),
            ("get-sum", {"a": 1, "b": 2.5}),
            ("get-tiny-image", {}),
            ("get-structured-content", {"location": "Chicago"}),
            ("get-annotated-message", {"messageType": "error", "includeImage": True}),
            ("get-resource-links", {"count": 3}),
            ("no-such-tool", {}),
        ],
    )


@pytest.mark.node
def test_the_memory_server(same, node_modules, tmp_path):
    script = node_modules / "@modelcontextprotocol/server-memory/dist/index.js"
    file = tmp_path / "memory.jsonl"
    file.write_text("")
    config = ServerConfig(
        id="memory", command="node", args=(str(script),), env={"MEMORY_FILE_PATH": str(file)}
    )
    entity = {"name": "GoFlow", "entityType": "program", "observations": ["runs workflows"]}
    outcomes = same(
        config,
        [
            ("delete_entities", {"entityNames": ["GoFlow"]}),
            ("create_entities", {"entities": [entity]}),
            ("search_nodes", {"query": "workflows"}),
            ("read_graph", {}),
            ("create_entities", {"entities": "none"}),
            ("no_such_tool", {}),
        ],
    )
    assert "runs workflows" in str(outcomes[2])

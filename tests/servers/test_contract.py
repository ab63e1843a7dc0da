"""The official SDK is the oracle: the same calls, through its client and ours, give the same."""

import asyncio
import subprocess

import pytest
from support.servers import faulty, minimal

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
    from mcp.client.stdio import stdio_client

    parameters = StdioServerParameters(
        command=config.command, args=list(config.args), env=dict(config.env), cwd=config.cwd
    )
    async with (
        stdio_client(parameters, errlog=quiet) as (reading, writing),
        ClientSession(reading, writing) as session,
    ):
        identity = (await session.initialize()).model_dump(**WIRE)
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
            "identity": [identity[k] for k in ("protocolVersion", "serverInfo", "capabilities")],
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
            "identity": [session.protocol_version, session.server_info, session.capabilities],
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


@pytest.fixture
def same(run, tmp_path):
    """Make the calls both ways, compare, and give our outcomes."""

    def same(config, calls):
        with open(tmp_path / "stderr", "w") as quiet:
            theirs = asyncio.run(through_sdk(config, calls, quiet))
        ours = run(through_ours(config, calls))
        assert as_json(ours["identity"]) == as_json(theirs["identity"])
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
    )
    assert "a.txt" in str(outcomes[0])


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

"""The official SDK's client talks to the server, in both eras."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from mcp import Client, MCPError, StdioServerParameters

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

# One call of every tool, in an order in which each finds what it needs.
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("echo", {"text": "hello"}),
    ("word_count", {"text": "a b\nc"}),
    ("find_text", {"text": "a b\nc", "find": "b"}),
    ("replace_text", {"text": "a", "old": "a", "new": "b"}),
    ("markdown_table", {"rows": [{"a": 1}]}),
    ("make_folder", {"path": "out"}),
    ("write_text", {"path": "out/a.txt", "content": "one\n"}),
    ("append_text", {"path": "out/a.txt", "content": "two\n"}),
    ("read_text", {"path": "out/a.txt"}),
    ("file_info", {"path": "out/a.txt"}),
    ("copy_file", {"source": "out/a.txt", "destination": "out/b.txt"}),
    ("write_json", {"path": "out/c.json", "value": {"a": [1, None, "é"]}}),
    ("read_json", {"path": "out/c.json"}),
    ("write_csv", {"path": "out/d.csv", "rows": [{"a": 1, "b": "x"}]}),
    ("read_csv", {"path": "out/d.csv", "numbers": True}),
    ("list_files", {"path": ".", "recursive": True}),
    ("delete_file", {"path": "out/b.txt"}),
]
PLAIN = {"echo", "replace_text", "markdown_table", "read_text"}


def with_client(root: Path, mode: str, use: Callable[[Client], Awaitable[None]]) -> None:
    async def run() -> None:
        server = StdioServerParameters(
            command=str(Path(sys.executable).parent / "goflow-toolbox"),
            args=["--root", str(root)],
        )
        async with Client(server, mode=mode, read_timeout_seconds=30) as client:
            await use(client)

    asyncio.run(run())


ERAS = [("legacy", "2025-11-25"), ("auto", "2026-07-28"), ("2026-07-28", "2026-07-28")]


@pytest.mark.parametrize(("mode", "version"), ERAS)
def test_the_sdk_connects_in_the_era_it_asks_for(root: Path, mode: str, version: str) -> None:
    async def use(client: Client) -> None:
        assert client.protocol_version == version
        if mode != version:  # A pinned version asks nothing first, so it is told nothing.
            assert client.server_info
            assert client.server_info.name == "goflow-toolbox"
            assert client.server_capabilities.tools is not None
            assert client.server_capabilities.resources is None

    with_client(root, mode, use)


@pytest.mark.parametrize(("mode", "version"), ERAS)
def test_the_sdk_calls_every_tool_and_every_result_fits_its_schema(
    root: Path, mode: str, version: str
) -> None:
    async def use(client: Client) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert {name for name, _ in CALLS} == set(tools)
        for name, arguments in CALLS:
            result = await client.call_tool(name, arguments)
            assert not result.is_error, (name, result)
            (block,) = result.content
            assert block.type == "text"
            schema = tools[name].output_schema
            assert (schema is None) == (name in PLAIN), name
            if schema is None:
                assert result.structured_content is None
            else:
                jsonschema.validate(result.structured_content, schema)
                assert json.loads(block.text) == result.structured_content
            assert tools[name].input_schema["additionalProperties"] is False

    with_client(root, mode, use)
    assert (root / "out" / "a.txt").read_text() == "one\ntwo\n"
    assert not (root / "out" / "b.txt").exists()


@pytest.mark.parametrize(("mode", "version"), ERAS)
def test_the_sdk_sees_a_failed_call_as_a_result_and_an_unknown_tool_as_an_error(
    root: Path, mode: str, version: str
) -> None:
    async def use(client: Client) -> None:
        for arguments in ({}, {"path": 1}, {"path": "../x"}, {"path": "missing"}):
            result = await client.call_tool("read_text", arguments)
            assert result.is_error
        with pytest.raises(MCPError, match="unknown tool"):
            await client.call_tool("fly", {})
        assert (await client.call_tool("echo", {"text": "x"})).content

    with_client(root, mode, use)


def test_calls_in_flight_together_each_get_their_own_answer(root: Path) -> None:
    async def use(client: Client) -> None:
        texts = [f"text {number}" for number in range(100)]
        results = await asyncio.gather(*(client.call_tool("echo", {"text": t}) for t in texts))
        assert [result.content[0].text for result in results] == texts  # type: ignore[union-attr]

    with_client(root, "auto", use)

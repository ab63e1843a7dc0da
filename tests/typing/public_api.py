"""What a type checker knows of the public names. Never run: ``nox -s typing`` has mypy read it.

Each ignored line is a mistake that must be found; one that is not found any more is an error, as
an ignore for nothing is.
"""

import asyncio
from pathlib import Path
from typing import Any

from typing_extensions import assert_type

import goflow
from goflow._core.lease import Lease
from goflow.engine.events import Event
from goflow.workflow.builder import Builder
from goflow.workflow.model import ToolNode


def caches() -> None:
    cache = goflow.Cache(max_entries=1_000, ttl=60.0)
    cache.set("a", {"b": 1}, ttl=1.0)
    assert_type(cache.touch("a"), bool)
    assert_type(cache.keys(), list[str])
    assert_type(cache.stats(), goflow.CacheStats)
    assert_type(cache.stats().hits, int)
    assert_type(len(cache), int)
    cache.set(1, 2)  # type: ignore[arg-type]
    goflow.Cache(max_entries="many")  # type: ignore[arg-type]


class Client:
    def ask(self, question: str) -> str:
        return question


async def connect(host: str) -> Client:
    return Client()


async def close(client: Client) -> None: ...


async def pools() -> None:
    async with goflow.ConnectionPool(connect, close, max_size=4) as pool:
        assert_type(pool, goflow.ConnectionPool[str, Client])
        async with pool.lease("db") as lease:
            assert_type(lease, Lease[str, Client])
            assert_type(lease.connection.ask("?"), str)
            lease.connection.tell("!")  # type: ignore[attr-defined]
        assert_type(pool.checkout("db"), Lease[str, Client] | None)
        assert_type(pool.connections(), list[Client])
        await pool.warm("db", "other", size=2)
        await pool.warm(1)  # type: ignore[arg-type]


def graphs() -> None:
    graph = goflow.Graph(["a", "b"], [("a", "b")])
    assert_type(graph.order(), list[str])


def runs(file: Path) -> None:
    workflow = goflow.load(file)
    assert_type(workflow, goflow.Workflow)
    report = goflow.validate(workflow)
    assert_type(report, goflow.Report)
    assert_type([finding.code for finding in report], list[str])
    result = goflow.run(workflow, {"limit": 3}, cache="use")
    assert_type(result, goflow.RunResult)
    assert_type(result.completed, bool)
    assert_type(result.result, Any)
    assert_type(result.nodes, tuple[goflow.NodeRecord, ...])
    goflow.run(3)  # type: ignore[arg-type]
    goflow.run(file, ["limit"])  # type: ignore[arg-type]


async def engines(file: Path) -> None:
    seen: list[Event] = []
    async with goflow.Engine(history=False) as engine:
        assert_type(engine, goflow.Engine)
        assert_type(await engine.run(file, listener=seen.append), goflow.RunResult)
        assert_type(await engine.resume("last", rerun=["a"]), goflow.RunResult)
        async for event in engine.stream(file):
            assert_type(event, Event)
        await asyncio.gather(engine.run(file), engine.run(file))
        await engine.run(file, listener=3)  # type: ignore[arg-type]


def built() -> None:
    assert_type(ToolNode(id="a", server="b", tool="c").tool, str)
    with goflow.workflow("report") as builder:
        assert_type(builder, Builder)
        files = builder.server("files", command="goflow-toolbox")
        text = files.call("read_text", {"path": "a.md"})
        builder.end(text)
    assert_type(builder.build(), goflow.Workflow)
    assert_type(builder.validate(), goflow.Report)
    goflow.workflow()  # type: ignore[call-arg]

"""What connecting ahead of need takes off a run's critical path.

The same workflow runs, a call on each of several servers
one after the other, in fresh engines: without any warming (each server is connected when its call
comes, as without a pool), with the warming that every run does, with processes spawned before the
loop as ``goflow run`` does, and after ``engine.prewarm``. The figure is what connecting adds to the
run: its wall time less that of the same run on an engine whose servers are all connected. All take
turns; figures are the least of the rounds, which are few, since real servers take long to boot.

``slow_boots`` are five servers that are 0.1 s away and cost no CPU, as those behind a network or a
disk are; ``public`` are three public ones (PyPI's time and git, npm's filesystem) that a first call
of half a second precedes. They boot by computing: how much of that fits beside the rest depends on
the cores.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from measure import OURS

import goflow
from goflow.engine.prepare import prepare
from goflow.engine.servers import spawn
from goflow.servers.connections import RunConnections

ROOT = Path(__file__).parents[1]
MINIMAL = ROOT / "tests" / "support" / "mcp_servers" / "minimal.py"
FILES = ROOT / "examples/public/node_modules/@modelcontextprotocol/server-filesystem/dist/index.js"
BOOT = 0.1
FIRST = 0.5
WITHOUT = "without warming"
WAYS = [WITHOUT, OURS, "spawned", "prewarmed"]


def document(servers, nodes):
    """A workflow of nodes in a row."""
    ids = ["start", *(node["id"] for node in nodes), "end"]
    edges = [{"from": a, "to": b} for a, b in itertools.pairwise(ids)]
    nodes = [{"id": "start", "type": "start"}, *nodes, {"id": "end", "type": "end"}]
    return json.dumps({"version": "1.0", "name": "prewarm", "servers": servers,
                       "nodes": nodes, "edges": edges})  # fmt: skip


def call(server, tool, **parameters):
    return {"id": f"call_{server}", "type": "mcp_tool", "server": server, "tool": tool,
            "parameters": parameters}  # fmt: skip


def slow_boots(folder):
    """Five minimal servers that each wait before they start."""
    script = folder / "slow.py"
    script.write_text(
        f"import runpy, time\ntime.sleep({BOOT})\n"
        f"runpy.run_path({str(MINIMAL)!r}, run_name='__main__')\n"
    )
    names = [f"s{i}" for i in range(5)]
    servers = [
        {"id": name, "command": sys.executable, "args": ["-S", "-E", str(script)]} for name in names
    ]
    return document(servers, [call(name, "echo", text="x") for name in names])


def public(folder):
    """Three public servers, behind half a second of other work."""
    if not FILES.exists():
        pytest.skip("no npm servers: npm install --prefix examples/public")
    repository = folder / "repository"
    repository.mkdir()
    (repository / "note.txt").write_text("hello")
    subprocess.run(["git", "init", "-q", str(repository)], check=True)
    servers = [
        {"id": "files", "command": "node", "args": [str(FILES), str(repository)]},
        {"id": "time", "command": "mcp-server-time", "args": ["--local-timezone", "UTC"]},
        {"id": "git", "command": "mcp-server-git"},
    ]
    nodes = [
        {"id": "first", "type": "function", "function": "work"},
        call("time", "get_current_time", timezone="UTC"),
        call("files", "read_text_file", path=str(repository / "note.txt")),
        call("git", "git_status", repo_path=str(repository)),
    ]
    return document(servers, nodes)


async def work():
    """What a run may do before it needs its servers."""
    await asyncio.sleep(FIRST)


async def seconds(plan, way):
    """Wall times of a run in a fresh engine, and of the next, whose servers are connected."""
    processes = spawn(plan.servers) if way == "spawned" else ()
    async with goflow.Engine(functions={"work": work}, spawned=processes) as engine:
        if way == "prewarmed":
            await engine.prewarm(plan.servers)
        times = []
        for _ in range(2):
            began = time.perf_counter()
            result = await engine.run(plan)
            times.append(time.perf_counter() - began)
            assert result.completed, result.error
    return times


@pytest.mark.parametrize("make", [slow_boots, public])
def test_prewarmed_first_call(measure, make, monkeypatch, tmp_path):
    """Nanoseconds that connecting adds to the run, by the way the servers are warmed."""
    if measure.quick and make is public:
        pytest.skip("not in quick mode")
    monkeypatch.setenv("GOFLOW_HOME", str(tmp_path / "home"))
    plan = prepare(make(tmp_path))

    def work():
        added = {way: [] for way in WAYS}
        for _ in range(measure.rounds(7 if make is slow_boots else 3, 1)):
            for way in WAYS:
                with pytest.MonkeyPatch.context() as patch:
                    if way == WITHOUT:
                        patch.setattr(RunConnections, "warm", lambda self, config: None)
                    cold, warm = asyncio.run(seconds(plan, way))
                # Where nothing is added, the two runs differ by chance.
                added[way].append(max(0.0, cold - warm) * 1e9)
        return added

    figures = measure.record(work, floor=WITHOUT)
    for way in WAYS[1:]:
        saved = 100 * (1 - min(figures[way]["samples"]) / min(figures[WITHOUT]["samples"]))
        measure.note(**{f"{way}_saved_%": round(saved, 1)})

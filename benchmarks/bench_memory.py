"""Memory of our process with real servers: of the whole after a run, and of each active server.

``base`` is the resident memory of a process that has loaded and run a workflow of one tool call,
with the session still open; a bare asyncio client stands beside it, and with peers the official
SDK's and fastmcp's. ``per_server`` is what a connected session and its place in the pool hold by
``tracemalloc``; what resident memory grows by, the kernel's rounding included, stands beside.
"""

from __future__ import annotations

import asyncio
import gc
import re
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from call_peers import COMMAND, config
from measure import OURS, installed

from goflow.servers.connections import Connections

HERE = Path(__file__).parent
RESIDENT = """
import re
print(re.search(r"VmRSS:\\s+(\\d+)", open("/proc/self/status").read())[1], flush=True)
"""
pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")


def resident():
    return int(re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text())[1])


def megabytes(name):
    """Resident MiB of a process that runs a client of ``memory/`` and then looks at itself."""
    program = (HERE / "memory" / f"{name}.py").read_text().replace("# measured here", "measure()")
    look = "def measure():\n    " + RESIDENT.strip().replace("\n", "\n    ")
    done = subprocess.run(
        [sys.executable, "-c", f"{look}\n{program}", *COMMAND],
        check=True,
        capture_output=True,
        text=True,
    )
    return int(done.stdout.split()[0]) / 1024


def whole(measure, names):
    rounds = measure.rounds(5, 1)

    def work():
        found = {name: [] for name in names}
        for _ in range(rounds):
            for name, program in names.items():
                found[name].append(megabytes(program))
        return found

    measure.record(work, unit="MiB", floor="asyncio")


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("GOFLOW_HOME", str(tmp_path))


@pytest.mark.parametrize("of", ["base", "per_server"])
def test_memory(measure, of):
    if of == "base":
        whole(measure, {OURS: "goflow_engine", "asyncio": "asyncio_client"})
    else:
        per_server(measure)


def per_server(measure):
    count = 5 if measure.quick else 30

    async def main():
        connections = Connections()
        await connections.prewarm([config(f"first-{at}") for at in range(5)])
        gc.collect()
        whole = resident()
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        await connections.prewarm([config(f"traced-{at}") for at in range(count)])
        gc.collect()
        traced = (tracemalloc.get_traced_memory()[0] - before) / count / 1024
        tracemalloc.stop()
        whole = resident()
        await connections.prewarm([config(f"grown-{at}") for at in range(count)])
        gc.collect()
        grown = (resident() - whole) / count
        await connections.close()
        return {OURS: [traced], "resident": [grown]}

    measure.record(lambda: asyncio.run(main()), unit="KiB")


@pytest.mark.peers
def test_memory_base_peers(measure):
    installed("fastmcp")
    names = {OURS: "goflow_engine", "asyncio": "asyncio_client"}
    whole(measure, names | {"official SDK": "official_sdk", "fastmcp": "fastmcp_client"})

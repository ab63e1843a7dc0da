"""Start-up: from the start of the process to the first tool call that its server receives.

``goflow run`` on a workflow of one tool node; beside it a bare asyncio script that does the same by
hand (the floor), and the same by hand with the packages that the command stands on (click, PyYAML,
msgspec, SQLite), which is the floor of whatever has them; with peers, the official SDK's client and
fastmcp. Each round starts a process and a server, of each in turn.
"""

import os
import subprocess
import sys
from pathlib import Path
from time import monotonic_ns

import pytest
from measure import OURS, installed

BY_HAND = "asyncio and the same packages"
HERE = Path(__file__).parent / "startup"
WORKFLOW = """\
version: "1.0"
name: startup
servers:
  - id: stamp
    command: {command}
    args: {args}
nodes:
  - {{id: start, type: start}}
  - {{id: call, type: mcp_tool, server: stamp, tool: stamp}}
  - {{id: end, type: end}}
edges:
  - {{from: start, to: call}}
  - {{from: call, to: end}}
"""


def environment():
    """Byte code is kept, as it is where a package was installed."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def to_first_call(command, stamp):
    """Nanoseconds from before the process starts to the first call's arrival at the server."""
    began = monotonic_ns()
    quiet = subprocess.DEVNULL
    subprocess.run(command, check=True, stdout=quiet, stderr=quiet, env=environment())
    return int(stamp.read_text()) - began


def startups(measure, folder, peers):
    stamp, file = folder / "stamp", folder / "startup.yaml"
    server = [sys.executable, "-S", "-E", str(HERE / "server.py"), str(stamp)]
    file.write_text(WORKFLOW.format(command=server[0], args=server[1:]))
    goflow = str(Path(sys.executable).parent / "goflow")
    commands = {
        OURS: [goflow, "run", "--quiet", str(file)],
        "asyncio": [sys.executable, str(HERE / "raw_asyncio.py"), *server],
        BY_HAND: [sys.executable, str(HERE / "by_hand.py"), "--quiet", str(file)],
    }
    for name, script in peers.items():
        commands[name] = [sys.executable, str(HERE / script), *server]

    def work():
        for command in commands.values():
            to_first_call(command, stamp)  # caches of the disk and of byte code
        found = {name: [] for name in commands}
        for _ in range(measure.rounds(15)):
            for name, command in commands.items():
                found[name].append(to_first_call(command, stamp))
        return found

    measure.record(work, floor="asyncio")


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("GOFLOW_HOME", str(tmp_path / "home"))


def test_startup(measure, tmp_path):
    startups(measure, tmp_path, {})


@pytest.mark.peers
def test_startup_peers(measure, tmp_path):
    installed("fastmcp")
    startups(measure, tmp_path, {"official SDK": "official_sdk.py", "fastmcp": "fastmcp_client.py"})

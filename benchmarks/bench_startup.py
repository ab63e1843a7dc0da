"""Start-up: from the start of the process to the first tool call that its server receives.

``goflow run`` on a workflow of one tool node, alternating with its peers: a bare asyncio script
that does the same by hand (the floor) and the official SDK's client. Each round starts a process
and a server. The figure is ``to_first_call_ms`` in the extra information; what pytest-benchmark
times is one whole round.
"""

import statistics
import subprocess
import sys
from pathlib import Path
from time import monotonic_ns

import pytest

HERE = Path(__file__).parent / "startup"
ROUNDS = 15
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


@pytest.fixture
def commands(tmp_path):
    stamp = tmp_path / "stamp"
    server = [sys.executable, "-S", "-E", str(HERE / "server.py"), str(stamp)]
    file = tmp_path / "startup.yaml"
    file.write_text(WORKFLOW.format(command=server[0], args=server[1:]))
    goflow = str(Path(sys.executable).parent / "goflow")
    return stamp, {
        "goflow": [goflow, "run", "--quiet", str(file)],
        "raw_asyncio": [sys.executable, str(HERE / "raw_asyncio.py"), *server],
        "official_sdk": [sys.executable, str(HERE / "official_sdk.py"), *server],
    }


def to_first_call(command, stamp):
    """Milliseconds from before the process starts to the first call's arrival at the server."""
    began = monotonic_ns()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return (int(stamp.read_text()) - began) / 1e6


def test_startup(benchmark, commands):
    stamp, named = commands
    figures = {name: [] for name in named}
    for command in named.values():
        to_first_call(command, stamp)  # caches of the disk and of byte code

    def one_round():
        for name, command in named.items():
            figures[name].append(to_first_call(command, stamp))

    benchmark.pedantic(one_round, rounds=ROUNDS)
    ours = statistics.median(figures["goflow"])
    for name, values in figures.items():
        median = statistics.median(values)
        benchmark.extra_info[f"{name}_to_first_call_ms"] = [min(values), median]
        benchmark.extra_info[f"ratio_to_{name}"] = ours / median
        print(f"{name:14} min {min(values):6.1f} ms  median {median:6.1f} ms  "
              f"goflow/{name} {ours / median:.2f}")  # fmt: skip

"""A workflow run again: ten tool nodes over four real servers, all of them cached.

Cold, with one input edited that two of the ten nodes depend on, and unchanged. Each round is a new
GoFlow home, and each run a process: what a person waits for. Every start of a server is counted,
because a run that hits everywhere starts none.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from time import perf_counter_ns

import pytest
from measure import OURS

ROOT = Path(__file__).parents[1]
SCRIPTS = Path(sys.executable).parent
FILESYSTEM = "examples/public/node_modules/@modelcontextprotocol/server-filesystem/dist/index.js"
CACHED = {"type": "mcp_tool", "cache": True}
CITIES = ("Asia/Tokyo", "Asia/Kolkata", "Africa/Lagos")
COLD, EDITED, UNCHANGED = "cold", OURS, "unchanged"


def server(server_id, log, *command):
    """A server whose starts leave a line in ``log``."""
    script = 'echo "$0" >> "$1"; shift; exec "$@"'
    return {"id": server_id, "command": "sh", "args": ["-c", script, server_id, str(log), *command]}


def call(node_id, server_id, tool, **parameters):
    return {**CACHED, "id": node_id, "server": server_id, "tool": tool, "parameters": parameters}


def workflow(data, repository, log):
    """Eight nodes that no input changes, and two that write the title into what they give."""
    meeting = {"source_timezone": "Europe/Berlin", "time": "09:30"}
    nodes = [
        *(call(f"file{i}", "files", "read_text_file", path=str(data / name))
          for i, name in enumerate(("orders.csv", "prices.json", "settings.json"))),
        *(call(f"city{i}", "time", "convert_time", target_timezone=city, **meeting)
          for i, city in enumerate(CITIES)),
        call("log", "git", "git_log", repo_path=str(repository), max_count=5),
        call("branches", "git", "git_branch", repo_path=str(repository), branch_type="local"),
        call("title", "text", "markdown_table", rows=[{"title": "${title}"}]),
        call("again", "text", "markdown_table", rows=[{"title": "${title}", "again": "1"}]),
    ]  # fmt: skip
    ids = [node["id"] for node in nodes]
    return {
        "version": "1.0",
        "name": "repeat",
        "variables": [{"name": "title", "default": "first"}],
        "servers": [
            server("files", log, "node", str(ROOT / FILESYSTEM), str(data)),
            server("time", log, str(SCRIPTS / "mcp-server-time"), "--local-timezone", "Etc/UTC"),
            server("git", log, str(SCRIPTS / "mcp-server-git")),
            server("text", log, str(SCRIPTS / "goflow-toolbox"), "--root", str(data)),
        ],
        "nodes": [{"id": "start", "type": "start"}, *nodes, {"id": "end", "type": "end"}],
        "edges": [
            edge
            for one in ids
            for edge in ({"from": "start", "to": one}, {"from": one, "to": "end"})
        ],
    }


@pytest.fixture
def repeat_run(tmp_path, monkeypatch):
    """A call that runs the workflow with a title: nanoseconds, hits, and servers started."""
    if not (ROOT / FILESYSTEM).exists() or shutil.which("node") is None:
        pytest.skip("needs Node.js and npm install --prefix examples/public")
    if not (SCRIPTS / "mcp-server-git").exists() or not (SCRIPTS / "mcp-server-time").exists():
        pytest.skip("needs mcp-server-git and mcp-server-time (dependency group dev)")
    data = shutil.copytree(ROOT / "examples" / "data", tmp_path / "data")
    log, file, repository = tmp_path / "starts", tmp_path / "repeat.yaml", tmp_path / "repository"
    author = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    subprocess.run(["git", "init", "-q", repository], check=True)
    subprocess.run(
        ["git", *author, "commit", "-q", "--allow-empty", "-m", "First"], cwd=repository, check=True
    )
    file.write_text(json.dumps(workflow(data, repository, log)))
    command = [str(SCRIPTS / "goflow"), "run", "--quiet", "--json", str(file)]

    def run(home, title):
        monkeypatch.setenv("GOFLOW_HOME", str(home))
        log.write_text("")
        began = perf_counter_ns()
        done = subprocess.run(
            [*command, "--var", f"title={title}"], capture_output=True, text=True, check=True
        )
        took = perf_counter_ns() - began
        result = json.loads(done.stdout)
        return took, result["cache"]["hits"], len(log.read_text().splitlines())

    return run


def test_repeat_run(measure, repeat_run, tmp_path):
    starts = {}

    def work():
        found = {COLD: [], EDITED: [], UNCHANGED: []}
        repeat_run(tmp_path / "warm-up", "first")  # caches of the disk and of byte code
        for round_ in range(measure.rounds(7, 1)):
            home = tmp_path / f"home{round_}"
            for name, title, expected in (
                (COLD, "first", 0),
                (EDITED, f"edited {round_}", 8),
                (UNCHANGED, "first", 10),
            ):
                took, hits, starts[name] = repeat_run(home, title)
                assert hits == expected
                found[name].append(took)
        return found

    figures = measure.record(work, floor=UNCHANGED)

    def less(name):
        """Percent less time than cold, least beside least."""
        return round(100 - 100 * min(figures[name]["samples"]) / min(figures[COLD]["samples"]), 1)

    measure.note(
        less_edited=less(EDITED),
        less_unchanged=less(UNCHANGED),
        servers_cold=starts[COLD],
        servers_edited=starts[EDITED],
        servers_unchanged=starts[UNCHANGED],
    )

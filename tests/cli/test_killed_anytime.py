"""A run that is killed at any moment and resumed: nothing done twice, nothing lost, no untruth."""

import json
import os
import random
import signal
import subprocess
import time
from collections import Counter

import pytest
from support.deep import rounds
from support.servers import wait_until
from support.workflows import loop, parallel, row, script, tool, transform, workflow

AGAIN = {"max_attempts": 5, "initial_delay": "10ms", "on": ["connection_error"]}


def ledger(node_id, line, tool_name="append", **options):
    return tool(node_id, tool_name, server="ledger", line=line, **options)


def document(file, mark):
    nodes = [
        ledger("a", "a", output="x"),
        transform("id", "uuid()", output="token"),
        ledger("b", "b ${token}"),
        loop("each", [1, 2, 3], ["item_a", "item_b"], output="all"),
        ledger("item_a", "item_a ${item}", output="wrote"),
        ledger("item_b", "item_b ${wrote}"),
        parallel("both", [["left", "left2"], ["right"]]),
        ledger("left", "left"),
        ledger("left2", "left2"),
        ledger("right", "right"),
        loop("at_once", [1, 2, 3], ["spread"], parallel=True),
        ledger("spread", "spread ${item}"),
        ledger("again", "again", retry=AGAIN),
        ledger("repeat", "repeat", "repeat"),
        tool("count", "count", server="ledger", output="lines"),
        ledger("last", "last ${token}"),
    ]
    order = ["a", "id", "b", "each", "both", "at_once", "again", "repeat", "count", "last"]
    servers = [script("ledger", str(file), mark, server_id="ledger")]
    return workflow(nodes, row(*order), servers=servers, result="${token}")


ONCE = Counter(
    ["a", "b", "left", "left2", "right", "last"]
    + [f"item_a {i}" for i in (1, 2, 3)]
    + [f"item_b item_a {i}" for i in (1, 2, 3)]
    + [f"spread {i}" for i in (1, 2, 3)]
)


def without_tokens(lines):
    """Counts of the lines; `b` and `last` carry the run's token."""
    return Counter(line.rpartition(" ")[0] if line[:2] in ("b ", "la") else line for line in lines)


def line_of(node, path):
    """The beginning of the line that a node in doubt would have written."""
    item = int(path) + 1 if path else None
    return {
        "item_a": f"item_a {item}",
        "item_b": f"item_b item_a {item}",
        "spread": f"spread {item}",
        "b": "b ",
        "last": "last ",
    }.get(node, node)


class Harness:
    """One run, killed and resumed until it completes."""

    def __init__(self, command, folder, marked_processes, moments):
        self.command = command
        self.ledger = folder / "ledger"
        self.marked_processes = marked_processes
        self.moments = moments
        self.kills = 0

    def lines(self):
        return self.ledger.read_text().splitlines() if self.ledger.exists() else []

    def start(self, *args, kill):
        """The output of a command, or None when it was killed first."""
        child = subprocess.Popen(
            [*self.command, *args, "--quiet", "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        if kill:
            # Any moment will do; half of them are told by what was done, on slow machines too.
            anywhere = self.moments.random() < 0.5
            if not anywhere:
                lines = len(self.lines()) + self.moments.randrange(1, 10)
                wait_until(lambda: len(self.lines()) >= lines or child.poll() is not None, 60)
            time.sleep(self.moments.uniform(0.0, 0.5 if anywhere else 0.02))
            child.send_signal(signal.SIGKILL)
        out, err = child.communicate(timeout=60)
        assert wait_until(lambda: not self.marked_processes()), "a server is left"
        assert "Traceback" not in err, err
        if child.returncode == -signal.SIGKILL:
            self.kills += 1
            return None
        return json.loads(out)

    def shown(self):
        done = subprocess.run(
            [*self.command, "runs", "show", "last", "--json"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return json.loads(done.stdout) if done.returncode == 0 else None

    def check_history(self, shown):
        """Every node that the history says completed wrote its line, once."""
        counts = without_tokens(self.lines())
        begun = set()
        for node in shown["nodes"]:
            name = node["id"]
            begun.add((name, node["path"]))
            if node["status"] == "completed" and name in NAMES:
                wanted = line_of(name, node["path"]).strip()
                assert counts[wanted] >= 1, (wanted, shown["nodes"])
        return begun


NAMES = {
    "a",
    "b",
    "item_a",
    "item_b",
    "left",
    "left2",
    "right",
    "spread",
    "again",
    "repeat",
    "last",
}


@pytest.mark.deep
@pytest.mark.timeout(3600)
def test_a_run_killed_at_any_moment_is_resumed_and_does_everything_once(
    goflow_command, tmp_path, monkeypatch, mark, marked_processes
):
    moments = random.Random(11)
    kills = resumed = 0
    for number in range(rounds(200)):
        folder = tmp_path / str(number)
        folder.mkdir()
        monkeypatch.setenv("GOFLOW_HOME", str(folder / "home"))
        harness = Harness(goflow_command, folder, marked_processes, moments)
        file = folder / "flow.json"
        file.write_text(document(harness.ledger, mark))
        result = harness.start("run", str(file), kill=True)
        for attempt in range(40):
            if result is not None and result["status"] == "completed":
                break
            shown = harness.shown()
            if shown is None:
                assert harness.lines() == []  # killed before it was written down
                result = harness.start("run", str(file), kill=attempt < 4)
                continue
            assert shown["status"] in ("interrupted", "completed")
            harness.check_history(shown)
            resumed += 1
            decisions = []
            if result is not None:
                assert result["status"] == "refused", result
                assert result["error"]["code"] == "outcome_unknown"
                lines = harness.lines()
                for name in result["error"]["nodes"]:
                    node, _, path = name.partition("@")
                    wrote = [line for line in lines if line.startswith(line_of(node, path))]
                    decisions.append(
                        f"--assume={name}={json.dumps(wrote[0])}" if wrote else f"--rerun={name}"
                    )
            result = harness.start("resume", "last", *decisions, kill=attempt < 4)
        assert result is not None
        assert result["status"] == "completed", result
        lines = harness.lines()
        counts = without_tokens(lines)
        for line in ("again", "repeat"):
            assert counts.pop(line) >= 1
        assert counts == ONCE, lines
        tokens = {line.rpartition(" ")[2] for line in lines if line[:2] in ("b ", "la")}
        assert tokens == {result["result"]}  # what was computed once is never computed again
        assert [n for n in result["nodes"] if n["status"] != "completed"] == []
        kills += harness.kills
    assert kills >= rounds(200) // 2
    assert resumed
    assert os.path.exists(tmp_path)

"""``goflow run --watch`` in a terminal: again on each change, until Ctrl-C."""

import json
import os
import sys

from support.terminal import GOFLOW, Terminal
from support.workflows import row, tool, transform, workflow


def saying(text, name="test"):
    return workflow([transform("a", f"'{text}'", output="x")], row("a"), result="${x}", name=name)


def times(screen, word):
    return sum(line == word for line in screen.text.splitlines())


def ended(screen):
    screen.send("\x03")
    text = screen.finish()
    assert (screen.code, screen.sane) == (130, True)
    return text


def waiting(number):
    """Whether it waits for a change, for so many times now."""
    return lambda screen: screen.text.count("; Ctrl-C ends it") >= number


def test_each_change_of_the_file_is_run_and_a_mistake_ends_nothing(write, tmp_path):
    file = write(saying("one"))
    with Terminal([GOFLOW, "run", file, "--watch"], cwd=tmp_path, rows=60) as screen:
        screen.wait_until(waiting(1))
        assert times(screen, "one") == 1
        write(saying("two"))
        screen.wait_until(waiting(2))
        assert times(screen, "two") == 1
        assert "flow.yaml changed" in screen.text
        write("nodes: [")
        screen.wait_until(waiting(3))
        assert "error: " in screen.text
        # An editor that writes another file and moves it here.
        (tmp_path / "new").write_text(saying("three"))
        os.replace(tmp_path / "new", file)
        screen.wait_until(waiting(4))
        assert times(screen, "three") == 1
        file.unlink()
        screen.wait_until(waiting(5))
        write(saying("four"))
        screen.wait_until(lambda now: times(now, "four") == 1)
        screen.wait_until(waiting(6))
        ended(screen)


def test_a_change_of_a_workflow_that_the_file_runs_or_of_its_inputs_counts(write, tmp_path):
    inner = write(saying("inner one", "inner"), "inner.yaml")
    inputs = write('{"n": 1}', "inputs.json")
    outer = {"id": "sub", "type": "workflow", "workflow": "inner.yaml", "output": "y"}
    file = write(workflow([outer], row("sub"), result="${y} ${n}",
                          variables=[{"name": "n", "default": 0}]))  # fmt: skip
    command = [GOFLOW, "run", file, "--watch", "--input", inputs, "--progress", "quiet"]
    with Terminal(command, cwd=tmp_path, rows=60) as screen:
        screen.wait_until(waiting(1))
        assert "watching 3 files" in screen.text
        inner.write_text(saying("inner two", "inner"))
        screen.wait_until(waiting(2))
        assert times(screen, "inner two 1") == 1
        inputs.write_text('{"n": 22}')
        screen.wait_until(waiting(3))
        assert times(screen, "inner two 22") == 1
        ended(screen)


def test_a_change_of_where_servers_are_defined_counts(write, tmp_path):
    script = tmp_path / "server.py"
    script.write_text(
        "from mcp.server.mcpserver import MCPServer\nserver = MCPServer('one')\n"
        "@server.tool()\ndef say() -> str:\n    return 'said'\nserver.run()\n"
    )
    ask = tool("ask", "say", server="mine", output="x")
    file = write(workflow([ask], row("ask"), result="${x}"))
    with Terminal([GOFLOW, "run", file, "--watch"], cwd=tmp_path, rows=40) as screen:
        screen.wait_until(waiting(1))
        assert "watching 1 file;" in screen.text
        definition = {"command": sys.executable, "args": [str(script)]}
        write(json.dumps({"mcpServers": {"mine": definition}}), ".mcp.json")
        screen.wait_until(waiting(2))
        assert ".mcp.json changed" in screen.text
        assert times(screen, "said") == 1
        ended(screen)


def test_ctrl_c_in_a_run_ends_the_watch_too(write, tmp_path):
    file = write(workflow([tool("ask", "hang")], row("ask")))
    with Terminal([GOFLOW, "run", file, "--watch"], cwd=tmp_path, rows=30) as screen:
        screen.wait_until(lambda now: any(line.split()[1:2] == ["ask"] for line in now.visible))
        text = ended(screen)
    assert "watching" not in text


def test_watching_needs_a_file(cli):
    done = cli("run", "--watch", "--of", "last")
    assert done.code == 2
    assert "--watch needs FILE" in done.err

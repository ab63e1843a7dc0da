"""``goflow completion``: what real shells offer when a person presses the tab key."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.terminal import Terminal
from support.workflows import transform, workflow

SCRIPTS = str(Path(sys.executable).parent)
SIMPLE = workflow([transform("twice", "2")], ["start twice", "twice end"])


@pytest.fixture
def offered(tmp_path, goflow_command):
    """The words that the command offers for an unfinished line."""

    def offered(line):
        words = line.split(" ")
        environment = {**os.environ, "_GOFLOW_COMPLETE": "bash_complete", "COMP_WORDS": line,
                       "COMP_CWORD": str(len(words) - 1)}  # fmt: skip
        done = subprocess.run(
            goflow_command,
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stderr == ""
        return [entry.partition(",")[2] for entry in done.stdout.split()]

    return offered


def test_verbs_options_and_templates_are_offered(offered):
    assert {"run", "init", "doctor"} <= set(offered("goflow "))
    assert offered("goflow exp") == ["explain", "export"] or offered("goflow expo") == ["export"]
    assert "--replay" in offered("goflow run --")
    assert offered("goflow init x -t p") == ["pipeline"]
    assert "GF101" in offered("goflow explain GF1")


def test_runs_and_their_nodes_are_offered(cli, write, offered):
    cli("run", "-q", write(SIMPLE))
    (run,) = json.loads(cli("runs", "--json").out)
    assert offered("goflow logs ") == ["last", run["id"]]
    assert offered(f"goflow runs show {run['id'][:3]}") == [run["id"]]
    assert offered("goflow runs show last --node t") == ["twice"]
    assert offered("goflow run --of last --from t") == ["twice"]
    assert offered("goflow why t") == ["twice"]


def test_servers_are_offered(tmp_path, offered):
    (tmp_path / ".mcp.json").write_text('{"mcpServers": {"time": {"command": "t"}}}')
    assert offered("goflow servers test ") == ["time"]
    assert offered("goflow servers call ti") == ["time"]


def test_what_cannot_be_read_offers_nothing(home, offered):
    home.write_text("")
    assert offered("goflow logs ") == []
    assert offered("goflow servers test ") == []


def test_bash_completes_in_a_real_terminal(tmp_path, cli, write):
    write(SIMPLE, "simple.json")
    cli("run", "-q", "simple.json")
    environment = {"PATH": f"{SCRIPTS}:{os.environ['PATH']}", "PS1": "> ", "INPUTRC": "/dev/null"}
    with Terminal(["bash", "--norc", "--noprofile"], cwd=tmp_path, env=environment) as bash:
        bash.type('eval "$(goflow completion bash)"; echo rea""dy')
        bash.wait_for("ready")
        bash.send("goflow templ\t")
        bash.wait_for("goflow templates ")
        bash.type('--json | head -1; echo do""ne')
        bash.wait_for("done")
        bash.send("goflow logs las\t")
        bash.wait_for("goflow logs last ")
        bash.type('| tail -1; echo sho""wn')
        bash.wait_for("shown")
        bash.send("goflow run simp\t")
        bash.wait_for("goflow run simple.json ")
        bash.type("-q; exit")
        screen = bash.finish()
    assert "goflow templates --json" in screen
    assert bash.code == 0


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_one_that_the_shell_reads(cli, shell, tmp_path):
    done = cli("completion", shell)
    assert done.code == 0
    assert "_GOFLOW_COMPLETE" in done.out
    if shutil.which(shell):
        file = tmp_path / "script"
        file.write_text(done.out)
        subprocess.run([shell, "-n", str(file)], check=True)


def test_another_shell_is_a_bad_call(cli):
    done = cli("completion", "tcsh")
    assert done.code == 2
    assert "'bash', 'zsh', 'fish'" in done.err


def test_on_a_terminal_it_says_where_it_goes(tmp_path):
    from support.terminal import screen_of

    screen, code = screen_of("completion", "fish", cwd=tmp_path)
    assert code == 0
    assert "~/.config/fish/completions/goflow.fish" in screen

"""The README's blocks do what they say."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(
    r"^(?:<!-- ([\w.]+) -->\n)?```(\w*)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE
)
FILES = {name: text for name, _, text in BLOCKS if "." in name}
"""The blocks beneath a comment with a file's name are that file."""


def blocks(language):
    return [text for name, kind, text in BLOCKS if kind == language and name not in FILES]


@pytest.fixture
def folder(tmp_path):
    """A folder with the examples, as a checkout has them."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / ".venv").symlink_to(sys.prefix)
    return tmp_path


def run(folder, *args):
    return subprocess.run(args, cwd=folder, capture_output=True, text=True, check=False)


def test_the_first_command_prints_what_is_shown(folder):
    command = blocks("sh")[0].split("&&")[-1].split()
    assert command[:2] == [".venv/bin/goflow", "run"]
    done = run(folder, str(Path(sys.executable).parent / "goflow"), *command[1:])
    assert done.stdout == blocks("")[0]


def test_the_workflow_runs_with_the_commands_beneath_it(folder):
    (folder / "large-orders.yaml").write_text(blocks("yaml")[0])
    results = []
    for line in blocks("sh")[2].splitlines():
        done = run(folder, str(Path(sys.executable).parent / "goflow"), *line.split()[1:])
        assert done.returncode == 0, done.stderr
        results.append(done.stdout)
    assert json.loads(results[1]) == ["Chandra"]
    assert json.loads(results[2])["result"] == ["Ada", "Chandra"]


def goflow(folder, line):
    """What a line of the README that begins with the command prints."""
    command, *args = shlex.split(line)
    assert command == ".venv/bin/goflow"
    done = run(folder, str(Path(sys.executable).parent / "goflow"), *args)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_beginning_from_a_template_runs(folder):
    line = re.search(r"`(\.venv/bin/goflow init [^`]+)`", README)[1]
    goflow(folder, line)
    assert goflow(folder, ".venv/bin/goflow run triage.yaml")


def test_a_server_of_ones_own_runs_with_the_workflow_on_it(folder):
    for name, text in FILES.items():
        (folder / name).write_text(text)
    tools, call, check, run, calm = blocks("sh")[3].splitlines()
    assert re.search(r"^add_todo\b.*Put something on the list", goflow(folder, tools), re.MULTILINE)
    assert json.loads(goflow(folder, call)) == {"text": "stamps", "hours": 1.0}
    assert "--live" in check
    assert goflow(folder, check) == ""
    assert json.loads(goflow(folder, run)) == {"text": "rest after 6.5 hours", "hours": 0.5}
    assert goflow(folder, calm) == "only 6.5 hours\n"


@pytest.mark.parametrize("text", blocks("yaml"))
def test_the_yaml_can_be_read(text):
    assert yaml.safe_load(text)


@pytest.mark.parametrize("code", blocks("python"))
def test_the_python_runs(folder, code):
    done = run(folder, sys.executable, "-c", code)
    assert done.returncode == 0, done.stderr
    assert (
        "completed" if "goflow.Engine" in code or "goflow.run" in code else "db."
    ) in done.stdout

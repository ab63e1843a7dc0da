"""The README's blocks do what they say."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def blocks(language):
    return [text for kind, text in BLOCKS if kind == language]


@pytest.fixture
def folder(tmp_path):
    """A folder with the examples, as a checkout has them."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
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


@pytest.mark.parametrize("code", blocks("python"))
def test_the_python_runs(folder, code):
    done = run(folder, sys.executable, "-c", code)
    assert done.returncode == 0, done.stderr
    assert (
        "completed" if "goflow.Engine" in code or "goflow.run" in code else "db."
    ) in done.stdout

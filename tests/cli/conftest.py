import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

GOFLOW = str(Path(sys.executable).parent / "goflow")


class Finished:
    """How a command ended: ``code``, ``out``, ``err``."""

    def __init__(self, code, out, err):
        self.code = code
        self.out = out
        self.err = err

    def __repr__(self):
        return f"<exit {self.code}>\n--- out\n{self.out}\n--- err\n{self.err}"


@pytest.fixture
def goflow_command():
    """The command as a list, to start it in another way than `cli` does."""
    return [GOFLOW]


@pytest.fixture
def cli(tmp_path):
    """Run the installed command in an empty folder, and see that it never shows a traceback."""

    def cli(*args, env=None, cwd=tmp_path, timeout=60):
        done = subprocess.run(
            [GOFLOW, *map(str, args)],
            capture_output=True,
            text=True,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            timeout=timeout,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Finished(done.returncode, done.stdout, done.stderr)

    return cli


@pytest.fixture
def write(tmp_path):
    """Write a workflow's text to a file and give its path."""

    def write(text, name="flow.yaml"):
        file = tmp_path / name
        file.write_text(text)
        return file

    return write


@pytest.fixture
def mark():
    """A word to put among a server's arguments, by which its process is found."""
    return f"mark-{uuid.uuid4().hex}"


@pytest.fixture
def marked_processes(mark):
    """The pids of the living processes that have the mark among their arguments."""

    def marked_processes():
        found = set()
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    arguments = (entry / "cmdline").read_bytes()
                except OSError:
                    continue
                if mark.encode() in arguments:
                    found.add(int(entry.name))
        return found

    yield marked_processes
    assert marked_processes() == set(), "a server is left"

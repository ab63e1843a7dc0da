"""What is told of a server that died while it was connected."""

import sys

import pytest
from support.servers import group_exists

from goflow.errors import ConnectFailed
from goflow.servers.config import ServerConfig
from goflow.servers.last_words import death_hint, last_line
from goflow.servers.process import ServerProcess
from goflow.servers.stdio import StdioSession


async def error_of(config):
    process = ServerProcess.spawn(config)
    with pytest.raises(ConnectFailed) as caught:
        await StdioSession.connect(config, process)
    assert not group_exists(process.pid)
    return caught.value


def test_a_module_that_is_not_there_is_told_with_the_python_that_was_started(run):
    config = ServerConfig(id="s", command=sys.executable, args=("-c", "import no_such_module"))
    error = run(error_of(config))
    assert error.message.endswith("No module named 'no_such_module'")
    expected = (
        f"'no_such_module' is not there for {sys.executable}, the environment that runs GoFlow too"
    )
    assert error.hint == expected


def test_another_python_than_ours_is_named_with_ours(tmp_path, run):
    other = tmp_path / "python"
    other.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
    other.chmod(0o755)
    config = ServerConfig(id="s", command="./python", args=("-c", "import mcp"), cwd=str(tmp_path))
    hint = run(error_of(config)).hint
    assert f"'mcp' is not there for {other}, which was started" in hint
    assert f"GoFlow runs on {sys.executable}" in hint


def test_last_words_are_not_cut_within_a_word():
    long = "ModuleNotFoundError: it is renamed; see " + "https://example.org/guide#renamed " * 5
    assert last_line(f"Traceback\n{long}\n") == long.strip()
    cut = last_line("https://example.org/guide " * 100)
    assert len(cut) <= 610
    assert cut.endswith("https://example.org/guide …")
    assert len(last_line("x" * 10_000)) <= 610
    assert last_line("") == ""


def test_other_last_words_are_met_with_what_to_try():
    config = ServerConfig(id="s", command="python")
    assert "by hand" in death_hint(config, "Segmentation fault")
    assert "'a.b' is not there" in death_hint(config, "/usr/bin/python3: No module named a.b")

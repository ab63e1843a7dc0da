"""Server configs: what a child inherits, where its command is found, what a repr shows."""

import copy
import os
import stat
import sys
from pathlib import Path

import msgspec
import pytest

from goflow.errors import ConnectFailed
from goflow.home import home_folder
from goflow.servers.config import ServerConfig, child_environment, resolve_command


def executable(path):
    path.write_text("#!/bin/sh\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def resolve(command, **options):
    config = ServerConfig(id="s", command=command, **options)
    return resolve_command(config, child_environment(config))


def test_a_child_inherits_the_safe_variables_and_nothing_else(monkeypatch):
    for name in list(os.environ):
        monkeypatch.delenv(name)
    for name in ("HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER", "TOKEN", "LD_PRELOAD"):
        monkeypatch.setenv(name, f"the {name}")
    monkeypatch.setenv("SHELL", "() { :; }")
    config = ServerConfig(id="s", env={"TOKEN": "mine", "PATH": "/own"})
    assert child_environment(config) == {
        "HOME": "the HOME",
        "LOGNAME": "the LOGNAME",
        "PATH": "/own",
        "TERM": "the TERM",
        "TOKEN": "mine",
        "USER": "the USER",
    }


def test_the_safe_list_is_the_sdks():
    from mcp.client.stdio import DEFAULT_INHERITED_ENV_VARS

    from goflow.servers.config import SAFE_VARIABLES

    assert set(SAFE_VARIABLES) == set(DEFAULT_INHERITED_ENV_VARS)


def test_a_command_is_looked_up_on_the_path_of_the_child(tmp_path):
    wanted = executable(tmp_path / "tool")
    assert resolve("tool", env={"PATH": f"/nowhere:{tmp_path}"}) == wanted
    with pytest.raises(ConnectFailed):
        resolve("tool")


def test_a_file_that_is_not_executable_is_passed_over(tmp_path):
    (tmp_path / "tool").write_text("")
    with pytest.raises(ConnectFailed):
        resolve("tool", env={"PATH": str(tmp_path)})


def test_a_console_script_beside_the_interpreter_is_found_without_activation(monkeypatch, tmp_path):
    wanted = executable(tmp_path / "mcp-server-here")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert resolve("mcp-server-here", env={"PATH": "/nowhere"}) == wanted


def test_a_path_is_relative_to_the_working_folder(tmp_path):
    wanted = executable(tmp_path / "tool")
    assert resolve("./tool", cwd=str(tmp_path)) == wanted
    with pytest.raises(ConnectFailed, match="does not exist"):
        resolve("./other", cwd=str(tmp_path))
    (tmp_path / "plain").write_text("")
    with pytest.raises(ConnectFailed, match="is not executable"):
        resolve("./plain", cwd=str(tmp_path))


def test_a_missing_command_has_a_hint():
    with pytest.raises(ConnectFailed, match="no command 'npx'") as caught:
        resolve("npx", env={"PATH": "/nowhere"})
    assert "Node" in caught.value.hint
    with pytest.raises(ConnectFailed, match="has no command"):
        resolve("")


def test_a_repr_shows_no_secret():
    config = ServerConfig(
        id="s",
        command="tool",
        args=("--token", "hunter2-more", "--name", "hunter2"),
        env={"KEY": "k1"},
        headers={"Authorization": "k2"},
        secrets=("hunter2", "hunter2-more", "k1", "k2", ""),
    )
    assert repr(config) == "ServerConfig('s', stdio, 'tool --token *** --name ***')"


def test_a_config_is_a_frozen_value():
    config = ServerConfig(id="s", command="tool", env={"A": "1"})
    with pytest.raises(AttributeError):
        config.id = "t"
    assert copy.deepcopy(config) == config
    assert msgspec.structs.replace(config, timeout=1.0) != config
    assert {config: 1}[copy.copy(config)] == 1


def test_the_home_folder_can_be_moved(monkeypatch, tmp_path):
    monkeypatch.setenv("GOFLOW_HOME", str(tmp_path))
    assert home_folder() == tmp_path
    monkeypatch.setenv("GOFLOW_HOME", "~/goflow")
    assert home_folder() == Path.home() / "goflow"
    monkeypatch.setenv("GOFLOW_HOME", "here")
    assert home_folder() == Path.cwd() / "here"
    monkeypatch.delenv("GOFLOW_HOME")
    assert home_folder().name == "goflow"
    assert not home_folder().is_relative_to(tmp_path)

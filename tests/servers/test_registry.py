"""The servers that the user and the project know, and the file that keeps them."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from goflow.errors import BadCall
from goflow.servers import registry
from goflow.servers.registry import Known, project_file, registry_file

ONE = {"command": "one"}


@pytest.fixture
def project(tmp_path):
    """A repository with a ``.mcp.json`` and a folder two levels down."""
    root = tmp_path / "project"
    (root / "flows" / "deep").mkdir(parents=True)
    (root / ".git").mkdir()
    (root / ".mcp.json").write_text(json.dumps({"mcpServers": {"theirs": ONE, "box": ONE}}))
    return root


def test_what_is_added_is_found_in_order_and_can_be_removed(home):
    assert Known().servers() == {}
    registry.add({"b": ONE})
    registry.add({"a": {"command": "two"}})
    assert list(Known().servers()) == ["b", "a"]
    assert Known().find("a") == ("a", {"command": "two"}, home / "servers.json")
    registry.remove("b")
    assert list(Known().servers()) == ["a"]
    with pytest.raises(BadCall, match="there is no server 'b'"):
        registry.remove("b")


def test_the_file_is_the_users_alone_and_nothing_else_is_left(home):
    registry.add({"a": ONE})
    assert registry_file().stat().st_mode & 0o777 == 0o600
    assert home.stat().st_mode & 0o777 == 0o700
    assert {file.name for file in home.iterdir()} == {"servers.json", ".servers.json.lock"}
    registry_file().chmod(0o644)
    registry.add({"b": ONE})
    assert registry_file().stat().st_mode & 0o777 == 0o600


def test_a_server_is_not_replaced_by_accident():
    registry.add({"a": ONE})
    with pytest.raises(BadCall, match="there is a server 'a' already"):
        registry.add({"b": ONE, "a": {"command": "two"}})
    assert list(Known().servers()) == ["a"]  # all or none
    registry.add({"a": {"command": "two"}}, replace=True)
    assert Known().find("a").definition == {"command": "two"}


def test_a_file_that_cannot_be_read_is_never_overwritten(home):
    home.mkdir()
    registry_file().write_text("{ my servers")
    with pytest.raises(BadCall, match="is not JSON"):
        registry.add({"a": ONE})
    with pytest.raises(BadCall, match="is not JSON"):
        Known().servers()
    assert registry_file().read_text() == "{ my servers"


def test_a_file_that_cannot_be_written_is_a_bad_call_and_stays(home):
    registry.add({"a": ONE})
    before = registry_file().read_bytes()
    (home / ".servers.json.lock").unlink()
    (home / ".servers.json.lock").mkdir()
    with pytest.raises(BadCall, match="cannot be written"):
        registry.add({"b": ONE})
    assert registry_file().read_bytes() == before


def test_many_processes_can_add_at_once():
    code = "import sys; from goflow.servers import registry; registry.add({sys.argv[1]: {}})"
    adding = [subprocess.Popen([sys.executable, "-c", code, f"s{n}"]) for n in range(8)]
    assert [process.wait() for process in adding] == [0] * 8
    assert sorted(Known().servers()) == [f"s{n}" for n in range(8)]


def test_a_projects_file_is_found_from_any_folder_in_it(project):
    for folder in (project, project / "flows", project / "flows" / "deep"):
        assert project_file(folder) == project / ".mcp.json"
        assert set(Known(folder).servers()) == {"theirs", "box"}


def test_the_nearest_file_of_a_project_counts(project):
    (project / "flows" / ".mcp.json").write_text('{"mcpServers": {}}')
    assert project_file(project / "flows" / "deep") == project / "flows" / ".mcp.json"


def test_what_lies_above_a_project_is_somebody_elses(project, tmp_path):
    (tmp_path / ".mcp.json").write_text('{"mcpServers": {"strange": {"command": "x"}}}')
    (project / ".mcp.json").unlink()
    assert project_file(project / "flows") is None


def test_outside_a_repository_only_the_folder_itself_counts():
    # The tests' own temporary folder may be inside a checkout.
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name).resolve()
        (folder / ".mcp.json").write_text('{"mcpServers": {"strange": {"command": "x"}}}')
        (folder / "deep").mkdir()
        assert project_file(folder / "deep") is None
        assert project_file(folder) == folder / ".mcp.json"


def test_the_users_own_servers_come_before_the_projects(project):
    registry.add({"box": {"command": "mine"}})
    known = Known(project)
    assert known.find("box").definition == {"command": "mine"}
    assert known.find("box").file == registry_file()
    assert known.find("theirs").file == project / ".mcp.json"

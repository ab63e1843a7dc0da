"""Workflows that name servers they do not define."""

import json

import pytest
from support.workflows import row, tool, workflow

import goflow
from goflow.engine.live import validate_live
from goflow.errors import BadCall
from goflow.servers import registry

BOX = {"command": "goflow-toolbox", "args": ["--root", "."]}


@pytest.fixture
def file(tmp_path):
    """A workflow that calls ``echo`` of a server ``box``, which it does not define."""
    file = tmp_path / "flow.json"
    node = tool("call", "echo", server="box", text="hi", output="heard")
    file.write_text(workflow([node], row("call"), result="${heard}"))
    return file


def findings(file):
    return [(finding.code, finding.path) for finding in goflow.validate(file)]


def test_a_server_that_nobody_knows_is_an_error_with_the_nearest_name(file):
    registry.add({"boxx": BOX})
    (finding,) = goflow.validate(file)
    assert (finding.code, finding.path) == ("GF401", "nodes[1].server")
    assert "boxx" in finding.hint
    registry.remove("boxx")
    (finding,) = goflow.validate(file)
    assert "goflow servers add" in finding.hint


def test_a_server_of_the_user_is_known_and_run(file):
    registry.add({"box": BOX})
    assert findings(file) == []
    assert goflow.run(file).result == "hi"
    assert "box" in repr(goflow.load(file).nodes)
    assert "servers" not in goflow.load(file).to_yaml()  # the file stays what it is


def test_a_server_of_the_project_is_known_and_run_in_its_folder(file, tmp_path):
    (tmp_path / ".mcp.json").write_text(json.dumps({"mcpServers": {"box": BOX}}))
    (tmp_path / "beside.txt").write_text("text beside the file")
    node = tool("call", "read_text", server="box", path="beside.txt", output="text")
    file.write_text(workflow([node], row("call"), result="${text}"))
    assert findings(file) == []
    assert "text beside" in str(goflow.run(file).result)


def test_a_server_that_the_workflow_defines_is_never_looked_up(file, home):
    home.mkdir()
    (home / "servers.json").write_text("broken")
    node = tool("call", "echo", server="box", text="hi", output="heard")
    servers = [{"id": "box", **BOX}]
    file.write_text(workflow([node], row("call"), result="${heard}", servers=servers))
    assert findings(file) == []
    assert goflow.run(file).result == "hi"


def test_a_mistake_in_a_known_server_is_told_at_the_node_with_its_file(file):
    registry.add({"box": {"args": ["x"], "colour": "red"}})
    found = goflow.validate(file).findings
    assert {finding.code for finding in found} == {"GF406"}
    assert {finding.path for finding in found} == {"nodes[1].server"}
    assert any("'command' is required here" in finding.message for finding in found)
    assert all("servers.json" in finding.message for finding in found)
    with pytest.raises(goflow.errors.WorkflowInvalid):
        goflow.run(file)


@pytest.mark.parametrize("definition", [5, None, [], "goflow-toolbox"])
def test_a_definition_that_is_no_map_is_a_mistake_too(file, home, definition):
    home.mkdir()
    (home / "servers.json").write_text(json.dumps({"servers": {"box": definition}}))
    assert "GF406" in {finding.code for finding in goflow.validate(file)}


def test_a_registry_that_cannot_be_read_is_a_finding(file, home):
    home.mkdir()
    (home / "servers.json").write_text("broken")
    (finding,) = goflow.validate(file)
    assert finding.code == "GF406"
    assert "is not JSON" in finding.message
    with pytest.raises(goflow.errors.WorkflowInvalid):
        goflow.run(file)


def test_a_known_server_is_asked_live_too(file):
    registry.add({"box": BOX})
    (hint,) = validate_live(goflow.load(file), goflow.validate(file)).findings
    assert (hint.code, hint.severity) == ("GF604", "info")
    node = tool("call", "ecko", server="box", text="hi")
    file.write_text(workflow([node], row("call")))
    (finding,) = validate_live(goflow.load(file), goflow.validate(file)).findings
    assert (finding.code, finding.path) == ("GF602", "nodes[1].tool")
    registry.add({"box": {"command": "no-such-command"}}, replace=True)
    (finding,) = validate_live(goflow.load(file), goflow.validate(file)).findings
    assert (finding.code, finding.path) == ("GF601", "nodes[1].server")


def test_a_plan_of_an_unchecked_workflow_names_the_server_that_is_not_known(file):
    from goflow.engine.plan import Plan

    with pytest.raises(BadCall, match="the server 'box' is not defined"):
        Plan(goflow.load(file))

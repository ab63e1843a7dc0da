"""The fixture ``goflow_cassette``, in test runs of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.workflows import row, tool, workflow

PYTEST = str(Path(sys.executable).parent / "pytest")
TEST = """
def test_it(goflow_cassette):
    result = goflow_cassette.run("flow.json", {"t": "hello"})
    assert result.result == "hello"
"""


@pytest.fixture
def project(tmp_path):
    """A folder with a workflow and a test of it; run tests in it with ``project(*args)``."""
    folder = tmp_path / "project"
    folder.mkdir()
    text = workflow([tool("a", "say", text="${t}", output="x")], row("a"), result="${x}",
                    variables=[{"name": "t", "type": "string", "default": "x"}])  # fmt: skip
    (folder / "flow.json").write_text(text)
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_flow.py").write_text(TEST)

    def project(*args, alone=True):
        environment = {key: value for key, value in os.environ.items() if "PYTEST" not in key}
        command = [PYTEST, "-q", "-p", "no:cacheprovider", *args]
        if alone:  # without the plugins of others, which take most of the time
            environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
            command += ["-p", "goflow_pytest"]
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr

    project.folder = folder
    project.cassette = folder / "cassettes" / "test_flow" / "test_it.yaml"
    return project


def without_server(project):
    """From now on the workflow's server cannot be started."""
    flow = json.loads((project.folder / "flow.json").read_text())
    flow["servers"][0]["command"] = "no-such-command"
    (project.folder / "flow.json").write_text(json.dumps(flow))


def test_the_first_run_records_and_the_next_one_plays(project):
    assert project()[0] == 0
    assert "text: hello" in project.cassette.read_text()
    before = project.cassette.read_bytes()
    without_server(project)
    code, out = project()
    assert code == 0, out
    assert project.cassette.read_bytes() == before


def test_with_none_a_missing_cassette_is_an_error(project):
    code, out = project("--goflow-record=none")
    assert code == 1
    assert "there is no cassette" in out
    assert not project.cassette.exists()


def test_with_all_it_is_recorded_again(project):
    project()
    test = project.folder / "test_flow.py"
    test.write_text(test.read_text().replace("hello", "other"))
    code, out = project()
    assert code == 1
    assert "CassetteMismatch" in out
    assert 'text is "other", recorded was "hello"' in out
    assert "ERROR" not in out
    assert project("--goflow-record=all")[0] == 0
    assert "text: other" in project.cassette.read_text()
    assert project("--goflow-record=none")[0] == 0


def test_a_recorded_call_that_is_not_made_fails_the_test_unless_it_may(project):
    project()
    test = project.folder / "test_flow.py"
    test.write_text("def test_it(goflow_cassette):\n    pass\n")
    code, out = project()
    assert code == 1
    assert 'lab.say {"text": "hello"} was recorded and not called' in out
    test.write_text(
        "import pytest\n@pytest.mark.goflow_cassette(allow_unused=True)\n" + test.read_text()
    )
    assert project("--strict-markers")[0] == 0


def test_the_marker_names_file_and_mode_and_ini_the_folder(project):
    (project.folder / "pytest.ini").write_text(
        "[pytest]\ngoflow_cassettes = tapes\ngoflow_record = none\n"
    )
    test = project.folder / "test_flow.py"
    test.write_text(
        "import pytest\n@pytest.mark.goflow_cassette('shared.json', record='once')\n" + TEST.strip()
    )
    code, out = project()
    assert code == 0, out
    assert json.loads((project.folder / "tapes" / "shared.json").read_text())["calls"]


def test_an_engine_of_ones_own_and_names_of_parameters(project):
    (project.folder / "test_flow.py").write_text(
        """
import asyncio
import goflow
import pytest

@pytest.mark.parametrize("word", ["a/b", "ü"])
def test_it(goflow_cassette, word):
    async def main():
        async with goflow_cassette.engine() as engine:
            return await engine.run(goflow.load("flow.json"), {"t": word})
    assert asyncio.run(main()).result == word
"""
    )
    assert project()[0] == 0
    names = sorted(path.name for path in project.cassette.parent.iterdir())
    assert len(names) == 2
    assert names[0] == "test_it-a-b.yaml"
    without_server(project)
    assert project("--goflow-record=none")[0] == 0


@pytest.mark.parametrize(
    ("marker", "told"),
    [("('a.yaml', mode='all')", "no option 'mode'"), ("(record='never')", "it is one of none")],
)
def test_a_wrong_marker_is_told(project, marker, told):
    test = project.folder / "test_flow.py"
    test.write_text(f"import pytest\n@pytest.mark.goflow_cassette{marker}\n{TEST.strip()}\n")
    code, out = project()
    assert code != 0
    assert told in out


def test_a_wrong_mode_is_told(project):
    assert project("--goflow-record=sometimes")[0] == 4


def test_a_test_run_without_the_fixture_does_not_import_goflow(project):
    (project.folder / "test_flow.py").write_text(
        "import sys\ndef test_it():\n    assert 'goflow_pytest' in sys.modules\n"
        "    assert 'goflow' not in sys.modules\n"
    )
    code, out = project(alone=False)  # found by its entry point
    assert code == 0, out


def test_tests_of_one_name_in_different_classes_have_cassettes_of_their_own(project):
    tests = """
class Test{0}:
    def test_it(self, goflow_cassette):
        assert goflow_cassette.run("flow.json", {{"t": "{0}"}}).result == "{0}"
"""
    (project.folder / "test_flow.py").write_text(tests.format("One") + tests.format("Two"))
    for _ in range(2):
        code, out = project()
        assert code == 0, out
    assert sorted(file.name for file in project.cassette.parent.iterdir()) == [
        "TestOne.test_it.yaml",
        "TestTwo.test_it.yaml",
    ]


def test_runs_of_tests_are_not_kept_in_the_history(project, home):
    project()
    project()
    assert not (home / "history.db").exists()

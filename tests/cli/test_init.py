"""``goflow init``, ``templates`` and ``list``: from nothing to a workflow that runs."""

import json
import shutil

import pytest
from support.terminal import GOFLOW, Terminal, screen_of
from support.workflows import transform, workflow

import goflow
from goflow.templates.catalogue import names, starter

RESULTS = {
    "pipeline": "notes.md: 13 words in 3 lines",
    "routing": {"ticket": "T-1", "team": "on-call", "waited": "6 h"},
    "fan-out": (
        "| what | value |\n| --- | --- |\n| rows | 3 |\n| total of price | 242.5 |\n"
        "| largest price | 120.5 |\n| bytes | 79 |\n"
    ),
    "files": "first.md: 6 words\nsecond.md: 7 words",
    "retry": {"from": "2026-01-31", "total": 6},
    "etl": {"rows": 2, "total": 162.5},
}


def test_there_are_at_least_six_templates():
    assert set(RESULTS) <= set(names())
    assert len(names()) >= 6


@pytest.mark.parametrize("name", names())
def test_a_template_makes_a_workflow_without_findings_that_runs_as_shipped(cli, tmp_path, name):
    done = cli("init", "mine", "--template", name)
    assert done.code == 0, done
    file = tmp_path / "mine.yaml"
    assert done.out.splitlines()[0] == "mine.yaml"
    report = goflow.validate(file)
    assert len(report) == 0, report.render()
    assert goflow.load(file).name == "mine"
    result = goflow.run(file)
    assert result.completed, result.error
    assert result.result == RESULTS[name]
    assert cli("fmt", "--check", file).code == 0


@pytest.mark.parametrize("name", names())
def test_a_template_has_comments_and_parameters_with_defaults(name):
    each = starter(name)
    assert "#" in each.text({"name": "n", "data": "d"})
    assert each.description
    assert each.parameters
    assert all(parameter.has_default for parameter in each.parameters)
    assert all(parameter.description for parameter in each.parameters)


def test_the_other_way_of_the_retry_template_is_there_too(cli, tmp_path):
    cli("init", "prices", "-t", "retry")
    today = {"date": "2026-02-01", "items": [{"price": 1}]}
    (tmp_path / "prices-data" / "today.json").write_text(json.dumps(today))
    assert goflow.run(tmp_path / "prices.yaml").result == {"from": "2026-02-01", "total": 1}


def test_parameters_are_filled_in(cli, tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.txt").write_text("one two")
    done = cli("init", "flows/mine", "-t", "files", "--param", "pattern=*.txt",
               "--param", "data=../docs", "--param", "at_once=2")  # fmt: skip
    assert done.out.splitlines() == ["flows/mine.yaml"]
    assert goflow.run(tmp_path / "flows" / "mine.yaml").result == "a.txt: 2 words"
    assert "max_parallel: 2" in (tmp_path / "flows" / "mine.yaml").read_text()
    assert list((tmp_path / "docs").iterdir()) == [tmp_path / "docs" / "a.txt"]


@pytest.mark.parametrize("there", ["mine.yaml", "mine-data/notes.md"])
def test_no_file_is_written_over_without_force(cli, tmp_path, there):
    file = tmp_path / there
    file.parent.mkdir(exist_ok=True)
    file.write_text("precious")
    done = cli("init", "mine")
    assert done.code == 2
    assert f"{there} is there already" in done.err
    assert file.read_text() == "precious"
    assert not (tmp_path / "mine.yaml").exists() or there == "mine.yaml"
    assert cli("init", "mine", "--force").code == 0
    assert file.read_text() != "precious"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["a b"], "no name"),
        ([".."], "no name"),
        (["x", "-t", "piepline"], "did you mean 'pipeline'"),
        (["x", "--param", "sorce=a"], "no parameter 'sorce'"),
        (["x", "--param", "source"], "NAME=VALUE"),
        (["x", "-t", "files", "--param", "at_once=many"], "at_once"),
        (["x", "-t", "files", "--param", "at_once=0"], "at least 1"),
    ],
)
def test_a_wrong_call_of_init_writes_nothing(cli, tmp_path, words, told):
    before = set(tmp_path.iterdir())
    done = cli("init", *words)
    assert done.code == 2
    assert told in done.err
    assert set(tmp_path.iterdir()) == before


def test_on_a_terminal_init_asks_until_an_answer_fits(tmp_path):
    with Terminal([GOFLOW, "init", "mine"], cwd=tmp_path) as terminal:
        terminal.wait_for("Template .*: ")
        terminal.type("nothing")
        terminal.wait_for("Template .*: ")
        terminal.type("files")
        terminal.wait_for("Which files .*: ")
        terminal.type("f*.md")
        terminal.wait_for("at once .*: ")
        terminal.type("99")
        terminal.wait_for("at most 64.*: ")
        terminal.type("")
        screen = terminal.finish()
    assert terminal.code == 0
    assert "pipeline  Steps one after the other" in screen
    assert "mine.yaml\nmine-data/first.md\nmine-data/second.md\n" in screen
    assert "next: goflow run mine.yaml" in screen
    assert goflow.run(tmp_path / "mine.yaml").result == "first.md: 6 words"


# -- templates -----------------------------------------------------------------------------------


def test_templates_lists_them_with_their_parameters(cli):
    rows = json.loads(cli("templates", "--json").out)
    assert [row["name"] for row in rows] == names()
    assert {"name": "attempts", "type": "number", "default": 3,
            "description": "How often the first way is tried"} in rows[4]["parameters"]  # fmt: skip


def test_templates_on_a_terminal(tmp_path):
    screen, code = screen_of("templates", cwd=tmp_path)
    assert code == 0
    for name in names():
        assert f"\n{name}" in f"\n{screen}"
    assert "--param patience=4: Hours that a ticket may wait" in screen


def test_templates_takes_no_arguments(cli):
    assert cli("templates", "pipeline").code == 2


# -- list ----------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path, write):
    """Workflows here and below, and what is none."""
    folder = tmp_path / "project"
    (folder / "flows" / "deep").mkdir(parents=True)
    (folder / "node_modules").mkdir()
    (folder / ".hidden").mkdir()
    text = workflow([transform("t", "1")], ["start t", "t end"], description="Does little")
    (folder / "one.json").write_text(text)
    (folder / "flows" / "deep" / "broken.yaml").write_text(
        "version: '1.0'\nname: broken\nnodes: [{id: a, type: nope}]\nedges: []\n"
    )
    (folder / "flows" / "garbage.yaml").write_text("nodes: [ edges")
    (folder / "flows" / "other.yaml").write_text("name: other\nsteps: []\n")
    (folder / "node_modules" / "a.json").write_text(text)
    (folder / ".hidden" / "a.json").write_text(text)
    yield folder
    shutil.rmtree(folder)


def test_list_knows_files_and_the_history(cli, folder, write):
    assert cli("run", "-q", "one.json", cwd=folder).code == 0
    elsewhere = write(workflow([], ["start end"]).replace('"test"', '"elsewhere"'))
    assert cli("run", "-q", elsewhere).code == 0
    rows = json.loads(cli("list", "--json", cwd=folder).out)
    assert [(row["name"], row["file"], row["valid"]) for row in rows] == [
        ("test", "one.json", True),
        ("broken", "flows/deep/broken.yaml", False),
        ("elsewhere", None, None),
    ]
    assert rows[0]["description"] == "Does little"
    assert rows[0]["nodes"] == 3
    assert [row["last_run"] and row["last_run"]["status"] for row in rows] == [
        "completed", None, "completed",
    ]  # fmt: skip


def test_list_shows_templates_and_servers(cli, tmp_path):
    cli("init", "mine")
    file = tmp_path / "t.yaml"
    file.write_text(
        "name: t\nversion: '1.0'\nworkflow_spec: {version: '1.0', name: x, nodes: [], edges: []}\n"
    )
    done = cli("list")
    assert "mine  mine.yaml  6 nodes, files       never run" in done.out
    assert "t     t.yaml     0 nodes, no servers  template" in done.out


def test_files_of_one_name_have_the_same_last_run(cli, tmp_path):
    cli("init", "mine")
    (tmp_path / "copy.yaml").write_bytes((tmp_path / "mine.yaml").read_bytes())
    cli("run", "mine.yaml")
    rows = json.loads(cli("list", "--json").out)
    assert [row["file"] for row in rows] == ["copy.yaml", "mine.yaml"]
    assert [row["last_run"]["status"] for row in rows] == ["completed"] * 2


def test_list_of_nothing_says_how_to_begin(cli, tmp_path):
    (tmp_path / "empty").mkdir()
    done = cli("list", "empty")
    assert (done.code, done.out) == (0, "")
    assert "goflow init" in done.err
    assert json.loads(cli("list", "empty", "--json").out) == []


def test_list_of_no_folder_is_a_bad_call(cli):
    done = cli("list", "nowhere")
    assert done.code == 2
    assert "there is no folder nowhere" in done.err


def test_list_on_a_terminal(tmp_path, cli):
    cli("init", "mine")
    cli("run", "-q", "mine.yaml")
    screen, code = screen_of("list", cwd=tmp_path)
    assert code == 0
    assert screen == (
        "mine  mine.yaml  6 nodes, files  completed\n"
        "    Reads a text, counts its words and writes a report\n"
    )

"""Every example is valid without a warning, runs, and gives what it says."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from support.example_edits import (
    EDITS,
    MANY_SOURCES,
    OTHER_DATA,
    make_repository,
    plan_of,
    run_each_edited,
    together,
)
from support.web import web_server

import goflow

ROOT = Path(__file__).parents[2]
FILES = sorted(path.relative_to(ROOT / "examples") for path in ROOT.glob("examples/**/*.yaml")
               if "node_modules" not in path.parts)  # fmt: skip


@pytest.fixture
def examples(tmp_path):
    """A copy of the examples, so that what they write is nobody's; npm's folder is linked."""
    ignored = shutil.ignore_patterns("node_modules", "out", "total.txt")
    folder = shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=ignored)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def public(examples, node_modules):
    """The copy with the npm servers."""
    (examples / "public" / "node_modules").symlink_to(node_modules)
    return examples


def result_of(file, **inputs):
    result = goflow.run(file, inputs)
    assert result.completed, result.error
    return result.result


@pytest.mark.parametrize("name", FILES, ids=str)
def test_an_example_has_no_findings(name):
    report = goflow.validate(ROOT / "examples" / name)
    assert len(report) == 0, report.render()


def test_folder_report(examples):
    report = result_of(examples / "folder-report.yaml")
    assert report.startswith("3 notes in notes, ")
    assert "3 things to do:" in report
    assert "  * book the room for Thursday.\n" in report
    (examples / "data" / "few").mkdir()
    (examples / "data" / "few" / "one.md").write_text("- TODO: rest\n")
    assert "1 things to do:\n  * rest" in result_of(examples / "folder-report.yaml", folder="few")


@pytest.mark.parametrize(("patience", "team"), [(4, "on-call"), (10, "support")])
def test_ticket_routing(examples, patience, team):
    route = result_of(examples / "ticket-routing.yaml", patience=patience)
    assert route["team"] == team
    assert route["ticket"] == "T-2041"


def test_order_summary(examples):
    table = result_of(examples / "order-summary.yaml")
    assert "| paid | 530.40 |" in table
    assert "| still open | Blake |" in table


def test_settings_change(examples):
    before = (examples / "data" / "settings.json").read_text()
    outcome = result_of(examples / "settings-change.yaml", replicas=5)
    assert outcome == "replicas 2 → 5, debug true → false"
    written = json.loads((examples / "data" / "out" / "settings.json").read_text())
    assert written == {**json.loads(before), "replicas": 5, "debug": False}
    assert (examples / "data" / "settings.json").read_text() == before


@pytest.mark.node
def test_sum_prices_over_the_npm_filesystem_server(public):
    assert result_of(public / "public" / "sum-prices.yaml") == "Total: 327.75"
    assert (public / "data" / "total.txt").read_text() == "Total: 327.75"


@pytest.mark.node
def test_weather_choice_over_the_npm_everything_server(public):
    plan = result_of(public / "public" / "weather-choice.yaml")
    assert plan["visit"] in ("Chicago", "New York")
    assert plan["weather"]


def test_office_hours_over_mcp_server_time(examples):
    hours = result_of(examples / "public" / "office-hours.yaml", at="09:30")
    assert hours["home"] == "Europe/Berlin 09:30"
    assert "Kolkata" in hours["elsewhere"][1]


def test_release_check_over_mcp_server_git(examples, tmp_path):
    repository = tmp_path / "repository"
    make_repository(repository, "Add the first file")
    file = examples / "public" / "release-check.yaml"
    verdict = result_of(file, repository=str(repository))
    assert verdict == "ready to release; the latest commits:\n* Add the first file"
    (repository / "b.txt").write_text("b")
    assert result_of(file, repository=str(repository)).startswith("not ready: ")


def test_digest(examples):
    file = examples / "templates" / "digest.yaml"
    template = goflow.load_template(file)
    assert template.parameters[0].name == "title"
    command = [sys.executable, "-m", "goflow", "run", "-q", file, "--param", "title=Open points"]
    for more, count in (
        (["--param", "limit=2"], " (3 files)"),
        (["--param", "with_count=false"], ""),
    ):
        done = subprocess.run([*command, *more], capture_output=True, text=True, check=True)
        lines = done.stdout.splitlines()
        assert lines[0] == f"Open points{count}"
        assert lines[1].startswith("notes/")
        assert len(lines) == (3 if count else 4) + 1


def test_sort_notes(examples):
    assert result_of(examples / "sort-notes.yaml") == "2 of 3 notes have something to do"
    out = examples / "data" / "out"
    assert sorted(path.name for path in (out / "todo").iterdir()) == ["monday.md", "tuesday.md"]
    assert [path.name for path in (out / "done").iterdir()] == ["wednesday.md"]


def test_log_errors(examples):
    table = result_of(examples / "log-errors.yaml")
    assert "| api | upstream timed out | 2 |" in table
    assert "| mail | no such mailbox | 1 |" in table
    assert "search" not in table
    assert result_of(examples / "log-errors.yaml", level="fatal") == "no fatal in 3 logs"


def test_exchange_rates(examples):
    file, data = examples / "exchange-rates.yaml", examples / "data"
    assert result_of(file) == "100 EUR are 110.00 USD (rates of yesterday)"
    assert result_of(file, currency="XYZ") == "no rate for XYZ; there are USD, INR, JPY"
    (data / "out").mkdir()
    (data / "rates-today.json").write_text(
        '{"base": "EUR", "date": "today", "rates": {"USD": 1.2}}'
    )
    assert result_of(file) == "100 EUR are 120.00 USD (rates of today)"
    assert json.loads((data / "out" / "rates-yesterday.json").read_text())["date"] == "today"


def test_regions(examples):
    lines = result_of(examples / "regions.yaml").splitlines()
    assert lines[0] == "north: 2 orders, 430.50 paid"
    assert len(lines) == 3
    assert result_of(examples / "region-report.yaml") == "north: 0 orders, 0.00 paid"


def test_monday_report(examples):
    page = result_of(examples / "monday-report.yaml", currency="INR")
    assert page.startswith("# Monday report\n\n5 orders (orders.csv, ")
    assert "| chair | 99.25 | 9776.13 |" in page
    assert "error: upstream timed out; upstream timed out; no such mailbox\n" in page
    assert "to do: send the corrected invoice to Blake.; answer the question" in page
    assert "Chandra has waited 7 hours" in page


def test_best_offer(examples):
    file = examples / "best-offer.yaml"
    result = result_of(file)
    assert result["advice"] == "order from Meridian: 295.64 EUR"
    assert [offer["supplier"] for offer in result["offers"]] == ["Meridian", "Sakura", "Harbor"]
    assert result_of(file, budget=250)["advice"] == "none of 4 offers all of it for 250 EUR"
    assert result_of(file, wanted=["desk", "shelf"])["offers"][-1]["supplier"] == "Oak"
    assert result_of(file, wanted=["boat"])["offers"] == []


def test_stand_up_over_mcp_servers_git_and_time(examples, tmp_path):
    repository = tmp_path / "repository"
    make_repository(repository, "Add the first file", "Add the second file")
    page = result_of(examples / "public" / "stand-up.yaml", repository=str(repository), commits=1)
    meeting, here, done, to_do, state = page.splitlines()
    assert meeting.startswith("09:30 Berlin, Kolkata 1")
    assert here == "here: Ada, Blake, Chandra"
    assert done == "done: Add the second file"
    assert to_do.startswith("to do: send the corrected invoice to Blake.; ")
    assert state == "all is committed; 1 branches"


def test_first_answer(examples):
    assert result_of(examples / "first-answer.yaml") == "3 prices in EUR"
    (examples / "data" / "out").mkdir()
    near = examples / "data" / "out" / "prices.json"
    near.write_text((examples / "data" / "prices.json").read_text())
    (examples / "data" / "prices.json").unlink()
    assert result_of(examples / "first-answer.yaml") == "3 prices in EUR"


@pytest.mark.node
def test_team_memory_over_the_npm_memory_server(public, tmp_path, monkeypatch):
    monkeypatch.setenv("TEAM_MEMORY", str(tmp_path / "memory.json"))
    file = public / "public" / "team-memory.yaml"
    assert result_of(file) == "retention: Ada, Chandra"
    assert result_of(file, topic="search") == "search: Chandra"


def test_page_watch_over_mcp_server_fetch(examples):
    file = examples / "public" / "page-watch.yaml"
    text = file.read_text()
    # The page of this test is on this machine, where the server does not look unless it is told to.
    file.write_text(text.replace("--ignore-robots-txt", "--ignore-robots-txt, --allow-private-ips"))
    page = examples / "page.html"
    page.write_text("<p>first</p>")
    with web_server("static_web", str(examples), isolated=True) as web:
        verdicts = [result_of(file, url=f"{web.url}/page.html") for _ in range(2)]
        page.write_text("<p>second</p>")
        verdicts.append(result_of(file, url=f"{web.url}/page.html"))
    assert verdicts == ["changed, seen for the first time", "unchanged", "changed, and kept"]


def test_invoices_in_python():
    command = [sys.executable, ROOT / "examples" / "python" / "invoices.py"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-2:] == ["end: completed", "2026-479: Blake owes 89.25"]


def declared_inputs(file):
    """The names of what an example can be given: parameters, and variables that no node writes."""
    content = yaml.safe_load(file.read_text())
    workflow = content.get("workflow_spec", content)
    written = {node.get("output") for node in workflow["nodes"]}
    named = [*content.get("parameters", []), *workflow.get("variables", [])]
    return {variable["name"] for variable in named} - written


def test_every_input_of_every_example_that_asks_for_the_cache_is_edited(monkeypatch):
    monkeypatch.setenv("TEAM_MEMORY", "memory.json")
    asking = {
        str(name): declared_inputs(ROOT / "examples" / name)
        for name in FILES
        if plan_of(ROOT / "examples" / name, {})[0].caches
    }
    assert asking == {name: set(edits) for name, edits in EDITS.items()}


@pytest.fixture(scope="module")
def found(tmp_path_factory, node_modules):
    """What the cache had for each edit of an input, by example and input."""
    return run_each_edited(tmp_path_factory.mktemp("edited"), node_modules)


@pytest.mark.node
def test_the_examples_with_one_input_edited_take_80_percent_from_the_cache(found):
    """Of the nodes that may be cached, over every input of every example, each edited by itself."""
    assert together(found.values()).percent >= 80, found


@pytest.mark.node
def test_an_example_takes_from_the_cache_all_that_does_not_read_what_was_edited(found):
    missed = {edit: one.asked - one.hits for edit, one in found.items()}
    assert {edit for edit, one in found.items() if one.hits == 0} == OTHER_DATA
    assert {
        edit: count
        for edit, count in missed.items()
        if count and edit not in OTHER_DATA and edit[0] not in MANY_SOURCES
    } == {
        ("public/office-hours.yaml", "cities"): 1,  # the new one
        ("templates/digest.yaml", "pattern"): 1,  # the list, and not the files
    }


@pytest.mark.node
def test_an_example_of_many_sources_asks_again_only_for_what_was_edited(found):
    missed = {
        name: {edit[1]: one.asked - one.hits for edit, one in found.items() if edit[0] == name}
        for name in MANY_SOURCES
    }
    assert missed == {
        "monday-report.yaml": {
            "title": 0,
            "orders": 3,  # read, looked at, and a row more in the table
            "prices": 2,
            "currency": 1,
            "logs": 4,
            "level": 0,
            "notes": 4,
            "mark": 0,
            "settings": 1,
            "ticket": 1,
        },
        "public/stand-up.yaml": {
            "repository": 2,
            "commits": 1,
            "at": 2,
            "home": 2,
            "away": 1,
            "notes": 4,
            "mark": 0,
            "team": 1,
        },
        "best-offer.yaml": {"wanted": 0, "suppliers": 1, "rates": 1, "budget": 0},
    }

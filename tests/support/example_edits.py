"""The shipped examples run again with one input edited: what the second run takes from the cache.

Every input of every example that asks for the cache is edited, each by itself, so that nobody
picks; a test holds the table against what the files declare. Some of the edits name other data,
and whatever reads these has to run then. What may be cached is what the files themselves ask for.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import goflow
from goflow.engine.prepare import prepare

if TYPE_CHECKING:
    from collections.abc import Iterable

    from goflow.engine.plan import Plan

EXAMPLES = Path(__file__).parents[2] / "examples"
CITIES = ["Asia/Tokyo", "Asia/Kolkata", "Africa/Lagos", "America/New_York", "Australia/Sydney"]
SUPPLIERS = [f"suppliers/{name}.json" for name in ("harbor", "meridian", "oak", "sakura")]
EDITS: dict[str, dict[str, Any]] = {
    "best-offer.yaml": {
        "wanted": ["desk", "chair"],
        "suppliers": [*SUPPLIERS, "suppliers-spring/oak.json"],
        "rates": "rates-today.json",
        "budget": 250,
    },
    "exchange-rates.yaml": {"amount": 250, "currency": "INR"},
    "folder-report.yaml": {"folder": "notes-next-week", "mark": "DONE:"},
    "log-errors.yaml": {"folder": "services-today", "level": "warning"},
    "monday-report.yaml": {
        "title": "Week 48",
        "orders": "orders-december.csv",
        "prices": "prices-autumn.json",
        "currency": "INR",
        "logs": "services-today",
        "level": "info",
        "notes": "notes-next-week",
        "mark": "DONE:",
        "settings": "settings-staging.json",
        "ticket": "ticket-2042.json",
    },
    "order-summary.yaml": {"orders": "orders-december.csv", "unpaid": "cancelled"},
    "regions.yaml": {"orders": "orders-december.csv", "status": "open"},
    "settings-change.yaml": {"settings": "settings-staging.json", "replicas": 5},
    "sort-notes.yaml": {"folder": "notes-next-week", "mark": "FIXME:"},
    "ticket-routing.yaml": {"ticket": "ticket-2042.json", "patience": 8},
    "public/office-hours.yaml": {
        "at": "14:00",
        "home": "Europe/Lisbon",
        "cities": [*CITIES, "America/Sao_Paulo"],
    },
    "public/stand-up.yaml": {
        "repository": "other-repository",
        "commits": 2,
        "at": "10:00",
        "home": "Europe/Lisbon",
        "away": ["Asia/Kolkata", "America/New_York", "Asia/Tokyo"],
        "notes": "notes-next-week",
        "mark": "DONE:",
        "team": "team-autumn.json",
    },
    "public/sum-prices.yaml": {
        "folder": "copy",
        "prices": "prices-autumn.json",
        "label": "Sum in EUR",
    },
    "public/team-memory.yaml": {"topic": "invoicing"},
    "public/weather-choice.yaml": {"margin": 5},
    "templates/digest.yaml": {
        "folder": "notes-next-week",
        "title": "Notes of this week",
        "pattern": "*s*.md",
        "limit": 2,
        "with_count": False,
    },
}
"""Each example that asks for the cache, and each of its inputs with what it is edited to."""

OTHER_DATA = {
    ("folder-report.yaml", "folder"),
    ("log-errors.yaml", "folder"),
    ("order-summary.yaml", "orders"),
    ("regions.yaml", "orders"),
    ("settings-change.yaml", "settings"),
    ("sort-notes.yaml", "folder"),
    ("ticket-routing.yaml", "ticket"),
    ("public/office-hours.yaml", "at"),
    ("public/office-hours.yaml", "home"),
    ("public/sum-prices.yaml", "folder"),
    ("public/sum-prices.yaml", "prices"),
    ("templates/digest.yaml", "folder"),
}
"""The edits that name other data than those that all the cached nodes of the example read."""

MANY_SOURCES = ("monday-report.yaml", "public/stand-up.yaml", "best-offer.yaml")
"""The examples whose inputs name many data, each a part of what is cached."""

NODE_SERVERS = {
    "public/sum-prices.yaml",
    "public/team-memory.yaml",
    "public/weather-choice.yaml",
}
"""The examples whose servers npm brings."""


@dataclass(frozen=True)
class Found:
    """Nodes that asked the cache, and how many of them it had."""

    hits: int
    asked: int

    def __add__(self, other: Found) -> Found:
        return Found(self.hits + other.hits, self.asked + other.asked)

    @property
    def percent(self) -> float:
        return 100 * self.hits / self.asked


def make_other_data(examples: Path) -> None:
    """Beside each of the examples' data another as one would have it: a copy with a line more."""
    data = examples / "data"
    for folder, other, file, line in (
        ("notes", "notes-next-week", "wednesday.md", "- TODO: call Blake about the invoice."),
        ("services", "services-today", "search.jsonl", '{"level": "error", "message": "locked"}'),
        ("suppliers", "suppliers-spring", "oak.json", ""),
    ):
        shutil.copytree(data / folder, data / other)
        with (data / other / file).open("a") as text:
            text.write(line + "\n")
    for name, other, after, line in (
        ("orders.csv", "orders-december.csv", "status\n", "1006,Farid,west,210.00,open\n"),
        ("prices.json", "prices-autumn.json", '"items": [', '{"name": "shelf", "price": 64},'),
        ("settings.json", "settings-staging.json", "{", '"region": "eu-west",'),
        ("team.json", "team-autumn.json", "{", '"since": "autumn",'),
        ("ticket.json", "ticket-2042.json", "{", '"language": "en",'),
    ):
        text = (data / name).read_text()
        assert after in text
        (data / other).write_text(text.replace(after, after + line, 1))
    (data / "copy").mkdir()
    shutil.copy(data / "prices.json", data / "copy")
    (data / "rates-today.json").write_text(
        '{"base": "EUR", "date": "today", "rates": {"USD": 1.2, "INR": 99.1, "JPY": 172}}'
    )
    (data / "out").mkdir(exist_ok=True)
    make_repository(examples / "repository", "Add the first file", "Add the second file")
    make_repository(examples / "other-repository", "Begin")


def make_repository(folder: Path, *messages: str) -> None:
    """A git repository with a commit for each of the messages, and a clean tree."""

    def git(*args: str) -> None:
        author = ("-c", "user.name=t", "-c", "user.email=t@example.org")
        subprocess.run(["git", *author, *args], cwd=folder, check=True, capture_output=True)

    folder.mkdir()
    git("init", "--initial-branch", "main")
    for number, message in enumerate(messages):
        (folder / f"{number}.txt").write_text(message)
        git("add", ".")
        git("commit", "-m", message)


def plan_of(file: Path, inputs: dict[str, Any]) -> tuple[Plan, dict[str, Any]]:
    """The plan of an example, and its inputs without those that are parameters of a template."""
    if "templates" not in file.parts:
        return prepare(file), inputs
    parameters = {parameter.name for parameter in goflow.load_template(file).parameters}
    given = {"title": "First", **{name: inputs[name] for name in inputs.keys() & parameters}}
    left = {name: inputs[name] for name in inputs.keys() - parameters}
    return prepare(file, parameters=given), left


def run_edited(examples: Path, name: str) -> dict[str, Found]:
    """Run the example as it is, then with each of its edits; what each of these found."""
    found = {}
    for edited in (None, *EDITS[name]):
        inputs = {} if edited is None else {edited: EDITS[name][edited]}
        if name == "public/stand-up.yaml":
            inputs["repository"] = str(examples / inputs.get("repository", "repository"))
        plan, given = plan_of(examples / name, inputs)
        result = goflow.run(plan.workflow, given)
        assert result.completed, result.error
        if edited is not None:
            found[edited] = Found(result.cache.hits, result.cache.hits + result.cache.misses)
    return found


def run_each_edited(folder: Path, node_modules: Path) -> dict[tuple[str, str], Found]:
    """What each edit of each example found in a cache that is empty for each example at first.

    Works in a copy in ``folder``. Without npm's servers their examples are left out.
    """
    examples = folder / "examples"
    shutil.copytree(EXAMPLES, examples, ignore=shutil.ignore_patterns("node_modules", "out"))
    make_other_data(examples)
    there = node_modules.is_dir() and shutil.which("node") is not None
    if there:
        (examples / "public" / "node_modules").symlink_to(node_modules)
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEAM_MEMORY", str(folder / "memory.json"))
        for name in EDITS:
            if there or name not in NODE_SERVERS:
                patch.setenv("GOFLOW_HOME", str(folder / name.replace("/", "-")))
                for edited, one in run_edited(examples, name).items():
                    found[name, edited] = one
    return found


def together(found: Iterable[Found]) -> Found:
    return sum(found, Found(0, 0))

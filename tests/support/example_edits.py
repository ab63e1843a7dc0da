"""The shipped examples run again with one input edited: what the second run takes from the cache.

Most edits were chosen by somebody who had read nothing but the examples and was asked what one
would change before running each again (those of ``monday-report``, of ``sort-notes`` and of
``weather-choice`` are ours). They are of two kinds: those that leave the data as they are, and
those that name other data, so that whatever reads these has to run. What may be cached is what
the files themselves ask for.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import goflow
from goflow.engine.prepare import prepare

if TYPE_CHECKING:
    from pathlib import Path

CITIES = ["Asia/Tokyo", "Asia/Kolkata", "Africa/Lagos", "America/New_York", "Australia/Sydney"]
SAME_DATA: dict[str, dict[str, Any]] = {
    "exchange-rates.yaml": {"amount": 250},
    "folder-report.yaml": {"mark": "DONE:"},
    "log-errors.yaml": {"level": "warning"},
    "monday-report.yaml": {"currency": "INR"},
    "order-summary.yaml": {"unpaid": "cancelled"},
    "regions.yaml": {"status": "open"},
    "settings-change.yaml": {"replicas": 5},
    "sort-notes.yaml": {"mark": "FIXME:"},
    "ticket-routing.yaml": {"patience": 8},
    "public/office-hours.yaml": {"cities": [*CITIES, "America/Sao_Paulo"]},
    "public/sum-prices.yaml": {"label": "Sum in EUR"},
    "public/team-memory.yaml": {"topic": "invoicing"},
    "public/weather-choice.yaml": {"margin": 5},
    "templates/digest.yaml": {"title": "Notes of this week"},
}
"""Each example that asks for the cache, with the edit that leaves its data as they are."""

OTHER_DATA: dict[str, dict[str, Any]] = {
    "folder-report.yaml": {"folder": "notes-next-week"},
    "log-errors.yaml": {"folder": "services-today"},
    "order-summary.yaml": {"orders": "orders-december.csv"},
    "regions.yaml": {"orders": "orders-december.csv"},
    "settings-change.yaml": {"settings": "settings-staging.json"},
    "sort-notes.yaml": {"folder": "notes-next-week"},
    "ticket-routing.yaml": {"ticket": "ticket-2042.json"},
    "public/office-hours.yaml": {"at": "14:00"},
    "public/sum-prices.yaml": {"prices": "prices-autumn.json"},
}
"""And the edit that names others, where there is one."""

REPORT: tuple[dict[str, Any], ...] = (
    {"title": "Week 48"},
    {"orders": "orders-december.csv"},
    {"prices": "prices-autumn.json"},
    {"currency": "INR"},
    {"logs": "services-today"},
    {"level": "info"},
    {"notes": "notes-next-week"},
    {"mark": "DONE:"},
    {"settings": "settings-staging.json"},
    {"ticket": "ticket-2042.json"},
)
"""Each input of ``monday-report.yaml``, which has many, edited by itself."""

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


NOTHING = Found(0, 0)


def make_other_data(data: Path) -> None:
    """Beside each file of the examples another as one would have it: a copy with a line more."""
    for folder, other, file, line in (
        ("notes", "notes-next-week", "wednesday.md", "- TODO: call Blake about the invoice."),
        ("services", "services-today", "search.jsonl", '{"level": "error", "message": "locked"}'),
    ):
        shutil.copytree(data / folder, data / other)
        with (data / other / file).open("a") as text:
            text.write(line + "\n")
    for name, other, after, line in (
        ("orders.csv", "orders-december.csv", "status\n", "1006,Farid,west,210.00,open\n"),
        ("prices.json", "prices-autumn.json", '"items": [', '{"name": "shelf", "price": 64},'),
        ("settings.json", "settings-staging.json", "{", '"region": "eu-west",'),
        ("ticket.json", "ticket-2042.json", "{", '"language": "en",'),
    ):
        text = (data / name).read_text()
        assert after in text
        (data / other).write_text(text.replace(after, after + line, 1))
    (data / "rates-today.json").write_text(
        '{"base": "EUR", "date": "today", "rates": {"USD": 1.2, "INR": 99.1}}'
    )
    (data / "out").mkdir(exist_ok=True)


def plan_of(file: Path, inputs: dict[str, Any]):
    """The plan of an example, and its inputs; those of a template are parameters."""
    if "templates" in file.parts:
        return prepare(file, parameters={"title": "First", **inputs}), {}
    return prepare(file), inputs


def run_edited(examples: Path, name: str, *edits: dict[str, Any]) -> list[Found]:
    """Run the example as it is, then with each of the edits; what each of these found."""
    found = []
    for inputs in ({}, *edits):
        plan, given = plan_of(examples / name, inputs)
        result = goflow.run(plan.workflow, given)
        assert result.completed, result.error
        found.append(Found(result.cache.hits, result.cache.hits + result.cache.misses))
    return found[1:]

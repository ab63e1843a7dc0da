"""The shipped examples run again with one input edited: how many of their nodes need no work."""

from __future__ import annotations

import shutil
from itertools import count
from pathlib import Path

import pytest
from measure import OURS
from support.example_edits import (
    NODE_SERVERS,
    NOTHING,
    OTHER_DATA,
    REPORT,
    SAME_DATA,
    make_other_data,
    run_edited,
)

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture
def edited(tmp_path, monkeypatch):
    """A call that gives what all of some edits together found in the cache, empty for each file."""
    monkeypatch.setenv("TEAM_MEMORY", str(tmp_path / "memory.json"))
    folder = tmp_path / "examples"
    shutil.copytree(EXAMPLES, folder, ignore=shutil.ignore_patterns("node_modules", "out"))
    make_other_data(folder / "data")
    servers = EXAMPLES / "public" / "node_modules"
    there = servers.is_dir() and shutil.which("node") is not None
    if there:
        (folder / "public" / "node_modules").symlink_to(servers)
    homes = count()

    def run(edits):
        found = NOTHING
        for name, some in edits.items():
            if there or name not in NODE_SERVERS:
                monkeypatch.setenv("GOFLOW_HOME", str(tmp_path / f"home{next(homes)}"))
                found = sum(run_edited(folder, name, *some), found)
        return found

    yield run
    shutil.rmtree(folder)


def test_node_hit_rate(measure, edited):
    """Percent of the nodes that may be cached and were found, of all examples that ask for it.

    One input is edited that leaves the data as they are; beside it what is found where the edit
    names other data, and where each input of the report of many sources is edited by itself.
    """

    def work():
        same = edited({name: [edit] for name, edit in SAME_DATA.items()})
        other = edited({name: [edit] for name, edit in OTHER_DATA.items()})
        report = edited({"monday-report.yaml": REPORT})
        measure.note(hits=same.hits, misses=same.asked - same.hits)
        return {
            OURS: [same.percent],
            "the report, each input": [report.percent],
            "other data named": [other.percent],
        }

    measure.record(work, unit="%")

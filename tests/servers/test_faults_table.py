"""The table of faults names tests that are there."""

import re
from pathlib import Path

FOLDER = Path(__file__).parent


def test_each_fault_has_the_test_that_the_table_names():
    named = set(re.findall(r"`(test_\w+)`", (FOLDER / "FAULTS.md").read_text()))
    defined = set()
    for file in FOLDER.glob("test_*.py"):
        defined |= set(re.findall(r"^def (test_\w+)\(", file.read_text(), re.MULTILINE))
    assert named - defined == set()
    assert len(named) > 50

"""What SECURITY.md claims is held by tests that exist, and actions are pinned."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REFERENCE = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def test_every_test_that_the_threat_model_points_to_exists():
    references = REFERENCE.findall((ROOT / "SECURITY.md").read_text())
    assert len(references) > 20
    missing = [
        f"{file}::{name}"
        for file, name in references
        if not (ROOT / file).is_file()
        or (name and not re.search(rf"^\s*(async )?def {name}\(", (ROOT / file).read_text(), re.M))
    ]
    assert missing == []


def test_every_claim_of_the_threat_model_points_to_a_test():
    claims = re.findall(r"^- (.*(?:\n  .*)*)", (ROOT / "SECURITY.md").read_text(), re.M)
    assert len(claims) > 15
    assert [claim for claim in claims if not REFERENCE.search(claim)] == []


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_actions_are_pinned_by_commit_and_nothing_is_permitted_by_default(file):
    text = file.read_text()
    used = re.findall(r"uses: (\S+)(.*)", text)
    for action, comment in used:
        if not action.startswith("./"):
            assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", action), action
            assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), action
    assert re.search(r"^permissions: \{\}$", text, re.M)

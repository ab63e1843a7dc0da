"""``goflow explain``: a code's meaning, reason, mistake and fix."""

import json

import pytest

from goflow.workflow.diagnostics import CODES
from goflow.workflow.explanations import EXPLANATIONS


@pytest.mark.parametrize("code", ["GF203", "gf203"])
def test_a_code_is_explained_with_its_mistake_and_fix(cli, code):
    done = cli("explain", code)
    assert done.code == 0
    assert done.out.startswith("GF203: an edge names a node that does not exist\n")
    assert "The mistake:\n\n    edges:\n      - {from: start, to: nd}\n" in done.out
    assert "The fix:\n\n    edges:\n      - {from: start, to: end}\n" in done.out


def test_json_is_one_document(cli):
    assert json.loads(cli("explain", "GF106", "--json").out) == {
        "code": "GF106",
        "meaning": CODES["GF106"],
        "why": EXPLANATIONS["GF106"].why,
        "mistake": EXPLANATIONS["GF106"].mistake,
        "fix": EXPLANATIONS["GF106"].fix,
    }


def test_an_unknown_code_exits_with_2_and_names_the_nearest(cli):
    done = cli("explain", "GF1011")
    assert done.code == 2
    assert done.out == ""
    assert "there is no finding 'GF1011'" in done.err
    assert "did you mean 'GF11" in done.err

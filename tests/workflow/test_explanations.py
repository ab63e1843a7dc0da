"""Every code is explained, and its examples do what they say."""

import json
from itertools import pairwise

import pytest

import goflow
from goflow.engine.live import validate_live
from goflow.workflow.diagnostics import CODES
from goflow.workflow.document import Document, Unreadable
from goflow.workflow.explanations import EXPLANATIONS


def completed(example):
    """The example as a file: what it leaves out is filled in, if it can be read at all."""
    try:
        tree = Document(example).tree
    except Unreadable:
        return example
    nodes = list(tree.get("nodes", []))
    types = [node["type"] for node in nodes]
    if "start" not in types:
        nodes.insert(0, {"id": "start", "type": "start"})
    if "end" not in types:
        nodes.append({"id": "end", "type": "end"})
    chain = [{"from": one["id"], "to": other["id"]} for one, other in pairwise(nodes)]
    return json.dumps({"version": "1.0", "name": "t", "edges": chain, **tree, "nodes": nodes})


@pytest.fixture
def codes(tmp_path):
    """The codes of an example, as a file beside the one that it may need."""

    def codes(example, explanation):
        file = tmp_path / "report.yaml"
        file.write_text(example if explanation.whole else completed(example))
        if explanation.beside:
            (tmp_path / explanation.beside_name).write_text(explanation.beside)
        if not explanation.live:
            return [finding.code for finding in goflow.validate(file)]
        workflow = goflow.load(file)
        return [finding.code for finding in validate_live(workflow, goflow.validate(file))]

    return codes


def test_every_code_is_explained():
    assert list(EXPLANATIONS) == list(CODES)


@pytest.mark.parametrize("code", EXPLANATIONS)
def test_the_mistake_gives_the_code(code, codes):
    explanation = EXPLANATIONS[code]
    assert code in codes(explanation.mistake, explanation)


@pytest.mark.parametrize("code", EXPLANATIONS)
def test_the_fix_gives_no_finding(code, codes):
    explanation = EXPLANATIONS[code]
    assert codes(explanation.fix, explanation) == []


@pytest.mark.parametrize("code", EXPLANATIONS)
def test_the_reason_is_whole_sentences(code):
    why = EXPLANATIONS[code].why
    assert why.endswith(".")
    assert "\n" not in why
    assert "  " not in why

"""``goflow validate``: findings for people and for programs."""

import json

from support.workflows import passthrough, workflow

GOOD = workflow([], ["start end"])
DEAD_END = workflow([passthrough("p")], ["start end", "start p"])


def test_a_valid_file_exits_with_0(cli, write):
    done = cli("validate", write(GOOD))
    assert done.code == 0
    assert "valid" in done.err


def test_findings_are_shown_with_file_line_and_caret(cli, write):
    file = write('version: "1.0"\nname: t\nnodes:\n  - {id: start, type: strat}\nedges: []\n')
    done = cli("validate", file)
    assert done.code == 1
    assert f"{file}:4:23: error GF108: there is no node type 'strat'" in done.out
    lines = done.out.splitlines()
    place = next(i for i, line in enumerate(lines) if "GF108" in line)
    assert lines[place + 1][lines[place + 2].index("^") :].startswith("strat")
    assert lines[place + 3] == "    hint: did you mean 'start'?"


def test_json_is_one_document_of_valid_and_findings(cli, write):
    for flag in ("--json", "--format=json"):
        done = cli("validate", flag, write(DEAD_END))
        document = json.loads(done.out)
        assert done.code == 1
        assert document["valid"] is False
        assert document["findings"][0]["code"] == "GF208"
        assert set(document["findings"][0]) >= {
            "code", "severity", "message", "path", "line", "column", "hint",
        }  # fmt: skip


def test_strict_counts_warnings(cli, write):
    text = GOOD.replace('"name"', '"colour": 1, "name"')
    assert cli("validate", write(text)).code == 0
    assert cli("validate", "--strict", write(text)).code == 1


def test_a_missing_file_exits_with_2(cli):
    assert cli("validate", "nope.yaml").code == 2

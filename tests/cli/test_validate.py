"""``goflow validate``: findings for people and for programs."""

import json

from support.workflows import passthrough, tool, workflow

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


def test_several_files_are_one_document(cli, write, tmp_path):
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(GOOD)
    bad.write_text(DEAD_END)
    done = cli("validate", "--json", good, bad)
    assert done.code == 1
    document = json.loads(done.out)
    assert document["valid"] is False
    assert [(file["file"], file["valid"]) for file in document["files"]] == [
        (str(good), True),
        (str(bad), False),
    ]


def test_who_asks_for_json_gets_json_even_for_a_file_that_is_not_there(cli, tmp_path):
    done = cli("validate", "--json", tmp_path / "nope.yaml")
    assert done.code == 2
    document = json.loads(done.out)
    assert document["valid"] is False
    assert document["findings"] == []
    assert document["error"]["code"] == "bad_call"


def test_sarif_names_file_line_rule_and_level(cli, write):
    file = write(DEAD_END)
    done = cli("validate", "--format=sarif", file)
    assert done.code == 1
    log = json.loads(done.out)
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    (result,) = run["results"]
    assert (result["ruleId"], result["level"]) == ("GF208", "error")
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == "GF208"
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"].endswith(file.name)
    assert place["region"]["startLine"] == 1
    assert result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == "nodes[1]"


def test_sarif_paths_are_relative_and_escaped(cli, tmp_path):
    folder = tmp_path / "my flows"
    folder.mkdir()
    (folder / "a b#.json").write_text(DEAD_END)
    log = json.loads(cli("validate", "--format=sarif", "my flows/a b#.json", cwd=tmp_path).out)
    place = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "my%20flows/a%20b%23.json"


def test_a_clean_file_is_an_empty_sarif_log(cli, write):
    done = cli("validate", "--format=sarif", write(GOOD))
    assert done.code == 0
    assert json.loads(done.out)["runs"][0]["results"] == []


def test_live_asks_the_servers(cli, write):
    box = {"id": "box", "command": "goflow-toolbox", "args": ["--root", "."]}
    node = tool("call", "read_txt", server="box", path="a")
    file = write(workflow([node], ["start call", "call end"], servers=[box]))
    assert cli("validate", file).code == 0
    done = cli("validate", "--live", file)
    assert done.code == 1
    assert "error GF602: the server 'box' has no tool 'read_txt'" in done.out


def test_a_template_is_checked_with_the_parameters_that_are_given(cli, write):
    spec = json.loads(workflow([], ["start end"], result="${{{name}}}"))
    parameter = {"name": "name", "type": "string", "required": True}
    file = write(json.dumps({"name": "t", "parameters": [parameter], "workflow_spec": spec}))
    assert cli("validate", file).code == 0
    assert cli("validate", file, "--param", "name=run.id").code == 0
    assert "'nobody' is not defined" in cli("validate", file, "--param", "name=nobody").out
    assert cli("validate", file, "--param", "nam=x").code == 2
    done = cli("run", "-q", file, "--param", "name=run.workflow")
    assert done.out == "test\n"

"""Each mistake in a file gives its code at its place, and every text gets a report."""

import pytest
from support.mistakes import HEAD, LINE, MISTAKES, PLAIN, typed

import goflow
from goflow.errors import BadCall, WorkflowInvalid
from goflow.workflow.diagnostics import CODES


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_has_its_code_at_its_place(mistake):
    code, place, text = MISTAKES[mistake]
    line, row = next((i, row) for i, row in enumerate(text.splitlines(), 1) if "#!" in row)
    found = [f for f in goflow.validate(text) if (f.code, f.line) == (code, line)]
    assert found
    assert row[found[0].column - 1 :].startswith(place)


def test_there_is_a_mistake_for_each_rule():
    assert len(MISTAKES) >= 160
    assert len({text for _, _, text in MISTAKES.values()}) == len(MISTAKES)


def test_every_code_that_the_validator_has_is_tried():
    tried = {code for code, _, _ in MISTAKES.values()} | {
        "GF111",
        "GF404",
        "GF405",
        "GF406",
        "GF601",
        "GF602",
        "GF603",
        "GF604",
        "GF605",
    }
    assert tried == set(CODES)


def test_a_plain_workflow_has_no_findings():
    report = goflow.validate(PLAIN)
    assert report.valid
    assert len(report) == 0


def test_whoever_reads_all_inputs_reads_each():
    text = HEAD + "variables: [{name: x, default: 1}]\n"
    text += "nodes: [{id: start, type: start}, {id: end, type: end, return: '${inputs}'}]\n" + LINE
    assert not goflow.validate(text).findings


def test_all_findings_come_at_once_and_in_the_order_of_lines():
    text = (
        'version: "1.0"\n'
        "nodes:\n"
        "  - {id: start, type: start}\n"
        "  - {id: a, type: nonsense}\n"
        "  - {id: end, type: end, return: '${who}', colour: red}\n"
        "edges:\n"
        "  - {from: start, to: ende}\n"
    )
    report = goflow.validate(text)
    assert [(f.code, f.line) for f in report] == [
        ("GF103", 1),
        ("GF108", 4),
        ("GF302", 5),
        ("GF105", 5),
        ("GF203", 7),
    ]


def test_a_finding_shows_its_line_with_a_caret_under_the_place():
    text = (
        HEAD
        + "nodes:\n  - {id: start, type: start}\n  - {id: end, type: end, return: '${1 +}'}\n"
        + LINE
    )
    (finding,) = goflow.validate(text)
    row = text.splitlines()[finding.line - 1]
    assert row[finding.column - 1] == "}"
    assert row[: finding.column - 1].endswith("1 +")
    shown = goflow.validate(text).render().splitlines()
    assert shown[2].index("^") - shown[1].index("-") == finding.column - 1 - row.index("-")


def test_strict_makes_warnings_errors():
    _, _, text = MISTAKES["an unused variable"]
    report = goflow.validate(text)
    assert report.valid
    assert not report.strict().valid


def test_a_cycle_is_named_as_a_whole():
    _, _, text = MISTAKES["a cycle"]
    (message,) = [f.message for f in goflow.validate(text) if f.code == "GF206"]
    assert message.endswith(("a → b → a", "b → a → b"))


def test_a_report_is_plain_json():
    report = goflow.validate(MISTAKES["no end"][2]).to_dict()
    assert report["valid"] is False
    assert set(report["findings"][0]) == {
        "code", "severity", "message", "path", "line", "column", "hint",
    }  # fmt: skip


def test_load_refuses_a_file_whose_elements_cannot_be_read(tmp_path):
    file = tmp_path / "bad.yaml"
    file.write_text(MISTAKES["an unknown type"][2])
    with pytest.raises(WorkflowInvalid) as caught:
        goflow.load(file)
    assert f"{file}:4:" in str(caught.value)
    assert caught.value.report.errors[0].hint == "did you mean 'start'?"


def test_a_missing_file_is_a_bad_call_that_names_the_nearest(tmp_path):
    (tmp_path / "report.yaml").write_text(PLAIN)
    with pytest.raises(BadCall, match="No such file") as caught:
        goflow.load(tmp_path / "reprot.yaml")
    assert caught.value.hint == "did you mean 'report.yaml'?"
    with pytest.raises(BadCall, match="Is a directory"):
        goflow.validate(tmp_path)


def test_a_long_text_of_one_line_is_not_printed_whole_as_the_name_of_a_file():
    with pytest.raises(BadCall) as caught:
        goflow.validate("nodes: [" + "x" * 5000)
    assert str(caught.value).startswith("cannot read nodes: [xxx")
    assert len(str(caught.value)) < 200
    assert caught.value.hint == "a text of one line is taken for the name of a file"


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xfe\x00",
        b"name: \x80\n",
        b"",
        b"null\n",
        b"5\n",
        b"{",
        b"[" * 100_000,
        b"a: " * 50_000,
    ],
)
def test_a_file_that_is_no_workflow_is_a_finding(tmp_path, data):
    file = tmp_path / "odd.yaml"
    file.write_bytes(data)
    report = goflow.validate(file)
    assert not report.valid
    assert report.render()


def test_a_file_over_10_mib_is_refused(tmp_path):
    file = tmp_path / "large.yaml"
    file.write_bytes(b"#" * (10 * 1024 * 1024 + 1))
    (finding,) = goflow.validate(file)
    assert finding.code == "GF111"


def test_an_alias_bomb_is_refused():
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"]
    rows += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 9)]
    (finding,) = goflow.validate("".join(rows))
    assert finding.code == "GF111"
    (finding,) = goflow.validate("a: &a\n  b: *a\n")
    assert (finding.code, finding.line) == ("GF101", 2)


@pytest.mark.parametrize(
    "text",
    [
        f"version: 0x1{'f' * 3990}\n",
        f"timeout: 0x1{'f' * 3990}\n",
        f"x: !!float 1{'0' * 400}\n",
        '{"version": ' + "1" * 5000 + "}",
        '{"x": NaN}',
        '{"x": "\\ud800"}',
        '{"\\ud800": 1}',
        'x: "\ud800"\n',
        '{"x": ' + "[" * 900 + "]" * 900 + "}",
        '{"x": ' + "[" * 100_000 + "}",
        "x: !!python/object:os.system y\n",
        "? [a]\n: b\n",
        "a: b\n---\nc: d\n",
        "on_error: {{a: b}: c}\n",
        "\0\n",
    ],
)
def test_hostile_text_gives_a_report(text):
    report = goflow.validate(text)
    assert not report.valid
    assert report.render()
    report.to_dict()


def test_a_path_that_cannot_be_one_is_a_bad_call():
    with pytest.raises(BadCall):
        goflow.validate("a\0b")


def test_one_expression_is_checked_for_the_types_of_each_workflow():
    text = typed("limit > '2'")
    for kind, wrong in {"number": True, "string": False, "any": False, "boolean": True}.items():
        report = goflow.validate(text.replace("type: number, default: 3", f"type: {kind}"))
        assert any(found.code == "GF307" for found in report) is wrong, kind


def test_a_loop_item_has_not_the_type_of_a_variable_of_its_name():
    loop = "{id: each, type: loop, collection: [1], item: limit, body: [a]}"
    text = typed("limit > '2'").replace("to: a}", "to: each}").replace("from: a,", "from: each,")
    report = goflow.validate(text.replace("edges:", f"  - {loop}\nedges:"))
    assert not any(found.code == "GF307" for found in report), report.render()

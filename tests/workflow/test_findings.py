"""Each mistake in a file gives its code at its line. The line is marked with ``#!`` in the text."""

import pytest

import goflow
from goflow.errors import BadCall, WorkflowInvalid
from goflow.workflow.diagnostics import CODES

HEAD = 'version: "1.0"\nname: t\n'
START_END = "nodes:\n  - {id: start, type: start}\n  - {id: end, type: end}\n"
LINE = "edges:\n  - {from: start, to: end}\n"
PLAIN = HEAD + START_END + LINE

MISTAKES = {
    "no version": ("GF103", "name: t #!\n" + START_END + LINE),
    "another major version": ("GF107", 'version: "2.0" #!\nname: t\n' + START_END + LINE),
    "a version that is no number": ("GF107", "version: true #!\nname: t\n" + START_END + LINE),
    "no name": ("GF103", 'version: "1.0" #!\n' + START_END + LINE),
    "a name that is no text": ("GF104", 'version: "1.0"\nname: 5 #!\n' + START_END + LINE),
    "no nodes": ("GF103", 'version: "1.0" #!\nname: t\nedges: []\n'),
    "nodes that are no list": ("GF104", HEAD + "nodes: {} #!\nedges: []\n"),
    "a node that is no map": ("GF104", HEAD + "nodes:\n  - start #!\n" + LINE),
    "a list for a workflow": ("GF104", "- a #!\n- b\n"),
    "a repeated key": ("GF102", HEAD + "name: u #!\n" + START_END + LINE),
    "two names of one key": (
        "GF102",
        HEAD
        + START_END
        + "edges:\n  - {from: start, to: end, condition: 'true', when: 'true'} #!\n",
    ),
    "an unknown key": ("GF105", HEAD + "descripton: x #!\n" + START_END + LINE),
    "broken YAML": ("GF101", HEAD + "nodes: [\n  }  #!\n"),
    "a tab": ("GF101", HEAD + "nodes:\n\t- {id: start, type: start} #!\n"),
    "a duration": ("GF106", HEAD + "timeout: 5 parsecs #!\n" + START_END + LINE),
    "a negative duration": ("GF106", HEAD + "timeout: -5 #!\n" + START_END + LINE),
    "no parallelism": ("GF106", HEAD + "max_parallel: 0 #!\n" + START_END + LINE),
    "a fraction of parallelism": ("GF106", HEAD + "max_parallel: 1.5 #!\n" + START_END + LINE),
    # variables
    "a variable's name": ("GF106", PLAIN + "variables:\n  - {name: a-b} #!\n"),
    "a reserved variable": ("GF106", PLAIN + "variables:\n  - {name: nodes} #!\n"),
    "a variable's type": ("GF106", PLAIN + "variables:\n  - {name: a, type: text} #!\n"),
    "a variable twice": ("GF110", PLAIN + "variables:\n  - {name: a}\n  - {name: a} #!\n"),
    "a default of another type": (
        "GF501",
        PLAIN + "variables:\n  - {name: a, type: number, default: '5'} #!\n",
    ),
    "an unused variable": ("GF502", PLAIN + "variables:\n  - {name: a} #!\n"),
    # servers
    "a server without id": ("GF103", PLAIN + "servers:\n  - {command: x} #!\n"),
    "a server without command": ("GF103", PLAIN + "servers:\n  - {id: a} #!\n"),
    "an http server without url": ("GF103", PLAIN + "servers:\n  - {id: a, transport: http} #!\n"),
    "a transport": ("GF106", PLAIN + "servers:\n  - {id: a, command: x, transport: tcp} #!\n"),
    "a server's id": ("GF106", PLAIN + "servers:\n  - {id: a b, command: x} #!\n"),
    "a server twice": (
        "GF110",
        PLAIN + "servers:\n  - {id: a, command: x}\n  - {id: a, command: x} #!\n",
    ),
    "an argument that is no text": (
        "GF104",
        PLAIN + "servers:\n  - {id: a, command: x, args: [5]} #!\n",
    ),
    "an environment value that is no text": (
        "GF104",
        PLAIN + "servers:\n  - id: a\n    command: x\n    env:\n      PORT: 80 #!\n",
    ),
    "a mode": ("GF106", PLAIN + "servers:\n  - {id: a, command: x, mode: fast} #!\n"),
    "an unused server": ("GF402", PLAIN + "servers:\n  - {id: a, command: x} #!\n"),
    # nodes
    "no type": ("GF103", HEAD + "nodes:\n  - {id: start} #!\n  - {id: end, type: end}\n" + LINE),
    "an unknown type": (
        "GF108",
        HEAD + "nodes:\n  - {id: start, type: strat} #!\n  - {id: end, type: end}\n" + LINE,
    ),
    "a type of a later release": (
        "GF109",
        HEAD + "nodes:\n  - {id: start, type: loop} #!\n  - {id: end, type: end}\n" + LINE,
    ),
    "no id": ("GF103", HEAD + "nodes:\n  - {type: start} #!\n  - {id: end, type: end}\n" + LINE),
    "a node's id": (
        "GF106",
        HEAD + "nodes:\n  - {id: a b, type: start} #!\n  - {id: end, type: end}\nedges: []\n",
    ),
    "a node twice": ("GF110", HEAD + START_END + "  - {id: end, type: end} #!\n" + LINE),
    "no start": ("GF201", HEAD + "nodes: #!\n  - {id: end, type: end}\nedges: []\n"),
    "two starts": ("GF201", HEAD + START_END + "  - {id: s2, type: start} #!\n" + LINE),
    "no end": ("GF202", HEAD + "nodes: #!\n  - {id: start, type: start}\nedges: []\n"),
    "no such server": (
        "GF401",
        HEAD + START_END + "  - {id: a, type: mcp_tool, server: nope, tool: x} #!\n" + LINE,
    ),
    "a tool node without tool": (
        "GF103",
        HEAD + START_END + "  - {id: a, type: mcp_tool, server: s} #!\n" + LINE,
    ),
    "a result": (
        "GF106",
        HEAD + START_END + "  - {id: a, type: mcp_tool, server: s, tool: t, result: x} #!\n" + LINE,
    ),
    "an output that is no name": (
        "GF106",
        HEAD + START_END + "  - {id: a, type: transform, expression: '1', output: a.b} #!\n" + LINE,
    ),
    "a reserved output": (
        "GF106",
        HEAD + START_END + "  - {id: a, type: transform, expression: '1', output: run} #!\n" + LINE,
    ),
    "a transform without expression": (
        "GF103",
        HEAD + START_END + "  - {id: a, type: transform} #!\n" + LINE,
    ),
    "a transform's kind": (
        "GF106",
        HEAD + START_END + "  - {id: a, type: transform, expression: x, kind: awk} #!\n" + LINE,
    ),
    "a pattern": (
        "GF301",
        HEAD
        + START_END
        + '  - {id: a, type: transform, expression: \'"x" matches "("\'} #!\n'
        + LINE,
    ),
    "a JSONPath": (
        "GF301",
        HEAD + START_END + "  - {id: a, type: transform, expression: '$.a[?(@ ==)]'} #!\n" + LINE,
    ),
    "a JSONPath with a value in it": (
        "GF301",
        HEAD + START_END + "  - {id: a, type: transform, expression: '$.a[${n} &]'} #!\n" + LINE,
    ),
    "jq that is no text": (
        "GF104",
        HEAD + START_END + "  - {id: a, type: transform, expression: 5, kind: jq} #!\n" + LINE,
    ),
    "a value in a jq program": (
        "GF301",
        HEAD + START_END + "  - {id: a, type: transform, expression: 'jq(.a + ${})'} #!\n" + LINE,
    ),
    "an unknown name in a jq program": (
        "GF302",
        HEAD + START_END + "  - {id: a, type: transform, expression: 'jq(.a + ${x})'} #!\n" + LINE,
    ),
    "jq that is not closed": (
        "GF301",
        HEAD + START_END + "  - {id: a, type: transform, expression: 'jq(.a'} #!\n" + LINE,
    ),
    "a retry without attempts": (
        "GF106",
        HEAD
        + START_END
        + "  - id: a\n    type: transform\n    expression: '1'\n"
        + "    retry: {max_attempts: 0} #!\n"
        + LINE,
    ),
    "an on_error": (
        "GF106",
        HEAD
        + START_END
        + "  - {id: a, type: transform, expression: '1', on_error: ignore} #!\n"
        + LINE,
    ),
    "a cache that is asked for": (
        "GF109",
        HEAD + START_END + "  - {id: a, type: transform, expression: '1', cache: true} #!\n" + LINE,
    ),
    # edges
    "an edge from nowhere": ("GF203", PLAIN + "  - {from: strat, to: end} #!\n"),
    "an edge to nowhere": ("GF203", PLAIN + "  - {from: start, to: nod} #!\n"),
    "an edge without end": ("GF103", PLAIN + "  - {from: start} #!\n"),
    "a self loop": ("GF204", PLAIN + "  - {from: end, to: end} #!\n"),
    "an edge twice": ("GF205", PLAIN + "  - {from: start, to: end} #!\n"),
    "an edge's on": ("GF106", PLAIN + "  - {from: start, to: end, on: failure} #!\n"),
    "a cycle": (
        "GF206",
        HEAD
        + START_END
        + "  - {id: a, type: passthrough}\n  - {id: b, type: passthrough}\n"
        + LINE
        + "  - {from: start, to: a}\n  - {from: a, to: b} #!\n  - {from: b, to: a}\n"
        + "  - {from: b, to: end}\n",
    ),
    "an unreachable node": (
        "GF207",
        HEAD
        + START_END
        + "  - {id: a, type: passthrough} #!\n"
        + LINE
        + "  - {from: a, to: end}\n",
    ),
    "a dead end": (
        "GF208",
        HEAD
        + START_END
        + "  - {id: a, type: passthrough} #!\n"
        + LINE
        + "  - {from: start, to: a}\n",
    ),
    "a condition without false": (
        "GF209",
        HEAD
        + START_END
        + "  - {id: c, type: condition, condition: '1 > 0'} #!\n"
        + "edges:\n  - {from: start, to: c}\n  - {from: c, to: end, condition: 'true'}\n",
    ),
    "a plain edge from a condition": (
        "GF209",
        HEAD
        + START_END
        + "  - {id: c, type: condition, condition: '1 > 0'}\n  - {id: p, type: passthrough}\n"
        + "edges:\n  - {from: start, to: c}\n  - {from: c, to: end, condition: 'true'}\n"
        + "  - {from: c, to: p} #!\n  - {from: p, to: end}\n",
    ),
    # expressions
    "a condition's syntax": (
        "GF301",
        HEAD
        + START_END
        + "  - {id: c, type: condition, condition: '1 >'} #!\n"
        + "edges:\n  - {from: start, to: c}\n  - {from: c, to: end, condition: 'true'}\n",
    ),
    "an 'if' with a mistake": (
        "GF301",
        HEAD + START_END + "  - {id: a, type: passthrough, if: '1 +'} #!\n" + LINE,
    ),
    "an edge's condition": (
        "GF301",
        PLAIN + "  - {from: start, to: end, on: always, when: '('} #!\n",
    ),
    "an interpolation with a mistake": (
        "GF301",
        HEAD
        + "nodes:\n  - {id: start, type: start}\n  - {id: end, type: end, return: 'a ${'} #!\n"
        + LINE,
    ),
    "a transform with a mistake": (
        "GF301",
        HEAD + START_END + "  - {id: a, type: transform, expression: '1 1'} #!\n" + LINE,
    ),
    "an input with a mistake": (
        "GF301",
        HEAD
        + START_END
        + "  - {id: a, type: transform, expression: '1', input: '1 1'} #!\n"
        + LINE,
    ),
    "a parameter with a mistake": (
        "GF301",
        HEAD
        + START_END
        + "  - id: a\n    type: mcp_tool\n    server: s\n    tool: t\n"
        + "    parameters:\n      deep:\n        - ok\n        - '${1 +}' #!\n"
        + LINE,
    ),
    "an undefined variable": (
        "GF302",
        HEAD
        + "nodes:\n  - {id: start, type: start}\n  - {id: end, type: end, return: '${nope}'} #!\n"
        + LINE,
    ),
    "an input where there is none": (
        "GF302",
        HEAD
        + "nodes:\n  - {id: start, type: start}\n  - {id: end, type: end, return: '${input}'} #!\n"
        + LINE,
    ),
    "an undeclared input": (
        "GF302",
        HEAD
        + "nodes:\n  - {id: start, type: start}\n"
        + "  - {id: end, type: end, return: '${inputs.x}'} #!\n"
        + LINE,
    ),
    "an unknown node's output": (
        "GF304",
        HEAD
        + "nodes:\n  - {id: start, type: start}\n"
        + "  - {id: end, type: end, return: '${nodes.x.output}'} #!\n"
        + LINE,
    ),
    "a variable that nothing sets": (
        "GF303",
        HEAD
        + "variables:\n  - {name: v}\n"
        + "nodes:\n  - {id: start, type: start}\n  - {id: end, type: end, return: '${v}'} #!\n"
        + LINE,
    ),
    "an empty id": ("GF106", PLAIN + "  - {from: '', to: end} #!\n"),
    "an empty condition": ("GF106", PLAIN + "  - {from: start, to: end, on: error, when: ''} #!\n"),
    "an error class with a typo": (
        "GF106",
        HEAD
        + START_END
        + "  - id: a\n    type: transform\n    expression: '1'\n"
        + "    retry: {on: [tool_eror]} #!\n"
        + LINE,
    ),
    "a number without end": (
        "GF101",
        PLAIN + "max_parallel: .inf #!\n",
    ),
    "an integer of a thousand digits": ("GF101", PLAIN + f"timeout: {'9' * 1000} #!\n"),
    "a secret in this release": (
        "GF109",
        PLAIN + "servers:\n  - {id: a, command: x, args: ['${secret.A}']} #!\n",
    ),
    "a variable in a server": (
        "GF302",
        PLAIN + "servers:\n  - {id: a, command: x, args: ['${folder}']} #!\n",
    ),
    "an environment variable in a command": (
        "GF302",
        PLAIN + "servers:\n  - {id: a, command: '${env.HOME}/x'} #!\n",
    ),
    "a pool in this release": (
        "GF109",
        PLAIN + "servers:\n  - {id: a, command: x, max_sessions: 3} #!\n",
    ),
    "an element where there is none": (
        "GF301",
        HEAD + START_END + "  - {id: a, type: transform, expression: '# + 1'} #!\n" + LINE,
    ),
    "nodes as a value": (
        "GF301",
        HEAD
        + "nodes:\n  - {id: start, type: start}\n"
        + "  - {id: end, type: end, return: '${keys(nodes)}'} #!\n"
        + LINE,
    ),
    "an input of a transform without one": (
        "GF302",
        HEAD + START_END + "  - {id: a, type: transform, expression: input} #!\n" + LINE,
    ),
    "a condition of an error edge": (
        "GF301",
        HEAD
        + START_END
        + "  - {id: c, type: condition, condition: '1 > 0'}\n"
        + "edges:\n  - {from: start, to: c}\n  - {from: c, to: end, condition: 'true'}\n"
        + "  - {from: c, to: end, on: error, condition: '((('} #!\n",
    ),
    "a sum that is text": (
        "GF305",
        HEAD + START_END + "  - {id: a, type: transform, expression: '${run.id} + 1'} #!\n" + LINE,
    ),
}


def findings(text):
    return [(finding.code, finding.line) for finding in goflow.validate(text)]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_has_its_code_at_its_line(mistake):
    code, text = MISTAKES[mistake]
    line = next(i for i, row in enumerate(text.splitlines(), 1) if "#!" in row)
    assert (code, line) in findings(text)


def test_every_code_that_the_validator_has_is_tried():
    tried = {code for code, _ in MISTAKES.values()} | {"GF111"}
    assert tried == set(CODES)


def test_a_plain_workflow_has_no_findings():
    report = goflow.validate(PLAIN)
    assert report.valid
    assert len(report) == 0


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
    _, text = MISTAKES["an unused variable"]
    report = goflow.validate(text)
    assert report.valid
    assert not report.strict().valid


def test_a_cycle_is_named_as_a_whole():
    _, text = MISTAKES["a cycle"]
    (message,) = [f.message for f in goflow.validate(text) if f.code == "GF206"]
    assert message.endswith(("a → b → a", "b → a → b"))


def test_a_report_is_plain_json():
    report = goflow.validate(MISTAKES["no end"][1]).to_dict()
    assert report["valid"] is False
    assert set(report["findings"][0]) == {
        "code", "severity", "message", "path", "line", "column", "hint",
    }  # fmt: skip


def test_load_refuses_a_file_whose_elements_cannot_be_read(tmp_path):
    file = tmp_path / "bad.yaml"
    file.write_text(MISTAKES["an unknown type"][1])
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

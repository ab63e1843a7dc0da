"""Workflow nodes: another workflow's run as one node."""

import pytest
from support.workflows import function, lab_server, loop, row, tool, transform, workflow

import goflow
from goflow.errors import WorkflowInvalid


def sub(node_id, name, /, *, output=None, **inputs):
    node = {"id": node_id, "type": "workflow", "workflow": name, "inputs": inputs}
    return {**node, "output": output} if output else node


@pytest.fixture
def files(tmp_path):
    """Write workflows by name; the path of the first."""

    def write(**texts):
        for name, text in texts.items():
            (tmp_path / f"{name}.json").write_text(text)
        return tmp_path / f"{next(iter(texts))}.json"

    return write


NUMBER = [{"name": "n", "type": "number", "required": True}]
DOUBLE = workflow(
    [transform("double", "n * 2", output="d")], row("double"), variables=NUMBER, result="${d}"
)


def test_its_result_is_the_value(go, files):
    main = workflow([sub("s", "double", n="${1 + 2}", output="x")], row("s"), result="${x}")
    assert go(files(main=main, double=DOUBLE)).result == 6


def test_a_path_is_relative_to_the_file(go, files, tmp_path):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "double.json").write_text(DOUBLE)
    main = workflow([sub("s", "lib/double.json", n=2, output="x")], row("s"), result="${x}")
    assert go(files(main=main)).result == 4


def test_its_variables_are_its_own(go, files):
    main = workflow(
        [sub("s", "double", n=1, output="x")],
        row("s"),
        variables=[{"name": "d", "default": "mine"}],
        result="${[d, x]}",
    )
    assert go(files(main=main, double=DOUBLE)).result == ["mine", 2]


def test_it_runs_in_a_loop(go, files):
    main = workflow(
        [loop("each", [1, 2, 3], ["s"], parallel=True, output="all"),
         sub("s", "double", n="${item}", output="x")],
        row("each"),
        result="${all.iterations | map('x')}",
    )  # fmt: skip
    assert go(files(main=main, double=DOUBLE)).result == [2, 4, 6]


def test_both_share_a_server(go, files):
    say = workflow([tool("say", "say", text="inner")], row("say"))
    main = workflow(
        [tool("a", "say", text="outer"), sub("s", "inner"), tool("b", "said", output="all")],
        row("a", "s", "b"),
        result="${all}",
    )
    file = files(main=main, inner=say)
    assert len(goflow.load(file).servers) == 1
    assert go(file).result == ["outer", "inner"]


def test_its_failure_is_the_nodes(go, files):
    inner = workflow([tool("t", "flaky", key="k", failures=9)], row("t"))
    result = go(files(main=workflow([sub("s", "inner")], row("s")), inner=inner))
    assert result.status == "failed"
    assert result.error["code"] == "tool_error"
    assert result.error["node"] == "s"
    assert result.error["message"].startswith("the workflow 'test' failed: node 't': ")
    assert result.error["message"].endswith("call 1")


def test_an_input_of_the_wrong_type_fails_the_node(go, files):
    main = workflow(
        [sub("s", "double", n="${word}")],
        row("s"),
        variables=[{"name": "word", "default": "two"}],
    )
    result = go(files(main=main, double=DOUBLE))
    assert result.error["code"] == "bad_input"
    assert "must be of type number" in result.error["message"]


def test_its_timeout_stops_it(go, files):
    inner = workflow([tool("t", "hang")], row("t"))
    node = sub("s", "inner") | {"timeout": 0.05}
    result = go(files(main=workflow([node], row("s")), inner=inner))
    assert result.error["code"] == "timeout"


def test_it_may_call_functions(go, files):
    inner = workflow([function("f", "one", output="x")], row("f"), result="${x}")
    main = workflow([sub("s", "inner", output="x")], row("s"), result="${x}")
    assert go(files(main=main, inner=inner), functions={"one": lambda: 1}).result == 1


def test_recursion_is_an_error_before_the_run(go, files):
    main = workflow([sub("s", "other")], row("s"))
    other = workflow([sub("s", "main")], row("s"))
    with pytest.raises(WorkflowInvalid, match=r"main\.json → other\.json → main\.json"):
        go(files(main=main, other=other))


def test_what_is_wrong_inside_is_told_before_the_run(files):
    inner = workflow([transform("a", "unknown + 1")], row("a"))
    (finding,) = goflow.validate(
        files(main=workflow([sub("s", "inner")], row("s")), inner=inner)
    ).errors
    assert finding.code == "GF403"
    assert "'unknown' is not defined" in finding.message


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, "needs the input 'n'"),
        ({"n": "two"}, "must be of type number, not string"),
        ({"n": 1, "m": 2}, "has no variable 'm'"),
    ],
)
def test_inputs_are_checked_before_the_run(files, inputs, message):
    main = workflow([sub("s", "double", **inputs)], row("s"))
    (finding,) = goflow.validate(files(main=main, double=DOUBLE)).errors
    assert finding.code == "GF405"
    assert message in finding.message


def test_servers_of_both_are_known_to_the_plan(files):
    from goflow.engine.prepare import prepare

    inner = workflow([tool("t", "say", text="x", server="b")], row("t"), servers=[lab_server("b")])
    main = workflow([sub("s", "inner"), tool("t", "say", text="x")], row("s", "t"))
    plan = prepare(files(main=main, inner=inner))
    assert [server.id for server in plan.servers] == ["b", "lab"]

"""Workflows written in Python: the model of a file, edges from what is read, clear mistakes."""

import pytest

import goflow
from goflow.errors import BadCall, WorkflowInvalid


def edges(wf):
    return [(edge.source, edge.target, edge.condition) for edge in wf.build().edges]


def run(wf, **options):
    report = wf.validate()
    assert report.valid, report.render()
    return goflow.run(wf.build(), **options).raise_for_status().result


PIPELINE = """\
version: "1.0"
name: data-pipeline
variables:
  - {name: input_file, type: string, required: true}
servers:
  - {id: filesystem, command: node, args: [server.js]}
nodes:
  - {id: start, type: start}
  - {id: read_file, type: mcp_tool, server: filesystem, tool: read_file,
     parameters: {path: "${input_file}"}, output: read_file}
  - {id: total, type: transform, input: read_file, expression: "jq(.data | map(.price) | add)",
     output: total}
  - {id: write_file, type: mcp_tool, server: filesystem, tool: write_file,
     parameters: {path: out.txt, content: "Total: ${total}"}, output: write_file}
  - {id: end, type: end, return: "${write_file}"}
edges:
  - {from: start, to: read_file}
  - {from: read_file, to: total}
  - {from: total, to: write_file}
  - {from: write_file, to: end}
"""


def test_it_makes_the_model_of_the_file_that_says_the_same():
    with goflow.workflow("data-pipeline") as wf:
        source = wf.variable("input_file", str)
        fs = wf.server("filesystem", command="node", args=["server.js"])
        read = fs.read_file(path=source)
        total = wf.transform(read, "jq(.data | map(.price) | add)", id="total")
        wf.end(fs.write_file(path="out.txt", content=f"Total: {total}"))
    assert wf.build() == goflow.load(PIPELINE)
    assert goflow.load(wf.build().to_yaml()) == wf.build()


def test_the_package_is_still_a_package():
    from goflow.workflow.load import load

    assert load is goflow.load


def test_nodes_that_read_nothing_of_each_other_run_at_once():
    with goflow.workflow("w") as wf:
        a, b = wf.transform("1", id="a"), wf.transform("2", id="b")
        wf.end([a, b, a + b])
    assert set(edges(wf)) == {
        ("start", "a", None), ("start", "b", None), ("a", "end", None), ("b", "end", None),
    }  # fmt: skip
    assert run(wf) == [1, 2, 3]


def test_text_that_names_a_value_counts_as_reading_it():
    with goflow.workflow("w") as wf:
        wf.transform("1", id="a")
        wf.transform("${a} and more", id="b")
        wf.end("${b}")
    assert edges(wf) == [("start", "a", None), ("a", "b", None), ("b", "end", None)]
    assert run(wf) == "1 and more"


def test_after_orders_what_reads_nothing():
    with goflow.workflow("w") as wf:
        a = wf.transform("1", id="a")
        wf.transform("2", id="b").after(a)
        wf.end()
    assert edges(wf) == [("start", "a", None), ("a", "b", None), ("b", "end", None)]


def test_an_end_is_added_and_ties_what_is_loose():
    with goflow.workflow("w") as wf:
        wf.transform("1", id="a")
        wf.transform("2", id="b")
    assert [node.id for node in wf.build().nodes] == ["start", "a", "b", "end"]
    assert ("b", "end", None) in edges(wf)
    assert run(wf) is None


def test_branches_come_together_again():
    with goflow.workflow("w") as wf:
        n = wf.variable("n", int, default=3)
        big = wf.transform(n * 10, id="big")
        with wf.when(n > 2, id="many") as many:
            wf.transform(f"template:many {big}", output="word")
        with many.otherwise():
            wf.transform("'few'", output="word")
        wf.end(wf.expression("word"))
    assert len(wf.validate()) == 0, wf.validate().render()
    assert run(wf) == "many 30"
    assert goflow.run(wf.build(), {"n": 1}).result == "few"
    assert ("big", "many", None) in edges(wf)  # a branch waits with its condition


def test_a_branch_may_be_empty_or_begin_with_several_nodes():
    with goflow.workflow("w") as wf:
        n = wf.variable("n", int, default=3)
        with wf.when(n > 2):
            a, b = wf.transform("1"), wf.transform("2")
        wf.end([a, b])
    assert run(wf) == [1, 2]
    assert goflow.run(wf.build(), {"n": 1}).result == [None, None]


def test_branches_nest_and_may_end():
    with goflow.workflow("w") as wf:
        n = wf.variable("n", int, default=3)
        with wf.when(n > 0) as positive:
            with wf.when(n > 9) as large:
                wf.end("large")
            with large.otherwise():
                wf.transform("'small'", output="word")
        with positive.otherwise():
            wf.transform("'none'", output="word")
        wf.end(wf.expression("word"))
    workflow = wf.build()
    assert wf.validate().valid, wf.validate().render()
    assert [goflow.run(workflow, {"n": n}).result for n in (20, 3, -1)] == [
        "large",
        "small",
        "none",
    ]


def test_loops_and_what_they_show():
    with goflow.workflow("w") as wf:
        base = wf.transform("10", id="base")
        with wf.loop([1, 2, 3], item="k", id="each") as k:
            square = wf.transform(k * k + base + k.index, id="square")
        wf.end([k.result["iterations"].apply("map", "square"), square])
    assert run(wf) == [[11, 15, 21], 21]
    assert ("base", "each", None) in edges(wf)


def test_loops_break_and_nest():
    with goflow.workflow("w") as wf:
        rows = wf.variable("rows", list, default=[[1, 2], [3]])
        total = wf.variable("total", int, default=0)
        with wf.loop(rows, "line", break_condition=total > 100) as line, wf.loop(line, "x") as x:
            wf.transform(total + x, output="total")
        wf.end(total)
    assert run(wf) == 6


def test_parallel_branches():
    with goflow.workflow("w") as wf:
        with wf.parallel(merge="wait_all") as both:
            with both.branch():
                a = wf.transform("1")
                wf.transform(a + 1, output="x")
            with both.branch():
                wf.transform("5", output="y")
        wf.end(wf.expression("x + y"))
    assert run(wf) == 7


def test_functions_and_workflows(tmp_path):
    with goflow.workflow("w") as wf:
        wf.end(wf.function("add", a=1, b=2))
    assert run(wf, functions={"add": lambda a, b: a + b}) == 3
    with goflow.workflow("w") as wf:
        wf.workflow("lib/report.yaml", folder="data")
    node = wf.build().nodes[1]
    assert (node.id, node.workflow, node.inputs) == (
        "report",
        "lib/report.yaml",
        {"folder": "data"},
    )


def test_error_edges_and_records():
    with goflow.workflow("w") as wf:
        zero = wf.variable("zero", int, default=0)
        risky = wf.transform(1 / zero, id="risky")
        rescue = wf.transform(risky.record["error"]["code"], id="rescue")
        wf.edge(risky, rescue, on="error")
        wf.end(rescue)
    assert run(wf) == "transform_error"


def test_options_of_nodes():
    with goflow.workflow("w", timeout="1m", description="d") as wf:
        box = wf.server("box", command="goflow-toolbox", args=["--root", "."])
        node = box.call("read_text", {"path": "x"}, retry={"max_attempts": 3}, id="r")
        node.options(timeout="5s", on_error={"value": "none"}, if_=wf.expression("run.id") != "")
        wf.end(node)
    built = wf.build()
    read = built.nodes[1]
    assert built.timeout == 60
    assert (read.retry.max_attempts, read.timeout, read.on_error) == (3, 5, {"value": "none"})
    assert read.run_if == '((run.id) != "")'


@pytest.mark.parametrize(
    ("make", "source"),
    [
        (lambda v: v + 1, "(v + 1)"),
        (lambda v: 2 - v, "(2 - v)"),
        (lambda v: v["a b"][0], 'v["a b"][0]'),
        (lambda v: v[1:], "v[1:]"),
        (lambda v: (v == "x") & ~(v != None), '((v == "x") and (not (v != null)))'),  # noqa: E711
        (lambda v: v.apply("default", [1, v]), "default(v, [1, v])"),
        (lambda v: v.is_in({"a": v}), '(v in {"a": v})'),
        (lambda v: v.default(0) * -v, "((v ?? 0) * (-v))"),
        (lambda v: (v <= 1) | (v >= 2.5), "((v <= 1) or (v >= 2.5))"),
    ],
)
def test_operators_make_expressions(make, source):
    v = goflow.workflow("w").variable("v")
    assert make(v).source == source


@pytest.mark.parametrize(
    "misuse",
    [
        lambda wf, v: bool(v > 1),
        lambda wf, v: list(v),
        lambda wf, v: f"{v:>10}",
        lambda wf, v: wf.transform(object()),
        lambda wf, v: v + object(),
        lambda wf, v: v[::2],
        lambda wf, v: wf.transform(),
        lambda wf, v: (wf.end(), wf.end()),
        lambda wf, v: (wf.transform("1", id="a"), wf.transform("1", id="a")),
        lambda wf, v: wf.transform("1", id="start"),
        lambda wf, v: wf.edge(wf.transform("1"), v),
        lambda wf, v: wf.transform("1").after(goflow.workflow("x").transform("1")),
        lambda wf, v: (wf.transform("1", id="a"), wf.variable("a")),
        lambda wf, v: wf.variable("b", colour="red"),
        lambda wf, v: (wf.build(), wf.transform("1")),
    ],
)
def test_misuse_is_a_bad_call(misuse):
    wf = goflow.workflow("w")
    v = wf.variable("v")
    with pytest.raises(BadCall):
        misuse(wf, v)


def test_a_condition_among_members_is_a_bad_call():
    wf = goflow.workflow("w")
    with pytest.raises(BadCall, match="nothing branches"), wf.loop([1]) as item, wf.when(item > 1):
        pass


def test_a_node_in_no_branch_is_a_bad_call():
    wf = goflow.workflow("w")
    with pytest.raises(BadCall, match="is in no branch"), wf.parallel():
        wf.transform("1")


def test_what_the_format_does_not_know_is_told_when_it_is_built():
    wf = goflow.workflow("w")
    wf.transform("1").options(retry={"max_attempts": 0})
    with pytest.raises(WorkflowInvalid, match="max_attempts"):
        wf.build()


def test_the_same_diagnostics():
    with goflow.workflow("w") as wf:
        wf.end("${nobody}")
    (finding,) = wf.validate()
    assert (finding.code, finding.path, finding.line) == ("GF302", "nodes[1].return", None)


def test_an_error_in_the_block_is_not_hidden():
    with pytest.raises(ZeroDivisionError), goflow.workflow("w"):
        1 / 0  # noqa: B018


def test_an_option_that_a_variable_does_not_have_is_named():
    wf = goflow.workflow("w")
    with pytest.raises(BadCall, match="a variable has no 'secret'"):
        wf.variable("limit", int, required=True, secret=True)

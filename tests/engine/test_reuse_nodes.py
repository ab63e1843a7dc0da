"""Kept results of every type of node that may have a policy, wherever it stands."""

import json

import pytest
from support.counted import one, read, twice
from support.workflows import function, loop, parallel, row, transform, workflow


def test_iterations_of_a_loop_are_looked_up(go, counted):
    text = workflow(
        [loop("l", '["x", "y", "x"]', ["a"]), read("a", "${item}", output="v")],
        row("l"),
        result="${nodes.l.output.iterations}",
        servers=[counted.server()],
    )
    first, second = twice(go, text)
    assert first.result == second.result == [{"v": "x"}, {"v": "y"}, {"v": "x"}]
    assert first.cache.hits == 1
    assert second.cache.hits == 3
    assert (counted.starts, len(counted.calls)) == (1, 2)
    assert second.node("a").status == "cached"


def test_a_parallel_loop_and_branches_are_looked_up(go, counted):
    text = workflow(
        [
            loop("l", '["x", "y", "x"]', ["a"], parallel=True),
            read("a", "${item}", output="v"),
            parallel("p", [["b"], ["c"]]),
            read("b", "x", output="vb"),
            read("c", "y", output="vc"),
        ],
        row("l", "p"),
        servers=[counted.server()],
    )
    first, second = twice(go, text)
    assert first.completed
    assert second.cache.hit_rate == 1.0
    assert (counted.starts, len(counted.calls)) == (1, 2)


def test_sub_workflows_are_looked_up(counted, tmp_path, go):
    inner = tmp_path / "inner.yaml"
    inner.write_text(one(counted))
    text = json.loads(
        workflow([{"id": "w", "type": "workflow", "workflow": "inner.yaml", "output": "x"}],
                 row("w"), result="${x}")
    )  # fmt: skip
    outer = tmp_path / "outer.yaml"
    outer.write_text(json.dumps(text))
    first, second = twice(go, outer)
    assert first.result == second.result == "hi"
    assert second.cache.hits == 1
    assert (counted.starts, len(counted.calls)) == (1, 1)


def test_retries_of_a_node_with_a_policy_go_on(go, counted):
    node = read("a", name="fail", retry={"max_attempts": 3, "on": ["tool_error"],
                                         "initial_delay": "1ms"})  # fmt: skip
    result = go(workflow([node], row("a"), servers=[counted.server()]))
    assert result.node("a").attempts == 3
    assert len(counted.calls) == 3


def test_a_function_with_a_policy_is_called_once(go):
    calls = []

    def add(a, b):
        calls.append((a, b))
        return a + b

    node = {**function("f", "add", output="x", a=1, b=2), "cache": True}
    text = workflow([node], row("f"), result="${x}")
    first, second = twice(go, text, functions={"add": add})
    assert (first.result, second.result) == (3, 3)
    assert calls == [(1, 2)]


def test_a_jq_program_with_a_policy_starts_no_worker_again(go):
    node = transform("t", "jq(.a + 1)", input="${v}", output="x", cache=True)
    text = workflow([node], row("t"), result="${x}",
                    variables=[{"name": "v", "default": {"a": 1}}])  # fmt: skip
    first, second = twice(go, text)
    assert first.result == second.result == 2
    assert second.node("t").cached


COSTLY = "sum(map(range(20000), # * n)) + 1"


def computed(expression, n=2, **options):
    node = transform("t", expression, output="x", cache=True, **options)
    return workflow([node], row("t"), result="${x}", variables=[{"name": "n", "default": n}])


def test_a_costly_transform_with_a_policy_is_computed_once(go):
    first, second = twice(go, computed(COSTLY))
    assert first.result == second.result == 2 * sum(range(20000)) + 1
    assert (first.node("t").status, second.node("t").status) == ("completed", "cached")
    assert go(computed(COSTLY, n=3)).result == 3 * sum(range(20000)) + 1


def test_a_cheap_transform_is_not_worth_keeping(go):
    first, second = twice(go, computed("n + 1"))
    assert first.result == second.result == 3
    assert not second.node("t").cached
    assert "computing it again is quicker" in first.node("t").lookup.kept


@pytest.mark.parametrize(
    "text",
    ["now()", "uuid()", "run.id", "nodes.start.duration", "nodes.start.attempts",
     '[1] | map(uuid())', "nodes['sta' + 'rt'].output"],
)  # fmt: skip
def test_a_transform_that_differs_from_run_to_run_is_never_cached(go, text):
    """Those that use now, uuid, run.* or durations; and where nobody can tell."""
    result = go(computed(f"[{COSTLY}, {text}]"))
    assert result.completed
    assert result.node("t").lookup is None
    assert result.cache is None


def test_a_transform_is_found_by_what_it_reads_of_nodes_and_its_input(go, counted):
    def text(word):
        return workflow(
            [read("a", word, cache=None),
             transform("t", f"[input, nodes.a.output, {COSTLY}][0:2]", input="nodes.a.output",
                       output="x", cache=True)],
            row("a", "t"), result="${x}", servers=[counted.server()],
            variables=[{"name": "n", "default": 1}],
        )  # fmt: skip

    assert go(text("one")).result == ["one", "one"]
    assert go(text("two")).result == ["two", "two"]
    again = go(text("one"))
    assert (again.result, again.node("t").cached) == (["one", "one"], True)

"""Progress: never backwards, whole exactly at the end, whatever the run does."""

import pytest
from support.workflows import condition, loop, passthrough, row, transform, workflow

import goflow
from goflow.engine import events
from goflow.engine.progress import Progress

CHAIN = workflow([passthrough(name) for name in "abc"], row(*"abc"))
BRANCHES = workflow(
    [condition("c", "true"), passthrough("yes"), passthrough("no"), passthrough("more")],
    ["start c", "c yes true", "c no false", "no more", "yes end", "more end"],
)
LOOP = workflow([loop("each", "range(4)", ["m"]), transform("m", "item")], row("each"))
NESTED = workflow(
    [loop("each", "range(2)", ["inner"]), loop("inner", "range(2)", ["m"]), transform("m", "1")],
    row("each"),
)
EMPTY = workflow([loop("each", [], ["m"]), transform("m", "item")], row("each"))
FAILS = workflow([transform("a", "1 / 0"), passthrough("b")], row("a", "b"))


def fractions(text):
    progress = Progress()
    seen = []

    def listener(event):
        progress.on_event(event)
        seen.append((progress.fraction, event))

    goflow.run(text, listener=listener)
    return seen


@pytest.mark.parametrize("text", [CHAIN, BRANCHES, LOOP, NESTED, EMPTY, FAILS])
def test_it_never_goes_back_and_is_whole_exactly_at_the_end(text):
    seen = fractions(text)
    values = [value for value, _ in seen]
    assert values == sorted(values)
    assert [value == 1.0 for value, _ in seen] == [
        isinstance(event, events.RunFinished) for _, event in seen
    ]


def test_nodes_count_alike():
    assert sorted({value for value, _ in fractions(CHAIN)}) == pytest.approx(
        [0, 1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 1]
    )


def test_a_branch_that_is_not_taken_is_done_with_when_that_is_known():
    seen = fractions(BRANCHES)
    after_condition = next(
        value for value, event in reversed(seen) if getattr(event, "node", None) == "more"
    )
    assert after_condition == pytest.approx(4 / 7)


def test_a_loop_counts_by_its_iterations():
    seen = fractions(LOOP)
    values = [value for value, event in seen if isinstance(event, events.IterationFinished)]
    assert values == pytest.approx([1.25 / 4, 1.5 / 4, 1.75 / 4, 2 / 4])


def test_a_workflow_in_a_node_counts_by_its_nodes(tmp_path):
    (tmp_path / "inner.json").write_text(CHAIN)
    (tmp_path / "outer.json").write_text(
        workflow([{"id": "s", "type": "workflow", "workflow": "inner"}], row("s"))
    )
    seen = fractions(tmp_path / "outer.json")
    values = [value for value, event in seen if getattr(event, "within", ())]
    assert values == sorted(values)
    assert values[-1] == pytest.approx(2 / 4)
    assert len(set(values)) == 6
    assert [value for value, _ in seen][-1] == 1.0


def test_a_beginning_that_was_lost_does_no_harm():
    progress = Progress()
    progress.on_event(events.IterationFinished("run", 0.0, "each", 0))
    progress.on_event(events.RunFinished("run", 0.0, "completed", 0.0))
    assert progress.fraction == 1.0

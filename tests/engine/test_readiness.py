"""The join arithmetic against an oracle that only knows the rules."""

from hypothesis import given
from hypothesis import strategies as st
from reference.readiness import settle_all

from goflow.engine.readiness import Readiness


@st.composite
def runs(draw):
    """A DAG whose every node but 0 has an incoming edge, and which edges are taken."""
    count = draw(st.integers(1, 12))
    edges = []
    for target in range(1, count):
        sources = draw(st.sets(st.integers(0, target - 1), min_size=1, max_size=4))
        edges += [(source, target) for source in sorted(sources)]
    taken = draw(st.lists(st.booleans(), min_size=len(edges), max_size=len(edges)))
    order = draw(st.randoms(use_true_random=False))
    return count, edges, taken, order


@given(runs())
def test_what_runs_and_what_is_skipped_is_what_the_rules_say(run):
    count, edges, taken, order = run
    indegree = [sum(target == i for _, target in edges) for i in range(count)]
    successors = [[target for source, target in edges if source == i] for i in range(count)]
    readiness = Readiness(indegree, successors)
    status = {}
    ready = [0]
    while ready:
        node = ready.pop(order.randrange(len(ready)))
        assert node not in status, "a node runs once"
        status[node] = "ran"
        leaving = [i for i, (source, _) in enumerate(edges) if source == node]
        now_ready, skipped = readiness.settle(
            [edges[i][1] for i in leaving if taken[i]],
            [edges[i][1] for i in leaving if not taken[i]],
        )
        ready += now_ready
        for i in skipped:
            assert i not in status
            status[i] = "skipped"
    assert status == settle_all(edges, 0, taken.__getitem__)


def test_a_join_is_ready_only_when_every_edge_is_settled():
    readiness = Readiness([0, 1, 1, 2], [[1, 2], [3], [3], []])
    assert readiness.settle([1, 2], []) == ([1, 2], [])
    assert readiness.settle([3], []) == ([], [])
    assert readiness.settle([], [3]) == ([3], [])

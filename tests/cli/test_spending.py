"""Where the time of a run went: the parts are the whole, and each moment is where it belongs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goflow.cli.live import frame, record
from goflow.cli.live_state import LiveState
from goflow.cli.spending import Spending
from goflow.engine import events

SERVERS = {"a": "one", "b": "one", "c": "two", "f": ""}
ERROR = {"code": "x", "message": "it broke\nbadly"}


def told(listener, *happened):
    """Tell of events given as (seconds, class, fields)."""
    for at, kind, *fields in happened:
        listener.on_event(kind("run", float(at), *fields))
    return listener


STEPS = st.lists(
    st.tuples(
        st.floats(0, 5),
        st.sampled_from(["start", "fail", "finish"]),
        st.sampled_from(["a", "b", "c", "f", "other"]),
        st.sampled_from([(), (0,), (1,)]),
    ),
    max_size=40,
)


@given(STEPS)
def test_the_parts_add_up_to_the_whole_whatever_happens(steps):
    spending, state, at = Spending(SERVERS), LiveState(), 100.0
    happened = [(at, events.RunStarted, "w", 5)]
    for passed, what, node, path in steps:
        at += passed
        happened.append(
            {
                "start": (at, events.AttemptStarted, node, 1, path),
                "fail": (at, events.AttemptFailed, node, 1, 0.5, ERROR, path),
                "finish": (at, events.NodeFinished, node, "completed", 1.0, None, path),
            }[what]
        )
    happened.append((at, events.RunFinished, "completed", at - 100.0))
    told(spending, *happened)
    assert sum(spending.seconds.values()) == pytest.approx(at - 100.0)
    told(state, *happened[:-1])
    for width, height in ((80, 24), (10, 3), (1, 1)):
        lines = frame(state, at, width, height)
        assert len(lines) <= max(1, height - 1)
        assert all(line.cell_len <= max(1, width) for line in lines)
    told(state, happened[-1])
    assert frame(state, at, 80, 24) == []
    assert record(state, spending)


def test_each_moment_belongs_to_the_first_kind_that_is_true_of_it():
    spending = told(
        Spending(SERVERS),
        (0, events.RunStarted, "w", 5),
        (1, events.AttemptStarted, "f", 1),  # 1 s of engine before it
        (3, events.AttemptStarted, "a", 1),  # 2 s of a function
        (7, events.AttemptFailed, "a", 1, 2.0, ERROR),  # 4 s of a tool, the function goes on
        (8, events.NodeFinished, "f", "completed", 7.0, None),  # 1 s of a function
        (9, events.AttemptStarted, "a", 2),  # 1 s of waiting to retry
        (12, events.NodeFinished, "a", "completed", 9.0, None),  # 3 s of a tool
        (14, events.RunFinished, "completed", 14.0),  # 2 s of engine
    )
    assert spending.seconds == {
        "tools": 7.0, "connecting": 0.0, "functions": 3.0, "delays": 1.0, "engine": 3.0,
    }  # fmt: skip
    assert (
        spending.text() == "tools 7.0 s · functions 3.0 s · waiting to retry 1.0 s · engine 3.0 s"
    )


def test_nothing_is_claimed_of_a_run_whose_events_were_lost_or_that_called_nothing():
    assert told(Spending(SERVERS), (0, events.RunStarted, "w", 1)).text() is None
    lost = told(Spending(SERVERS), (0, events.AttemptStarted, "a", 1), (1, events.EventsLost, 3))
    assert lost.text() is None


def test_a_loop_of_many_iterations_takes_no_more_memory_than_its_members():
    state = told(LiveState(), (0, events.RunStarted, "w", 1), (0, events.LoopStarted, "l", 5_000))
    for i in range(5_000):
        told(
            state,
            (i, events.NodeStarted, "m", (i,)),
            (i, events.NodeFinished, "m", "completed", 0.1, None, (i,)),
            (i, events.IterationFinished, "l", i),
        )
    assert set(state.rows) == {"l", "m"}
    assert (state.rows["l"].done, state.rows["m"].done, state.rows["m"].running) == (
        5_000,
        5_000,
        0,
    )
    assert len(state.tail) == 0

"""The retry rule by itself: which failures are tried again, and after how many seconds."""

import pytest

from goflow.engine.retry import delay_after, names_class
from goflow.errors import GoFlowError
from goflow.workflow.model import ERROR_CLASSES, Retry


def failure(code="timeout", message="it took too long", **fields):
    error = GoFlowError(message)
    error.code = code
    for name, value in fields.items():
        setattr(error, name, value)
    return error


def delays(error=None, **rule):
    retry = Retry(**{"max_attempts": 6, "jitter": False, **rule})
    return [delay_after(retry, error or failure(), attempt) for attempt in range(1, 7)]


def test_without_a_rule_nothing_is_tried_again():
    assert delay_after(None, failure(), 1) is None
    assert delay_after(Retry(), failure(), 1) is None


def test_max_attempts_counts_all_tries():
    assert delays(max_attempts=3) == [1.0, 2.0, None, None, None, None]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({}, [1.0, 2.0, 4.0, 8.0, 16.0]),
        ({"initial_delay": 0.5, "multiplier": 3.0}, [0.5, 1.5, 4.5, 13.5, 30.0]),
        ({"backoff": "linear"}, [1.0, 2.0, 3.0, 4.0, 5.0]),
        ({"backoff": "constant", "initial_delay": 0.2}, [0.2] * 5),
        ({"max_delay": 3.0}, [1.0, 2.0, 3.0, 3.0, 3.0]),
        ({"multiplier": 1e300}, [1.0, 30.0, 30.0, 30.0, 30.0]),
    ],
)
def test_the_backoff_grows_as_it_says_up_to_its_limit(rule, expected):
    assert delays(**rule)[:5] == pytest.approx(expected)


def test_jitter_draws_from_nothing_to_the_full_delay():
    retry = Retry(max_attempts=9, initial_delay=8.0)
    drawn = [delay_after(retry, failure(), 1) for _ in range(500)]
    assert 0.0 <= min(drawn) < 2.0
    assert 6.0 < max(drawn) <= 8.0


@pytest.mark.parametrize("code", sorted(ERROR_CLASSES))
def test_the_classes_that_are_tried_again_by_default(code):
    again = {"connection_error", "timeout", "rate_limit", "service_unavailable"}
    assert (delays(failure(code))[0] is not None) is (code in again)
    assert delays(failure(code), on=(code,))[0] == 1.0


def test_other_words_match_the_message():
    busy = failure("tool_error", "The printer is BUSY")
    assert delays(busy, on=("busy",))[0] == 1.0
    assert delays(busy, on=("paper",))[0] is None
    # A class is no word: it is not looked for in messages.
    assert delays(failure("tool_error", "a timeout, it says"), on=("timeout",))[0] is None


def test_skip_on_comes_before_on():
    assert delays(failure(), on=("timeout",), skip_on=("timeout",))[0] is None
    assert delays(failure(message="no such account"), skip_on=("no such",))[0] is None


def test_only_what_the_node_says_itself_names_a_class():
    assert not names_class(Retry(max_attempts=3), failure())
    assert names_class(Retry(on=("timeout",), on_given=True), failure())
    assert not names_class(Retry(on=("rate_limit",), on_given=True), failure())


def test_a_server_that_says_when_to_come_again_is_asked_no_sooner():
    error = failure("rate_limit", retry_after=7.0)
    assert delays(error)[0] == 7.0
    assert delays(error, max_delay=3.0)[0] == 3.0

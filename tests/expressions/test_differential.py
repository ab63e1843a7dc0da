"""The compiled language against a plain oracle, on generated expressions and values."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import expressions as oracle
from support.deep import rounds
from support.expressions import ENVIRONMENT, KINDS, Maker

from goflow.errors import ExpressionError
from goflow.expressions.compile import RAW, Expression

PIECES = (
    *("(", ")", "[", "]", "{", "}", ".", "?.", "?", ":", "|", "||", "&&", "!", "==", "<", "+", "-"),
    *("*", "/", "**", "#", "$", ",", "${", "a", "1", "'x'", "map(", "if(", "range(", "[*]", "null"),
    *("in", "not", "and", "or"),
)


WRONG = "no value"


def expected_of(tree):
    try:
        return repr(oracle.value(tree, ENVIRONMENT))
    except oracle.Wrong:
        return WRONG


def got_of(source):
    try:
        return repr(Expression.of(source).evaluate({**ENVIRONMENT, RAW: {}}))
    except ExpressionError as error:
        return WRONG if 0 <= error.position <= len(source) else f"a position of {error.position}"


def test_an_expression_has_the_value_that_the_rules_give_it():
    """100,000 of them; each has its seed, by which a failure is found again."""
    have_a_value = 0
    for seed in range(100_000):
        maker = Maker(random.Random(seed))
        tree = maker.tree(maker.pick(KINDS), 4)
        source = oracle.render(tree)
        expected, got = expected_of(tree), got_of(source)
        have_a_value += expected is not WRONG
        assert got == expected, (seed, source)
    assert have_a_value > 40_000


@pytest.mark.deep
@pytest.mark.timeout(3600)
@settings(max_examples=rounds(100_000), deadline=None)
@given(
    st.text(st.sampled_from("()[]{}.?:|&!=<>+-*/%#$,'\" \n\\a1é"), max_size=40)
    | st.lists(st.sampled_from(PIECES), max_size=25).map(" ".join)
)
def test_any_text_is_a_value_or_a_clear_error(source):
    env = {"a": [{"a": 1}, 2], RAW: {}}
    problem = None
    try:
        Expression.of(source).evaluate(env)
    except ExpressionError as error:
        problem = error
    assert problem is None or (problem.message and 0 <= problem.position <= len(source))

"""The compiled language against a plain oracle, on generated expressions and values."""

import random

from reference import expressions as oracle
from support.expressions import ENVIRONMENT, KINDS, Maker

from goflow.errors import ExpressionError
from goflow.expressions.compile import RAW, Expression

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

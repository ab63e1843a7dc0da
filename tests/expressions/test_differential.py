"""The compiled language against a plain oracle, on generated expressions and values."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import expressions as oracle
from support.deep import rounds

from goflow.errors import ExpressionError
from goflow.expressions.compile import RAW, Expression

NAMES = ("a", "b", "c")
KEYS = ("x", "y", "or", "in_")
WORDS = st.sampled_from(["", "x", "xy", "é", 'q"\\', "${a}", "\n"])
NUMBERS = st.one_of(
    st.integers(0, 9),
    st.sampled_from([0.5, 2.0, 1e300, 2**200]),
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, WORDS)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner, max_size=3)
    ),
    max_leaves=6,
)
BINARY = ("??", "or", "and", "==", "!=", "<", "<=", ">", ">=", "in", "contains", "startsWith")
BINARY += ("+", "-", "*", "/", "%", "**")


def _trees(inner):
    pairs = st.tuples(st.sampled_from(KEYS), inner)
    return st.one_of(
        st.tuples(st.sampled_from(BINARY), inner, inner),
        st.tuples(st.just("?:"), inner, inner, inner),
        st.tuples(st.sampled_from(("not", "neg")), inner),
        st.tuples(st.just("member"), inner, st.sampled_from(("x", "y")), st.booleans()),
        st.tuples(st.just("index"), inner, inner),
        st.tuples(st.just("call"), st.sampled_from(("length", "type")), inner),
        st.lists(inner, max_size=3).map(lambda items: ("list", *items)),
        st.lists(pairs, max_size=2, unique_by=lambda pair: pair[0]).map(lambda p: ("map", *p)),
    )


LEAVES = st.one_of(
    SCALARS.map(lambda value: ("lit", value)),
    st.sampled_from(NAMES).map(lambda name: ("name", name)),
)


@st.composite
def trees(draw, depth):
    return draw(st.one_of(LEAVES, _trees(trees(depth - 1))) if depth else LEAVES)


ENVIRONMENTS = st.fixed_dictionaries(dict.fromkeys(NAMES, VALUES))


@pytest.mark.deep
@pytest.mark.timeout(3600)
@settings(max_examples=rounds(100_000), deadline=None)
@given(trees(4), ENVIRONMENTS)
def test_an_expression_has_the_value_that_the_rules_give_it(tree, env):
    source = oracle.render(tree)
    try:
        expected = oracle.value(tree, env)
    except oracle.Wrong:
        with pytest.raises(ExpressionError) as caught:
            Expression.of(source).evaluate({**env, RAW: {}})
        assert 0 <= caught.value.position <= len(source)
    else:
        got = Expression.of(source).evaluate({**env, RAW: {}})
        assert repr(got) == repr(expected), source


PIECES = (
    *("(", ")", "[", "]", "{", "}", ".", "?.", "?", ":", "|", "||", "&&", "!", "==", "<", "+", "-"),
    *("*", "/", "**", "#", "$", ",", "${", "a", "1", "'x'", "map(", "if(", "range(", "[*]", "null"),
    *("in", "not", "and", "or"),
)


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

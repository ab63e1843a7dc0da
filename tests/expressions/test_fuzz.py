"""Any text, however it was put together, is a contained value or a clear error."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.deep import rounds
from support.hostile import EXPRESSIONS, TEXTS, VALUES, assert_contained, outcome

from goflow.expressions.compile import Expression
from goflow.expressions.functions import FUNCTIONS
from goflow.expressions.operators import COMPARISONS, SEARCHES
from goflow.expressions.text import Template
from goflow.expressions.transform import read_transform

TOKENS = (
    *("(", ")", "[", "]", "{", "}", ".", "?.", "?", ":", "|", "||", "&&", "!", "==", "<", "+", "-"),
    *("*", "/", "**", "#", "$", ",", "${", "a", "1", "'x'", "map(", "if(", "range(", "[*]", "null"),
    *("in", "not", "and", "or"),
)
SIGNS = (*COMPARISONS, *SEARCHES, "+", "-", "*", "/", "%", "**", "and", "or", "??", "|", "not in")
ATOMS = (
    *VALUES,
    *("0", "-1", "2.5", "1e308", "99999999999", "2**255", "null", "true", "''", "'x'", "'[1]'"),
    *("[]", "{}", "[1, 'a', null]", "{'k': 1}", "input", "$", "$.a", "$..*", "$.a.b", "#", ".k"),
)


@st.composite
def mutated(draw, corpus):
    """A text of the corpus with parts of it dropped, repeated, or taken from another."""
    text = draw(st.sampled_from(corpus))[:2000]
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        stop = draw(st.integers(start, min(len(text), start + 30)))
        other = draw(st.sampled_from(corpus))[:60]
        part = draw(st.sampled_from(["", text[start:stop] * 2, other, *TOKENS, *ATOMS]))
        text = text[:start] + part + text[stop:]
    return text


def calls(inner):
    """Every function, with too few, enough or too many arguments of any kind."""
    arguments = st.lists(inner, max_size=4).map(", ".join)
    return st.builds("{}({})".format, st.sampled_from(sorted(FUNCTIONS)), arguments)


def composed(inner):
    return (
        calls(inner)
        | st.builds("{} {} {}".format, inner, st.sampled_from(SIGNS), inner)
        | st.builds("({}) {} ({})".format, inner, st.sampled_from(SIGNS), inner)
        | st.builds("{}[{}]".format, inner, inner)
        | st.builds("{}[{}:{}]".format, inner, inner, inner)
        | st.builds("{}[*]{}".format, inner, st.sampled_from(("", ".k", "[0]", ".v[*]")))
        | st.builds("{} ? {} : {}".format, inner, inner, inner)
        | st.builds("[{}, {}]".format, inner, inner)
        | st.builds("{{'a': {}, 'b': {}}}".format, inner, inner)
        | st.builds("map({}, {})".format, inner, inner)
        | st.builds("-{}".format, inner)
    )


written = st.recursive(st.sampled_from(ATOMS), composed, max_leaves=12)


def campaign(count):
    """So many rounds of a test, a twentieth of them when it is not ``deep``."""

    def mark(test):
        test = settings(max_examples=rounds(count), deadline=None)(test)
        return pytest.mark.deep(pytest.mark.timeout(3600)(test))

    return mark


@campaign(100_000)
@given(
    st.text(st.sampled_from("()[]{}.?:|&!=<>+-*/%#$,'\" \n\\a1é"), max_size=40)
    | st.lists(st.sampled_from(TOKENS), max_size=25).map(" ".join)
)
def test_characters_and_tokens_at_random(source):
    value = outcome(lambda: Expression.of(source))
    assert_contained(value)
    assert getattr(value, "position", 0) <= len(source)


@campaign(20_000)
@given(mutated(EXPRESSIONS))
def test_mutations_of_hostile_expressions(source):
    assert_contained(outcome(lambda: Expression.of(source)))
    assert_contained(outcome(lambda: read_transform(source)))


@campaign(20_000)
@given(mutated([text for text in TEXTS if len(text) < 100]))
def test_mutations_of_hostile_texts(source):
    assert_contained(outcome(lambda: Template(source)))


@campaign(50_000)
@given(written)
def test_every_function_and_operator_on_any_values(source):
    assert_contained(outcome(lambda: Expression.of(source)))

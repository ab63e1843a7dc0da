"""``matches``: regular expressions that no text can make slow."""

import sys

import pytest

from goflow.errors import ExpressionError
from goflow.expressions import regex
from goflow.expressions.compile import Expression
from goflow.expressions.regex import PatternError, compile_pattern


def evaluate(source, **env):
    return Expression.of(source).evaluate(env)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("'report-2024.csv' matches '[0-9]{4}'", True),
        ("'report' matches '[0-9]'", False),
        ("'abc' matches '^b'", False),
        ("'abc' matches '^abc$'", True),
        ("'Größe 😀' matches 'ö.e .$'", True),
        ("'a.b' matches 'a\\\\.b'", True),
        ("'ABC' matches '(?i)abc'", True),
        ("'a' + 'b' matches 'ab' and true", True),
        ("not 'a' matches 'b'", True),
        ("name matches pattern", True),
        ("filter(names, # matches '^a')", ["ab"]),
    ],
)
def test_a_text_matches_where_the_pattern_occurs_in_it(source, value):
    assert evaluate(source, name="xay", pattern="a", names=["ab", "ba"]) == value


@pytest.mark.parametrize("pattern", ["(", "a**", "(a)\\\\1", "(?=a)", "(?:a{1000}){1000}"])
def test_a_pattern_that_is_written_out_is_refused_at_load(pattern):
    with pytest.raises(ExpressionError, match="this pattern is not supported") as caught:
        Expression.of(f"name matches '{pattern}'")
    assert caught.value.position == 13


def test_a_pattern_that_is_computed_is_refused_when_it_is_used():
    with pytest.raises(ExpressionError, match="not supported") as caught:
        evaluate("'a' matches p", p="(")
    assert caught.value.position == 4


def test_matches_needs_two_strings():
    with pytest.raises(ExpressionError, match="got a number and a string"):
        evaluate("1 matches 'a'")
    with pytest.raises(ExpressionError, match="got a string and null"):
        evaluate("'a' matches null")


@pytest.mark.parametrize("pattern", ["^(a+)+$", "(a|aa)+$", "(a*)*c", "(.*a){20}$"])
def test_no_pattern_can_blow_up(pattern):
    assert evaluate("text matches p", text="a" * 100_000 + "b", p=pattern) is False


def test_a_very_long_pattern_is_refused():
    with pytest.raises(ExpressionError, match="at most 4096 characters"):
        evaluate("'a' matches p", p="a" * 5000)


def test_without_the_engine_the_error_says_what_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "re2", None)
    monkeypatch.setattr(regex, "_COMPILED", {})
    with pytest.raises(PatternError, match="google-re2, which is not installed"):
        compile_pattern("a")

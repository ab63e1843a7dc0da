"""``matches``: regular expressions that no text can make slow."""

import subprocess
import sys

import pytest

from goflow.errors import ExpressionError
from goflow.expressions import regex
from goflow.expressions.budget import Budget
from goflow.expressions.compile import Expression
from goflow.expressions.regex import PatternError, compile_pattern, found
from goflow.expressions.values import EvalError


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


def test_a_pattern_whose_program_is_large_is_refused():
    for pattern in (
        r"(?:a{1000}){1000}",
        r"\pL{1000}",
        r"((((a{99}){99}){99}){99}){99}",
        "(" * 2000,
    ):
        with pytest.raises(PatternError, match="not supported"):
            compile_pattern(pattern)


def test_a_pattern_is_paid_for_before_it_runs():
    budget = Budget()
    budget.steps = 10_000
    with pytest.raises(EvalError, match="steps"):
        found("(?:.{100}){10}$", "x" * 1_000_000, budget)


def test_a_match_of_all_is_no_match_of_a_part():
    budget = Budget()
    assert found("a|ab", "ab", budget, whole=True)
    assert not found("a", "ab", budget, whole=True)
    with pytest.raises(PatternError):
        found(")|(", "a", budget, whole=True)


def test_the_engine_is_loaded_without_its_package_which_finds_it_later():
    code = (
        "import sys; from goflow.expressions.regex import compile_pattern;"
        "assert compile_pattern('^a+$').matches('aa');"
        "assert 'pydantic_core' not in sys.modules;"
        "import pydantic_core; from pydantic_core import SchemaValidator;"
        "assert sys.modules['pydantic_core._pydantic_core'].SchemaValidator is SchemaValidator"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_the_engine_the_error_says_what_is_missing(monkeypatch):
    monkeypatch.delitem(sys.modules, "pydantic_core._pydantic_core", raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.setattr(regex, "_COMPILED", {})
    with pytest.raises(PatternError, match="need the package pydantic-core"):
        compile_pattern("a")


def test_threads_that_match_first_at_once_load_the_engine_once():
    code = (
        "from concurrent.futures import ThreadPoolExecutor as Threads\n"
        "from threading import Barrier\n"
        "from goflow.expressions.regex import compile_pattern\n"
        "together = Barrier(8)\n"
        "def match(number):\n"
        "    together.wait()\n"
        "    return compile_pattern(f'^{number}$').matches(str(number))\n"
        "with Threads(8) as threads: assert all(threads.map(match, range(8)))\n"
        "import pydantic_core; pydantic_core.SchemaValidator({'type': 'str'})"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

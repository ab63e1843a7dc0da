"""RE2's syntax: what RE2 itself answers, pattern by pattern."""

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from support.deep import rounds

from goflow.expressions.regex import PatternError, compile_pattern

re2 = pytest.importorskip("re2", reason="optional: google-re2 has no wheel here")

# ruff: noqa: RUF001 - letters that look alike are what may go wrong
PIECES = [
    *"abKéſ1_-][^$.*+?{}()| #~/=:,&\t",
    "[^", "[a-c", "[[:alpha:]", "&&", "--", "??", "{2}", "{,3}", "{1,2}", "{2,}", "(?:", "(?i)",
    "(?s-i:", "(?m)", "(?P<n>", "(?<m>", r"\d", r"\D", r"\w", r"\W", r"\s", r"\S", r"\b", r"\B",
    r"\A", r"\z", r"\pL", r"\p{^Greek}", r"\PN", r"\x41", r"\x{e9}", r"\101", r"\0", r"\1", r"\.",
    r"\\", r"\Q.*\E", r"\n", r"\/",
]  # fmt: skip
LETTERS = "abKk\u212aéÉsſ1٣_-][&{},:.*#~\\\n\t\x0b\x00 α😀"


def answer_of_re2(pattern, text):
    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(pattern, options)
    except re2.error:
        return None
    return compiled.search(text) is not None, compiled.fullmatch(text) is not None


def ours(pattern, text):
    try:
        both = compile_pattern(pattern), compile_pattern(pattern, whole=True)
    except PatternError as error:
        # RE2 repeats what stands before a flag; the engine says that a flag cannot be repeated.
        assume("missing expression" not in str(error))
        return None
    return tuple(one.matches(text) for one in both)


@pytest.mark.deep
@settings(max_examples=rounds(20_000), deadline=None)
@example([r"[K)--\0]"], "-")
@example(["(?i)", r"\w"], "\u212a")
@example([r"(?i)\W"], "K")
@example(["a{,3}"], "a{,3}")
@example(["[[a&&b]"], "[")
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=6), st.text(LETTERS, max_size=5))
def test_a_pattern_says_what_re2_says(pieces, text):
    pattern = "".join(pieces)
    expected = answer_of_re2(pattern, text)
    assert ours(pattern, text) == expected


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        (r"(a)\1", "invalid escape"),
        ("(?=a)", "no group"),
        ("(?x)a # b", "no group"),
        ("a**", "repetition of a repetition"),
        ("a{1001}", "more than 1000"),
        ("a\\", "ends with a backslash"),
        ("[a", "missing closing"),
        (r"[a-\pL]", "range"),
        (r"[\b]", "invalid escape"),
        (r"\Z", "invalid escape"),
        ("\ud800", "surrogate"),
        ("(", "unclosed group"),
    ],
)
def test_what_re2_refuses_is_refused_with_a_reason(pattern, why):
    with pytest.raises(PatternError, match=why):
        compile_pattern(pattern)

"""Expressions: any text is a contained value or a clear error; trees have the oracle's value.

The first byte says what the rest is: the text of an expression, of a template, of a transform, or
the decisions that make a tree. The budget is a small one, so that an input takes little time.
"""

from unittest.mock import patch

from fuzz.choices import Choices
from reference import expressions as oracle
from support import hostile
from support.expressions import ENVIRONMENT, KINDS, Maker

from goflow.errors import ExpressionError
from goflow.expressions import budget
from goflow.expressions.compile import RAW, Expression
from goflow.expressions.functions import FUNCTIONS
from goflow.expressions.operators import COMPARISONS, SEARCHES
from goflow.expressions.text import Template
from goflow.expressions.transform import read_transform

LONGEST = 300
DICTIONARY = tuple(
    word.encode()
    for word in (
        *(f"{name}(" for name in FUNCTIONS),
        *(f" {sign} " for sign in (*COMPARISONS, *SEARCHES, "??", "and", "or", "not", "**")),
        *("${", "$.", "?.", "[*]", "[0]", "$..", "[?@.", "null", "true", "input", "'x'", "2**255"),
        *("$${", "\\${", "1e308", "#", "..", " | ", " ? ", " : ", "{'a': ", "&&", "||", "!"),
    )
)
VALUES = {
    **ENVIRONMENT, "f": 1.5, "e": {}, "deep": [[[[[1]]]]], "rows": [{"k": 1, "v": [1]}, {"k": 2}],
    "big": "x" * 5_000, "wide": "ß€" * 20, "many": list(range(300)), "at": "2024-02-29T12:00:00Z",
}  # fmt: skip
SEEDS = (
    *(bytes([0]) + text.encode("utf-8", "ignore")
      for text in hostile.EXPRESSIONS if len(text) < 80),
    *(bytes([1]) + text.encode("utf-8", "ignore") for text in hostile.TEXTS if len(text) < 80),
    b"\x02$.o.x", b"\x02$..y[?@ > 1]", b"\x02$.l[?(@.x == ${n})]", b"\x02upper(s)",
    *(bytes([3, kind]) + bytes((at * step) % 256 for at in range(60))
      for kind in range(len(KINDS)) for step in (7, 31, 101)),
)  # fmt: skip
CHANGING = tuple(name for name, function in FUNCTIONS.items() if not function.pure)
WRONG = "no value"


def check(data):
    """What ``data`` means gives a value that the rules allow, twice the same, or a clear error."""
    kind, rest = data[0] % 4 if data else 0, data[1:]
    with patch.multiple(budget, MAX_STEPS=20_000, MAX_BYTES=1 << 18):
        if kind == 3:
            _check_tree(Choices(rest))
        else:
            _check_text(kind, rest)


def _check_text(kind, rest):
    text = rest.decode("utf-8", "surrogateescape")
    read = (Expression.of, Template, read_transform)[kind]
    first = _outcome(read, text)
    hostile.assert_contained(first)
    if any(name in text for name in CHANGING):
        return
    assert repr(_outcome(read, text)) == repr(first)
    if kind == 0 and not isinstance(first, ExpressionError) and not set(text) & set("{}'\""):
        assert repr(_outcome(Template, f"${{{text}}}")) == repr(first)


def _outcome(read, text):
    try:
        return read(text).evaluate({**VALUES, "input": VALUES["o"], "$": VALUES["o"], RAW: {}})
    except ExpressionError as error:
        assert error.message
        assert 0 <= error.position <= len(text)
        return error


def _check_tree(choices):
    """A tree written down has the value that the rules give the tree."""
    maker = Maker(choices)
    tree = maker.tree(choices.choice(KINDS), 4)
    source = oracle.render(tree)
    try:
        expected = repr(oracle.value(tree, ENVIRONMENT))
    except oracle.Wrong:
        expected = WRONG
    try:
        answer = repr(Expression.of(source).evaluate({**ENVIRONMENT, RAW: {}}))
    except ExpressionError as error:
        assert 0 <= error.position <= len(source)
        answer = WRONG
    assert answer == expected, source

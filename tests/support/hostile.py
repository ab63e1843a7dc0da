"""Texts that mean harm, or that carelessness writes, and the values they are tried on.

``hostile.txt`` holds those that read well on one line; the ones that are long or strange are here.
"""

import json
import math
from pathlib import Path

from goflow.errors import ExpressionError
from goflow.expressions.compile import RAW

BIG = "x" * 1_000_000
VALUES = {
    "s": "text", "n": 5, "f": 1.5, "t": True, "z": None, "l": [3, 1, 2], "o": {"a": {"b": 1}},
    "e": {}, "big": BIG, "other": BIG[:-1] + "y", "padded": " " + BIG, "wide": "ß€" * 300_000,
    "almost": "a" * 29_000, "digits": "9" * 100_000, "words": ["w" * 90 + str(i) for i in range(5)],
    "many": list(range(10_000)), "million": list(range(1_000_000)),
    "rows": [{"k": i % 7, "v": [i]} for i in range(1000)],
    "deep": json.loads("[" * 150 + "]" * 150),
    "empties": "[" + "[]," * 500_000 + "[]]",
}  # fmt: skip
STRANGE = [
    "", " ", "\t\n", "a ?? ", "s | upper | ", "'\x00'", "\x00", "a\x00b", "\ufeffa", "a\u200bb",
    "\u202ea", "é", "\uff41", "a\u0301", "😀", "'😀'", "\u0661", "\uff11", "½", "²",
    "\n" * 8_000 + "1",
]  # fmt: skip
LONG = [
    "(" * 100 + "1" + ")" * 100, "[" * 100 + "]" * 100, "-" * 10_000 + "1", "!" * 10_000 + "t",
    "1" + "+1" * 5_000, "1" + " ** 1" * 2_000, "t" + " ? t : t" * 2_000, "s" + " | upper" * 2_000,
    "a" + ".a" * 5_000, "a" + "[0]" * 5_000, "x" * 8_192, "x" * 8_193, "'" + "x" * 9_000 + "'",
    "9" * 5_000, "1." + "9" * 5_000, "1e" + "9" * 5_000, "a " * 4_000,
    "fromJSON('" + "[" * 3000 + "')", "fromJSON('" + "[" * 1000 + "]" * 1000 + "')",
    "fromJSON('" + "[" * 300 + "]" * 300 + "')", "fromJSON('" + "9" * 400 + "')",
    "formatDate(0, '%" + "Y" * 500 + "')", "formatDate(0, '" + "%c" * 100 + "')",
    "map(million, formatDate(#, '" + "%c" * 100 + "'))",
    " + ".join(["upper(big)"] * 20), " + ".join(["big"] * 20), "[" + "big == other," * 600 + "1]",
    "[" + "million == million," * 400 + "1]", "map(million, [" + "#+#," * 1_000 + "1])",
    "[" + "map(million, #)," * 500 + "1]", "max(" + "sum(million)," * 500 + "1)",
    "{" + ",".join(f"'{i}': many == many" for i in range(300)) + "}",
]  # fmt: skip
TEXTS = [
    "${s}" * 3_000, "${big}" * 20, "x" * 100_000 + "${s}", "${s}\x00${s}",
    "${'" + "a" * 9_000 + "'}", "${million}" * 20, "${sum(million)}" * 500,
    "${rows} " * 1_000, "${deep}" * 1_000,
]  # fmt: skip


def _sections():
    sections = {}
    for line in (Path(__file__).parent / "hostile.txt").read_text().splitlines():
        if line.startswith("=== "):
            section = sections.setdefault(line[4:], [])
        elif line:
            section.append(line)
    return sections


SECTIONS = _sections()
TEXTS += SECTIONS.pop("texts")
EXPRESSIONS = [*(text for section in SECTIONS.values() for text in section), *STRANGE, *LONG]


def environment():
    """The values, as an expression of a transform sees them."""
    return {**VALUES, "input": VALUES["o"], "$": VALUES["o"], RAW: {}, "inputs": {}}


def outcome(make):
    """The value, or the error, which must be clear; anything else is a failure of the test."""
    problem = None
    try:
        return make().evaluate(environment())
    except ExpressionError as error:
        problem = error
    assert problem.message
    assert problem.position >= 0
    return problem


def assert_contained(value):
    """A JSON value with finite numbers of at most 256 bits; each list and map is looked at once."""
    if isinstance(value, ExpressionError):
        return
    stack, seen = [value], set()
    while stack:
        item = stack.pop()
        assert type(item) in (str, int, float, bool, type(None), list, dict), type(item)
        if type(item) is int:
            assert item.bit_length() <= 256
        elif type(item) is float:
            assert math.isfinite(item)
        elif type(item) in (list, dict) and id(item) not in seen:
            seen.add(id(item))
            assert type(item) is list or all(type(key) is str for key in item)
            stack += item if type(item) is list else item.values()

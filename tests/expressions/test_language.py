"""The expression language: what each rule of its grammar and semantics promises."""

import pytest

from goflow.errors import ExpressionError
from goflow.expressions.compile import RAW, Expression
from goflow.expressions.functions import FUNCTIONS

ENV = {
    "n": 3,
    "f": 2.5,
    "s": "text",
    "t": True,
    "z": None,
    "l": [1, 2, 3],
    "o": {"a": {"b": 12}, "b c": 1},
    "items": [{"price": 5, "tags": ["x"]}, {"price": 20, "tags": ["y", "z"]}],
}


def evaluate(source, strict=False, **more):
    return Expression.of(source, strict).evaluate({**ENV, RAW: {}, **more})


def error_of(source, strict=False, **more):
    with pytest.raises(ExpressionError) as caught:
        evaluate(source, strict, **more)
    return caught.value


@pytest.mark.parametrize(
    ("source", "value"),
    [
        # literals
        ("1", 1),
        ("1.5e2", 150.0),
        ('"a\\n\\u00e9"', "a\né"),
        ("'it\\'s'", "it's"),
        ('"\\ud83d\\ude00"', "😀"),
        ("true", True),
        ("nil", None),
        ("[1, 'a', [null]]", [1, "a", [None]]),
        ('{"k": {"v": 1}}', {"k": {"v": 1}}),
        # precedence, loosest first
        ("l | first + 1 | string", "2"),
        ("false ? 1 : true ? 2 : 3", 2),
        ("z ?? false || 7", 7),
        ("0 || 1 && 2", 2),
        ("not 1 == 2", True),
        ("1 + 2 == 3", True),
        ("1 + 2 * 3", 7),
        ("7 % 4 * 2", 6),
        ("-2 ** 2", -4),
        ("2 ** 3 ** 2", 512),
        ("2 ** -1", 0.5),
        ("(1 + 2) * 3", 9),
        # access
        ("o.a.b", 12),
        ('o["b c"]', 1),
        ("l[-1]", 3),
        ("l[1:]", [2, 3]),
        ("l[:-1]", [1, 2]),
        ("s[0:2]", "te"),
        ("items[*].price", [5, 20]),
        ("items[*].tags[0]", ["x", "y"]),
        ("items[*].tags[*]", [["x"], ["y", "z"]]),
        ("z?.a", None),
        ("o?.missing", None),
        ("t ? 5 : 1", 5),
        # comparison and logic
        ("1 == 1.0", True),
        ("1 == true", False),
        ("[1] == [1.0]", True),
        ("[1] == [true]", False),
        ('{"a": 1} == {"a": 1}', True),
        ("'a' < 'b'", True),
        ("2 in l", True),
        ("4 not in l", True),
        ("'ex' in s", True),
        ("'a' in o", True),
        ("l contains 2", True),
        ("s startsWith 'te' and s endsWith 'xt'", True),
        ("0 or 'x'", "x"),
        ("'' and 1", ""),
        ("not ''", True),
        ("!l", False),
        # arithmetic
        ("7 / 2", 3.5),
        ("'a' + 'b'", "ab"),
        ("[1] + [2]", [1, 2]),
        ("2 ** 255", 2**255),
        # interpolation marks mean nothing more
        ("${n} > 2", True),
        ("${n > 2}", True),
        ("${o.a}.b", 12),
        # elements
        ("filter(items, .price > 10)[0].price", 20),
        ("map(l, # * 2)", [2, 4, 6]),
        ("map(items, 'price')", [5, 20]),
        ("items | map(.price) | sum", 25),
        ("map(items, count(.tags, # != 'z'))", [1, 1]),
        ("map(l, map(l, #)[0])", [1, 1, 1]),
        # laziness
        ("t || 1 / 0", True),
        ("z ?? 1", 1),
        ("if(t, 1, 1 / 0)", 1),
        ("default(n, 1 / 0)", 3),
        ("false && 1 / 0", False),
    ],
)
def test_value(source, value):
    got = evaluate(source)
    assert got == value
    assert type(got) is type(value)


@pytest.mark.parametrize(
    ("source", "position", "message"),
    [
        ("", 0, "expected a value, found the end"),
        ("1 +", 3, "expected a value"),
        ("(1", 2, "to close '('"),
        ("1 = 2", 2, "unexpected character '='"),
        ("a b", 2, "ends before this"),
        ("'open", 0, "not closed"),
        ("'\\q'", 1, "unknown escape"),
        ("'\\ud83d'", 0, "surrogate"),
        ("1 < 2 < 3", 6, "do not chain"),
        ("1 == 2 == 3", 7, "do not chain"),
        ("12abc", 0, "cannot begin with a digit"),
        ("s.upper()", 2, "have no methods"),
        ("uper(s)", 0, "no function 'uper'"),
        ("s | 3", 4, "expected a function"),
        ("upper(s, 1)", 0, "was given 2 arguments"),
        ("{a: 1}", 1, "key in quotes"),
        ("t ? 1", 5, "expected ':'"),
        ("l[1", 3, "to close '['"),
        ("o.", 2, "expected a name"),
        ("and", 0, "expected a value"),
        ("9" * 78, 0, "256 bits"),
        ("1e999", 0, "too large"),
        ("(" * 65 + "1", 64, "nested deeper"),
        ("1" + "+1" * 70, 126, "nested deeper"),
        ("l" + "[*]" * 70, 190, "nested deeper"),
        ("1 " * 5000, 2, "ends before this"),
        ("'" + "a" * 9000 + "'", 9002, None),
    ],
)
def test_a_syntax_error_has_its_position(source, position, message):
    if message is None:
        source += " + 1"
        message = "characters long"
    with pytest.raises(ExpressionError, match=r".") as caught:
        Expression.of(source)
    assert message in caught.value.message
    assert caught.value.source == source
    if len(source) < 5000:
        assert caught.value.position == position


@pytest.mark.parametrize(
    ("source", "position", "message"),
    [
        ("nope", 0, "there is no variable 'nope'"),
        ("z.a", 2, "null has no member 'a'"),
        ("n.a", 2, "a number has no member"),
        ("l.a", 2, "an array has no member"),
        ("l['a']", 1, "an array has no member"),
        ("l[1.5]", 1, "cannot index an array with a number"),
        ("n[0]", 1, "cannot index a number"),
        ("n < s", 2, "cannot compare a number < a string"),
        ("t < 1", 2, "cannot compare a boolean"),
        ("z < 1", 2, "cannot compare null"),
        ("n + s", 2, "cannot add a number and a string"),
        ("t + 1", 2, "cannot add a boolean"),
        ("s * 2", 2, "cannot compute a string"),
        ("1 / 0", 2, "division by zero"),
        ("1 % 0", 2, "division by zero"),
        ("2 ** 256", 2, "256 bits"),
        ("2 ** 1000000000", 2, "256 bits"),
        ("(-8) ** 0.5", 5, "negative number"),
        ("1e300 ** 2", 6, "too large"),
        ("1e308 * 10", 6, "too large"),
        ("1e308 + 1e308", 6, "too large"),
        ("-s", 0, "cannot negate a string"),
        ("1 in 5", 2, "cannot look for"),
        ("#", 0, "stand for an element"),
        (".a", 0, "stand for an element"),
        ("upper(1)", 0, "upper: expected string, got number"),
        ("1 + upper(n)", 4, "expected string"),
        ("map(l, upper(#))", 7, "expected string"),
        ("sort([1, 'a'])", 0, "only numbers or strings"),
        ("s[1.5:]", 1, "whole numbers"),
        ("n[1:]", 1, "cannot slice"),
        ("n[*]", 1, "needs an array or object"),
    ],
)
def test_an_evaluation_error_has_its_position(source, position, message):
    error = error_of(source)
    assert message in error.message
    assert error.position == position


def test_a_missing_key_or_index_is_null_and_in_strict_mode_an_error():
    assert evaluate("o.missing") is None
    assert evaluate("l[9]") is None
    assert evaluate("o['x' + 'y']") is None
    for source in ("o.missing", "l[9]", "o['x' + 'y']"):
        assert "there is no" in error_of(source, strict=True).message
    assert evaluate("o?.missing", strict=True) is None


def test_an_unknown_name_hints_at_the_nearest():
    assert error_of("itms").hint == "did you mean 'items'?"
    with pytest.raises(ExpressionError) as caught:
        Expression.of("lenght(l)")
    assert caught.value.hint == "did you mean 'length'?"


def test_element_bindings_are_the_innermost_ones_and_are_given_back():
    assert evaluate("map(items, map(.tags, #) | join('-'))") == ["x", "y-z"]
    env = {**ENV, RAW: {}}
    Expression.of("map(l, #)").evaluate(env)
    assert env.get("#") is None


def test_host_objects_cannot_be_reached():
    assert evaluate("o.__class__") is None
    for source in ("s.__class__", "l.append", "n.real", "f.hex"):
        assert "has no member" in error_of(source).message


def test_raw_results_answer_for_their_three_keys_only():
    raw = {"content": [{"type": "text", "text": "x"}], "isError": False}
    assert evaluate("v.content[0].text", v={"a": 1}, **{RAW: {"v": raw}}) == "x"
    assert evaluate("v.content", v={"content": 1}, **{RAW: {"v": raw}}) == 1
    assert evaluate("v.isError", v="text", **{RAW: {"v": raw}}) is False
    assert evaluate("v.structuredContent", v="text", **{RAW: {"v": raw}}) is None
    assert "no member" in error_of("v.other", v="text", **{RAW: {"v": raw}}).message


FUNCTION_VALUES = [
    ("upper('aé')", "AÉ"),
    ("lower('AÉ')", "aé"),
    ("trim('  a ')", "a"),
    ("capitalize('aB')", "AB"),
    ("length('abc')", 3),
    ("len({'a': 1})", 1),
    ("split('a,b', ',')", ["a", "b"]),
    ("split('ab', '')", ["a", "b"]),
    ("join([1, null, true, 2.0], '-')", "1--true-2"),
    ("replace('aXbX', 'X', 'y')", "ayby"),
    ("string({'a': 1.5})", '{"a":1.5}'),
    ("formatNumber(1234.5)", "1,234.50"),
    ("formatNumber(1234.5, 0)", "1,234"),
    ("base64('é')", "w6k="),
    ("unbase64('w6k=')", "é"),
    ("sum([1, 2.5])", 3.5),
    ("sum([])", 0),
    ("min([3, 1])", 1),
    ("min(3, 1.0)", 1.0),
    ("max('a', 'b')", "b"),
    ("max([])", None),
    ("avg([1, 2])", 1.5),
    ("avg([])", None),
    ("round(2.5)", 2),
    ("round(2.345, 1)", 2.3),
    ("abs(-2)", 2),
    ("floor(-1.5)", -2),
    ("ceil(1.2)", 2),
    ("int('42')", 42),
    ("int(2.9)", 2),
    ("float('1.5')", 1.5),
    ("bool('false')", False),
    ("bool([0])", True),
    ("map([1], # + 1)", [2]),
    ("filter([1, 2], # > 1)", [2]),
    ("find([1, 2], # > 1)", 2),
    ("find([1], # > 1)", None),
    ("any([0, 1])", True),
    ("all([1, 2], # > 1)", False),
    ("count([1, 2])", 2),
    ("count([1, 2], # > 1)", 1),
    ("sort([3, 1, 2])", [1, 2, 3]),
    ("sort([{'k': 'b'}, {'k': 'a'}], .k)", [{"k": "a"}, {"k": "b"}]),
    ("unique([1, 1.0, true, 'a', 'a', [1], [1.0]])", [1, True, "a", [1]]),
    ("unique([{'k': 1, 'v': 1}, {'k': 1, 'v': 2}], .k)", [{"k": 1, "v": 1}]),
    ("first([])", None),
    ("last([1, 2])", 2),
    ("reverse([1, 2])", [2, 1]),
    ("flatten([[1], 2, [[3]]])", [1, 2, [3]]),
    ("range(3)", [0, 1, 2]),
    ("range(5, 0, -2)", [5, 3, 1]),
    ("range(3, 0)", []),
    ("keys({'b': 1, 'a': 2})", ["b", "a"]),
    ("values({'b': 1})", [1]),
    ("entries({'b': 1})", [{"key": "b", "value": 1}]),
    ("merge({'a': 1}, {'a': 2, 'b': 3})", {"a": 2, "b": 3}),
    ("type(null)", "null"),
    ("type(1.5)", "number"),
    ("type([])", "array"),
    ("default(null, 1)", 1),
    ("if(false, 1)", None),
    ("toJSON({'a': [1, null]})", '{"a":[1,null]}'),
    ("fromjson('[1]')", [1]),
    ("tojson('x')", '"x"'),
    ("fromJSON('{}')", {}),
    ("formatDate('2026-01-02T03:04:05Z')", "2026-01-02"),
    ("formatDate(0, '%H:%M')", "00:00"),
    ("formatDate('2026-01-02T01:04:05.5+02:00', '%d %H:%M')", "01 23:04"),
    ("formatDate('2026-01-02T03:04:05.123456789Z', '%f')", "123456"),
    ("formatDate('2026-01-02', '%H')", "00"),
    ("path.basename('/a/b.txt')", "b.txt"),
    ("path.dirname('/a/b.txt')", "/a"),
    ("path.dirname('/a')", "/"),
    ("path.ext('a.tar.gz')", ".gz"),
    ("path.ext('.bashrc')", ""),
    ("path.join('a', 'b/', 'c')", "a/b/c"),
    ("path.join('a', '/b')", "/b"),
]


@pytest.mark.parametrize(("source", "value"), FUNCTION_VALUES)
def test_function(source, value):
    got = evaluate(source)
    assert got == value
    assert type(got) is type(value)


def test_every_function_is_documented_and_tried():
    tried = " ".join(source for source, _ in FUNCTION_VALUES)
    for name, function in FUNCTIONS.items():
        assert function.help.endswith(".") or function.help.endswith(")."), name
        assert f"{name}(" in tried or not function.pure, name


def test_impure_functions_give_what_they_say():
    assert evaluate("now()").endswith("Z")
    assert evaluate("uuid() != uuid()") is True


@pytest.mark.parametrize(
    "source",
    [
        "int('x')",
        "int(fromJSON('1e400') ?? 'x')",
        "float('abc')",
        "float(2 ** 255) ** 9",
        "unbase64('é')",
        "unbase64('_')",
        "fromJSON('{')",
        "formatDate('yesterday')",
        "formatDate(1e300)",
        "formatNumber(1, 99)",
        "round(1, 9999)",
        "range(0, 10, 0)",
        "range(1.5)",
        "min(1, 'a')",
        "sum(['a'])",
        "avg('ab')",
        "join('ab', ',')",
        "keys([])",
        "length(5)",
        "floor('a')",
        "path.join(1)",
    ],
)
def test_a_function_given_nonsense_says_so(source):
    error = error_of(source)
    assert error.message
    assert "Traceback" not in error.message

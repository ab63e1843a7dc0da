"""JSONPath in transforms and expressions: RFC 9535, what is added to it, and its limits."""

import subprocess
import sys

import pytest

from goflow.errors import ExpressionError
from goflow.expressions.budget import Budget
from goflow.expressions.compile import RAW, Expression
from goflow.expressions.jsonpath import JSONPath
from goflow.expressions.jsonpath_library import Query
from goflow.expressions.transform import read_transform

DATA = {
    "orders": [
        {"id": 1, "status": "active", "tags": ["new", "big"], "total": 10},
        {"id": 2, "status": "done", "tags": [], "total": 25.5},
        {"id": 3, "status": "active", "tags": ["big"], "note": None},
    ],
    "a b": {"it's": "quoted"},
    "name": "text",
    "length": 7,
    "limit": True,
    "zero": 0,
}


def value(text, kind="auto", data=DATA, strict=False, **variables):
    compiled = read_transform(text, kind, strict=strict)
    return compiled.evaluate({RAW: {}, "$": data, "input": data, **variables})


def refusal(text, kind="auto", **variables):
    with pytest.raises(ExpressionError) as caught:
        value(text, kind, **variables)
    return caught.value


@pytest.mark.parametrize(
    ("path", "result"),
    [
        # what can match one thing gives it, or null
        ("$", DATA),
        ("$.name", "text"),
        ("$.orders[0].tags[-1]", "big"),
        ("$['a b'][\"it's\"]", "quoted"),
        ("$['a b']['it\\'s']", "quoted"),
        ("$.orders[9].id", None),
        ("$.name.nothing", None),
        ("$.orders.nothing", None),
        ("$.orders[2].note", None),
        # what can match several gives a list in document order
        ("$.orders[*].id", [1, 2, 3]),
        ("$..id", [1, 2, 3]),
        ("$.orders[::-1].id", [3, 2, 1]),
        ("$.orders[?@.status == 'active'].id", [1, 3]),
        ("$.orders[?(@.status == 'active' && @.total > 5)].id", [1]),
        ("$.orders[?@.total > 20 || !@.total].id", [2, 3]),
        ("$.nothing[*]", []),
        ("$.name[0:2]", []),
        # what is added to the RFC
        ("$.orders.length()", 3),
        ("$.orders[*].tags.length()", 3),
        ("$.name.length()", 4),
        ("$.zero.length()", None),
        ("$.length", 7),
        ("$.orders[?@.tags contains 'big'].id", [1, 3]),
        ("$.orders[?(@.status contains 'act')].id", [1, 3]),
        ("$[?@ contains 'it\\'s']", [{"it's": "quoted"}]),
        ("$.orders[?@.tags contains 'x' || @.id == 2].id", [2]),
        # types are strict, existence is not truth
        ("$[?@ == 1]", []),
        ("$.orders[?@.note == null].id", [3]),
        ("$[?@ == $.zero]", [0]),
        ("$[?@].length()", 6),
        # regular expressions
        ("$.orders[?match(@.status, 'act.*')].id", [1, 3]),
        ("$.orders[?search(@.status, '[no]+')].id", [2]),
        ("$.orders[?match(@.id, '1')].id", []),
    ],
)
def test_a_path_selects(path, result):
    assert value(path) == result
    assert value(path, "jsonpath") == result


def test_blanks_may_stand_between_segments_when_the_kind_is_jsonpath():
    assert value("$ .orders [0] .id", "jsonpath") == 1


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("length($.orders[?(@.status == 'active')])", 2),
        ("$.orders[0].total + 1", 11),
        ("$.orders[0].total+1", 11),
        ("$.orders[*].id | sum", 6),
        ("max($.zero, $.length)", 7),
        ("[$.zero, $['length']]", [0, 7]),
        ("$.nothing ?? 'other'", "other"),
        ("$.orders.length() == 3 && $.limit", True),
        ("map(input.orders, #.id * $.length)", [7, 14, 21]),
        ("$.orders[?(@.id == 1)][0].status == 'x' ? 1 : 2", 2),
        ("${ $.name }", "text"),
        ("template:${$.name}/${$.orders[*].id}", "text/[1,2,3]"),
        ("$ == input", True),
    ],
)
def test_a_path_is_a_value_in_an_expression(expression, result):
    assert value(expression) == result


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("$.orders[?@.status == ${status}].id", [2]),
        ("$.orders[?@.status == '${status}'].id", [2]),
        ("$.orders[?@.status == 'do${n}' || @.id == ${n}].id", [1]),
        ("$.orders[${n}].id", 2),
        ("$.orders[-${n}].id", 3),
        ("$[${key}]", "text"),
        ("$['${key}']", "text"),
        ("$[?@ == ${yes}]", [True]),
        ("$.orders[?@.note == ${nothing}].id", [3]),
        ("$.orders[${n}:].id", [2, 3]),
    ],
)
def test_a_value_is_bound_as_a_literal(text, result):
    variables = {"status": "done", "n": 1, "key": "name", "yes": True, "nothing": None}
    assert value(text, **variables) == result
    assert value(text, "jsonpath", **variables) == result


@pytest.mark.parametrize(
    "attempt",
    [
        "' || 1 == 1 || '",
        '" || 1 == 1 || "',
        "\\' || 1 == 1 || \\'",
        "x'] , $..*, ['",
        "\\",
        "\n\x00\t",
        "😀é'\"",
        "${n}",
    ],
)
def test_a_bound_text_stays_one_literal(attempt):
    data = [{"k": attempt, "v": 1}, {"k": "other", "v": 2}]
    for path in ("$[?@.k == ${x}].v", "$[?@.k == '${x}'].v", '$[?@.k == "${x}"].v'):
        assert value(path, data=data, x=attempt) == [1]
        assert value(path, data=data, x="nothing like it") == []
    assert value("$['${x}']", data={attempt: 5}, x=attempt) == 5
    assert value("$[${x}]", data={attempt: 5}, x=attempt) == 5


def test_only_scalars_can_be_bound():
    error = refusal("$.orders[?@.tags == ${x}]", x=["new"])
    assert "not an array" in error.message
    assert "longer than 64 KiB" in refusal("$[?@ == ${x}]", x="x" * 70_000).message
    assert "with its values" in refusal("$.orders[${x}:]", x="no number").message


def test_text_that_is_not_a_path_as_a_whole_stays_a_template():
    assert value("$.name is ${n}", n=1) == "$.name is 1"
    assert value("$${n}", n=1) == "${n}"
    assert value("$.${n}", n=50) == "$.50"


@pytest.mark.parametrize(
    ("text", "kind", "position"),
    [
        ("$.orders[?(@.a ==)]", "auto", 17),
        ("length($.orders[?@.a = 1])", "auto", 21),
        ("$.a[", "auto", 3),
        ("$.a['b]", "auto", 4),
        ("1 + $.a[(1]", "auto", 10),
        ("$.a b", "jsonpath", 4),
        ("name", "jsonpath", 0),
        ("$.orders[?nope(@.a)]", "auto", 10),
        ("$.a[?@.b == ${x} &]", "jsonpath", 17),
        ("$[?match(@.a, '(b')]", "auto", 3),
        ("$[?@.a == 1e999999]", "auto", 0),
        ("$[" + "(" * 70 + "1" + ")" * 70 + "]", "auto", 65),
    ],
)
def test_a_mistake_is_found_with_its_place(text, kind, position):
    with pytest.raises(ExpressionError) as caught:
        read_transform(text, kind)
    assert caught.value.position == position


def test_raw_tool_results_still_answer():
    raw = {"content": [{"type": "text", "text": "raw"}], "isError": False}
    for text, result in [
        ("$.content[0].text", "raw"),
        ("$.content[*].text", ["raw"]),
        ("$['content'].length()", 1),
        ("$.isError", False),
        ("upper($.content[0].text)", "RAW"),
        ("$.content[${zero}].text", "raw"),
    ]:
        compiled = read_transform(text)
        env = {RAW: {"$": raw}, "$": {"a": 1}, "zero": 0}
        assert compiled.evaluate(env) == result
    own = {RAW: {"$": raw}, "$": {"content": "its own"}}
    assert read_transform("$.content").evaluate(own) == "its own"


def test_a_path_outside_a_transform_has_no_input():
    with pytest.raises(ExpressionError, match="input of a transform"):
        Expression.of("$.a[*]").evaluate({RAW: {}})
    with pytest.raises(ExpressionError, match="input of a transform"):
        read_transform("$.a[${n}]").evaluate({RAW: {}, "n": 1})


def test_text_is_never_read_as_json():
    assert value("$[*]", data="[1, 2]") == []
    assert value("$..a", data='{"a": 1}') == []


@pytest.mark.parametrize(
    "path",
    ["$..[?count(@..*) > $.n]", "$[?@[?$[*]]]", "$..*..*", "$[*,*,*,*][*]"],
)
def test_the_work_of_a_path_is_bounded(path):
    data = [[0] * 100] * 6000
    assert "1,000,000 steps" in refusal(path, data=data).message


def test_comparisons_of_large_values_are_paid_for():
    large = [["z" * 1000] * 300]
    assert value("$[?@ == $[0]].length()", data=[large, [["z" * 1000] * 300]]) == 2
    for path in ("$[?@ == $[0]]", "$[?@ != $[0]]", "$[?@ contains $[0][0]]", "$[?@ <= $[0]]"):
        assert "1,000,000 steps" in refusal(path, data=[large] * 5000).message


def test_messages_speak_no_library_slang():
    assert refusal("$[?@.a in ['x']]").message == "expected comma, found name (JSONPath)"


def test_a_pattern_cannot_blow_up():
    data = ["a" * 50_000 + "b"]
    assert value("$[?search(@, '^(a+)+$')]", data=data) == []
    assert value("$[?match(@, '(a|aa|a?)*c')]", data=data) == []
    assert value("$[?search(@, '(')]".replace("'('", "$[1]"), data=["x", "("]) == []


def test_depth_is_bounded():
    deep: list = []
    for _ in range(5000):
        deep = [deep]
    assert "recursion limit" in refusal("$..a", data=deep).message


def test_whole_numbers_are_exact():
    data = [2**70, 2**70 + 1]
    assert value(f"$[?@ == {2**70 + 1}]", data=data) == [2**70 + 1]


def test_simple_paths_are_answered_without_the_library():
    code = (
        "import sys; from goflow.expressions.jsonpath import JSONPath\n"
        "for path in ('$', '$.a.b[0]', '''$['a b'][-1]''', '$.a.length()'): JSONPath(path).find({})"
        "\nassert 'jsonpath' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("path", ["$", "$.name", "$.orders[0].tags[-1]", "$['a b']", "$.x[2]"])
def test_simple_paths_agree_with_the_library(path):
    assert JSONPath(path).simple
    assert JSONPath(path).find(DATA) == Query(path).find(DATA, Budget())

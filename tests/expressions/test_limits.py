"""What an evaluation may take: length, depth, steps, bytes, and numbers that can be held."""

import pytest

from goflow.errors import ExpressionError
from goflow.expressions.budget import MAX_BYTES, Budget
from goflow.expressions.compile import RAW, Expression
from goflow.expressions.text import Template
from goflow.expressions.transform import read_transform
from goflow.expressions.values import EvalError, copied
from goflow.expressions.written import json_text, size_of

STEPS, BYTES = "more than 1,000,000 steps", "builds more than 16 MiB"


def evaluate(source, **more):
    return read_transform(source).evaluate({RAW: {}, **more})


def refusal(source, **more):
    with pytest.raises(ExpressionError) as caught:
        evaluate(source, **more)
    return caught.value.message


def test_a_source_of_8_kib_is_read_and_a_longer_one_is_not():
    text = "'" + "a" * 8190 + "'"
    assert evaluate(text) == "a" * 8190
    assert "at most 8192 characters" in refusal("1 + " + text)
    assert "at most 8192 characters" in refusal("'" + "a" * 8191 + "'")
    assert Template("${" + text + "}").evaluate({RAW: {}}) == "a" * 8190


def test_64_levels_are_read_and_65_are_not():
    assert evaluate("(" * 63 + "1" + ")" * 63) == 1
    assert "nested deeper than 64 levels" in refusal("(" * 64 + "1" + ")" * 64)
    assert evaluate("[" * 63 + "]" * 63)
    assert "nested deeper" in refusal("[" * 65 + "]" * 65)


@pytest.mark.parametrize(
    "source",
    [
        "map(list, map(list, map(list, #)))",
        "range(10000000)",
        "range(-(2 ** 200), 2 ** 200)",
        "sum(million) + sum(million)",
        "million == million && million == million",
        "million != other || million != other",
        "million contains [1] || million contains [1] || million contains [1] || [1] in million",
        "map(range(100000), 'needle' in big)",
        "map(range(100000), big == almost)",
        "map(range(100000), big < almost)",
        "map(range(100000), big startsWith almost)",
        "map(range(100000), trim(' a') + string(#) == '' || big contains 'b')",
        "sort(map(range(20000), # % 2 == 0 ? big : almost))",
        "unique(map(range(20000), # % 2 == 0 ? big : almost))",
        "max(map(range(20000), # % 2 == 0 ? big : almost))",
        "map(range(100000), big matches 'b+c')",
        "map(range(100000), 'a' matches string(#) + 'x')",
        "fromJSON(empties)",
        "toJSON(million) + toJSON([million, 1])",
    ],
)
def test_steps_are_bounded(source):
    big = "a" * 2_000_000
    million = list(range(600_000))
    values = {"big": big, "almost": big[:-1] + "b", "million": million, "other": [*million]}
    values["list"] = million[:1000]
    assert STEPS in refusal(source, empties="[" + "[]," * 600_000 + "[]]", **values)


def test_a_step_is_a_few_operations_and_not_a_whole_expression():
    sum_of_many = "+".join(["#"] * 60)
    assert evaluate(f"map(range(10000), {sum_of_many})")[1] == 60
    assert STEPS in refusal(f"map(range(200000), {sum_of_many})")


@pytest.mark.parametrize(
    "source",
    [
        "split(big[:900000], '')",
        "replace(big, 'a', big)",
        "big + big + big + big + big + big + big + big + big",
        "[" + "big + 'x', " * 20 + "1]",
        "map(range(100000), big + 'y')",
        "map(range(100000), big[1:])",
        "map(range(100000), trim(padded))",
        "map(range(100000), path.dirname(padded))",
        "map(range(600000), [])",
        "map(range(600000), {})",
        "map(range(600000), uuid())",
        "map(range(600000), formatNumber(#))",
        "join(list, big)",
        "upper(wide)",
        "base64(wide)",
        "toJSON(map(range(20), big))",
        "string(map(range(20), big))",
        "join(map(range(20), [big]), '')",
    ],
)
def test_what_is_built_is_bounded(source):
    big = "a" * 2_000_000
    values = {"padded": f" {big}/x", "wide": "é" * 5_000_000, "list": list(range(20))}
    assert BYTES in refusal(source, big=big, **values)


def test_passing_a_large_value_on_is_free():
    big = "a" * (64 << 20)
    assert evaluate("big", big=big) is big
    assert evaluate("true ? big : null", big=big) is big
    assert Template("${big}").evaluate({"big": big}) is big
    assert evaluate("first([big, 1])", big=big) is big


def test_json_text_is_measured_before_it_is_made():
    """A list of lists of lists … is small here, and would be 10 ** 30 bytes as text."""
    value: list = [0] * 1000
    for _ in range(10):
        value = [value] * 1000
    for source in ("toJSON(x)", "string(x)", "join([x])"):
        assert BYTES in refusal(source, x=value)
    with pytest.raises(ExpressionError, match="16 MiB"):
        Template("text ${x}").evaluate({"x": value})


@pytest.mark.parametrize(
    ("source", "multiplies"),
    [
        ("map(x, x)", True),
        ("[x, x]", True),
        ("map(x, [#, #])", True),
        ("map(x, map(x, #))", True),
        ("x + x", True),
        ("$..*", True),
        ("x", False),
        ("{'a': x, 'b': y}", False),
        ("filter(x, #[0] < 1 && #[1] < length(x)) | map(#[2])", False),
        ("map(x, {'a': #[0:50]})", False),
        ("[length(x), length(x), x != y]", False),
        ("true ? x : y", False),
    ],
)
def test_a_value_that_holds_another_often_is_bounded_as_if_written_out(source, multiplies):
    """A few steps like ``map(x, x)`` would make values that no memory could hold written out."""
    x = [[0] * 1000] * 5_000  # 10 MB written out
    env = {"x": x, "y": 1, "$": [x] * 3, "input": x}
    if not multiplies:
        evaluate(source, **env)
        return
    assert BYTES in refusal(source, **env) or STEPS in refusal(source, **env)


def test_a_copy_is_made_of_any_depth():
    deep: list = []
    for _ in range(5_000):
        deep = [deep, {"a": deep}] if len(deep) < 1 else [deep]
    copy = copied(deep)
    assert copy is not deep
    while deep:
        deep, copy = deep[0], copy[0]
    assert copy == []


@pytest.mark.parametrize(
    "value",
    [
        {}, [], [[]], "", "a", "é\"\n\\", "😀" * 100, "\x00" * 70, None, True, False, [True, False],
        {"a": 1, "é": [1.5, -2, 1e300, 0.1]}, [0, 9, 10, -10, 2**31, 2**200, -(2**255)],
        [{"k": str(i), "v": [i] * 5} for i in range(100)],
    ],
)  # fmt: skip
def test_the_measure_of_json_text_is_its_length(value):
    budget = Budget()
    text = json_text(value, Budget())
    numbers = text.count(",") + 1
    assert len(text.encode()) <= size_of(value, budget) <= len(text.encode()) + numbers


def test_a_text_with_many_interpolations_is_one_evaluation():
    with pytest.raises(ExpressionError, match="steps"):
        Template("${sum(l)} " * 200).evaluate({"l": [0] * 9000})
    with pytest.raises(ExpressionError, match="16 MiB"):
        Template("${b}${b}").evaluate({"b": "x" * (10 << 20)})


def test_a_budget_is_each_evaluations_own():
    env = {RAW: {}}
    for _ in range(3):
        assert len(Expression.of("range(400000)").evaluate(env)) == 400_000
        with pytest.raises(ExpressionError):
            Expression.of("range(4000000)").evaluate(env)


@pytest.mark.parametrize(
    "source",
    [
        "float('1e999')", "float('inf')", "float('-Infinity')", "float('nan')", "fromJSON('1e999')",
        "fromJSON('[1e400]')", "1e308 * 10", "sum([1e308, 1e308])", "avg([1e308, 1e308])",
        "round(1.7976931348623157e308, -308)", "2 ** 256", "-(2 ** 255) * 2", "int('9' + s)",
        "fromJSON('9' + s)", "fromJSON('{\"a\": [9' + s + ']}')", "sum([2 ** 255, 2 ** 255])",
        "2 ** 255 + 2 ** 255", "int(1e300)", "floor(1e300)", "round(1e300)",
    ],
)  # fmt: skip
def test_no_number_is_made_that_cannot_be_held(source):
    message = refusal(source, s="9" * 90)
    assert "inf" not in message or "inf" in source


@pytest.mark.parametrize("spelling", ["1_0", "0x10", "\u0661", " 1 2", "1e", "--1", "", "9" * 500])
def test_numbers_are_read_from_text_as_json_writes_them(spelling):
    for source in ("int(s)", "float(s)"):
        assert "is not" in refusal(source, s=spelling)


def test_integers_are_exact_up_to_256_bits():
    assert evaluate("2 ** 255 - 1 + 2 ** 255") == 2**256 - 1
    assert evaluate("fromJSON(s)", s=str(2**256 - 1)) == 2**256 - 1
    assert evaluate("toJSON([2 ** 255])") == f"[{2**255}]"


def test_what_is_overdrawn_stays_overdrawn():
    budget = Budget()
    budget.build(MAX_BYTES)
    for pay in (lambda: budget.build(1), lambda: budget.text("a"), lambda: budget.elements(1)):
        with pytest.raises(EvalError, match="16 MiB"):
            pay()

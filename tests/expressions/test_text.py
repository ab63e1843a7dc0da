"""Interpolation: text with ``${…}``, and YAML values that hold it."""

import pytest

from goflow.errors import ExpressionError
from goflow.expressions.compile import RAW, Expression
from goflow.expressions.text import Template, fill
from goflow.expressions.transform import Filled, read_input, read_transform

ENV = {"n": 3, "f": 4.0, "s": "text", "l": [1, {"a": None}], "z": None, "t": True, RAW: {}}


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("plain", "plain"),
        ("", ""),
        ("${n}", 3),
        ("${l}", [1, {"a": None}]),
        ("${z}", None),
        (" ${n}", " 3"),
        ("a ${s} b ${n}c", "a text b 3c"),
        ("${f}|${z}|${t}|${l}", '4||true|[1,{"a":null}]'),
        ("$${n}", "${n}"),
        ("\\${n}", "${n}"),
        ("$${n} ${n}", "${n} 3"),
        ("${ {'a': '}'}.a }", "}"),
        ("${'${n}'}", "${n}"),
        ("$ {n} $n }", "$ {n} $n }"),
        ("${n}${n}", "33"),
    ],
)
def test_a_whole_interpolation_keeps_its_type_and_text_is_text(source, value):
    got = Template(source).evaluate(dict(ENV))
    assert got == value
    assert type(got) is type(value)


@pytest.mark.parametrize(
    ("source", "position"), [("a ${n", 5), ("${}", 2), ("${n ${s}}", 4), ("x ${1 +} y", 7)]
)
def test_a_broken_interpolation_has_its_position_in_the_text(source, position):
    with pytest.raises(ExpressionError) as caught:
        Template(source)
    assert caught.value.position == position
    assert caught.value.source == source


def test_an_error_while_filling_shows_the_place():
    with pytest.raises(ExpressionError, match=r"null has no member 'x' .*\$\{z\.x\}"):
        Template("long " * 50 + "${z.x}").evaluate(dict(ENV))


def test_text_that_grows_too_large_is_an_error():
    with pytest.raises(ExpressionError, match="16 MiB"):
        Template("${b}${b}").evaluate({"b": "x" * (10 << 20)})


def test_nested_values_are_filled_and_constants_are_shared():
    value = {"a": ["${n}", {"b": "x${s}"}], "c": 5, "d": "$${n}"}
    build, constant = fill(value)
    assert not constant
    assert build(dict(ENV)) == {"a": [3, {"b": "xtext"}], "c": 5, "d": "${n}"}
    build, constant = fill({"a": ["$${n}", 1]})
    assert constant
    assert build({}) == {"a": ["${n}", 1]}
    assert build({}) is build({})


@pytest.mark.parametrize(
    ("source", "kind", "kept"),
    [
        ("n + 1", "auto", Expression),
        ("${n}", "auto", Expression),
        ("${n} + 1", "auto", Template),
        ("template: ${n}", "auto", Template),
        ("template: n", "auto", Template),
        ("n", "template", Template),
        ("${n} > 1", "expression", Expression),
        ('{"a": [1]}', "auto", Expression),
        ({"a": "${n}"}, "auto", Filled),
        (5, "auto", Filled),
    ],
)
def test_what_a_transform_is_follows_from_its_text(source, kind, kept):
    assert type(read_transform(source, kind)) is kept


@pytest.mark.parametrize(
    ("source", "value"),
    [("s", "text"), ("${s}", "text"), ("l[0] + 1", 2), ("n is ${n}", "n is 3"), ("${n} > 2", True)],
)
def test_an_input_is_a_name_an_expression_or_text(source, value):
    assert read_input(source).evaluate(dict(ENV)) == value

"""Texts that mean harm, or that carelessness writes: a value within bounds, or a clear error."""

import pytest
from support.hostile import EXPRESSIONS, SECTIONS, TEXTS, VALUES, assert_contained, outcome

from goflow.errors import ExpressionError
from goflow.expressions.budget import MAX_BYTES
from goflow.expressions.compile import Expression
from goflow.expressions.text import Template
from goflow.expressions.transform import read_transform


def names(text):
    return ascii(text[:40])


def test_there_are_hundreds_of_them():
    assert len(set(EXPRESSIONS)) >= 500
    assert len(set(EXPRESSIONS)) == len(EXPRESSIONS)
    assert len(set(TEXTS)) >= 30


@pytest.mark.timeout(20)
@pytest.mark.parametrize("source", EXPRESSIONS, ids=names)
def test_an_expression_is_a_contained_value_or_a_clear_error(source):
    value = outcome(lambda: Expression.of(source))
    assert_contained(value)
    # Strict mode turns values into errors, and nothing else.
    strict = outcome(lambda: Expression.of(source, True))
    impure = "uuid(" in source or "now(" in source
    assert impure or isinstance(strict, ExpressionError) or strict == value


@pytest.mark.timeout(20)
@pytest.mark.parametrize("source", EXPRESSIONS, ids=names)
def test_a_transform_is_a_contained_value_or_a_clear_error(source):
    assert_contained(outcome(lambda: read_transform(source)))


@pytest.mark.timeout(20)
@pytest.mark.parametrize("source", TEXTS, ids=names)
def test_a_text_is_a_contained_value_or_a_clear_error(source):
    value = outcome(lambda: Template(source))
    assert_contained(value)
    assert not isinstance(value, str) or len(value) <= MAX_BYTES


@pytest.mark.parametrize("source", SECTIONS["numbers in other spellings"])
def test_a_number_is_one_that_can_be_held_or_an_error(source):
    value = outcome(lambda: Expression.of(source))
    assert_contained(value)
    if isinstance(value, ExpressionError):
        assert "Infinity" not in value.message or "Infinity" in source


@pytest.mark.parametrize("name", ["s", "n", "o", "l", "z", "t"])
def test_no_attribute_of_a_host_object_can_be_named(name):
    for attribute in dir(VALUES[name]):
        for source in (f"{name}.{attribute}", f"{name}?.{attribute}", f'{name}["{attribute}"]'):
            value = outcome(lambda source=source: Expression.of(source))
            assert value is None or isinstance(value, ExpressionError)

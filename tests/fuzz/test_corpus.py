"""Every input that a fuzzer ever found worth keeping, again: `nox -s fuzz` finds them."""

from importlib import import_module

import pytest
from fuzz import corpus


@pytest.mark.parametrize("name", corpus.TARGETS)
def test_kept_inputs_do_what_their_target_promises(name):
    target = import_module(f"fuzz.{name}")
    inputs = [*target.SEEDS, *corpus.read(name)]
    for data in inputs:
        try:
            target.check(data)
        except BaseException as error:
            error.args = (f"on the input {corpus.written(data)}", *error.args)
            raise


@pytest.mark.parametrize("name", corpus.TARGETS)
def test_kept_inputs_are_few_short_and_in_order(name):
    inputs = corpus.read(name)
    assert inputs == sorted(set(inputs), key=lambda data: (len(data), data))
    assert max(map(len, inputs), default=0) <= import_module(f"fuzz.{name}").LONGEST
    assert sum(len(corpus.written(data)) + 1 for data in inputs) < 75_000

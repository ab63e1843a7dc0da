"""``goflow functions``: what expressions can call."""

import json

from goflow.expressions.functions import FUNCTIONS


def test_every_function_is_listed_once_with_its_help(cli):
    done = cli("functions")
    assert done.code == 0
    rows = done.out.splitlines()
    own = {function.signature: function.help for function in FUNCTIONS.values()}
    assert len(rows) == len(own)
    for signature, help_text in own.items():
        assert any(row.startswith(signature) and row.endswith(help_text) for row in rows)


def test_one_function_is_shown(cli):
    assert cli("functions", "trim").out == "trim(text)  Text without blanks at either end.\n"


def test_another_name_shows_the_function_that_it_means(cli):
    done = cli("functions", "len")
    assert done.out.startswith("length(value)  ")
    assert done.out.endswith(" (also called len)\n")


def test_json_tells_names_arguments_and_kinds(cli):
    listed = {each["name"]: each for each in json.loads(cli("functions", "--json").out)}
    assert set(listed) == set(FUNCTIONS)
    assert listed["len"]["alias_of"] == "length"
    assert json.loads(cli("functions", "map", "--json").out) == listed["map"]
    assert listed["map"] == {
        "name": "map",
        "alias_of": None,
        "signature": "map(list, expression)",
        "help": "The expression's value for each element.",
        "least_arguments": 2,
        "most_arguments": 2,
        "per_element": True,
        "pure": True,
    }
    assert listed["now"]["pure"] is False


def test_an_unknown_name_exits_with_2_and_names_the_nearest(cli):
    done = cli("functions", "lenght")
    assert done.code == 2
    assert done.out == ""
    assert "there is no function 'lenght'" in done.err
    assert "did you mean 'length'?" in done.err

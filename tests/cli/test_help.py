"""What a person finds who knows nothing but the command's name."""

import pytest

import goflow
from goflow.cli.app import VERBS


def test_help_lists_the_verbs_and_the_exit_codes(cli):
    done = cli("--help")
    assert done.code == 0
    for word in (*VERBS, "130 interrupted"):
        assert word in done.out


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_has_examples(cli, verb):
    done = cli(verb, "--help")
    assert done.code == 0
    assert f"Examples:\n    goflow {verb}" in done.out


def test_the_version_is_the_packages(cli):
    assert cli("--version").out == f"goflow, version {goflow.__version__}\n"

"""A run's owner is known to live as long as its process does, and no longer."""

import subprocess
import sys

import pytest

from goflow.history.owners import Owner, is_alive

HOLD = """
import sys
from pathlib import Path
from goflow.history.owners import Owner
owner = Owner(Path(sys.argv[1]))
print(owner.token, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "owners.lock"


def test_an_owner_lives_until_it_is_released(path):
    owner = Owner(path)
    assert is_alive(path, owner.token)
    owner.release()
    assert not is_alive(path, owner.token)
    owner.release()


def test_owners_of_one_process_are_told_apart(path):
    first, second = Owner(path), Owner(path)
    first.release()
    assert not is_alive(path, first.token)
    assert is_alive(path, second.token)
    second.release()


@pytest.mark.parametrize("end", ["kill", "exit"])
def test_another_processes_owner_dies_with_it(path, end):
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    token = int(child.stdout.readline())
    assert is_alive(path, token)
    own = Owner(path)
    assert is_alive(path, token)
    if end == "kill":
        child.kill()
    child.communicate()
    assert not is_alive(path, token)
    assert is_alive(path, own.token)
    own.release()


def test_a_token_that_nobody_has_is_dead(path):
    assert not is_alive(path, 5)

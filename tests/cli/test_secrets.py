"""``goflow secrets``: keeps them, lists their names, and never shows a value."""

import json
import os
import pty
import subprocess

import pytest

VALUE = "hunter2-and-more"


@pytest.fixture
def set_secret(goflow_command):
    """``set_secret(name, data)``: what it said, its value on standard input."""

    def set_secret(name, data=b"hunter2-and-more\n"):
        return subprocess.run(
            [*goflow_command, "secrets", "set", name], input=data, capture_output=True, check=False
        )

    return set_secret


def test_a_secret_is_set_listed_and_removed(cli, set_secret, keyring_file):
    done = set_secret("github")
    assert done.returncode == 0
    assert VALUE.encode() not in done.stdout + done.stderr
    assert json.loads(keyring_file.read_text()) == {"goflow/github": VALUE}
    done = cli("secrets", "list", "--json")
    assert json.loads(done.out) == [
        {"name": "github", "source": "keyring", "entry": "goflow/github", "also": []}
    ]
    assert "github  keyring" in cli("secrets", "list").out
    assert cli("secrets", "remove", "github").code == 0
    assert json.loads(cli("secrets", "list", "--json").out) == []
    assert cli("secrets", "remove", "github").code == 2


def test_the_value_is_asked_for_on_a_terminal_and_not_echoed(goflow_command, keyring_file):
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [*goflow_command, "secrets", "set", "github"],
        stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True,
    )  # fmt: skip
    os.close(terminal)
    seen = b""
    while b"Value of github" not in seen:
        seen += os.read(controller, 1024)
    os.write(controller, VALUE.encode() + b"\n")
    assert process.wait(timeout=60) == 0
    while True:
        try:
            data = os.read(controller, 1024)
        except OSError:
            break
        if not data:
            break
        seen += data
    os.close(controller)
    assert VALUE.encode() not in seen
    assert json.loads(keyring_file.read_text()) == {"goflow/github": VALUE}


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("github", b"", b"is empty"),
        ("github", b"\n", b"is empty"),
        ("github", b"\xff\n", b"is not UTF-8"),
        ("a/b", b"x\n", b"is not a secret's name"),
        ("github", b"x" * ((1 << 20) + 1), b"is larger than 1 MiB"),
    ],
)
def test_what_is_no_secret_is_refused(set_secret, keyring_file, name, data, message):
    done = set_secret(name, data)
    assert done.returncode == 2
    assert message in done.stderr
    assert not keyring_file.exists()


def test_a_value_keeps_its_inner_lines(set_secret, keyring_file):
    assert set_secret("key", b"one\ntwo\n\n").returncode == 0
    assert json.loads(keyring_file.read_text()) == {"goflow/key": "one\ntwo\n"}


def test_without_a_keyring_set_says_what_else_there_is(set_secret):
    done = set_secret("github")
    assert done.returncode == 2
    assert b"GOFLOW_SECRET_GITHUB" in done.stderr
    assert b"GOFLOW_SECRETS_FILE" in done.stderr
    assert VALUE.encode() not in done.stderr


def test_secrets_of_all_places_are_listed_without_a_value(cli, set_secret, keyring_file, tmp_path):
    set_secret("one")
    file = tmp_path / "file"
    file.write_text(f"two={VALUE}\none={VALUE}\n")
    file.chmod(0o600)
    env = {"GOFLOW_SECRETS_FILE": str(file), "GOFLOW_SECRET_THREE": VALUE}
    for args in (["list"], ["list", "--json"]):
        done = cli("secrets", *args, env=env)
        assert VALUE not in done.out + done.err
    rows = json.loads(cli("secrets", "list", "--json", env=env).out)
    assert [(row["name"], row["source"], row["also"]) for row in rows] == [
        ("one", "keyring", ["file"]),
        ("three", "environment", []),
        ("two", "file", []),
    ]


def test_one_that_is_gone_from_the_keyring_is_said_to_be(cli, set_secret, keyring_file):
    set_secret("one")
    keyring_file.unlink()
    assert json.loads(cli("secrets", "list", "--json").out)[0]["source"] is None
    assert "gone" in cli("secrets", "list").out


@pytest.mark.parametrize("verb", ["", "set", "list", "remove"])
def test_help_shows_examples(cli, verb):
    done = cli("secrets", *([verb] if verb else []), "--help")
    assert done.code == 0
    assert "Examples:" in done.out

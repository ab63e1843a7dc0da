"""Secrets: where they are looked for, in which order, and that no error shows one."""

import json

import keyring
import keyring.backends.fail
import keyring.backends.null
import keyring.errors
import pytest

from goflow.engine.servers import configure
from goflow.errors import BadCall
from goflow.servers import secrets
from goflow.servers.secrets import Place, credential, secret
from goflow.workflow.model import Server

VALUE = "hunter2-and-more"


@pytest.fixture
def secrets_file(tmp_path, monkeypatch):
    """``secrets_file(text)``: the file that the user named."""
    file = tmp_path / "my secrets"

    def write(text):
        file.write_text(text)
        file.chmod(0o600)
        monkeypatch.setenv("GOFLOW_SECRETS_FILE", str(file))
        return file

    return write


def test_the_keyring_comes_before_the_environment_and_that_before_the_file(
    keyring_file, secrets_file, monkeypatch
):
    secrets_file("token=from the file")
    assert secret("token", server="s") == "from the file"
    monkeypatch.setenv("GOFLOW_SECRET_TOKEN", "from the environment")
    assert secret("token", server="s") == "from the environment"
    secrets.keep("token", "from the keyring")
    assert secret("token", server="s") == "from the keyring"
    assert [place.source for place in secrets.places("token")] == [
        "keyring", "environment", "file",
    ]  # fmt: skip
    secrets.delete("token")
    assert secret("token", server="s") == "from the environment"


def test_a_secret_is_kept_in_the_keyring_and_nowhere_else(keyring_file, home):
    secrets.keep("token", VALUE)
    assert json.loads(keyring_file.read_text()) == {"goflow/token": VALUE}
    assert secrets.known_names() == ["token"]
    assert secrets.places("token") == [Place("keyring", "goflow/token")]
    for file in home.iterdir():
        assert VALUE not in file.read_text()
        assert file.stat().st_mode & 0o777 == 0o600
    secrets.delete("token")
    assert secrets.known_names() == []
    with pytest.raises(BadCall, match="there is no secret 'token' in the keyring"):
        secrets.delete("token")


def test_a_secret_that_is_not_set_says_where_to_set_it():
    with pytest.raises(BadCall) as caught:
        secret("api_key", server="maps")
    assert caught.value.message == "server 'maps' needs the secret 'api_key', which is not set"
    assert caught.value.hint == "goflow secrets set api_key, or export GOFLOW_SECRET_API_KEY=…"


def test_a_keyring_that_fails_is_named_and_the_others_still_count(monkeypatch):
    class Locked(keyring.backends.fail.Keyring):
        def get_password(self, service, username):
            raise keyring.errors.KeyringLocked("it is locked")

    class Broken(keyring.backends.fail.Keyring):
        def get_password(self, service, username):
            raise RuntimeError(VALUE)

    before = keyring.get_keyring()
    try:
        keyring.set_keyring(Locked())
        with pytest.raises(BadCall, match=r"not set \(the keyring cannot be used: it is locked\)"):
            secret("token", server="s")
        keyring.set_keyring(Broken())
        with pytest.raises(BadCall) as caught:
            secret("token", server="s")
        assert VALUE not in str(caught.value)
        monkeypatch.setenv("GOFLOW_SECRET_TOKEN", "here")
        assert secret("token", server="s") == "here"
    finally:
        keyring.set_keyring(before)


def test_without_a_keyring_nothing_is_kept_and_the_hint_says_what_else_there_is():
    before = keyring.get_keyring()
    try:
        for backend in (keyring.backends.fail.Keyring(), keyring.backends.null.Keyring()):
            keyring.set_keyring(backend)
            with pytest.raises(BadCall) as caught:
                secrets.keep("token", VALUE)
            assert "GOFLOW_SECRET_TOKEN" in caught.value.hint
            assert VALUE not in f"{caught.value!r} {caught.value.hint}"
    finally:
        keyring.set_keyring(before)
    assert secrets.known_names() == []


@pytest.mark.parametrize("name", ["", "a b", "a/b", "a\n"])
def test_a_name_that_is_none_is_a_bad_call(keyring_file, name):
    for use in (lambda: secrets.keep(name, VALUE), lambda: secrets.delete(name)):
        with pytest.raises(BadCall, match="is not a secret's name"):
            use()


def test_an_empty_value_is_no_secret(keyring_file, monkeypatch):
    with pytest.raises(BadCall, match="is empty"):
        secrets.keep("token", "")
    monkeypatch.setenv("GOFLOW_SECRET_TOKEN", "")
    with pytest.raises(BadCall, match="is not set"):
        secret("token", server="s")


def test_a_file_is_lines_or_a_json_object(secrets_file):
    secrets_file(
        "# mine\n\nA=one\nexport B = two = three \nC='in quotes'\nD=\"more\"\nE=\nF='half\n"
    )
    assert {name: secrets._file_secrets().get(name) for name in "ABCDEF"} == {
        "A": "one", "B": "two = three", "C": "in quotes", "D": "more", "E": "", "F": "'half",
    }  # fmt: skip
    secrets_file('{"A": "one", "G": {"user": "me", "token": "t"}}')
    assert secret("A", server="s") == "one"
    assert credential("keyring://G/token", server="s") == "t"
    assert secrets.known_names() == ["A", "G"]


@pytest.mark.parametrize("text", [f"A=1\n{VALUE}\n", f'{{"A": "{VALUE}"', f'{{"{VALUE}"}}'])
def test_a_file_of_another_shape_is_a_bad_call_that_quotes_nothing(secrets_file, text):
    secrets_file(text)
    with pytest.raises(BadCall) as caught:
        secret("B", server="s")
    assert VALUE not in f"{caught.value!r} {caught.value.__cause__!r} {caught.value.hint}"
    assert "GOFLOW_SECRETS_FILE names" in caught.value.message


def test_a_file_that_others_may_read_is_refused(secrets_file):
    secrets_file("A=1").chmod(0o640)
    with pytest.raises(BadCall, match="others may read") as caught:
        secret("A", server="s")
    assert "chmod 600" in caught.value.hint


def test_a_file_that_is_not_there_or_not_text_is_a_bad_call(secrets_file):
    file = secrets_file("A=1")
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(BadCall, match="is not UTF-8"):
        secret("A", server="s")
    file.unlink()
    with pytest.raises(BadCall, match="cannot be read"):
        secret("A", server="s")


def test_names_are_listed_once_each(keyring_file, secrets_file, monkeypatch):
    secrets.keep("github-token", VALUE)
    monkeypatch.setenv("GOFLOW_SECRET_GITHUB_TOKEN", "x")  # the same, in the environment
    monkeypatch.setenv("GOFLOW_SECRET_OTHER", "x")
    monkeypatch.setenv("GOFLOW_SECRET_", "x")
    secrets_file("third=x")
    assert secrets.known_names() == ["github-token", "other", "third"]


def test_a_field_of_a_secret_is_one_of_its_strings(monkeypatch):
    monkeypatch.setenv("GOFLOW_SECRET_GITHUB", json.dumps({"token": VALUE, "n": 1, "empty": ""}))
    assert credential("keyring://github/token", server="s") == VALUE
    for field in ("n", "empty", "missing"):
        with pytest.raises(BadCall, match=f"needs the field '{field}'") as caught:
            credential(f"keyring://github/{field}", server="s")
        assert VALUE not in f"{caught.value!r} {caught.value.__context__!r}"
    monkeypatch.setenv("GOFLOW_SECRET_GITHUB", VALUE)
    assert credential("keyring://github", server="s") == VALUE
    with pytest.raises(BadCall, match="needs the field 'token'"):
        credential("keyring://github/token", server="s")


# -- in a server's definition ----------------------------------------------------------------------


def test_secrets_are_filled_in_where_a_definition_may_hold_them(monkeypatch):
    monkeypatch.setenv("GOFLOW_SECRET_KEY", VALUE)
    server = Server(
        id="s",
        command="x",
        args=("--key", "${secret.KEY}", "$${secret.KEY}"),
        env={"K": "<${ secret.KEY }>"},
        url="https://example.org/?key=${secret.KEY}",
        headers={"X-Mine": "${secret.KEY}"},
    )
    config = configure(server, None)
    assert config.args == ("--key", VALUE, "${secret.KEY}")
    assert config.env == {"K": f"<{VALUE}>"}
    assert config.url == f"https://example.org/?key={VALUE}"
    assert config.headers == {"X-Mine": VALUE}
    assert VALUE in config.credentials
    assert VALUE in config.secrets
    assert VALUE not in f"{config!r} {server!r}"


def test_a_credential_is_a_bearer_header_or_a_named_variable(monkeypatch):
    monkeypatch.setenv("GOFLOW_SECRET_GITHUB", VALUE)
    web = Server(
        id="s", transport="http", url="https://x", headers={"authorization": "old"},
        credential_ref="keyring://github",
    )  # fmt: skip
    assert configure(web, None).headers == {"Authorization": f"Bearer {VALUE}"}
    local = Server(
        id="s", command="x", credential_ref="keyring://github", credential_env="GH_TOKEN"
    )
    assert configure(local, None).env == {"GH_TOKEN": VALUE}
    assert configure(local, None).credentials == (VALUE,)


def test_what_goes_by_the_name_of_a_secret_is_one_though_written_out():
    server = Server(
        id="s",
        command="x",
        args=("--api-key", "written-1", "--token=written-2", "--verbose", "plain-text"),
        env={"GITHUB_TOKEN": "written-3", "MODE": "something", "PASSWORD": "short"},
        url="https://x/?token=written-5&page=1234567890",
        headers={"Authorization": "Bearer written-4"},
    )
    assert set(configure(server, None).credentials) == {
        "written-1", "written-2", "written-3", "Bearer written-4", "written-4", "written-5",
    }  # fmt: skip


def test_a_value_of_the_environment_is_hidden_from_logs_and_not_from_results(monkeypatch):
    monkeypatch.setenv("FOLDER", "/some/folder")
    config = configure(Server(id="s", command="x", args=("${env.FOLDER}",)), None)
    assert config.secrets == ("/some/folder",)
    assert config.credentials == ()

"""Logging in to a server behind HTTP once, and using what that leaves."""

import json
import logging
import urllib.request

import pytest
from support.leaks import leaking_files, leaks_in
from support.web import web_server
from support.workflows import tool, workflow

import goflow
from goflow.errors import BadCall, ConnectFailed
from goflow.servers import logins, oauth, redaction, secrets
from goflow.servers.sdk import SdkSession

pytestmark = pytest.mark.usefixtures("keyring_file")


@pytest.fixture(autouse=True)
def _alone(monkeypatch):
    """No proxy, and no secrets of other tests."""
    monkeypatch.setattr(redaction, "_learned", ())
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def browse(url):
    """A browser, whose user is known to the server: it follows where it is sent."""
    with urllib.request.urlopen(url) as page:
        page.read()


def change_kept(keyring_file, **changes):
    """Change what a login left."""
    ((name, entry),) = json.loads(keyring_file.read_text()).items()
    keyring_file.write_text(json.dumps({name: json.dumps({**json.loads(entry), **changes})}))


def kept_tokens(keyring_file):
    (entry,) = json.loads(keyring_file.read_text()).values()
    tokens = json.loads(entry)["tokens"]
    return tokens["access_token"], tokens["refresh_token"]


async def given(config):
    """How many clients and tokens the server has given, asked with what a login left."""
    session = await SdkSession.connect(config)
    try:
        result = await session.call_tool("logins", {})
    finally:
        await session.close()
    return result["structuredContent"]["result"]


def test_a_login_lets_all_later_sessions_in(run, keyring_file, home):
    shown = []

    async def main():
        with web_server("sdk_auth_web", "3600") as web:
            config = web.config()
            with pytest.raises(ConnectFailed, match="HTTP 401") as caught:
                await SdkSession.connect(config)
            assert "goflow servers login" in caught.value.hint
            assert not logins.tokens_kept(config)
            await oauth.login(config, show=shown.append, browse=browse)
            assert logins.tokens_kept(config)
            assert await given(config) == [1, 1]
            assert await given(config) == [1, 1]
            logins.forget(config)
            with pytest.raises(ConnectFailed, match="HTTP 401"):
                await SdkSession.connect(config)

    run(main())
    (url,) = shown
    assert "code_challenge=" in url
    assert json.loads(keyring_file.read_text()) == {}


def test_the_tokens_are_in_the_keyring_only(run, keyring_file, home):
    async def main():
        with web_server("sdk_auth_web", "3600") as web:
            await oauth.login(web.config(), show=str, browse=browse)
            assert await given(web.config()) == [1, 1]

    run(main())
    for token in kept_tokens(keyring_file):
        assert leaking_files(home, token) == []
    assert secrets.known_names()[0].startswith("oauth:http:||127.0.0.1")


def test_a_token_that_is_over_is_renewed_and_the_new_one_kept(run, keyring_file):
    async def main():
        with web_server("sdk_auth_web", "3600") as web:
            config = web.config()
            await oauth.login(config, show=str, browse=browse)
            first = keyring_file.read_text()
            (entry,) = json.loads(first).values()
            assert json.loads(entry)["metadata"]["token_endpoint"].endswith("/token")
            change_kept(keyring_file, expires_at=1)  # as if an hour had gone by
            assert await given(config) == [1, 2]
            assert await given(config) == [1, 2]
            assert keyring_file.read_text() != first

    run(main())


@pytest.mark.parametrize("how", ["result", "error", "reject"])
@pytest.mark.parametrize("over", [False, True], ids=["kept", "renewed"])
def test_no_token_is_in_anything_that_a_run_shows_or_keeps(
    run, keyring_file, home, caplog, how, over
):
    """Neither of those that the login left nor of those that they were renewed to meanwhile."""
    caplog.set_level(logging.DEBUG)
    events = []

    async def main():
        with web_server("sdk_auth_web", "3600") as web:
            await oauth.login(web.config(), show=str, browse=browse)
            tokens = kept_tokens(keyring_file)
            if over:
                change_kept(keyring_file, expires_at=1)
            server = {"id": "guarded", "transport": "http", "url": web.url}
            node = tool("call", "tell", server="guarded", output="told", how=how)
            text = workflow([node], ["start call", "call end"], result="${told}", servers=[server])
            async with goflow.Engine() as engine:
                result = await engine.run(goflow.load(text), listener=events.append)
            return result, {*tokens, *kept_tokens(keyring_file)}

    result, tokens = run(main())
    assert len(tokens) == (4 if over else 2)
    assert result.completed is (how == "result")
    if how == "result":  # a program that asks for the value gets it as it is
        assert any(leaks_in(result.result, token) for token in tokens)
    shown = [
        repr([result, result.error, result.nodes, events]),
        json.dumps(result.redacted().to_dict()),
        *(str(record.msg) + record.getMessage() for record in caplog.records),
    ]
    for token in tokens:
        assert [text for text in shown if leaks_in(text, token)] == []
        assert leaking_files(home, token) == []
    assert how == "result" or "bad Bearer ***" in shown[0]


def test_a_server_whose_tokens_never_work_is_given_up(run):
    async def main():
        with web_server("sdk_auth_web", "-1") as web:
            with pytest.raises(ConnectFailed) as caught:
                await oauth.login(web.config(), show=str, browse=browse)
            return caught.value

    error = run(main())
    assert "it wants another login after 3" in error.message or "HTTP 401" in error.message


def test_a_login_that_is_over_is_told_and_no_browser_opened(run, keyring_file):
    async def main():
        with web_server("sdk_auth_web", "3600", "refresh none") as web:
            config = web.config()
            await oauth.login(config, show=str, browse=browse)
            entries = json.loads(keyring_file.read_text())
            for name, entry in entries.items():
                entries[name] = entry.replace('"access-', '"gone-')
            keyring_file.write_text(json.dumps(entries))
            with pytest.raises(ConnectFailed) as caught:
                await SdkSession.connect(config)
            return caught.value

    error = run(main())
    assert "the login is over and cannot be renewed" in error.message
    assert error.hint == "goflow servers login test"
    assert error.code == "unauthorized"


def test_a_refused_login_is_told(run):
    async def main():
        with web_server("sdk_auth_web", "3600", "deny") as web:
            with pytest.raises(ConnectFailed, match="access_denied"):
                await oauth.login(web.config(), show=str, browse=browse)
            with pytest.raises(ConnectFailed, match=r"HTTP 401|the login is over"):
                await SdkSession.connect(web.config())

    run(main())


def test_a_server_that_asks_for_no_login_says_so(run):
    async def main():
        with (
            web_server("sdk_web", "json") as web,
            pytest.raises(ConnectFailed, match="did not ask for a login"),
        ):
            await oauth.login(web.config("json"), show=str, browse=browse)

    run(main())


def test_a_server_that_is_not_there_cannot_be_logged_in_to(run):
    async def main():
        with web_server("sdk_web", "json") as web:
            config = web.config("json")
        with pytest.raises(ConnectFailed, match="cannot be reached"):
            await oauth.login(config, show=str, browse=browse)

    run(main())


def test_a_header_of_ones_own_comes_before_a_login(run):
    async def main():
        with web_server("sdk_auth_web", "3600") as web:
            await oauth.login(web.config(), show=str, browse=browse)
            with pytest.raises(ConnectFailed, match="HTTP 401"):
                await SdkSession.connect(web.config(headers={"Authorization": "Bearer mine"}))

    run(main())


def test_what_cannot_be_read_in_the_keyring_counts_as_no_login(run, keyring_file):
    async def main():
        with web_server("sdk_auth_web", "3600") as web:
            config = web.config()
            await oauth.login(config, show=str, browse=browse)
            entries = json.loads(keyring_file.read_text())
            for broken in ("{", "[]", '{"tokens": 5}'):
                keyring_file.write_text(json.dumps(dict.fromkeys(entries, broken)))
                with pytest.raises(ConnectFailed, match="the login is over"):
                    await SdkSession.connect(config)

    run(main())


def test_without_a_keyring_a_login_is_refused_before_it_is_lost(run, monkeypatch):
    import keyring
    import keyring.backends.fail

    keyring.set_keyring(keyring.backends.fail.Keyring())

    async def main():
        with (
            web_server("sdk_auth_web", "3600") as web,
            pytest.raises((BadCall, ConnectFailed), match="no keyring"),
        ):
            await oauth.login(web.config(), show=str, browse=browse)

    run(main())

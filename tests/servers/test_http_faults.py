"""An HTTP server that refuses, redirects, never stops talking, dies and comes back."""

import asyncio
import time
from email.utils import formatdate

import pytest
from support.servers import text_of
from support.web import WebServer, web_server
from support.workflows import row, tool, workflow

import goflow
from goflow.errors import ConnectFailed, ConnectionLost, ServerError, ServerTimeout
from goflow.servers.connections import Connections
from goflow.servers.sdk import SdkSession


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def failing(run, fault, error_class, **options):
    """The error of a call that met the fault; whether the session lives on is the caller's."""

    async def main():
        with web_server("faulty_web", fault, isolated=True) as web:
            session = await SdkSession.connect(web.config(**options))
            with pytest.raises(error_class) as caught:
                await session.call_tool("echo", {"text": "hi"}, timeout=5)
            assert type(caught.value) is error_class
            alive = not session.closed
            if alive:
                assert "echo" in text_of(await session.call_tool("heard", {}))
            await session.close()
            return caught.value, alive

    return run(main())


# -- refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "error_class", "code"),
    [
        (401, ServerError, "unauthorized"),
        (429, ServerError, "rate_limit"),
        (500, ConnectionLost, "connection_error"),
    ],
)
def test_a_refusal_is_the_error_of_its_call_and_the_session_lives(run, status, error_class, code):
    error, alive = failing(run, f"call {status}", error_class)
    assert error.code == code
    assert f"HTTP {status}" in error.message
    assert alive


@pytest.mark.parametrize(
    ("text", "seconds"), [("7", 7.0), ("0", 0.0), ("soon", None), ("-1", None), ("9" * 40, None)]
)
def test_when_to_ask_again_is_told_with_a_429(run, text, seconds):
    error, _ = failing(run, f"call 429 after {text}", ServerError)
    assert error.code == "rate_limit"
    assert error.retry_after == seconds


def test_when_to_ask_again_may_be_a_date(run):
    error, _ = failing(run, f"call 429 after {formatdate(time.time() + 3600)}", ServerError)
    assert 3000 < error.retry_after <= 3600
    error, _ = failing(run, f"call 429 after {formatdate(0)}", ServerError)
    assert error.retry_after == 0.0


def test_a_retry_waits_as_long_as_the_server_wants_and_the_rule_allows():
    def delay(**retry):
        events = []
        rule = {"max_attempts": 2, "initial_delay": "1ms", **retry}
        with web_server("faulty_web", "call 429 after 3600", isolated=True) as web:
            node = tool("call", "echo", server="web", text="hi", retry=rule)
            server = {"id": "web", "transport": "http", "url": web.url}
            text = workflow([node], row("call"), servers=[server])
            result = goflow.run(text, listener=events.append)
        assert result.error["code"] == "rate_limit"
        return next(e.delay for e in events if type(e).__name__ == "AttemptFailed")

    assert delay(max_delay="20ms") == 0.02
    assert delay(max_delay="30ms", jitter=False) == 0.03


# -- redirects -------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [307, 308])
def test_a_redirect_to_the_same_server_that_keeps_the_request_is_followed(run, status):
    async def main():
        with web_server("faulty_web", f"redirect {status} /there", isolated=True) as web:
            session = await SdkSession.connect(web.config())
            assert text_of(await session.call_tool("echo", {"text": "hi"})) == "hi"
            await session.close()

    run(main())


@pytest.mark.parametrize(
    ("status", "target"),
    [
        (301, "/there"),  # a POST would become a GET
        (302, "/there"),
        (307, "http://localhost:1/mcp"),
        (307, "http://127.0.0.1:1/mcp"),
        (307, "https://example.org/mcp"),
        (307, "ftp://127.0.0.1/x"),
        (307, "/mcp"),  # in a circle
    ],
)
def test_another_redirect_is_an_error_that_names_the_target(run, status, target):
    async def main():
        with web_server("faulty_web", f"redirect {status} {target}", isolated=True) as web:
            with pytest.raises(ConnectFailed) as caught:
                await SdkSession.connect(web.config(headers={"x-key": "hunter2"}))
            return caught.value

    error = run(main())
    assert f"HTTP {status}" in error.message
    assert target in error.message
    assert "url" in error.hint


# -- too much --------------------------------------------------------------------------------------


def test_an_endless_stream_of_events_ends_with_the_calls_time(run):
    async def main():
        with web_server("faulty_web", "call endless events", isolated=True) as web:
            session = await SdkSession.connect(web.config())
            with pytest.raises(ServerTimeout):
                await session.call_tool("echo", {"text": "hi"}, timeout=0.2)
            assert "tools/call" in text_of(await session.call_tool("heard", {}))
            await session.close()

    run(main())


@pytest.mark.parametrize("fault", ["call endless event", "call endless body"])
def test_an_answer_without_end_fails_at_the_limit_and_not_when_memory_is_gone(run, fault):
    error, _ = failing(run, fault, ServerError)
    assert "64 MiB" in error.message


# -- gone and back ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["http", "json", "sse"])
def test_a_server_that_restarts_is_connected_again(run, kind):
    async def main():
        connections = Connections()
        web = WebServer("sdk_web", kind)
        config = web.config(kind)
        port = config.url.split(":")[2].split("/")[0]
        try:
            lease, _ = await connections.acquire(config)
            assert text_of(await lease.connection.call_tool("echo", {"text": "one"})) == "one"
            connections.release(lease)
            web.stop()
            web = WebServer("sdk_web", kind, port)
            outcomes = []
            for text in ("two", "three"):
                lease, _ = await connections.acquire(config)
                call = lease.connection.call_tool("echo", {"text": text})
                try:
                    outcomes.append(text_of(await call))
                except (ConnectFailed, ConnectionLost) as error:
                    outcomes.append(type(error))
                finally:
                    connections.release(lease)
            # Its end may be noticed by the first call after it, and by no other.
            assert outcomes[1] == "three"
        finally:
            await connections.close()
            web.stop()

    run(main())


def test_sessions_share_their_connections_and_nothing_else(run):
    from goflow.servers import shared_client

    async def main():
        with web_server("sdk_web", "json") as web:
            configs = [web.config("json", headers={"x-key": str(n)}) for n in range(3)]
            sessions = [await SdkSession.connect(config) for config in configs]
            (shared,) = shared_client._clients.values()
            assert shared.users == 3
            for n, session in enumerate(sessions):
                answer = await session.call_tool("header", {"name": "x-key"})
                assert text_of(answer) == str(n)
            await asyncio.gather(*(session.close() for session in sessions))
            assert not shared_client._clients
            assert shared.client.is_closed

    run(main())

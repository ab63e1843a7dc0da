"""Servers behind HTTP: the same results as the SDK's own client, and no fault that harms more."""

import asyncio
import contextlib
import json
import logging
import os
import socket
import subprocess
import sys

import pytest
from support.servers import eventually, text_of
from support.web import WebServer, web_server

from goflow.errors import (
    BadCall,
    ConnectFailed,
    ConnectionLost,
    RequestRejected,
    ServerError,
    ServerTimeout,
)
from goflow.servers.config import ServerConfig
from goflow.servers.connections import Connections
from goflow.servers.session import Session

SECRET = "hunter2-and-more"
WIRE = {"by_alias": True, "mode": "json", "exclude_none": True}
KINDS = ["http", "json", "stateless", "resumable", "sse"]


@contextlib.contextmanager
def faulty_web(fault="none"):
    with web_server("faulty_web", fault, isolated=True) as server:
        yield server


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    """A proxy in the environment is not for these servers."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture(scope="module")
def servers():
    """``servers(kind)``: the config of a server of `sdk_web`, which tests share."""
    running = {}

    def servers(kind, **options):
        if kind not in running:
            running[kind] = WebServer("sdk_web", kind)
        return running[kind].config(kind, **options)

    # Before a test counts its child processes.
    for kind in ("http", "sse"):
        servers(kind)
    yield servers
    for server in running.values():
        server.stop()


@pytest.fixture(scope="module", params=KINDS)
def any_server(request):
    """The config of one of each kind."""
    with web_server("sdk_web", request.param) as server:
        yield server.config(request.param)


@contextlib.asynccontextmanager
async def connected(config):
    from goflow.servers.sdk import SdkSession

    session = await SdkSession.connect(config)
    try:
        yield session
    finally:
        await session.close()


def connect_error(run, config):
    """Why there is no connection."""

    async def main():
        with pytest.raises(ConnectFailed) as caught:
            async with connected(config):
                pass
        assert caught.value.server == "test"
        return caught.value

    return run(main())


def call_error(run, fault, error_class, *, transport="http", still_open=True, **options):
    """The error of a call that met the fault; the session lives on, or is retired."""

    async def main():
        path = "/sse" if transport == "sse" else None
        with faulty_web(fault) as server:
            async with connected(server.config(transport, path=path, **options)) as session:
                with pytest.raises(error_class) as caught:
                    await session.call_tool("echo", {"text": "hi"})
                assert type(caught.value) is error_class
                assert session.closed is not still_open
                if still_open:
                    assert "echo" in text_of(await session.call_tool("heard", {}))
                else:
                    await session.wait_closed()
        return caught.value

    return run(main())


# -- the contract ----------------------------------------------------------------------------------

CALLS = [
    ("echo", {"text": "hé 日本 \U0001f600 \u0000 \u2028 \"'\\"}),
    ("echo", {"text": "x" * 300_000}),
    ("add", {"a": 1, "b": 0.2}),
    ("add", {"a": "no"}),
    ("same", {"value": {"a": None, "b": [None, 2**70, 1.5, True], "c": {}}}),
    ("kinds", {}),
    ("fail", {"reason": "on purpose"}),
    ("reject", {"reason": "no way"}),
    ("header", {"name": "x-key"}),
    ("no such tool", {}),
]


async def through_sdk(config, calls=CALLS):
    """What the SDK's own client makes of the server."""
    import httpx2
    from mcp import ClientSession, MCPError
    from mcp.client._probe import negotiate_auto
    from mcp.client.sse import sse_client
    from mcp.client.streamable_http import streamable_http_client
    from mcp.types import PaginatedRequestParams

    async with contextlib.AsyncExitStack() as stack:
        if config.transport == "sse":
            streams = sse_client(config.url, headers=dict(config.headers))
        else:
            client = httpx2.AsyncClient(headers=config.headers)
            streams = streamable_http_client(config.url, http_client=client)
            await stack.enter_async_context(client)
        reading, writing = await stack.enter_async_context(streams)
        session = await stack.enter_async_context(ClientSession(reading, writing))
        if config.era == "handshake":
            await session.initialize()
        else:
            await negotiate_auto(session)
        tools, cursor = [], None
        while True:
            params = PaginatedRequestParams(cursor=cursor) if cursor else None
            page = await session.list_tools(params=params)
            tools += [tool.model_dump(**WIRE) for tool in page.tools]
            cursor = page.next_cursor
            if not cursor:
                break
        outcomes = []
        for name, arguments in calls:
            try:
                result = await session.call_tool(name, arguments)
            except MCPError as error:
                outcomes.append((error.error.code, error.error.message, error.error.data))
            else:
                outcomes.append(result.model_dump(**WIRE, exclude_unset=True))
        return {
            "identity": [
                session.protocol_version,
                session.server_info.model_dump(**WIRE),
                session.server_capabilities.model_dump(**WIRE),
            ],
            "tools": tools,
            "outcomes": outcomes,
        }


async def through_ours(config, calls=CALLS):
    async with connected(config) as session:
        assert isinstance(session, Session)
        outcomes = []
        for name, arguments in calls:
            try:
                outcomes.append(await session.call_tool(name, arguments))
            except RequestRejected as error:
                message = error.message.split(": ", 1)[1].rsplit(" (JSON-RPC", 1)[0]
                outcomes.append((error.rpc_code, message, error.data))
        await session.ping()
        return {
            "identity": [session.protocol_version, session.server_info, session.capabilities],
            "tools": await session.list_tools(),
            "outcomes": outcomes,
        }


@pytest.mark.parametrize("era", ["auto", "handshake"])
def test_every_kind_of_server_gives_what_the_sdks_client_gives(run, any_server, era):
    if any_server.transport == "sse":
        era = "handshake"  # the transport is older than the other era
    config = ServerConfig(
        id="test",
        transport=any_server.transport,
        url=any_server.url,
        headers={"X-Key": "seven"},
        era=era,
    )
    theirs, ours = asyncio.run(through_sdk(config)), run(through_ours(config))
    assert json.dumps(ours["identity"]) == json.dumps(theirs["identity"])
    assert ours["tools"] == theirs["tools"]
    assert len(ours["tools"]) > 5
    for call, mine, other in zip(CALLS, ours["outcomes"], theirs["outcomes"], strict=True):
        assert json.dumps(mine, sort_keys=True) == json.dumps(other, sort_keys=True), call
    by_name = {name: outcome for (name, _), outcome in zip(CALLS, ours["outcomes"], strict=True)}
    assert text_of(by_name["header"]) == "seven"
    assert by_name["fail"]["isError"] is True
    assert [block["type"] for block in by_name["kinds"]["content"]] == ["text", "image", "text"]
    assert by_name["same"]["structuredContent"]["value"]["b"] == [None, 2**70, 1.5, True]
    assert by_name["reject"] == (-32000, "no way", {"reason": "no way"})


@pytest.mark.node
@pytest.mark.parametrize(
    ("transport", "kind", "path"), [("http", "streamableHttp", "/mcp"), ("sse", "sse", "/sse")]
)
def test_the_everything_server_over_the_web(run, node_modules, transport, kind, path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    script = node_modules / "@modelcontextprotocol/server-everything/dist/index.js"
    process = subprocess.Popen(
        ["node", str(script), kind],
        env={**os.environ, "PORT": str(port)},
        stderr=subprocess.PIPE,
        text=True,
    )
    calls = [
        ("echo", {"message": "hé"}),
        ("get-sum", {"a": 1, "b": 2.5}),
        ("get-structured-content", {"location": "Chicago"}),
        ("get-annotated-message", {"messageType": "error", "includeImage": True}),
        ("get-resource-links", {"count": 3}),
        ("no-such-tool", {}),
    ]
    try:
        while str(port) not in process.stderr.readline():
            assert process.poll() is None
        url = f"http://127.0.0.1:{port}{path}"
        config = ServerConfig(id="everything", transport=transport, url=url, era="handshake")
        theirs, ours = asyncio.run(through_sdk(config, calls)), run(through_ours(config, calls))
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
    assert ours["tools"] == theirs["tools"]
    assert json.dumps(ours["identity"]) == json.dumps(theirs["identity"])
    for call, mine, other in zip(calls, ours["outcomes"], theirs["outcomes"], strict=True):
        assert mine == other, call  # the SDK's model makes 1.0 of a 1


@pytest.mark.parametrize("transport", ["http", "sse"])
def test_every_page_of_tools_is_listed_as_it_came(run, transport):
    async def main():
        with faulty_web() as server:
            path = "/sse" if transport == "sse" else None
            async with connected(server.config(transport, path=path)) as session:
                tools = await session.list_tools()
                assert [tool["name"] for tool in tools] == ["echo", "heard", "third", "fourth"]
                assert tools[3]["vendorField"] == {"a": None}
                result = await session.call_tool("echo", {"text": "hi"})
                assert result["structuredContent"] == {"a": None, "text": "hi"}
                assert result["content"][0]["vendorField"] is None
                assert "isError" not in result
                assert session.server_info["name"] == "faulty"
                assert session.protocol_version == "2025-06-18"

    run(main())


def test_pages_that_never_end_are_an_error(run):
    async def main():
        with faulty_web("pages without end") as server:
            async with connected(server.config()) as session:
                with pytest.raises(ServerError, match="with the cursor '2' again"):
                    await session.list_tools()

    run(main())


def test_a_server_that_knows_only_the_newest_era_is_understood(run):
    async def main():
        with faulty_web("no initialize") as server:
            async with connected(server.config()) as session:
                assert session.protocol_version == "2026-07-28"
                assert session.server_info == {"name": "new", "version": "2"}
                await session.ping()
                assert text_of(await session.call_tool("echo", {"text": "hi"})) == "hi"
                with pytest.raises(ServerError, match="asked for more input"):
                    await session.call_tool("echo", {"text": "ask me"})

    run(main())


@pytest.mark.parametrize("kind", ["http", "sse"])
def test_many_calls_from_many_tasks_get_their_own_answers(run, servers, kind):
    async def main():
        async with connected(servers(kind)) as session:
            texts = [str(n) for n in range(50)]
            calls = [session.call_tool("echo", {"text": text}) for text in texts]
            assert repr(session) == f"<SdkSession 'test' {session.config.transport} 0 in flight>"
            results = await asyncio.gather(*calls)
            assert [text_of(result) for result in results] == texts
        assert repr(session).endswith("closed (was disconnected)>")

    run(main())


def test_arguments_that_are_not_json_are_a_bad_call_and_harm_nothing(run, servers):
    async def main():
        async with connected(servers("http")) as session:
            for value in (object(), "\ud800", {1j: 2}, float("nan")):
                with pytest.raises(BadCall):
                    await session.call_tool("same", {"value": value})
            result = await session.call_tool("same", {"value": (1, 2)})
            assert result["structuredContent"] == {"value": [1, 2]}

    run(main())


def test_an_engines_connections_open_one_session_for_all(run, servers):
    async def main():
        config = servers("http", headers={"X-Key": "seven"})
        connections = Connections()
        try:
            found = await asyncio.gather(*(connections.acquire(config) for _ in range(3)))
            leases = [lease for lease, _ in found]
            assert len({id(lease.connection) for lease in leases}) == 1
            session = leases[0].connection
            assert text_of(await session.call_tool("header", {"name": "x-key"})) == "seven"
            assert "inputSchema" in await connections.tool(config, "echo")
            for lease in leases:
                connections.release(lease)
            await session.close()
            lease, _ = await connections.acquire(config)
            again = lease.connection
            assert again is not session
            assert text_of(await again.call_tool("echo", {"text": "hi"})) == "hi"
            connections.release(lease)
        finally:
            await connections.close()
        assert again.closed

    run(main())


# -- connecting ------------------------------------------------------------------------------------


@pytest.mark.parametrize("transport", ["http", "sse"])
def test_a_server_that_is_not_there_is_a_failed_connection(run, transport):
    with faulty_web() as server:
        config = server.config(transport)
    error = connect_error(run, config)
    assert error.message.startswith(f"server 'test' cannot be reached at {config.url}: ")
    assert "must be running" in error.hint
    assert error.code == "connection_error"


@pytest.mark.parametrize("url", ["ftp://example.org/x", "nonsense", "http://[::1", ""])
def test_a_url_that_is_none_is_a_failed_connection(run, url):
    error = connect_error(run, ServerConfig(id="test", transport="http", url=url))
    assert "cannot be reached at" in error.message


@pytest.mark.parametrize("transport", ["http", "sse"])
@pytest.mark.parametrize(
    ("status", "code", "hint"),
    [
        ("401 Unauthorized", "unauthorized", "headers"),
        ("403 Forbidden", "unauthorized", "headers"),
        ("404 Not Found", "not_found", "url"),
        ("429 Too Many Requests", "rate_limit", "fewer"),
        ("500 Internal Server Error", "connection_error", "log"),
        ("503 Service Unavailable", "service_unavailable", "log"),
    ],
)
def test_a_refused_connection_names_the_status_and_what_to_do(run, transport, status, code, hint):
    with faulty_web(status.split()[0]) as server:
        error = connect_error(run, server.config(transport, path="/sse"))
    assert f"HTTP {status}" in error.message
    assert error.code == code
    assert hint in error.hint


@pytest.mark.parametrize("transport", ["http", "sse"])
@pytest.mark.parametrize("value", [f"{SECRET}\n", f"{SECRET}é", "\udce9"])
def test_a_header_that_http_does_not_allow_is_a_failed_connection(run, transport, value):
    with faulty_web() as server:
        options = {"headers": {"x-key": value}, "secrets": (value,)}
        error = connect_error(run, server.config(transport, path="/sse", **options))
    assert "cannot be reached at" in error.message
    assert SECRET not in f"{error!r} {error.__dict__} {error.__cause__} {error.__context__}"


def test_the_wrong_transport_is_a_failed_connection(run):
    with faulty_web() as server:
        error = connect_error(run, server.config("sse"))
        assert "HTTP 405" in error.message
        assert "transport" in error.hint
    with faulty_web("not json at all") as server:
        assert "text/html" in connect_error(run, server.config()).message


@pytest.mark.parametrize("transport", ["http", "sse"])
def test_a_server_that_does_not_answer_is_given_up_when_the_time_is_up(run, transport):
    with faulty_web("hang") as server:
        config = server.config(transport, path="/sse", connect_timeout=0.2)
        error = connect_error(run, config)
    assert error.message == "server 'test' did not answer initialize within 0.2 s"


def test_another_protocol_version_is_a_failed_connection(run):
    with faulty_web("old") as server:
        assert "1999-01-01" in connect_error(run, server.config()).message


def test_a_cancelled_connecting_leaves_nothing_behind(run):
    async def main():
        from goflow.servers.sdk import SdkSession

        with faulty_web("hang") as server:
            for config in (server.config(), server.config("sse", path="/sse")):
                for pauses in (0, 1, 5, 20, 100):
                    task = asyncio.create_task(SdkSession.connect(config))
                    for _ in range(pauses):
                        await asyncio.sleep(0)
                    task.cancel()
                    with pytest.raises(asyncio.CancelledError):
                        await task
                    assert asyncio.all_tasks() == {asyncio.current_task()}

    run(main())


def test_no_secret_is_in_an_error(run, caplog):
    caplog.set_level(logging.WARNING)
    options = {"headers": {"x-key": SECRET}, "secrets": (SECRET,)}
    with faulty_web() as server:
        config = server.config(path=f"/{SECRET}", **options)
    errors = [connect_error(run, config)]
    with faulty_web("reject initialize") as server:
        errors.append(connect_error(run, server.config(**options)))
    errors.append(call_error(run, "call secret", RequestRejected, **options))
    for error in errors:
        assert "***" in error.message
        assert SECRET not in f"{error!r} {error.__dict__} {error.__cause__} {error.__context__}"
    assert SECRET not in caplog.text


# -- calls -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["http", "sse"])
def test_a_timed_out_call_is_cancelled_on_the_wire_and_the_session_lives(run, kind):
    async def main():
        with web_server("sdk_web", kind) as server:
            async with connected(server.config(kind)) as session:
                with pytest.raises(ServerTimeout) as caught:
                    await session.call_tool("hang", {}, timeout=1)
                assert str(caught.value) == "server 'test' did not answer tools/call within 1 s"
                assert caught.value.seconds == 1
                assert text_of(await session.call_tool("dropped", {"count": 1})) == "yes"
                assert not session.closed

    run(main())


@pytest.mark.parametrize("kind", ["http", "sse"])
def test_a_cancelled_caller_is_cancelled_on_the_wire_and_harms_no_other(run, kind):
    async def main():
        with web_server("sdk_web", kind) as server:
            async with connected(server.config(kind)) as session:
                tasks = [asyncio.create_task(session.call_tool("hang", {})) for _ in range(2)]
                await session.call_tool("hung", {"count": 2})
                tasks[0].cancel()
                with pytest.raises(asyncio.CancelledError):
                    await tasks[0]
                assert text_of(await session.call_tool("dropped", {"count": 1})) == "yes"
                assert not tasks[1].done()
                await session.close()
                with pytest.raises(ConnectionLost, match="was disconnected before it answered"):
                    await tasks[1]

    run(main())


def test_a_call_cancelled_at_any_moment_harms_nothing(run, servers):
    async def main():
        async with connected(servers("http")) as session:
            for pauses in range(40):
                task = asyncio.create_task(session.call_tool("echo", {"text": "x"}))
                for _ in range(pauses):
                    await asyncio.sleep(0)
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
            assert text_of(await session.call_tool("echo", {"text": "on"})) == "on"

    run(main())


def test_two_timeouts_in_a_row_retire_the_session(run):
    async def main():
        with faulty_web("call hang") as server:
            async with connected(server.config(timeout=0.05)) as session:
                for _ in range(2):
                    assert not session.closed
                    with pytest.raises(ServerTimeout):
                        await session.call_tool("echo", {})
                assert session.closed
                with pytest.raises(ConnectFailed, match="left two calls in a row unanswered"):
                    await session.call_tool("echo", {})
                await session.wait_closed()

    run(main())


@pytest.mark.parametrize("transport", ["http", "sse"])
def test_a_server_that_hears_nothing_any_more_keeps_nobody(run, transport):
    async def main():
        with faulty_web("hang later") as server:
            config = server.config(transport, path="/sse" if transport == "sse" else None)
            async with connected(config) as session:
                for _ in range(2):
                    with pytest.raises(ServerTimeout):
                        await session.call_tool("echo", {}, timeout=0.1)
                await session.wait_closed()

    run(main())


def test_an_answer_between_two_timeouts_keeps_the_session(run):
    async def main():
        with faulty_web("call hang") as server:
            async with connected(server.config()) as session:
                for _ in range(3):
                    with pytest.raises(ServerTimeout):
                        await session.call_tool("echo", {}, timeout=0.05)
                    await session.ping()
                calls = [session.call_tool("echo", {}, timeout=0.05) for _ in range(4)]
                results = await asyncio.gather(*calls, return_exceptions=True)
                assert [type(result) for result in results] == [ServerTimeout] * 4
                assert not session.closed  # what times out together counts as one

    run(main())


def test_a_rejection_is_an_answer_between_two_timeouts_too(run, servers):
    async def main():
        async with connected(servers("http")) as session:
            for _ in range(3):
                with pytest.raises(ServerTimeout):
                    await session.call_tool("hang", {}, timeout=0.05)
                with pytest.raises(RequestRejected):
                    await session.call_tool("reject", {"reason": "no"})
            assert not session.closed

    run(main())


def test_a_rejected_call_tells_the_servers_code_and_data(run):
    error = call_error(run, "call secret", RequestRejected, headers={"x-key": "k"})
    assert error.message == "server 'test' rejected tools/call: bad key k (JSON-RPC -32001)"
    assert (error.rpc_code, error.data) == (-32001, ["session-1"])


@pytest.mark.parametrize("fault", ["call not json", "call not utf-8", "call no result"])
def test_an_answer_that_is_no_result_is_an_error_of_this_call(run, fault):
    assert "answered tools/call with" in call_error(run, fault, ServerError).message


@pytest.mark.parametrize("transport", ["http", "sse"])
@pytest.mark.parametrize(
    ("status", "error_class", "code"),
    [
        (401, ServerError, "unauthorized"),
        (429, ServerError, "rate_limit"),
        (413, ServerError, "bad_request"),
        (502, ConnectionLost, "connection_error"),
        (503, ServerError, "service_unavailable"),
    ],
)
def test_an_http_error_is_the_error_of_its_call_only(run, transport, status, error_class, code):
    error = call_error(run, f"call {status}", error_class, transport=transport)
    assert f"answered tools/call with HTTP {status}" in error.message
    assert error.code == code


def test_a_rejection_with_an_http_error_is_still_a_rejection(run):
    error = call_error(run, "call error with status", RequestRejected)
    assert error.rpc_code == -32602
    # Where answers come another way, the status is all that counts.
    error = call_error(run, "call error with status", ServerError, transport="sse")
    assert "HTTP 400" in error.message


def test_a_session_that_the_server_forgot_is_retired(run):
    error = call_error(run, "call 404", ConnectFailed, still_open=False)
    assert "no longer knows the session" in error.message
    error = call_error(run, "call refuses the session", RequestRejected, still_open=False)
    assert "no valid session" in error.message


# -- the end ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_servers_death_fails_every_open_call_and_ends_the_session(run, kind):
    async def main():
        with web_server("sdk_web", kind) as server:
            async with connected(server.config(kind)) as session:
                told = []
                session.on_closed(told.append)
                calls = [session.call_tool("hang", {}) for _ in range(4)]
                outcomes = await asyncio.gather(
                    *calls, session.call_tool("die", {"count": 4}), return_exceptions=True
                )
                assert [type(outcome) for outcome in outcomes] == [ConnectionLost] * 5
                assert "closed the connection before it answered" in str(outcomes[0])
                await session.wait_closed()
                assert told == [session]
                session.on_closed(told.append)
                assert await eventually(lambda: told == [session, session])
                with pytest.raises(ConnectFailed, match="nothing was sent"):
                    await session.ping()
                assert asyncio.all_tasks() == {asyncio.current_task()}

    run(main())


def test_a_call_to_a_server_that_is_gone_was_never_made(run):
    async def main():
        with faulty_web() as server:
            async with connected(server.config()) as session:
                server.process.kill()
                server.process.wait()
                with pytest.raises(ConnectFailed, match="cannot be reached"):
                    await session.call_tool("echo", {})
                assert session.closed
                await session.wait_closed()

    run(main())


@pytest.mark.parametrize("kind", ["http", "json", "sse"])
@pytest.mark.parametrize("kindly", [True, False])
def test_a_session_ends_with_its_server_without_a_call(run, kind, kindly):
    async def main():
        with web_server("sdk_web", kind) as server:
            # The stateless era has no stream that would break: its next call finds out.
            async with connected(server.config(kind, era="handshake")) as session:
                await session.call_tool("echo", {"text": "x"})
                if kindly:
                    assert text_of(await session.call_tool("end", {})) == "bye"
                else:
                    server.process.kill()
                await session.wait_closed()
                assert session.closed

    run(main())


@pytest.mark.parametrize("fault", ["call half", "call cut", "call drop"])
def test_an_answer_that_breaks_off_is_a_lost_connection(run, fault):
    error = call_error(run, fault, ConnectionLost, still_open=False)
    assert error.message == "server 'test' closed the connection before it answered tools/call"


def test_an_event_stream_that_breaks_off_is_a_lost_connection(run):
    call_error(run, "call end of events", ConnectionLost, transport="sse", still_open=False)


def test_one_broken_answer_lets_the_other_calls_finish(run):
    async def main():
        with faulty_web("call cut") as server:
            async with connected(server.config()) as session:
                others = [session.call_tool("heard", {}) for _ in range(5)]
                broken, *answers = await asyncio.gather(
                    session.call_tool("echo", {}), *others, return_exceptions=True
                )
                assert type(broken) is ConnectionLost
                assert all("tools/call" in text_of(answer) for answer in answers)
                await session.wait_closed()

    run(main())


def test_a_goodbye_that_is_not_answered_does_not_keep_the_session(run):
    async def main():
        with faulty_web("hang at goodbye") as server:
            async with connected(server.config()) as session:
                await asyncio.gather(session.close(), session.close())
                assert session.closed

    run(main())


def test_a_loop_that_is_shut_down_leaves_nothing_behind(servers):
    async def main():
        from goflow.servers.sdk import SdkSession

        for kind in ("http", "sse"):
            session = await SdkSession.connect(servers(kind))
            asyncio.create_task(session.call_tool("hang", {}))  # noqa: RUF006
            await session.call_tool("echo", {"text": "x"})

    asyncio.run(main())


def test_importing_goflow_does_not_import_the_sdk():
    code = "import sys, goflow, goflow.servers.connections; print('mcp' in sys.modules)"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout == "False\n"

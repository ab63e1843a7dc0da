"""Both eras of the protocol, and servers that know one of them, or both in their own way."""

import asyncio
import json
from types import SimpleNamespace

import pytest
from support.servers import eventually, group_exists, script_server, text_of

from goflow.errors import ConnectFailed, RequestRejected, ServerError
from goflow.servers import handshake
from goflow.servers.handlers import NO_HANDLERS, Handlers
from goflow.servers.negotiation import negotiate
from goflow.servers.process import ServerProcess
from goflow.servers.stdio import StdioSession

META = "io.modelcontextprotocol/"


@pytest.fixture(autouse=True)
def _no_memory(monkeypatch):
    monkeypatch.setattr(handshake, "_eras", {})


def eras(kind, *args, **options):
    return script_server("eras", kind, *args, **options)


async def heard(config, handlers=NO_HANDLERS):
    """The version agreed on, and all that the server received until it was asked."""
    session = await StdioSession.connect(config, handlers=handlers)
    messages = json.loads(text_of(await session.call_tool("heard", {})))
    await session.close()
    return session.protocol_version, messages


@pytest.mark.parametrize(
    ("kind", "version", "methods"),
    [
        ("new", "2026-07-28", ["server/discover"]),
        ("both", "2026-07-28", ["server/discover"]),
        ("old", "2025-11-25", ["server/discover", "initialize"]),
        ("old and silent", "2025-11-25", ["server/discover", "initialize"]),
        ("old and slow", "2025-11-25", ["server/discover", "initialize"]),
        ("old and fragile", "2025-11-25", ["initialize"]),  # by its second process
        ("agrees to all", "2025-11-25", ["server/discover", "initialize"]),
    ],
)
def test_the_newer_era_is_tried_first_and_the_other_is_what_is_left(run, kind, version, methods):
    found, messages = run(heard(eras(kind)))
    assert found == version
    listen = ["subscriptions/listen"] if version == "2026-07-28" else ["notifications/initialized"]
    assert [m["method"] for m in messages] == [*methods, *listen, "tools/call"]


@pytest.mark.parametrize(
    ("era", "kind", "version"),
    [("handshake", "both", "2025-11-25"), ("stateless", "both", "2026-07-28")],
)
def test_an_era_can_be_chosen(run, era, kind, version):
    found, messages = run(heard(eras("old" if era == "handshake" else kind, era=era)))
    assert found == version
    assert len([m for m in messages if m["method"] in ("server/discover", "initialize")]) == 1


@pytest.mark.parametrize(
    ("era", "kind", "reason"),
    [
        ("handshake", "new", "rejected initialize: only 2026-07-28"),
        ("stateless", "old", "Method not found: server/discover"),
        ("auto", "other", "Method not found: initialize"),
        ("stateless", "other", r"speaks protocol versions \['2031-01-01'\]"),
    ],
)
def test_without_a_version_that_both_speak_there_is_no_session(run, era, kind, reason):
    async def main():
        config = eras(kind, era=era)
        process = ServerProcess.spawn(config)
        with pytest.raises(ConnectFailed, match=reason):
            await StdioSession.connect(config, process)
        assert not group_exists(process.pid)

    run(main())


def test_a_server_is_greeted_next_time_as_it_spoke(run, tmp_path):
    _, messages = run(heard(eras("old")))
    assert len(messages) == 4
    _, messages = run(heard(eras("old")))
    assert [message["method"] for message in messages][:2] == [
        "initialize", "notifications/initialized",
    ]  # fmt: skip
    # And one that was downgraded or upgraded since is understood all the same.
    marker = tmp_path / "old"
    assert run(heard(eras("new, then old", str(marker))))[0] == "2026-07-28"
    marker.touch()
    assert run(heard(eras("new, then old", str(marker))))[0] == "2025-11-25"
    marker.unlink()
    version, messages = run(heard(eras("new, then old", str(marker))))
    assert version == "2026-07-28"
    assert [m["method"] for m in messages][:2] == ["initialize", "server/discover"]


def test_a_process_that_was_greeted_in_the_older_era_is_taken_over(run):
    async def main():
        config = eras("new")
        session = await StdioSession.connect(config, ServerProcess.spawn(config, era="handshake"))
        assert session.protocol_version == "2026-07-28"
        await session.close()

    run(main())


def test_a_stateless_server_is_told_everything_in_every_request(run):
    async def main():
        session = await StdioSession.connect(eras("new"))
        await session.list_tools()
        await session.ping()
        messages = json.loads(text_of(await session.call_tool("heard", {})))
        assert session.server_info == {"name": "eras", "version": "2"}
        await session.close()
        return messages

    messages = run(main())
    assert [message["method"] for message in messages] == [
        "server/discover", "subscriptions/listen", "tools/list", "server/discover", "tools/call",
    ]  # fmt: skip
    for message in messages:
        meta = message["params"]["_meta"]
        assert meta[f"{META}protocolVersion"] == "2026-07-28"
        assert meta[f"{META}clientInfo"]["name"] == "goflow"
        assert meta[f"{META}clientCapabilities"] == {}


def test_what_a_host_program_offers_is_told_to_the_server(run):
    async def answer(server, params):
        return {}

    handlers = Handlers(roots=["file:///x"], sample=answer, elicit=answer)
    offered = {"roots": {}, "sampling": {}, "elicitation": {"form": {}, "url": {}}}
    _, messages = run(heard(eras("new"), handlers))
    for message in messages:
        assert message["params"]["_meta"][f"{META}clientCapabilities"] == offered
    _, messages = run(heard(eras("old"), handlers))
    assert messages[1]["params"]["capabilities"] == offered


def test_input_that_a_call_wants_is_given_by_the_host_program(run):
    asked = []

    async def elicit(server, params):
        asked.append((server, params))
        return {"action": "accept", "content": {"name": "me"}}

    async def main():
        session = await StdioSession.connect(eras("new"), handlers=Handlers(elicit=elicit))
        result = await session.call_tool("ask", {"x": 1})
        with pytest.raises(ServerError, match="asked for more input 10 times in one call"):
            await session.call_tool("ask for ever", {})
        await session.close()
        return json.loads(text_of(result))

    assert run(main()) == [{"who": {"action": "accept", "content": {"name": "me"}}}, "state"]
    assert asked[0] == ("test", {"message": "Who?"})


@pytest.mark.parametrize(
    ("tool", "reason"),
    [
        ("ask", "asked for more input, which a workflow cannot give without a handler"),
        ("ask for nothing", "asked for more input and did not say which"),
        ("odd type", "a result of type 'strange'"),
    ],
)
def test_a_call_that_wants_what_nobody_gives_is_an_error(run, tool, reason):
    async def main():
        session = await StdioSession.connect(eras("new"))
        with pytest.raises(ServerError, match=reason):
            await session.call_tool(tool, {})
        assert text_of(await session.call_tool("other", {"a": 1})) == '{"a": 1}'
        await session.close()

    run(main())


def test_a_stateless_server_is_asked_to_say_when_its_tools_change(run):
    async def main():
        session = await StdioSession.connect(eras("new"))
        told = []
        session.on_tools_changed(lambda: told.append(1))
        assert await eventually(lambda: told)
        await session.close()

    run(main())


def test_an_answer_to_a_greeting_that_comes_too_late_is_no_oddity(run, home):
    run(heard(eras("old and slow")))
    assert not (home / "logs").exists()


def test_a_greeting_given_up_in_the_moment_of_its_rejection_leaves_no_error(run):
    """The moment is too short for a real server; ``run`` sees errors that nobody took."""

    async def main():
        loop = asyncio.get_running_loop()
        answer, ending = loop.create_future(), loop.create_future()
        process = SimpleNamespace(
            config=SimpleNamespace(connect_timeout=5, era="auto", command="x", args=()),
            greeted="stateless",
            unread=lambda: True,
        )
        conversation = SimpleNamespace(expect=lambda *_: answer)
        greeting = asyncio.create_task(negotiate(process, conversation, [].append, ending, {}))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        answer.set_exception(RequestRejected("no such method", server="x", rpc_code=-32601))
        greeting.cancel()
        await asyncio.gather(greeting, return_exceptions=True)

    run(main())

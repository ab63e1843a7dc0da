"""The JSON-RPC side alone: whatever a server sends, nothing breaks and answers find their call."""

import asyncio
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goflow.errors import ConnectFailed, GoFlowError, RequestRejected
from goflow.servers.config import ServerConfig
from goflow.servers.conversation import EXCERPT, Conversation
from goflow.servers.log import ServerLog, log_path
from goflow.servers.redaction import Redactor

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
ids = st.sampled_from([0, 1, 2, 3, 2.0, True, "2", "9" * 5000, None, [], {}, -1, 2**70])
messages = st.fixed_dictionaries(
    {},
    optional={
        "jsonrpc": st.just("2.0") | json_values,
        "id": ids,
        "method": st.sampled_from(
            ["ping", "roots/list", "sampling/createMessage", "", None, 5]
            + [
                f"notifications/{n}"
                for n in ("progress", "message", "cancelled", "tools/list_changed")
            ]
        ),
        "params": json_values,
        "result": json_values,
        "error": json_values | st.fixed_dictionaries({"code": json_values, "message": json_values}),
    },
)
lines = st.one_of(
    st.binary(max_size=40),
    (messages | st.lists(messages, max_size=3) | json_values).map(
        lambda value: json.dumps(value).encode()
    ),
    st.sampled_from([b"[" * 100_000, b'{"id":1,"result":' + b"[" * 5000 + b"]" * 5000 + b"}"]),
    st.just(b'{"jsonrpc":"2.0","id":%b,"result":{}}' % (b"9" * 5000)),
)


def new_conversation(sent, send=None):
    return Conversation(
        ServerConfig(id="test"),
        asyncio.get_running_loop(),
        ServerLog("test", Redactor(["hunter2"]), 1),
        send or sent.append,
        pytest.fail,
    )


@given(st.lists(lines, max_size=5))
def test_no_line_breaks_the_conversation(noise):
    async def main():
        sent = []
        conversation = new_conversation(sent)
        conversation._log.close()
        first = asyncio.ensure_future(conversation.request("tools/call", {}))
        await asyncio.sleep(0)
        for line in noise:
            conversation.on_line(line)
        second = asyncio.ensure_future(conversation.request("tools/list", {}))
        await asyncio.sleep(0)
        conversation.on_line(b'{"jsonrpc":"2.0","id":3,"result":{"yes":1}}')
        assert await second == {"yes": 1}
        conversation.on_line(b'{"jsonrpc":"2.0","id":2,"result":{}}')
        (outcome,) = await asyncio.gather(first, return_exceptions=True)
        assert isinstance(outcome, dict | GoFlowError)
        assert len(conversation) == 0
        for line in sent:
            assert line.endswith(b"\n")
            assert line.count(b"\n") == 1
            msgspec.json.decode(line)

    asyncio.run(main())


def test_nothing_waits_for_what_could_not_be_sent(run):
    def send(line):
        raise ConnectFailed("gone", server="test")

    async def main():
        conversation = new_conversation([], send)
        with pytest.raises(ConnectFailed, match="gone"):
            await conversation.request("ping", None)
        assert len(conversation) == 0
        conversation.on_line(b'{"jsonrpc":"2.0","id":1,"method":"ping"}')

    run(main())


@pytest.mark.parametrize(
    ("error", "message", "code"),
    [
        ({}, "no reason given", -32603),
        ("boom", "no reason given", -32603),
        ({"code": 1.5, "message": "m"}, "m", -32603),
        ({"code": -1, "message": "is hunter2"}, "is ***", -1),
    ],
)
def test_an_error_of_any_shape_is_a_rejection(run, error, message, code):
    async def main():
        conversation = new_conversation([])
        call = asyncio.ensure_future(conversation.request("tools/call", None))
        await asyncio.sleep(0)
        conversation.on_line(json.dumps({"id": 2, "error": error}).encode())
        with pytest.raises(RequestRejected) as caught:
            await call
        expected = f"server 'test' rejected tools/call: {message} (JSON-RPC {code})"
        assert str(caught.value) == expected
        assert caught.value.rpc_code == code

    run(main())


def test_a_secret_at_the_cut_of_an_excerpt_is_not_shown(run):
    async def main():
        conversation = new_conversation([])
        for length in range(EXCERPT - 10, EXCERPT + 3):
            conversation.on_line(b"x" * length + b"hunter2")
            conversation.on_line(
                b'{"id":7,"result":{"k":"%b"}}' % (b"y" * (length - 24) + b"hunter2")
            )
        conversation._log.close()

    run(main())
    log = log_path("test").read_text()
    assert log.count("xxxx") + log.count("yyyy") > 20
    assert "hun" not in log


def test_one_timer_serves_all_deadlines(run):
    async def main():
        loop = asyncio.get_running_loop()
        conversation = new_conversation([])
        ends = []

        async def call(seconds):
            with pytest.raises(GoFlowError):
                await conversation.request("ping", None, seconds)
            ends.append(seconds)

        begun = loop.time()
        await asyncio.gather(*(call(seconds) for seconds in (0.09, 0.03, 0.06, 0.0)))
        assert ends == [0.0, 0.03, 0.06, 0.09]
        assert loop.time() - begun >= 0.09

    run(main())

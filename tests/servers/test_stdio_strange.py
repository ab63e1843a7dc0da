"""A server that talks strangely: what is skipped, understood, or fails its call."""

import asyncio
import json

import pytest
from support.servers import faulty, minimal, text_of

from goflow.errors import BadCall, ConnectionLost, RequestRejected, ServerError, ServerTimeout
from goflow.servers.log import log_path
from goflow.servers.stdio import StdioSession


def test_lines_that_are_not_the_protocol_are_logged_and_skipped(run):
    async def main():
        for fault in ("garbage then proper", "invalid utf-8"):
            session = await StdioSession.connect(faulty(fault, server_id="strange"))
            assert text_of(await session.call_tool("echo", {"text": "hé"})) == "hé"
            await session.close()

    run(main())
    log = log_path("strange").read_text()
    assert "Starting up..." in log
    assert "{not json}" in log
    assert "\\xff\\xfe" in log


def test_answers_to_unknown_ids_are_ignored_with_a_log_line(run):
    async def main():
        session = await StdioSession.connect(faulty("unknown id"))
        assert text_of(await session.call_tool("echo", {"text": "hi"})) == "hi"
        await session.close()

    run(main())
    assert log_path("test").read_text().count("ignored an answer to no open request") == 3


def test_a_second_answer_is_ignored(run):
    async def main():
        session = await StdioSession.connect(faulty("duplicate"))
        for number in range(3):
            result = await session.call_tool("echo", {"n": number})
            assert json.loads(text_of(result)) == {"n": number}
        await session.close()

    run(main())


def test_answers_find_their_calls_in_any_order(run):
    async def main():
        session = await StdioSession.connect(faulty("out of order"))
        calls = [session.call_tool("echo", {"text": str(n)}) for n in range(9)]
        results = await asyncio.gather(*calls)
        assert [text_of(result) for result in results] == [str(n) for n in range(9)]
        await session.close()

    run(main())


@pytest.mark.parametrize(("fault", "text"), [("string id", "as text"), ("batch", "in a batch")])
def test_unusual_answers_are_understood(run, fault, text):
    async def main():
        session = await StdioSession.connect(faulty(fault))
        assert text_of(await session.call_tool("echo", {"text": "hi"})) == text
        await session.close()

    run(main())


def test_requests_of_the_server_are_answered(run):
    async def main():
        session = await StdioSession.connect(faulty("server ping"))
        answers = json.loads(text_of(await session.call_tool("echo", {"text": "hi"})))
        assert answers[0] == {"jsonrpc": "2.0", "id": "ping-1", "result": {}}
        assert answers[1]["id"] == 2
        assert answers[1]["error"]["code"] == -32601
        await session.close()

    run(main())


def test_a_json_rpc_error_is_a_rejection_with_its_code_and_redacted_data(failing_call):
    error = failing_call("reject", RequestRejected, secrets=("hunter2",))
    assert str(error) == "server 'test' rejected tools/call: text is *** (JSON-RPC -32602)"
    assert error.rpc_code == -32602
    assert error.data == {"key": ["***"]}
    assert error.code == "bad_request"


def test_a_tool_error_is_a_result(run):
    async def main():
        session = await StdioSession.connect(faulty("tool error"))
        result = await session.call_tool("echo", {"text": "hi"})
        assert result["isError"] is True
        await session.close()

    run(main())


def test_an_answer_that_is_not_json_fails_its_call_at_once(failing_call):
    error = failing_call("nan", ServerError)
    assert "answered tools/call with text that is not JSON" in str(error)


def test_a_result_that_is_no_object_fails_its_call(failing_call):
    error = failing_call("result is no object", ServerError)
    assert "something that is not an object" in str(error)


def test_a_line_over_the_limit_retires_the_session_with_a_clear_error(failing_call):
    error = failing_call("long line", ConnectionLost)
    assert "sent a line longer than 64 MiB" in str(error)


def test_a_sixty_mebibyte_answer_arrives_whole(run):
    size = 60 << 20

    async def main():
        session = await StdioSession.connect(faulty())
        text = text_of(await session.call_tool("big", {"size": size}))
        assert len(text) == size
        assert set(text) == {"x"}
        await session.close()

    run(main())


def test_a_large_argument_goes_out_while_the_server_writes(run):
    text = "é" * (4 << 20)

    async def main():
        session = await StdioSession.connect(faulty("write before reading"))
        calls = [session.call_tool("length", {"text": text}) for _ in range(3)]
        for result in await asyncio.gather(*calls):
            assert text_of(result) == str(len(text))
        await session.close()

    run(main())


def test_a_cancelled_large_argument_does_not_break_the_stream(run):
    async def main():
        session = await StdioSession.connect(faulty())
        task = asyncio.create_task(session.call_tool("length", {"text": "x" * (16 << 20)}))
        await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert text_of(await session.call_tool("echo", {"text": "still here"})) == "still here"
        await session.close()

    run(main())


def test_endless_pages_of_tools_are_refused(run):
    async def main():
        session = await StdioSession.connect(faulty("endless pages"))
        with pytest.raises(ServerError, match="cursor '1' again"):
            await session.list_tools()
        await session.close()

    run(main())


def test_arguments_that_are_not_json_never_leave(run):
    async def main():
        session = await StdioSession.connect(minimal())
        endless = {}
        endless["text"] = endless
        not_json = [object(), "\ud800", float("nan"), {"deep": [None, -float("inf")]}]
        for bad in (*({"text": value} for value in not_json), endless):
            with pytest.raises(BadCall, match="cannot be sent as JSON"):
                await session.call_tool("echo", bad)
        assert text_of(await session.call_tool("echo", {"text": "fine", "x": None})) == "fine"
        await session.close()

    run(main())


def test_a_chatty_server_is_never_blocked_and_its_log_is_capped(run, home):
    async def main():
        session = await StdioSession.connect(faulty("chatty stderr"))
        assert text_of(await session.call_tool("echo", {"text": "hi"})) == "hi"
        await session.close()

    run(main())
    current, old = home / "logs" / "test.log", home / "logs" / "test.log.1"
    assert current.read_text().endswith("line 19999: " + "x" * 80 + "\n")
    for file in (current, old):
        assert file.stat().st_size <= (1 << 20) + 65536
        assert file.stat().st_mode & 0o777 == 0o600


def test_a_quiet_server_makes_no_log(run, home):
    async def main():
        session = await StdioSession.connect(minimal())
        await session.call_tool("echo", {"text": "hi"})
        await session.close()

    run(main())
    assert not home.exists()


def test_a_secret_never_reaches_the_log_even_in_two_pieces(run):
    async def main():
        config = faulty("split secret", secrets=("hunter2-and-more", "thanks"))
        session = await StdioSession.connect(config)
        with pytest.raises(ServerTimeout) as caught:
            await session.call_tool("sleep", {"seconds": 0.2}, timeout=0.05)
        assert caught.value.stderr == "token is ***, ***"
        await session.close()

    run(main())
    assert "token is ***, ***\n" in log_path("test").read_text()

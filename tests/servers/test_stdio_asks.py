"""What a server tells and asks while it is called: progress, logs, new tools, questions."""

import asyncio
import json
import sys

import pytest
from support.servers import SCRIPTS, eventually, faulty, text_of

from goflow.errors import RequestRejected
from goflow.servers.config import ServerConfig
from goflow.servers.handlers import Handlers, LogMessage, Progress
from goflow.servers.log import log_path
from goflow.servers.stdio import StdioSession


@pytest.fixture(params=["auto", "handshake"])
def sdk_built(request):
    """A server built with the official SDK, spoken to in the newer era and the older."""
    script = str(SCRIPTS / "sdk_stdio.py")
    return ServerConfig(id="sdk", command=sys.executable, args=(script,), era=request.param)


@pytest.fixture
def older():
    script = str(SCRIPTS / "sdk_stdio.py")
    return ServerConfig(id="sdk", command=sys.executable, args=(script,), era="handshake")


async def use(config, work, **handlers):
    session = await StdioSession.connect(config, handlers=Handlers(**handlers))
    try:
        return await work(session)
    finally:
        await session.close()


def test_the_progress_of_a_call_is_told_to_its_caller(run, sdk_built):
    async def work(session):
        told, others = [], []
        await asyncio.gather(
            session.call_tool("steps", {"count": 3}, on_progress=told.append),
            session.call_tool("steps", {"count": 2}, on_progress=others.append),
            session.call_tool("steps", {"count": 5}),
        )
        assert told == [Progress(n, 3, f"step {n}") for n in (1, 2, 3)]
        assert others == [Progress(n, 2, f"step {n}") for n in (1, 2)]

    run(use(sdk_built, work))


def test_a_listener_that_fails_harms_nothing(run, sdk_built):
    async def work(session):
        def fail(progress):
            raise RuntimeError("no")

        result = await session.call_tool("steps", {"count": 2}, on_progress=fail)
        assert text_of(result) == "done"

    run(use(sdk_built, work))
    assert "a callback failed: RuntimeError: no" in log_path("sdk").read_text()


def test_progress_that_is_none_or_late_is_dropped(run):
    async def work(session):
        told = []
        result = await session.call_tool("echo", {"text": "hi"}, on_progress=told.append)
        assert text_of(result) == "hi"
        await session.ping()
        assert told == [Progress(0.5, None, None), Progress(1, 2, "half")]

    run(use(faulty("odd progress"), work))


def test_what_a_server_logs_is_kept_and_told(run, sdk_built):
    said = []

    async def work(session):
        await session.call_tool("log", {"text": "hunter2 was here"})
        assert await eventually(lambda: len(said) == 2)

    from msgspec.structs import replace

    run(use(replace(sdk_built, secrets=("hunter2",)), work, log=said.append))
    assert said == [
        LogMessage("sdk", "info", "lab", "*** was here"),
        LogMessage("sdk", "warning", None, {"text": "*** was here"}),
    ]
    log = log_path("sdk").read_text()
    assert "info (lab): *** was here" in log
    assert 'warning: {"text":"*** was here"}' in log


def test_a_change_of_the_tools_is_told(run):
    script = str(SCRIPTS / "sdk_stdio.py")
    sdk_built = ServerConfig(id="sdk", command=sys.executable, args=(script,))

    async def work(session):
        told = []
        session.on_tools_changed(lambda: told.append("changed"))
        before = {tool["name"] for tool in await session.list_tools()}
        for name in ("new_one", "another"):
            await session.call_tool("grow", {"name": name})
        # That the server begins to tell counts as a change, if it comes this late.
        assert await eventually(lambda: len(told) >= 2)
        after = {tool["name"] for tool in await session.list_tools()}
        assert after - before == {"new_one", "another"}

    run(use(sdk_built, work))


def test_a_change_of_the_tools_is_told_in_the_older_era_too(run):
    async def work(session):
        told = []
        session.on_tools_changed(lambda: told.append("changed"))
        await session.call_tool("echo", {"text": "hi"})
        assert told == ["changed"]

    run(use(faulty("tools changed"), work))


def test_a_question_is_answered_by_the_host_program(run, older):
    asked = []

    async def elicit(server, params):
        asked.append((server, params["message"], params["requestedSchema"]["required"]))
        return {"action": "accept", "content": {"name": "Ada"}}

    async def sample(server, params):
        prompt = params["messages"][0]["content"]["text"]
        content = {"type": "text", "text": prompt.upper()}
        return {"role": "assistant", "model": "none", "content": content}

    async def work(session):
        assert text_of(await session.call_tool("ask", {"question": "Who?"})) == "Ada"
        assert text_of(await session.call_tool("think", {"prompt": "hm"})) == "HM"
        result = await session.call_tool("roots", {})
        assert result["structuredContent"] == {"result": ["file:///a", "file:///b"]}

    run(use(older, work, elicit=elicit, sample=sample, roots=["file:///a", "file:///b"]))
    assert asked == [("sdk", "Who?", ["name"])]


QUESTIONS = {"ask": {"question": "?"}, "think": {"prompt": "?"}, "roots": {}}


@pytest.mark.parametrize("tool", QUESTIONS)
def test_without_a_handler_a_question_is_refused_and_the_session_lives(run, older, tool):
    reason = {"ask": "nobody to ask", "think": "no model", "roots": "no roots"}[tool]

    async def work(session):
        with pytest.raises(RequestRejected, match=reason):
            await session.call_tool(tool, QUESTIONS[tool])
        assert text_of(await session.call_tool("echo", {"text": "on"})) == "on"

    run(use(older, work))


def test_a_handler_that_fails_or_answers_no_json_is_told_as_a_refusal(run, older):
    async def elicit(server, params):
        raise LookupError("nobody home")

    async def sample(server, params):
        return {"content": object()}

    async def work(session):
        with pytest.raises(RequestRejected, match="nobody home"):
            await session.call_tool("ask", QUESTIONS["ask"])
        with pytest.raises(RequestRejected, match="no JSON value"):
            await session.call_tool("think", QUESTIONS["think"])

    run(use(older, work, elicit=elicit, sample=sample))


def test_a_session_that_ends_cancels_what_its_handlers_do(run, older):
    states = []

    async def elicit(server, params):
        states.append("asked")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            states.append("cancelled")
            raise

    async def work(session):
        call = asyncio.create_task(session.call_tool("ask", {"question": "?"}))
        assert await eventually(lambda: states == ["asked"])
        await session.close()
        with pytest.raises(Exception, match="before it answered"):
            await call
        assert states == ["asked", "cancelled"]

    run(use(older, work, elicit=elicit))


def test_a_question_that_the_server_takes_back_is_cancelled(run):
    states = []

    async def elicit(server, params):
        states.append("asked")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            states.append("cancelled")
            raise

    async def work(session):
        assert text_of(await session.call_tool("echo", {"text": "hi"})) == "hi"
        assert await eventually(lambda: states == ["asked", "cancelled"])

    run(use(faulty("takes back"), work, elicit=elicit))


def test_a_flood_of_questions_is_refused_beyond_a_limit(run):
    async def elicit(server, params):
        await asyncio.Event().wait()

    async def work(session):
        answers = json.loads(text_of(await session.call_tool("echo", {"text": "hi"})))
        assert len(answers) == 4
        assert all("16 requests are being answered" in str(answer) for answer in answers)

    run(use(faulty("flood"), work, elicit=elicit))

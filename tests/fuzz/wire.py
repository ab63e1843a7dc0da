"""A server's output, however strange and however cut, to a conversation with open requests.

A plain reader of JSON-RPC, over the standard library's ``json``, says what becomes of each request
and which requests of the server are answered.
"""

import asyncio
import json
import math

from goflow.errors import ConnectionLost, RequestRejected, ServerError
from goflow.servers.config import ServerConfig
from goflow.servers.conversation import Conversation
from goflow.servers.handlers import Handlers
from goflow.servers.lines import LineBuffer
from goflow.servers.log import ServerLog
from goflow.servers.redaction import Redactor

LONGEST = 1000
DICTIONARY = (
    *(b'"id"', b'"method"', b'"params"', b'"result"', b'"error"', b'"code"', b'"message"'),
    *(b'"ping"', b'"roots/list"', b'"jsonrpc":"2.0"', b"null", b"true", b"NaN", b"1e999", b"-0.0"),
    *(b'"notifications/progress"', b'"progressToken"', b'"progress"', b'"total"', b'"2"', b"2"),
    *(
        b'"notifications/message"',
        b'"level"',
        b'"data"',
        b'"logger"',
        b'"\\ud800"',
        b"\xff",
        b"\\u",
    ),
    *(b'"notifications/tools/list_changed"', b'"notifications/cancelled"', b'"requestId"', b"\n"),
    *(b"18446744073709551616", b"\\u"),
)
SEEDS = (
    b'\xff{"jsonrpc":"2.0","id":2,"result":{"content":[]}}\n{"id":3,"result":{"a":[1,2.5,null]}}\n',
    b'\x03{"id":"2","result":{}}\n\n[{"id":3,"result":{}},{"id":4,"error":{"code":-1,"message":"x"}}]\n',
    b'\x10{"id":7,"method":"ping"}\n{"id":"a","method":"roots/list"}\n{"id":1,"method":"other"}\n',
    b'\x20{"method":"notifications/progress","params":{"progressToken":2,"progress":1,"total":2}}\n',
    b'\x30{"method":"notifications/message","params":{"level":"info","logger":"x","data":{"a":1}}}\n',
    b'\x40Starting...\n{"id":2,"result":NaN}\n{"id":3,"result":"\\ud800"}\n{"id":4,"result":1e999}\n',
    b'\x05{"id":2,"error":"no"}\n{"id":3,"result":[1]}\n{"id":4}\n{"id":9,"result":{}}\n{"id":true}\n',
    b'\x80{"method":"notifications/tools/list_changed"}\n{"method":"notifications/cancelled"}\n',
)
OPEN = (2, 3, 4)  # the ids of the requests that are made; the greeting's come before them
CONFIG = ServerConfig(id="fuzzed", command="true")


def check(data):
    """Every request ends as the plain reader says, every question is answered, nothing breaks."""
    pieces = _cut(data[1:], data[0] + 1) if data else []
    buffer = LineBuffer()
    lines = [line for piece in pieces for line in buffer.feed(piece)]
    assert [*lines, buffer.finish()] == data[1:].split(b"\n")
    outcomes, sent = asyncio.run(_converse(lines))
    expected, questions = _read(lines)
    for request_id, outcome in zip(OPEN, outcomes, strict=True):
        _compare(outcome, expected.get(request_id))
    for line in sent:
        assert line.endswith(b"\n")
        assert line.count(b"\n") == 1
    if any("loose" in asked for asked in questions):
        return
    answers = [json.loads(line) for line in sent[len(OPEN) :]]
    assert [repr(answer["id"]) for answer in answers] == [repr(asked["id"]) for asked in questions]
    for answer, asked in zip(answers, questions, strict=True):
        known = {"ping": {}, "roots/list": {"roots": [{"uri": "file:///x"}]}}.get(asked["method"])
        assert answer.get("result") == known
        assert (answer.get("error", {}).get("code") == -32601) is (known is None)


def _cut(stream, size):
    return [stream[at : at + size] for at in range(0, len(stream), size)]


async def _converse(lines):
    """What became of the requests, and the lines that were sent."""
    log = ServerLog("fuzzed", Redactor(("hunter2",)), 1)
    sent, told, given_up = [], [], []
    handlers = Handlers(roots=("file:///x",), log=told.append)
    loop = asyncio.get_running_loop()
    conversation = Conversation(CONFIG, loop, log, sent.append, given_up.append, handlers)
    params = {"name": "x"}
    calls = [
        loop.create_task(conversation.request("tools/call", params, 60, told.append)) for _ in OPEN
    ]
    await asyncio.sleep(0)
    for line in lines:
        conversation.on_line(line)
    conversation.fail_all("was closed")
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    await conversation.inbound.close()
    log.close()
    assert not given_up
    return outcomes, sent


def _compare(outcome, message):
    if message is None:
        assert isinstance(outcome, ConnectionLost), outcome
    elif "loose" in message:
        assert isinstance(outcome, dict | ServerError), outcome
    elif "broken" in message:
        assert type(outcome) is ServerError, outcome
        assert "not JSON" in str(outcome)
    elif message.get("error") is not None:
        assert isinstance(outcome, RequestRejected), outcome
        error = message["error"]
        code = error.get("code") if isinstance(error, dict) else None
        assert outcome.rpc_code == (code if type(code) is int else -32603)
    elif not isinstance(message.get("result"), dict):
        assert type(outcome) is ServerError, outcome
        assert "not an object" in str(outcome)
    else:
        assert repr(outcome) == repr(message["result"])


# -- the plain reader --------------------------------------------------------------------------


def _read(lines):
    """The answer to each request that has one, and the requests of the server."""
    answers, questions = {}, []
    for line in lines:
        for message in _messages(line):
            if message.get("method") is None:
                request_id = message.get("id")
                if isinstance(request_id, str) and request_id.isdecimal() and len(request_id) < 20:
                    request_id = int(request_id)
                if type(request_id) is int:
                    answers.setdefault(request_id, message)
            elif message.get("id") is not None and "broken" not in message:
                questions.append(message)
    return answers, questions


def _messages(line):
    """The messages of a line.

    One that is no JSON, but tells what it answers, is "broken"; "loose" is one that is well but for
    members that nobody reads, which may be overlooked.
    """
    try:
        text = line.decode("utf-8", "surrogateescape")
        value = json.loads(text, parse_constant=_refuse, strict=False, object_pairs_hook=_read_map)
        several = value if type(value) is list else [value]
        if all(isinstance(one, dict) and _is_message(one) for one in several):
            loose = (
                not _is_strict(several)
                or any(isinstance(one, Repeated) for one in several)
                or any(character < " " for character in text.strip())
            )
            return [{**one, "loose": True} for one in several] if loose else several
    except (ValueError, RecursionError):
        pass
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return []
    return [{**value, "broken": True}] if type(value) is dict else []


class Repeated(dict):
    """A map whose text has a key twice; the last one counts, and all are looked at."""


def _read_map(pairs):
    value = dict(pairs)
    return value if len(value) == len(pairs) else Repeated(value)


def _is_message(value):
    """Whether its own members are JSON as RFC 8259 has it."""
    own = [value.get(name) for name in ("id", "method", "params", "result", "error")]
    return isinstance(own[1], str | None) and _is_strict(own)


def _is_strict(value):
    """Whether every text is Unicode, and every number one that a float can hold."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, float) and not math.isfinite(item):
            return False
        if isinstance(item, str) and any("\ud800" <= character <= "\udfff" for character in item):
            return False
        if isinstance(item, dict):
            stack += [*item, *item.values()]
        elif isinstance(item, list):
            stack += item
    return True


def _refuse(constant):
    raise ValueError(constant)

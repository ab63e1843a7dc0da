"""A secret's value is in nothing that is kept, said or shown, however a run ends."""

import asyncio
import base64
import contextlib
import gzip
import json
import logging
import sqlite3
import sys

import pytest
from support.leaks import leaking_files, leaks_in
from support.servers import SCRIPTS
from support.web import web_server
from support.workflows import row, tool, transform, workflow

import goflow

# With what JSON, a URL and a repr each write in another way.
SECRET = 'hunter2 "pä\\ss/wörd"&more'
HOW = [
    "text", "json", "structured", "number", "error", "reject", "stderr", "garbage", "log",
    "unasked", "not a result", "die", "hang",
]  # fmt: skip


def leaky(*args, **definition):
    """A server that is given the secret and tells it."""
    script = [str(SCRIPTS / "leaky.py"), *args]
    return {"id": "leaky", "command": sys.executable, "args": ["-S", "-E", *script], **definition}


BY_VARIABLE = leaky(env={"KEY": "${secret.KEY}"})
BY_ARGUMENT = leaky("${secret.KEY}")
BY_CREDENTIAL = leaky(credential_ref="keyring://store/field", credential_env="KEY")


@pytest.fixture(autouse=True)
def _secrets(monkeypatch):
    monkeypatch.setenv("GOFLOW_SECRET_KEY", SECRET)
    monkeypatch.setenv("GOFLOW_SECRET_STORE", json.dumps({"field": SECRET}))
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")


def telling(how, server, **options):
    """A workflow that has the server tell its secret, and computes with what it told."""
    node = tool("call", "tell", server="leaky", output="told", how=how, timeout=0.5, **options)
    nodes = [node, transform("up", "told", output="again")]
    return workflow(nodes, row("call", "up"), result="${again}", servers=[server])


# -- the scanner itself ----------------------------------------------------------------------------


def test_the_scanner_finds_a_secret_in_every_disguise(tmp_path):
    data = SECRET.encode()
    disguises = [
        data,
        json.dumps({"a": SECRET}).encode(),
        json.dumps([SECRET], ensure_ascii=False).encode(),
        repr([SECRET]).encode(),
        gzip.compress(b"x" + data),
        base64.b64encode(b"user:" + data),
        base64.b64encode(b"a" + data + b"more"),
        SECRET.encode("utf-16-le"),
    ]
    for number, disguise in enumerate(disguises):
        assert leaks_in(disguise, SECRET), number
        (tmp_path / str(number)).write_bytes(disguise)
    with contextlib.closing(sqlite3.connect(tmp_path / "db")) as database:
        database.execute("create table blobs (id, body)")
        database.execute("insert into blobs values (1, ?)", (gzip.compress(data),))
        database.commit()
    assert len(leaking_files(tmp_path, SECRET)) == len(disguises) + 1
    assert not leaks_in("hunter3 and nothing else", SECRET)


# -- runs ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize(
    "server", [BY_VARIABLE, BY_ARGUMENT, BY_CREDENTIAL], ids=["env", "arg", "ref"]
)
def test_no_event_error_repr_log_or_file_of_a_run_holds_a_secret(how, server, home, caplog):
    caplog.set_level(logging.DEBUG)
    events = []
    loaded = goflow.load(telling(how, server))
    result = goflow.run(loaded, listener=events.append)
    # What a program asks for by name is the exact value; everything that shows is not.
    fails = {"error", "reject", "not a result", "die", "hang"}
    assert result.completed is (how not in fails)
    shown = [
        repr(result),
        repr(result.error),
        repr([repr(record) for record in result.nodes]),
        json.dumps([record.to_dict() for record in result.nodes]),
        repr(events),
        loaded.to_yaml(),
        repr(loaded),
        *(str(record.msg) + record.getMessage() for record in caplog.records),
    ]
    assert [text for text in shown if leaks_in(text, SECRET)] == []
    assert leaking_files(home, SECRET) == []
    if how in ("text", "json", "number"):
        assert leaks_in(json.dumps(result.result), SECRET)
    if how in ("stderr", "garbage"):
        assert "***" in (home / "logs" / "leaky.log").read_text()


@pytest.mark.parametrize("fault", ["usage", "version"])
def test_no_failed_connecting_shows_a_secret(fault, home):
    events = []
    server = leaky(fault, env={"KEY": "${secret.KEY}"})
    result = goflow.run(telling("text", server), listener=events.append)
    assert result.status == "failed"
    assert "***" in str(result.error)
    assert not leaks_in(repr([result, result.error, events]), SECRET)
    assert leaking_files(home, SECRET) == []


def test_a_retried_attempt_tells_no_secret_either(home):
    events = []
    retry = {"max_attempts": 2, "on": ["tool_error"], "initial_delay": "1ms"}
    text = telling("error", BY_VARIABLE, retry=retry)
    result = goflow.run(text, listener=events.append)
    assert any(type(event).__name__ == "AttemptFailed" for event in events)
    assert "bad key ***" in str(events)
    assert not leaks_in(repr([result.error, events]), SECRET)


def test_an_error_of_a_node_that_computes_with_a_secret_hides_it(home):
    nodes = [
        tool("call", "tell", server="leaky", output="told", how="text"),
        {"id": "fn", "type": "function", "function": "fail", "arguments": {"x": "${told}"}},
    ]
    text = workflow(nodes, row("call", "fn"), servers=[BY_VARIABLE])

    def fail(x):
        raise ValueError(x)

    events = []
    result = goflow.run(text, functions={"fail": fail}, listener=events.append)
    assert "the key is ***" in result.error["message"]
    assert not leaks_in(repr([result.error, result.nodes, events]), SECRET)
    with pytest.raises(goflow.errors.RunFailed) as caught:
        result.raise_for_status()
    assert not leaks_in(repr(caught.value) + str(caught.value), SECRET)


def test_repr_of_plan_engine_and_connections_show_no_secret(run):
    from goflow.engine.plan import Plan

    async def main():
        plan = Plan(goflow.load(telling("text", BY_ARGUMENT)))
        async with goflow.Engine() as engine:
            await engine.run(plan)
            return repr([plan, engine, engine._connections, *plan.servers, plan.redactor])

    assert not leaks_in(run(main()), SECRET)


def test_a_missing_secret_is_a_bad_call_before_anything_runs(monkeypatch):
    monkeypatch.delenv("GOFLOW_SECRET_KEY")
    with pytest.raises(goflow.errors.BadCall, match="needs the secret 'KEY'") as caught:
        goflow.run(telling("text", BY_VARIABLE))
    assert "goflow secrets set KEY" in caught.value.hint
    assert goflow.validate(telling("text", BY_VARIABLE)).valid  # a file is right without it


# -- HTTP ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["none", "401", "call 401", "call secret", "call drop", "gone"])
@pytest.mark.parametrize("place", ["headers", "url", "credential"])
def test_no_secret_of_a_server_behind_http_is_shown(fault, place, home, caplog):
    caplog.set_level(logging.DEBUG)
    with web_server("faulty_web", fault if fault != "gone" else "none", isolated=True) as web:
        server = {"id": "web", "transport": "http", "url": web.url}
        if place == "headers":
            server["headers"] = {"x-key": "${secret.KEY}"}
        elif place == "url":
            server["url"] += "?key=${secret.KEY}"
        else:
            server["credential_ref"] = "keyring://KEY"
        if fault == "gone":
            web.stop()
        node = tool("call", "echo", server="web", text="hi", timeout=5)
        events = []
        result = goflow.run(workflow([node], row("call"), servers=[server]), listener=events.append)
    records = [record.getMessage() for record in caplog.records]
    shown = [repr(result), repr(result.error), repr(events), *records]
    assert [text for text in shown if leaks_in(text, SECRET)] == []
    assert leaking_files(home, SECRET) == []


# -- the command -----------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["json", "reject", "die"])
def test_the_command_prints_no_secret(how, tmp_path, home):
    file = tmp_path / "flow.json"
    file.write_text(telling(how, BY_VARIABLE))
    for args in (
        ["run", file],
        ["run", file, "--json"],
        ["run", file, "--quiet"],
        ["validate", file, "--live", "--json"],
        ["servers", "test", "leaky", "-f", file, "--json"],
        ["servers", "tools", "leaky", "-f", file, "--json"],
        ["servers", "tools", "leaky", "-f", file, "--schema"],
        ["servers", "call", "leaky", "tell", "--arg", f"how={how}", "-f", file],
        ["servers", "call", "leaky", "tell", "--arg", f"how={how}", "-f", file, "--json"],
    ):
        out, err = asyncio.run(_command(args))
        assert not leaks_in(out, SECRET), args
        assert not leaks_in(err, SECRET), args
    assert leaking_files(home, SECRET) == []


async def _command(args):
    command = [sys.executable, "-m", "goflow", *map(str, args)]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    assert b"Traceback" not in err
    return out, err

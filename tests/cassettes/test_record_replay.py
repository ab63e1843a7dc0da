"""A run played back is the run that was recorded: same answers, same failures, no servers."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.generate import maps
from support.leaks import leaking_files, leaks_in
from support.servers import children
from support.workflows import lab_server, loop, row, script, tool, transform, workflow

import goflow
from goflow.cassettes.cassette import Cassette
from goflow.cassettes.matching import Shelf
from goflow.cassettes.record import Recorder
from goflow.cassettes.replay import Player
from goflow.errors import BadCall

SECRET = "s3cr3t-value-of-a-token"


def recorded(file, text, inputs=None):
    """The result of a run that was recorded into a file."""
    recorder = Recorder(inputs=dict(inputs or {}))
    result = goflow.run(text, inputs, cassette=recorder, history=False)
    recorder.save(file)
    return result


def played(file, text, inputs=None):
    """The result of the run with the cassette, and its player; no process is started."""
    player = Player(Cassette.read(file))
    before = children()
    result = goflow.run(text, inputs, cassette=player, history=False)
    assert children() == before
    return result, player


def without_times(result):
    told = result.to_dict()
    nodes = [
        {key: value for key, value in node.items() if key not in ("started_at", "duration")}
        for node in told["nodes"]
    ]
    return {"status": told["status"], "result": told["result"], "error": told["error"],
            "nodes": nodes, "warnings": told["warnings"]}  # fmt: skip


def same(file, text, inputs=None):
    first = recorded(file, text, inputs)
    second, player = played(file, text, inputs)
    assert without_times(second) == without_times(first)
    assert player.unused() == []
    assert player.mismatches == []
    return first


@pytest.fixture(params=["yaml", "json"])
def file(request, tmp_path):
    return tmp_path / f"cassette.{request.param}"


def test_answers_are_those_that_were_recorded(file):
    answers = [
        {"content": [{"type": "text", "text": '{"a": 1.0, "b": [true, null]}'}]},
        {"content": [], "structuredContent": {"rows": [1, 2], "n": 1e300}},
        {
            "content": [{"type": "image", "data": "AAAA", "mimeType": "image/png"}],
            "_meta": {"x": 1},
        },
        {"content": [{"type": "text", "text": "tab\there\nüñí \u2028 # no: comment\n\n"}]},
    ]
    nodes = [tool(f"n{i}", "answer", output=f"v{i}", result=each) for i, each in enumerate(answers)]
    result = same(file, workflow(nodes, row(*(node["id"] for node in nodes)), result=[
        "${v0}", "${v1}", "${v2}", "${v3}"]))  # fmt: skip
    assert result.result[0] == {"a": 1.0, "b": [True, None]}


def test_a_failure_of_a_tool_is_played_back(file):
    text = workflow([tool("a", "answer", result={"content": [], "isError": True})], row("a"))
    assert same(file, text).error["code"] == "tool_error"


def test_equal_calls_are_answered_in_their_order(file):
    retry = {"max_attempts": 4, "initial_delay": "1ms", "on": ["tool_error"]}
    text = workflow(
        [tool("a", "flaky", key="k", failures=2, output="x", retry=retry)], row("a"), result="${x}"
    )
    assert same(file, text).result == "call 3"


@pytest.mark.parametrize("fault", ["die", "hang"])
def test_a_lost_server_and_a_timeout_are_played_back_at_once(file, fault):
    text = workflow([tool("a", fault, timeout="100ms")], row("a"))
    first = recorded(file, text)
    second, _ = played(file, text)
    assert first.status == second.status == "failed"
    assert second.error == first.error
    assert second.nodes[1].status == "outcome_unknown"


def test_a_call_that_was_rejected_is_played_back(file):
    server = script("faulty", "reject", server_id="lab")
    text = workflow([tool("a", "echo", text="x")], row("a"), servers=[server])
    first = recorded(file, text)
    second, _ = played(file, text)
    assert second.error == first.error


def test_a_server_that_cannot_be_started_is_played_back(file):
    server = {"id": "lab", "command": "no-such-command-anywhere"}
    text = workflow([tool("a", "say", text="x")], row("a"), servers=[server])
    assert same(file, text).error["code"] == "connection_error"


def test_a_loop_that_runs_side_by_side_is_played_back(file):
    text = workflow(
        [
            loop("each", list(range(12)), ["say"], item="n", parallel=True, output="all"),
            tool("say", "say", text="n ${n}", output="said"),
        ],
        row("each"),
        result="${map(all.iterations, 'said')}",
    )
    assert same(file, text).result == [f"n {n}" for n in range(12)]


def test_what_the_server_says_of_its_tools_is_played_back(file):
    # Of a tool that is marked read-only, a call whose end nobody knows is made again.
    retry = {"max_attempts": 2, "initial_delay": "1ms"}
    mark = str(file.with_name("mark"))
    text = workflow(
        [tool("a", "die_once_read", mark=mark, retry=retry, output="x")], row("a"), result="${x}"
    )
    assert same(file, text).result == "survived"
    (tape,) = Cassette.read(file).servers.values()
    assert tape["info"] == {"name": "lab", "version": "1"}
    assert "die_once_read" in [each["name"] for each in tape["tools"]]


def test_a_workflow_within_a_workflow_is_played_back(tmp_path):
    inner = workflow([tool("a", "say", text="${t}", output="x")], row("a"), result="${x}",
                     variables=[{"name": "t", "type": "string"}])  # fmt: skip
    (tmp_path / "inner.json").write_text(inner)
    node = {"id": "sub", "type": "workflow", "workflow": "inner", "inputs": {"t": "hi"},
            "output": "y"}  # fmt: skip
    outer = tmp_path / "outer.json"
    outer.write_text(workflow([node], row("sub"), result="${y}"))
    assert same(tmp_path / "c.yaml", outer).result == "hi"


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from(["a", "b", "*", "***"]), min_size=1, max_size=6), st.booleans())
def test_any_calls_are_played_back_in_any_order(tmp_path_factory, texts, parallel):
    file = tmp_path_factory.mktemp("cassette") / "c.yaml"
    text = workflow(
        [
            loop("each", texts, ["say", "count"], item="t", parallel=parallel, output="all"),
            tool("say", "say", text="${t}", output="said"),
            tool("count", "flaky", key="${t}", failures=0, output="counted"),
        ],
        row("each"),
        result="${map(all.iterations, 'counted')}",
    )
    result = same(file, text)
    if not parallel:
        seen = [texts[: i + 1].count(each) for i, each in enumerate(texts)]
        assert result.result == [f"call {n}" for n in seen]


# -- what is not recorded --------------------------------------------------------------------------


def saying(text, **more):
    return workflow([tool("a", "say", text=text, output="x", **more)], row("a"), result="${x}")


def test_a_call_that_was_not_recorded_names_the_nearest_one_and_what_differs(file):
    recorded(file, workflow([tool("a", "say", text="one"), tool("b", "say", text="other")],
                            row("a", "b")))  # fmt: skip
    result, player = played(file, saying("onE"))
    assert result.error["code"] == "cassette_mismatch"
    assert 'no call of lab.say {"text": "onE"}' in result.error["message"]
    assert 'the nearest is lab.say {"text": "one"}' in result.error["hint"]
    assert 'text is "onE", recorded was "one"' in result.error["hint"]
    assert player.unused() == ['lab.say {"text": "one"}', 'lab.say {"text": "other"}']


def test_another_tool_and_another_server_are_told(file):
    recorded(file, saying("x"))
    result, _ = played(file, workflow([tool("a", "sai", text="x")], row("a")))
    assert "no call of lab.sai" in result.error["message"]
    assert "did you mean 'say'" in result.error["hint"]
    text = workflow([tool("a", "say", server="lob", text="x")], row("a"))
    result, _ = played(file, text)
    assert "the server 'lob' was not used" in result.error["message"]


def test_one_call_too_many_is_told(file):
    recorded(file, saying("x"))
    result, _ = played(
        file, workflow([tool("a", "say", text="x"), tool("b", "say", text="x")], row("a", "b"))
    )
    assert "no more answers" in result.error["message"]
    assert "recorded 1 time" in result.error["message"]


def test_a_mismatch_that_the_workflow_handles_is_noted(file):
    recorded(file, saying("x"))
    text = workflow([tool("a", "say", text="y", on_error="continue")], row("a"))
    result, player = played(file, text)
    assert result.completed
    assert len(player.mismatches) == 1


def test_numbers_and_booleans_are_told_apart():
    calls = [{"server": "s", "tool": "t", "arguments": {"n": n}, "result": {}} for n in (1, 1.0)]
    shelf = Shelf(calls)
    assert shelf.take("s", "t", {"n": True}) is None
    assert shelf.take("s", "t", {"n": 1.0}) is calls[1]
    assert shelf.take("s", "t", {"n": 1}) is calls[0]


# -- secrets ---------------------------------------------------------------------------------------


def secretive(name="API_TOKEN"):
    server = lab_server(env={name: "${secret.lab}", "PLACE": "${env.LAB_PLACE}"})
    nodes = [
        tool("token", "environment", name=name, output="token"),
        tool("echo", "say", text="it is ${token}", output="told"),
        tool("place", "environment", name="PLACE", output="place"),
    ]
    return workflow(nodes, row("token", "echo", "place"), servers=[server], result="${told}")


def test_secrets_and_values_of_the_environment_are_not_recorded(file, monkeypatch, tmp_path):
    monkeypatch.setenv("GOFLOW_SECRET_LAB", SECRET)
    monkeypatch.setenv("LAB_PLACE", "the-hidden-place")
    result = recorded(file, secretive())
    assert result.result == f"it is {SECRET}"
    for hidden in (SECRET, "the-hidden-place"):
        assert leaking_files(tmp_path, hidden) == []
        assert not leaks_in(file.read_bytes(), hidden)
    assert "it is ***" in file.read_text()


def test_a_replay_needs_neither_secrets_nor_environment_nor_known_servers(
    file, monkeypatch, tmp_path
):
    monkeypatch.setenv("GOFLOW_SECRET_LAB", SECRET)
    monkeypatch.setenv("LAB_PLACE", "the-hidden-place")
    recorded(file, secretive())
    monkeypatch.delenv("GOFLOW_SECRET_LAB")
    monkeypatch.delenv("LAB_PLACE")
    result, player = played(file, secretive())
    assert result.result == "it is ***"
    assert player.unused() == []
    unknown = json.loads(secretive())
    del unknown["servers"]
    flow = tmp_path / "unknown.json"
    flow.write_text(json.dumps(unknown))
    result, _ = played(file, flow)
    assert result.result == "it is ***"


def test_an_input_that_is_a_secret_fits_what_was_hidden(file, monkeypatch):
    monkeypatch.setenv("GOFLOW_SECRET_LAB", SECRET)
    text = workflow([tool("a", "say", text="Bearer ${t}", output="x")], row("a"), result="${x}",
                    servers=[lab_server(env={"API_TOKEN": "${secret.lab}"})],
                    variables=[{"name": "t", "type": "string"}])  # fmt: skip
    recorded(file, text, {"t": SECRET})
    assert not leaks_in(file.read_bytes(), SECRET)
    result, player = played(file, text, {"t": "another"})
    assert result.completed
    assert player.unused() == []


@pytest.mark.usefixtures("keyring_file")
def test_tokens_of_a_login_are_not_recorded(tmp_path, monkeypatch, run, keyring_file):
    import urllib.request

    from support.web import web_server

    from goflow.servers import logins, oauth

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    def browse(url):
        with urllib.request.urlopen(url) as page:
            page.read()

    with web_server("sdk_auth_web", "3600") as web:
        config = web.config()
        run(oauth.login(config, show=str, browse=browse))
        tokens = [v for k, v in logins.read(config)["tokens"].items() if k.endswith("_token")]
        assert len(tokens) >= 2
        recorder = Recorder()
        server = {"id": "web", "transport": "http", "url": config.url}
        text = workflow([tool("a", "logins", server="web", output="x")], row("a"), result="${x}",
                        servers=[server])  # fmt: skip
        first = goflow.run(text, cassette=recorder, history=False)
        assert first.completed, first.error
        # As if the server told what it was given.
        recorder.cassette.calls[0]["result"]["_meta"] = {"authorization": f"Bearer {tokens[0]}"}
        recorder.save(tmp_path / "c.yaml")
    for token in tokens:
        assert not leaks_in((tmp_path / "c.yaml").read_bytes(), token)
    second, _ = played(tmp_path / "c.yaml", text)
    assert second.result == first.result


# -- files -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("nodes: []", "no cassette"),
        ("[", "no cassette"),
        ("goflow_cassette: 99", "version 99"),
        ("goflow_cassette: 1\ncalls: [{server: a}]", "cannot be played"),
        ("goflow_cassette: 1\ncalls: 5", "cannot be played"),
        ('{"goflow_cassette": 1, "servers": {"a": 5}}', "cannot be played"),
        (b"\xff\xfe", "no cassette"),
    ],
)
def test_a_file_that_is_no_cassette_is_told(tmp_path, content, told):
    file = tmp_path / "c.yaml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(BadCall, match=told):
        Cassette.read(file)


@given(st.lists(maps, max_size=4), st.data())
def test_what_is_written_is_read_back(tmp_path_factory, arguments, data):
    file = tmp_path_factory.mktemp("cassette") / data.draw(st.sampled_from(["c.yaml", "c.json"]))
    cassette = Cassette(workflow="w")
    cassette.calls = [
        {"server": "s", "tool": "t", "arguments": each, "result": {"structuredContent": each}}
        for each in arguments
    ]
    cassette.write(file)
    back = Cassette.read(file)
    assert json.dumps(back.calls) == json.dumps(cassette.calls)
    shelf = Shelf(back.calls)
    for each in arguments:
        assert shelf.take("s", "t", each) is not None
    assert shelf.unused() == []


def test_a_transform_needs_no_cassette(file):
    text = workflow([transform("t", "1 + 1", output="x")], row("t"), result="${x}")
    assert same(file, text).result == 2
    assert Cassette.read(file).servers == {}

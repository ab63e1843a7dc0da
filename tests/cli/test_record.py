"""``goflow record`` and ``run --replay``: a workflow without its servers."""

import json

import pytest
from support.terminal import screen_of
from support.workflows import lab_server, row, tool, workflow

SAYING = workflow(
    [tool("a", "say", text="${t}", output="x")], row("a"), result="${x}",
    variables=[{"name": "t", "type": "string", "default": "one"}],
)  # fmt: skip


def without_server(file):
    flow = json.loads(file.read_text())
    flow["servers"][0]["command"] = "no-such-command"
    file.write_text(json.dumps(flow))


def test_what_was_recorded_is_played_without_the_server(cli, write, tmp_path):
    file = write(SAYING, "flow.json")
    done = cli("record", file, "-o", "c.yaml", "--var", "t=two")
    assert (done.code, done.out) == (0, "two\n")
    assert "recorded 1 call of 1 server in c.yaml" in done.err
    without_server(file)
    done = cli("run", file, "--replay", "c.yaml", "-q")
    assert (done.code, done.out, done.err) == (0, "two\n", "")
    done = cli("run", file, "--replay", "c.yaml", "--json")
    assert json.loads(done.out)["result"] == "two"


def test_inputs_of_ones_own_come_before_those_that_were_recorded(cli, write):
    file = write(SAYING, "flow.json")
    cli("record", file, "-o", "c.yaml", "--var", "t=two")
    done = cli("run", file, "--replay", "c.yaml", "--var", "t=three")
    assert done.code == 1
    assert 'no call of lab.say {"text": "three"}' in done.err
    assert 'text is "three", recorded was "two"' in done.err
    assert done.err.count("no call of") == 1


def test_a_mismatch_fails_the_run_even_when_the_workflow_handles_it(cli, write):
    text = workflow([tool("a", "say", text="one", on_error="continue")], row("a"), result="fine")
    file = write(text, "flow.json")
    cli("record", file, "-o", "c.yaml")
    file.write_text(text.replace('"one"', '"two"'))
    done = cli("run", file, "--replay", "c.yaml")
    assert (done.code, done.out) == (1, "fine\n")
    assert "error: the cassette has no call of lab.say" in done.err


def test_a_recorded_call_that_is_not_made_is_a_warning_and_with_strict_an_error(cli, write):
    text = workflow([tool("a", "say", text="one"), tool("b", "say", text="two")], row("a", "b"))
    file = write(text, "flow.json")
    cli("record", file, "-o", "c.yaml")
    file.write_text(workflow([tool("a", "say", text="one")], row("a")))
    done = cli("run", file, "--replay", "c.yaml")
    assert done.code == 0
    assert 'warning: recorded and not called:\n  lab.say {"text": "two"}' in done.err
    done = cli("run", file, "--replay", "c.yaml", "--strict")
    assert done.code == 1
    assert "error: recorded and not called" in done.err


def test_a_run_that_fails_is_recorded_and_fails_again(cli, write):
    file = write(workflow([tool("a", "die")], row("a")), "flow.json")
    done = cli("record", file, "-o", "c.yaml")
    assert done.code == 1
    without_server(file)
    again = cli("run", file, "--replay", "c.yaml", "--json")
    assert again.code == 1
    assert json.loads(again.out)["error"]["code"] == "connection_error"


def test_a_replay_is_not_kept_in_the_history(cli, write):
    file = write(SAYING, "flow.json")
    cli("record", file, "-o", "c.yaml")
    cli("run", file, "--replay", "c.yaml")
    assert len(json.loads(cli("runs", "--json").out)) == 1


def test_a_secret_is_neither_recorded_nor_needed(cli, write, tmp_path):
    server = lab_server(env={"KEY": "${secret.lab}"})
    text = workflow([tool("a", "environment", name="KEY", output="x")], row("a"), result="${x}",
                    servers=[server])  # fmt: skip
    file = write(text, "flow.json")
    done = cli("record", file, "-o", "c.yaml", env={"GOFLOW_SECRET_LAB": "s3cr3t-value"})
    assert done.code == 0
    assert "s3cr3t" not in (tmp_path / "c.yaml").read_text()
    done = cli("run", "-q", file, "--replay", "c.yaml")
    assert (done.code, done.out) == (0, "***\n")


def test_an_earlier_recording_is_written_over_and_nothing_else_is(cli, write, tmp_path):
    file = write(SAYING, "flow.json")
    assert cli("record", file, "-o", "c.yaml").code == 0
    assert cli("record", file, "-o", "c.yaml").code == 0
    done = cli("record", file, "-o", "flow.json")
    assert done.code == 2
    assert "not written over" in done.err
    assert file.read_text() == SAYING


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["record", "flow.json"], "Missing option '-o'"),
        (["record", "nothing.json", "-o", "c.yaml"], "No such file"),
        (["record", "flow.json", "-o", "c.yaml", "--var", "u=1"], "no input 'u'"),
        (["run", "flow.json", "--replay", "nothing.yaml"], "cannot read nothing.yaml"),
        (["run", "flow.json", "--replay", "flow.json"], "no cassette"),
        (["run", "--replay", "flow.json"], "Missing argument 'FILE'"),
        (["run", "flow.json", "--replay", "c.yaml", "--of", "last"], "exclude each other"),
    ],
)
def test_a_wrong_call_is_told(cli, write, words, told, tmp_path):
    write(SAYING, "flow.json")
    done = cli(*words)
    assert done.code == 2
    assert told in done.err
    assert not (tmp_path / "c.yaml").exists()


def test_a_cassette_that_cannot_be_written_is_told(cli, write):
    done = cli("record", write(SAYING, "flow.json"), "-o", "/proc/c.yaml")
    assert done.code == 2
    assert "cannot write /proc/c.yaml" in done.err


def test_on_a_terminal(write, tmp_path):
    write(SAYING, "flow.json")
    screen, code = screen_of("record", "flow.json", "-o", "c.yaml", cwd=tmp_path)
    assert code == 0
    assert "recorded 1 call of 1 server in c.yaml" in screen
    assert screen.endswith("one\n")
    without_server(tmp_path / "flow.json")
    screen, code = screen_of("run", "flow.json", "--replay", "c.yaml", cwd=tmp_path)
    assert code == 0
    assert screen.endswith("one\n")

"""``goflow runs``, ``logs``, ``resume``, and ``run --from --of --events``: real processes."""

import json

import pytest
from support.workflows import row, tool, transform, workflow

TWO = workflow([transform("a", "n", output="x"), transform("b", "x + 1", output="y")],
               row("a", "b"), result="${y}",
               variables=[{"name": "n", "type": "number", "default": 1}])  # fmt: skip
LOST = workflow([tool("t", "die", output="x")], row("t"), result="${x}")


def test_runs_lists_shows_and_logs_what_was_run(cli, write):
    file = write(TWO)
    first = json.loads(cli("run", "--json", file).out)
    second = json.loads(cli("run", "--json", file, "--var", "n=5").out)
    listed = json.loads(cli("runs", "--json").out)
    assert [one["id"] for one in listed] == [second["id"], first["id"]]
    assert listed[0]["started_at"] == second["started_at"]
    table = cli("runs")
    assert [line.split()[0] for line in table.out.splitlines()] == [second["id"], first["id"]]
    shown = json.loads(cli("runs", "show", second["id"], "--json").out)
    assert (shown["inputs"], shown["result"]) == ({"n": 5}, 6)
    text = cli("runs", "show", "last").out
    assert "✓ a: completed" in text
    assert "input n = 5" in text
    assert "result: 6" in text
    log = cli("logs", "last").out
    assert [line.split()[2] for line in log.splitlines()] == ["start:", "a:", "b:", "end:"]
    entries = json.loads(cli("logs", "last", "--json", "--node", "a").out)
    assert [(one["node"], one["what"]) for one in entries] == [("a", "completed")]
    node = json.loads(cli("runs", "show", "last", "--node", "b", "--json").out)
    assert node[0]["output"] == 6


def test_runs_show_and_logs_say_what_connecting_cost(cli, write):
    file = write(workflow([tool("t", "say", text="x")], row("t")))
    (kept,) = json.loads(cli("run", "--json", file).out)["connections"]
    assert kept["server"] == "lab"
    assert kept["saved"] == pytest.approx(kept["seconds"] - kept["waited"])
    assert json.loads(cli("runs", "show", "last", "--json").out)["connections"] == [kept]
    line = "server lab: connected in "
    assert f"  {line}" in cli("runs", "show", "last").out
    assert line in cli("logs", "last").out.splitlines()[0]
    assert cli("logs", "last", "--node", "t").out.count("connected") == 0


def test_the_variables_of_a_run_are_not_those_of_the_workflows_it_runs(cli, write, tmp_path):
    inner = workflow([transform("a", '"inner"', output="x")], row("a"), result="${x}")
    (tmp_path / "inner.json").write_text(inner)
    nodes = [transform("a", '"outer"', output="x"),
             {"id": "b", "type": "workflow", "workflow": "inner.json", "output": "y"}]  # fmt: skip
    cli("run", write(workflow(nodes, row("a", "b"), result="${x}")))
    shown = cli("runs", "show", "last").out
    assert '\n  x = "outer"\n  y = "inner"\n' in shown
    assert cli("report", "last", "-o", "-").out.count("x (written by a)") == 1


def test_no_history_yet_is_an_empty_list(cli):
    assert json.loads(cli("runs", "--json").out) == []
    assert cli("runs").err == "no runs are kept\n"


def test_resume_prints_what_run_prints(cli, write):
    failed = json.loads(cli("run", "--json", write(LOST)).out)
    assert failed["nodes"][1]["status"] == "outcome_unknown"
    refused = cli("resume", failed["id"], "--json")
    assert refused.code == 1
    assert json.loads(refused.out)["error"]["nodes"] == ["t"]
    assert "--rerun t" in refused.err
    done = cli("resume", failed["id"], "--assume", 't={"k": 1}', "--json")
    assert done.code == 0
    document = json.loads(done.out)
    assert (document["id"], document["status"], document["result"]) == (
        failed["id"], "completed", {"k": 1},
    )  # fmt: skip
    again = cli("resume", "last")
    assert (again.code, json.loads(again.out)) == (0, {"k": 1})


def test_from_a_node_of_an_earlier_run(cli, write):
    file = write(TWO)
    cli("run", file, "--var", "n=5")
    done = json.loads(cli("run", "--from", "b", "--of", "last", "--json").out)
    assert done["result"] == 6
    changed = write(TWO.replace("x + 1", "x * 10"))
    done = json.loads(cli("run", changed, "--from", "b", "--of", "last", "--json").out)
    assert done["result"] == 50


def test_events_are_lines_of_json(cli, write, tmp_path):
    done = cli("run", "--events", "events.jsonl", write(TWO))
    assert done.out == "2\n"
    lines = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert lines[0]["event"] == "run_started"
    assert lines[-1]["event"] == "run_finished"
    assert [line["node"] for line in lines if line["event"] == "node_finished"] == [
        "start", "a", "b", "end",
    ]  # fmt: skip


def test_events_can_go_to_standard_output(cli, write):
    lines = cli("run", "-q", "--events", "-", write(TWO)).out.splitlines()
    assert json.loads(lines[0])["event"] == "run_started"
    assert lines[-1] == "2"


def test_no_history_keeps_nothing(cli, write, home):
    assert cli("run", "--no-history", write(TWO)).out == "2\n"
    assert not (home / "history.db").exists()


def test_prune_says_how_many_went(cli, write):
    for _ in range(3):
        cli("run", "-q", write(TWO))
    assert cli("runs", "prune", "--keep-runs", "1").err == "2 runs forgotten\n"
    assert len(json.loads(cli("runs", "--json").out)) == 1


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["runs", "show", "nope"], 1, "no run was ever kept"),
        (["runs", "prune"], 2, "say what to keep"),
        (["runs", "--limit", "0"], 2, "0 is not in the range"),
        (["logs", "last"], 1, "no run was ever kept"),
        (["resume", "last"], 1, "no run was ever kept"),
        (["resume", "last", "--assume", "x"], 2, "has no '='"),
        (["run"], 2, "Missing argument 'FILE'"),
        (["run", "--of", "last"], 1, "no run was ever kept"),
        (["run", "flow.yaml", "--from", "a"], 2, "--from needs --of"),
        (["run", "flow.yaml", "--events", "no/such/folder"], 2, "--events: cannot write"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(cli, write, args, code, words):
    write(TWO)
    done = cli(*args)
    assert done.code == code
    assert words in done.err
    assert done.out == ""


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["runs", "show", "nope"], "there is no run 'nope'"),
        (["runs", "show", "last", "--node", "zz"], "has no node 'zz'"),
        (["logs", "zzzz"], "there is no run"),
        (["resume", "last", "--rerun", "a"], ""),
        (["run", "--of", "last", "--from", "zz"], "there is no node 'zz'"),
        (["run", "--of", "last", "--no-history"], "exclude each other"),
    ],
)
def test_what_is_not_there_is_a_wrong_call(cli, write, args, words):
    cli("run", "-q", write(TWO))
    done = cli(*args)
    assert words in done.err
    assert done.code == (2 if words else 0)

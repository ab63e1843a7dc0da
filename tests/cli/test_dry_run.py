"""``goflow run --dry-run``: the plan, on a terminal and as JSON; nothing is started or kept."""

import json
from pathlib import Path

from support.servers import wait_until
from support.terminal import GOFLOW, Terminal
from support.workflows import row, script, tool, transform, workflow

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_a_terminal_shows_levels_servers_and_what_would_run(write, tmp_path, mark, home):
    file = write(
        workflow(
            [tool("ask", "say", text="hi", output="x"),
             {**transform("never", "1"), "if": "false"}],
            row("ask", "never"),
            servers=[script("lab", mark)],
        )
    )  # fmt: skip
    with Terminal([GOFLOW, "run", file, "--dry-run"], cwd=tmp_path, columns=400) as screen:
        text = screen.finish()
    assert screen.code == 0
    lines = [line.split() for line in text.splitlines()]
    assert ["test:", "4", "nodes", "in", "4", "levels"] in lines
    assert ["level", "1"] in lines
    assert ["ask", "lab", "·", "say", "runs"] in lines
    assert "skipped (its 'if' is false)" in text
    assert "lab  would be connected" in text
    assert mark in text  # its command is shown
    assert "nothing was started; a run would make 1 call" in text
    assert not (home / "history.db").exists()
    assert not (home / "cache").exists()
    assert not (home / "logs").exists()


def test_what_other_workflows_call_is_not_counted_but_told(cli, write, tmp_path):
    (tmp_path / "inner.json").write_text(workflow([tool("ask", "say")], row("ask")))
    file = write(workflow([{"id": "a", "type": "workflow", "workflow": "inner.json"}], row("a")))
    assert "make 0 calls, and those of 1 workflow that it runs" in cli("run", file, "--dry-run").out


def test_nothing_is_started(cli, write, tmp_path):
    """The server would leave a file behind."""
    mark = tmp_path / "was started"
    servers = [{"id": "lab", "command": "touch", "args": [str(mark)]}]
    file = write(workflow([tool("ask", "say")], row("ask"), servers=servers))
    assert cli("run", file, "--dry-run").code == 0
    assert not mark.exists()
    cli("run", file)
    assert wait_until(mark.exists)  # as it would have


def test_results_of_earlier_runs_are_foreseen_and_what_is_known_by_them(cli):
    file = EXAMPLES / "order-summary.yaml"
    cli("run", file, "--cache", "use")
    document = json.loads(cli("run", file, "--cache", "use", "--dry-run", "--json").out)
    nodes = {node["id"]: node for node in document["nodes"]}
    real = json.loads(cli("run", file, "--cache", "use", "--json").out)
    cached = {node["id"] for node in real["nodes"] if node["cached"]}
    assert cached
    assert {name for name, node in nodes.items() if node["verdict"] == "cached"} == cached
    assert all(nodes[name]["saved"] > 0 for name in cached)
    assert [server["needed"] for server in document["servers"]] == [False]
    text = cli("run", file, "--cache", "use", "--dry-run").out
    assert "from the cache, saves" in text
    assert "make 0 calls" in text


def test_a_dry_run_shows_no_secret(cli, write):
    servers = [script("lab", env={"KEY": "${secret.DOOR}"}) | {"args": ["${secret.DOOR}"]}]
    file = write(workflow([tool("ask", "say")], row("ask"), servers=servers))
    for words in ([], ["--json"]):
        done = cli("run", file, "--dry-run", *words, env={"GOFLOW_SECRET_DOOR": "swordfish"})
        assert done.code == 0
        assert "swordfish" not in done.out + done.err
        assert "***" in done.out


def test_a_wrong_input_is_refused_as_in_a_run(cli, write):
    file = write(workflow([], ["start end"], variables=[{"name": "n", "type": "number"}]))
    done = cli("run", file, "--dry-run", "--var", "n=x")
    assert done.code == 2
    assert "n" in done.err
    assert done.out == ""

"""``goflow run`` with kept results: a process a run, and servers whose starts are counted."""

import json

import pytest
from support.workflows import row, script, tool, workflow


@pytest.fixture
def log(tmp_path):
    return tmp_path / "counted"


@pytest.fixture
def flow(write, log):
    def flow(text="hi", *, cache=True, **top):
        node = {**tool("a", "read", text=text, output="x"), "cache": cache}
        return write(
            workflow([node], row("a"), result="${x}", servers=[script("counted", str(log))], **top)
        )

    return flow


def starts(log):
    return log.read_text().splitlines().count("start")


def calls(log):
    return sum(line != "start" for line in log.read_text().splitlines())


def test_another_process_finds_the_result_and_starts_no_server(cli, flow, log):
    first = cli("run", "--json", flow())
    second = json.loads(cli("run", "--json", flow()).out)
    assert json.loads(first.out)["nodes"][1]["status"] == "completed"
    record = second["nodes"][1]
    assert (record["status"], record["cached"]) == ("cached", True)
    assert second["cache"] == {
        "hits": 1, "misses": 0, "stored": 0, "saved": record["saved"], "hit_rate": 1.0,
    }  # fmt: skip
    assert (starts(log), calls(log)) == (1, 1)


def test_plain_lines_say_what_a_hit_saves(cli, flow):
    first = cli("run", flow()).err
    assert "a: completed in" in first
    assert "; 0 of 1 from the cache (0%)" in first
    second = cli("run", flow()).err
    assert "= a: cached, saves " in second
    assert "; 1 of 1 from the cache (100%), saves " in second


def test_the_history_says_cached_and_what_it_saved(cli, flow):
    cli("run", flow())
    cli("run", flow())
    shown = json.loads(cli("runs", "show", "last", "--json").out)
    node = shown["nodes"][1]
    assert (node["status"], node["cached"], node["cache"]["outcome"]) == ("cached", True, "hit")
    assert node["saved"] == shown["statistics"]["cache"]["saved"] > 0
    assert "= a: cached, saves " in cli("runs", "show", "last").out


def test_a_run_can_do_all_anew_or_without(cli, flow, log):
    for mode in ((), ("--cache", "refresh"), ("--cache", "off"), ()):
        cli("run", *mode, flow())
    assert calls(log) == 3
    assert starts(log) == 3


def test_a_run_can_ask_for_its_read_only_tools(cli, flow, log):
    for _ in range(2):
        cli("run", "--cache", "use", flow(cache=None))
    assert calls(log) == 1


def test_from_a_node_does_it_anew(cli, flow, log):
    cli("run", flow())
    cli("run", "--from", "a", "--of", "last")
    assert calls(log) == 2


def test_a_resumed_run_keeps_what_was_cached(cli, write, log):
    nodes = [
        {**tool("a", "read", text="hi", output="x"), "cache": True},
        tool("b", "fail", text="no"),
    ]
    file = write(workflow(nodes, row("a", "b"), servers=[script("counted", str(log))]))
    cli("run", file)
    cli("run", file)
    again = json.loads(cli("resume", "last", "--json").out)
    assert again["status"] == "failed"
    node = again["nodes"][1]
    assert (node["status"], node["cached"]) == ("cached", True)
    assert node["saved"] > 0


def test_why_says_what_changed(cli, flow):
    cli("run", flow())
    cli("run", flow("ho"))
    said = cli("why", "a", "--of", "last")
    assert said.out.splitlines()[1:] == [
        '    argument \'text\' changed: "hi" → "ho"',
        "    its result was kept",
    ]
    told = json.loads(cli("why", "a", "--json").out)
    assert told["executions"][0]["because"] == ['argument \'text\' changed: "hi" → "ho"']
    assert (told["node"], told["executions"][0]["outcome"]) == ("a", "miss")


def test_why_of_a_node_that_is_not_there(cli, flow):
    assert "no run was ever kept" in cli("why", "a").err
    cli("run", flow())
    done = cli("why", "b")
    assert (done.code, "has no node 'b'" in done.err) == (2, True)

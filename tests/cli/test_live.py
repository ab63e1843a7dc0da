"""``goflow run`` on a terminal: what is on the screen while a run goes on, and what stays."""

import json
from pathlib import Path

import pytest
from support.terminal import GOFLOW, Terminal
from support.workflows import loop, row, script, tool, transform, workflow

SLOW = workflow(
    [
        transform("first", "1", output="x"),
        tool("fetch", "hang"),
        loop("each", "range(10)", ["calc", "call"], item="i"),
        transform("calc", "i * 2", output="y"),
        {**tool("call", "hang"), "if": "i == 3"},
        transform("last", "2", output="z"),
    ],
    ["start first", "first fetch", "first each", "fetch last", "each last", "last end"],
)
COUNT = 500
WIDE = workflow(
    [transform(f"n{i}", str(i), output=f"v{i}") for i in range(COUNT)] + [tool("stuck", "hang")],
    [*(f"start n{i}" for i in range(COUNT)), *(f"n{i} end" for i in range(COUNT)),
     "start stuck", "stuck end"],
)  # fmt: skip


def interrupted(screen):
    """Press Ctrl-C, wait for the end, and see that the terminal is as it was."""
    screen.send("\x03")
    text = screen.finish()
    assert (screen.code, screen.sane) == (130, True)
    assert "Traceback" not in text
    return text


def line_of(screen, name):
    found = [line for line in screen.visible if name in line.split()[:2]]
    return found[0] if found else ""


def run(file, *args, **options):
    return Terminal([GOFLOW, "run", file, *args], **options)


def test_every_node_has_a_line_with_its_state_and_loops_have_bars(write, tmp_path):
    with run(write(SLOW), cwd=tmp_path, columns=90, rows=24) as screen:
        screen.wait_until(
            lambda now: (
                "3/10" in line_of(now, "each")
                and "1 running" in line_of(now, "call")
                and "━" in "".join(now.visible)
                and line_of(now, "last")
            )
        )
        assert line_of(screen, "first").startswith("✓ first")
        assert line_of(screen, "fetch")[0] in "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
        assert "█████░░░░░░░░░░░ 3/10" in line_of(screen, "each")
        assert "1 running, 3 done" in line_of(screen, "call")
        assert "4 done" in line_of(screen, "calc")
        assert line_of(screen, "last").startswith("· last")
        (bar,) = [line for line in screen.visible if "━" in line]
        assert "2/6 nodes · " in bar
        assert "2 running" in bar
        text = interrupted(screen)
    lines = text.splitlines()
    assert "✗ fetch: cancelled" in text
    assert "✗ each: cancelled" in text
    assert "(3 of 10" in text
    assert not any("━" in line or line[:1] in "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏" for line in lines if line)
    assert any(line.startswith("interrupted in ") for line in lines)


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (30, 10), (200, 50)])
def test_five_hundred_nodes_fit_the_terminal(write, tmp_path, columns, rows):
    with run(write(WIDE), cwd=tmp_path, columns=columns, rows=rows) as screen:
        # All at once: what is read may end in the middle of a frame.
        screen.wait_until(
            lambda now: (
                any(f"{COUNT + 1}/{COUNT + 3}" in line for line in now.visible)
                and line_of(now, "stuck")
                and line_of(now, f"n{COUNT - 1}").startswith("✓")
            )  # what was done with last
        )
        drawn = [line for line in screen.visible if line]
        assert len(drawn) <= rows
        assert max(map(len, drawn)) <= columns
        text = interrupted(screen)
    assert "✗ stuck: cancelled" in text
    assert "501 other nodes" in text
    assert len(text.splitlines()) < 12


def test_a_terminal_that_becomes_narrow_is_used_as_it_is(write, tmp_path):
    with run(write(SLOW), cwd=tmp_path, columns=100, rows=30) as screen:
        screen.wait_until(lambda now: "3/10" in line_of(now, "each"))
        screen.resize(34, 8)
        seen = len(screen.raw)
        screen.wait_until(
            lambda now: len(now.raw) > seen + 3000 and any("fetch" in x for x in now.visible)
        )
        interrupted(screen)


def test_nothing_of_the_live_view_is_left_when_it_fills_the_terminal(write, tmp_path):
    with run(write(SLOW), cwd=tmp_path, columns=60, rows=9) as screen:
        screen.wait_until(lambda now: "3/10" in line_of(now, "each"))
        text = interrupted(screen)
    assert sum(line.startswith("✓ start") for line in text.splitlines()) == 1


def test_no_color_means_none(write, tmp_path):
    with run(write(SLOW), cwd=tmp_path, env={"NO_COLOR": "1"}) as screen:
        screen.wait_until(lambda now: "3/10" in line_of(now, "each"))
        interrupted(screen)
    assert not any(f"\x1b[{code}m" in screen.raw for code in (31, 32, 33, 36, "1;31"))


def test_a_dumb_terminal_gets_plain_lines(write, tmp_path):
    flow = workflow([transform("a", "1", output="x")], row("a"), result="${x}")
    with run(write(flow), cwd=tmp_path, env={"TERM": "dumb"}) as screen:
        screen.finish()
    assert "\x1b" not in screen.raw
    assert "✓ a: completed" in screen.text


def test_retries_show_their_attempt_and_what_failed(write, tmp_path):
    retry = {"max_attempts": 3, "initial_delay": 30, "jitter": False, "on": ["tool_error"]}
    flow = workflow([tool("t", "flaky", retry=retry, key="k", failures=9)], row("t"))
    with run(write(flow), cwd=tmp_path, columns=140) as screen:
        screen.wait_until(lambda now: "again in" in line_of(now, "t"))
        assert line_of(screen, "t").startswith("! t")
        assert "call 1" in line_of(screen, "t")
        interrupted(screen)


def test_a_server_that_connects_is_told(write, tmp_path):
    servers = [script("faulty", "hang at handshake")]
    file = write(workflow([tool("ask", "echo")], row("ask"), servers=servers))
    with run(file, cwd=tmp_path, columns=100) as screen:
        screen.wait_until(lambda now: "servers: lab connecting " in now.text)
        interrupted(screen)


def test_what_came_from_the_cache_is_marked_and_summed_up(cli, tmp_path):
    file = Path(__file__).parents[2] / "examples" / "order-summary.yaml"
    cli("run", file, "--cache", "use")
    with run(file, "--cache", "use", cwd=tmp_path, columns=100) as screen:
        text = screen.finish()
    assert "= read: cached" in text
    assert "3 of 3 from the cache (100%), saves " in text
    assert "✓ paid: completed" in text


def test_nodes_of_a_workflow_within_count_for_the_node_that_runs_it(write, tmp_path):
    write(workflow([tool("deep", "hang"), transform("b", "1")], row("b", "deep")), "inner.yaml")
    outer = {"id": "sub", "type": "workflow", "workflow": "inner.yaml"}
    with run(write(workflow([outer], row("sub"))), cwd=tmp_path, columns=100) as screen:
        screen.wait_until(lambda now: "2/4" in line_of(now, "sub"))
        text = interrupted(screen)
    assert "✗ sub: cancelled" in text
    assert "tools " in text


def test_the_record_says_where_the_time_went(write, tmp_path):
    flow = workflow(
        [tool("ask", "say", output="x", text="hi"), transform("b", "x", output="y")],
        row("ask", "b"),
        result="${y}",
    )
    with run(write(flow), cwd=tmp_path, columns=100) as screen:
        lines = screen.finish().splitlines()
    assert (screen.code, screen.sane) == (0, True)
    assert [line.partition(":")[0] for line in lines[:4]] == [
        "✓ start", "✓ ask", "✓ b", "✓ end",
    ]  # fmt: skip
    assert lines[4].startswith("completed in ")
    assert lines[4].endswith(": 4 completed")
    assert "tools " in lines[5] or "connecting " in lines[5]
    assert "engine " in lines[5]
    assert lines[-1] == "hi"


def test_a_failed_run_says_what_failed_after_its_record(write, tmp_path):
    flow = workflow([tool("t", "flaky", key="k", failures=9)], row("t"))
    with run(write(flow), cwd=tmp_path, columns=100) as screen:
        text = screen.finish()
    assert screen.code == 1
    assert "✗ t: failed" in text
    assert "failed: node 't': " in text


# -- modes -------------------------------------------------------------------------------------


ONE = workflow([transform("a", "n", output="x")], row("a"), result="${x}",
               variables=[{"name": "n", "default": 1}])  # fmt: skip


def test_plain_on_a_terminal_is_lines_without_redrawing(write, tmp_path):
    with run(write(ONE), "--progress", "plain", cwd=tmp_path) as screen:
        text = screen.finish()
    assert "\x1b[?25l" not in screen.raw
    assert "✓ a: completed" in text


def test_quiet_shows_nothing_but_the_result(write, tmp_path):
    for words in (["--quiet"], ["--progress", "quiet"]):
        with run(write(ONE), *words, cwd=tmp_path) as screen:
            assert screen.finish().strip() == "1"


def test_jsonl_is_one_event_a_line_on_standard_error_and_nothing_else(cli, write):
    done = cli("run", write(ONE), "--progress", "jsonl")
    assert done.out == "1\n"
    told = [json.loads(line) for line in done.err.splitlines()]
    assert (told[0]["event"], told[-1]["event"]) == ("run_started", "run_finished")
    flow = write(workflow([transform("t", "1 / n")], row("t"), colour="red",
                          variables=[{"name": "n", "default": 0}]))  # fmt: skip
    told = [json.loads(line) for line in cli("run", flow, "--progress", "jsonl").err.splitlines()]
    assert told[0]["event"] == "warning"
    assert told[-1] == {"event": "failure", "status": "failed", "error": told[-1]["error"]}
    told = [
        json.loads(line) for line in cli("run", "no.yaml", "--progress", "jsonl").err.splitlines()
    ]
    assert [one["event"] for one in told] == ["refused"]


def test_resume_has_the_same_modes(cli, write):
    flow = workflow([tool("t", "flaky", key="k", failures=9)], row("t"))
    cli("run", write(flow))
    told = [
        json.loads(line) for line in cli("resume", "last", "--progress", "jsonl").err.splitlines()
    ]
    assert told[-1]["event"] == "failure"
    assert "✗ t: failed" in cli("resume", "last", "--progress", "plain").err


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--progress", "live"], "needs a terminal"),
        (["--progress", "jsonl", "--quiet"], "exclude each other"),
        (["--progress", "tty"], "tty"),
    ],
)
def test_a_mode_that_cannot_be_exits_with_2(cli, write, args, message):
    done = cli("run", write(ONE), *args)
    assert done.code == 2
    assert message in done.err


def test_what_a_server_says_steers_the_terminal_nowhere(write, tmp_path):
    says = {"content": [{"type": "text", "text": "said\x1b]0;owned\x07"}]}
    retry = {"max_attempts": 2, "on": ["tool_error"], "initial_delay": "1ms"}
    failing = tool("bad", "answer", result={**says, "isError": True})
    flow = workflow(
        [tool("good", "answer", output="x", result=says),
         {**failing, "retry": retry, "on_error": "continue"}],
        row("good", "bad"), result="${x}",
    )  # fmt: skip
    for words in (["run", write(flow)], ["logs", "last"], ["runs", "show", "last"]):
        with Terminal([GOFLOW, *words], cwd=tmp_path) as screen:
            screen.finish()
            assert screen.code == 0
            assert "said" in screen.raw
            assert "\x1b]0;" not in screen.raw

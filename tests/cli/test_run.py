"""``goflow run``: what it prints where, what it exits with, and what it leaves: nothing."""

import json
import os
import pty
import re
import select
import signal
import subprocess

import pytest
from support.servers import wait_until
from support.workflows import lab_server, script, tool, transform, workflow

VARIABLES = [
    {"name": "who", "type": "string", "default": "World"},
    {"name": "n", "type": "number", "default": 1},
    {"name": "l", "type": "array", "default": []},
    {"name": "b", "type": "boolean", "default": False},
    {"name": "x", "default": None},
]
GREETING = workflow(
    [transform("greet", "'Hello ' + who + '!'", output="greeting")],
    ["start greet", "greet end"],
    variables=VARIABLES,
    result="${greeting}",
)
INPUTS = workflow(
    [], ["start end"], variables=VARIABLES, result=["${who}", "${n}", "${l}", "${b}", "${x}"]
)


def marked(mark, fault="none", **options):
    definition = script("faulty", fault, mark)
    return {**definition, **options}


# -- what it prints ----------------------------------------------------------------------------


def test_the_result_goes_to_standard_output_and_progress_to_standard_error(cli, write):
    done = cli("run", write(GREETING))
    assert done.code == 0
    assert done.out == "Hello World!\n"
    assert "greet: completed" in done.err
    assert "\x1b" not in done.err


@pytest.mark.parametrize("expression", ["[x]", "{'a': x}"])
def test_a_value_that_grows_for_5000_iterations_fails_its_node(cli, write, expression):
    loop = {"id": "each", "type": "loop", "collection": "range(5000)", "body": ["grow"]}
    grow = transform("grow", expression, output="x")
    file = write(workflow([loop, grow], ["start each", "each end"], variables=VARIABLES))
    done = cli("run", file, "--json")
    assert done.code == 1
    told = json.loads(done.out)
    assert told["error"]["code"] == "validation_error"
    assert told["error"]["message"] == "its value nests deeper than 200 levels"
    assert told["error"]["node"] == "grow"
    shown = cli("runs", "show", told["id"], "--json")
    assert shown.code == 0
    assert json.loads(shown.out)["status"] == "failed"


def test_quiet_shows_no_progress(cli, write):
    done = cli("run", "-q", write(GREETING))
    assert (done.code, done.out, done.err) == (0, "Hello World!\n", "")


def test_a_result_that_is_no_text_is_printed_as_json(cli, write):
    done = cli("run", write(INPUTS))
    assert json.loads(done.out) == ["World", 1, [], False, None]


def test_json_prints_one_document_and_nothing_else(cli, write):
    done = cli("run", "--json", write(GREETING))
    document = json.loads(done.out)
    assert document["status"] == "completed"
    assert document["result"] == "Hello World!"
    assert [node["id"] for node in document["nodes"]] == ["start", "greet", "end"]


def test_variables_are_read_by_their_declared_type(cli, write):
    pairs = ["who=5", "n=2.5", 'l=["a"]', "b=true", 'x={"k": 1}']
    done = cli("run", "-q", write(INPUTS), *(f"--var={pair}" for pair in pairs))
    assert json.loads(done.out) == ["5", 2.5, ["a"], True, {"k": 1}]
    assert json.loads(cli("run", "-q", write(INPUTS), "--var", "x=plain=text").out)[4] == (
        "plain=text"
    )


@pytest.mark.parametrize("form", ["inline", "json", "yaml"])
def test_inputs_come_from_a_file_or_inline(cli, write, tmp_path, form):
    source = '{"who": "You", "n": 7}'
    if form != "inline":
        file = tmp_path / f"inputs.{form}"
        file.write_text(source if form == "json" else "who: You\nn: 7\n")
        source = str(file)
    done = cli("run", "-q", write(INPUTS), "--input", source, "--var", "n=8")
    assert json.loads(done.out)[:2] == ["You", 8]


def test_on_a_terminal_progress_is_live_and_the_result_still_plain(goflow_command, write):
    main, side = pty.openpty()
    child = subprocess.Popen(
        [*goflow_command, "run", str(write(GREETING))],
        stdout=subprocess.PIPE,
        stderr=side,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "TERM": "xterm-256color"},
    )
    os.close(side)
    screen = b""
    with child:
        while True:
            select.select([main], [], [], 30)
            try:
                chunk = os.read(main, 65536)
            except OSError:
                break
            if not chunk:
                break
            screen += chunk
        out = child.stdout.read()
    os.close(main)
    assert child.returncode == 0
    assert out == b"Hello World!\n"
    assert b"\x1b[" in screen
    assert "✓ greet: completed" in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.decode())


def test_warnings_are_shown_and_part_of_the_record(cli, write):
    file = write(GREETING.replace('"name": "test"', '"name": "test", "colour": "red"'))
    done = cli("run", "--json", file)
    assert "GF105" in done.err
    assert any("colour" in warning for warning in json.loads(done.out)["warnings"])


@pytest.mark.parametrize("closed", ["2>&-", ">&- 2>&-", "<&-"])
def test_closed_streams_are_no_reason_to_fail(goflow_command, write, closed):
    shell = f'exec "$0" run "$1" {closed}'
    done = subprocess.run(
        ["sh", "-c", shell, *goflow_command, str(write(GREETING))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done
    if ">&- " not in closed:
        assert done.stdout == "Hello World!\n"


def test_a_reader_that_goes_away_is_no_failure(goflow_command, write):
    shell = '"$0" run -q "$1" | true; exit "${PIPESTATUS[0]}"'
    done = subprocess.run(
        ["bash", "-c", shell, *goflow_command, str(write(GREETING))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("args", [["functions"], ["explain", "GF203"], ["schema"]])
def test_no_verb_minds_a_reader_that_goes_away(goflow_command, args):
    shell = '"$@" | true; exit "${PIPESTATUS[0]}"'
    done = subprocess.run(
        ["bash", "-c", shell, "sh", *goflow_command, *args],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_output_that_cannot_be_written_is_one_line(goflow_command, write):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*goflow_command, "run", "-q", str(write(GREETING))],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == "error: cannot write the output: No space left on device\n"


@pytest.mark.parametrize("progress", ["plain", "quiet"])
def test_what_a_server_says_does_not_steer_the_terminal(cli, write, progress):
    answer = {"content": [{"type": "text", "text": "a\x1b[31mred\x07"}], "isError": True}
    retry = {"max_attempts": 2, "on": ["tool_error"], "initial_delay": "1ms"}
    node = {**tool("a", "answer", result=answer), "retry": retry}
    done = cli("run", write(workflow([node], ["start a", "a end"])), "--progress", progress)
    assert done.code == 1
    assert "red" in done.err
    assert "\x1b" not in done.err
    assert "\x07" not in done.err


# -- calls and files that are wrong ------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["run"], "Missing argument 'FILE'"),
        (["run", "nope.yaml"], "cannot read nope.yaml: No such file"),
        (["run", "."], "Is a directory"),
        (["run", "flow.yaml", "--nope"], "No such option"),
        (["run", "flow.yaml", "--var", "who"], "has no '='"),
        (["run", "flow.yaml", "--var", "n=x"], "not a value of type number"),
        (["run", "flow.yaml", "--var", "l={}"], "must be of type array, not object"),
        (["run", "flow.yaml", "--var", "whom=x"], "no input 'whom'"),
        (["run", "flow.yaml", "--input", "nope.json"], "cannot read nope.json"),
        (["run", "flow.yaml", "--input", "{"], "this is not JSON"),
        (["run", "flow.yaml", "--input", "[1]"], "must be a map"),
        (["rum"], "No such command"),
    ],
)
def test_a_wrong_call_exits_with_2(cli, write, args, message):
    write(GREETING)
    done = cli(*args)
    assert done.code == 2
    assert message in done.err
    assert done.out == ""


def test_a_file_with_errors_exits_with_1_and_shows_them(cli, write):
    file = write(GREETING.replace('"to": "greet"', '"to": "great"'))
    done = cli("run", file)
    assert done.code == 1
    assert f"{file}:1:" in done.err
    assert "there is no node 'great'" in done.err
    assert "did you mean 'greet'?" in done.err


def test_json_is_one_document_for_what_was_refused_too(cli, write):
    document = json.loads(cli("run", "--json", "nope.yaml").out)
    assert (document["status"], document["error"]["code"]) == ("refused", "bad_call")
    file = write(GREETING.replace('"to": "greet"', '"to": "great"'))
    document = json.loads(cli("run", "--json", file).out)
    assert "GF203" in {finding["code"] for finding in document["error"]["findings"]}
    document = json.loads(cli("run", "--json", write(GREETING), "--var", "n=x").out)
    assert document["error"]["variable"] == "n"


def test_strict_refuses_warnings(cli, write):
    file = write(GREETING.replace('"name": "test"', '"name": "test", "colour": "red"'))
    assert cli("run", file).code == 0
    done = cli("run", "--strict", file)
    assert done.code == 1
    assert "GF105" in done.err


# -- servers that are wrong --------------------------------------------------------------------

FAULTS = {
    "exits at once": ("exit at once", {}, ["'lab'", "exited with status 3", "missing module"]),
    "hangs at its start": (
        "hang at handshake",
        {"connect_timeout": "300ms"},
        ["'lab'", "0.3 s", "waiting for a licence"],
    ),
    "prints only garbage": (
        "only garbage",
        {"connect_timeout": "300ms"},
        ["'lab'", "Welcome to the server!"],
    ),
    "hangs in a call": ("hang in call", {"timeout": "300ms"}, ["'lab'", "0.3 s"]),
    "answers with a protocol error": ("reject", {}, ["'lab'"]),
    "answers with an error": ("tool error", {}, ["'lab'", "failed:"]),
    "dies in a call": ("exit mid-call", {}, ["'lab'", "exited with status 7", "out of cheese"]),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_faulty_server_gives_one_clear_message(cli, write, mark, marked_processes, case):
    fault, options, words = FAULTS[case]
    text = workflow(
        [tool("ask", "echo", text="hi")],
        ["start ask", "ask end"],
        servers=[marked(mark, fault, **options)],
    )
    done = cli("run", write(text))
    assert done.code == 1
    for word in ["failed: node 'ask'", *words]:
        assert word in done.err, done
    assert marked_processes() == set()


def test_a_server_that_is_not_there_gives_one_clear_message(cli, write):
    servers = [{"id": "lab", "command": "no-such-command"}]
    done = cli(
        "run", write(workflow([tool("ask", "x")], ["start ask", "ask end"], servers=servers))
    )
    assert done.code == 1
    assert "failed: node 'ask'" in done.err
    assert "no command 'no-such-command'" in done.err
    assert "hint:" in done.err


def test_an_environment_variable_that_is_not_set_is_told_before_anything_starts(cli, write):
    servers = [lab_server(env={"TOKEN": "${env.SURELY_NOT_SET}"})]
    done = cli(
        "run", write(workflow([tool("ask", "x")], ["start ask", "ask end"], servers=servers))
    )
    assert done.code == 2
    assert "SURELY_NOT_SET" in done.err


# -- interruption ------------------------------------------------------------------------------


@pytest.fixture
def hanging(goflow_command, write, mark, marked_processes):
    """The command in the middle of a call that is never answered, and its server running."""
    text = workflow(
        [tool("ask", "echo", text="hi")],
        ["start ask", "ask end"],
        servers=[marked(mark, "hang in call")],
    )
    child = subprocess.Popen(
        [*goflow_command, "run", "--json", str(write(text))],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    # Its progress says that the start node is done, so the call is under way or about to be.
    assert "running" in child.stderr.readline()
    assert "start" in child.stderr.readline()
    yield child
    if child.poll() is None:
        child.kill()
    child.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_ends_cleanly_and_leaves_no_server(hanging, marked_processes, number):
    assert wait_until(marked_processes)
    os.kill(hanging.pid, number)
    out, err = hanging.communicate(timeout=30)
    assert hanging.returncode == 130
    assert "Traceback" not in err
    document = json.loads(out)
    assert document["status"] == "interrupted"
    assert {n["id"]: n["status"] for n in document["nodes"]}["ask"] == "cancelled"
    assert marked_processes() == set()


def test_a_ctrl_c_in_the_terminal_reaches_the_whole_group_and_ends_cleanly(
    hanging, marked_processes
):
    os.killpg(hanging.pid, signal.SIGINT)
    _, err = hanging.communicate(timeout=30)
    assert hanging.returncode == 130
    assert "Traceback" not in err
    assert marked_processes() == set()


def test_a_killed_run_leaves_no_server(hanging, marked_processes):
    """Killed outright it can do nothing more; the server sees the end of its input."""
    assert wait_until(marked_processes)
    hanging.kill()
    hanging.communicate(timeout=30)
    # A server in the middle of a sleep notices late, so this one is ended for it.
    for pid in marked_processes():
        os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: not marked_processes())


def test_output_that_nobody_reads_makes_no_noise(goflow_command, write):
    child = subprocess.Popen(
        [*goflow_command, "run", "-q", str(write(GREETING))],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    child.stdout.close()
    with child:
        assert "Traceback" not in child.stderr.read()

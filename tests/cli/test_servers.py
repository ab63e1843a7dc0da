"""``goflow servers``: what it keeps, what it prints, and how it ends."""

import json
import os
import pty
import subprocess
import sys

import pytest
from support.servers import SCRIPTS, wait_until
from support.workflows import tool, workflow

LAB = [sys.executable, "-S", "-E", str(SCRIPTS / "lab.py")]
MINIMAL = [sys.executable, "-S", "-E", str(SCRIPTS / "minimal.py")]


@pytest.fixture
def registered(home):
    """``registered(id, **definition)``: put a server into the user's file."""
    servers = {}

    def registered(server_id, **definition):
        home.mkdir(exist_ok=True)
        servers[server_id] = definition
        (home / "servers.json").write_text(json.dumps({"servers": servers}))

    return registered


@pytest.fixture
def minimal(registered):
    """A server ``mini``."""
    registered("mini", command=MINIMAL[0], args=MINIMAL[1:])


# -- the registry ----------------------------------------------------------------------------------


def test_a_server_is_added_shown_listed_and_removed(cli, home):
    done = cli(
        "servers", "add", "lab", "--env", "A=1=2", "--timeout", "5s", "--cwd", "x", "--", *LAB
    )
    assert done.code == 0
    assert "added 'lab'" in done.err
    assert (home / "servers.json").stat().st_mode & 0o777 == 0o600
    shown = json.loads(cli("servers", "show", "lab", "--json").out)
    assert shown["command"] == LAB[0]
    assert shown["args"] == LAB[1:]
    assert shown["env"] == {"A": "1=2"}
    assert shown["timeout"] == "5s"
    assert os.path.isabs(shown["cwd"])
    assert shown["file"] == str(home / "servers.json")
    assert "id: lab\n" in cli("servers", "show", "lab").out
    (row,) = json.loads(cli("servers", "list", "--json").out)
    assert row["id"] == "lab"
    assert row["target"].endswith("lab.py")
    assert "lab.py" in cli("servers", "list").out
    assert cli("servers", "remove", "lab").code == 0
    assert json.loads(cli("servers", "list", "--json").out) == []


def test_a_server_behind_http_is_added(cli):
    done = cli(
        "servers", "add", "web", "--url", "https://example.org/mcp", "--header", "X-A=b",
        "--credential", "web", "--json",
    )  # fmt: skip
    assert json.loads(done.out) == {
        "id": "web",
        "transport": "http",
        "url": "https://example.org/mcp",
        "headers": {"X-A": "b"},
        "credential_ref": "keyring://web",
    }


def test_a_script_in_this_folder_is_found_from_everywhere(cli, tmp_path):
    (tmp_path / "my_server.py").write_text("")
    done = cli("servers", "add", "my", "--json", "--", "python", "my_server.py")
    assert os.path.samefile(json.loads(done.out)["cwd"], tmp_path)
    assert "it starts in " in done.err
    done = cli("servers", "add", "no", "--json", "--", "python", "other.py", str(tmp_path))
    assert "cwd" not in json.loads(done.out)
    assert "it starts in" not in done.err
    args = ["--cwd", "x", "--json", "--", "python", "my_server.py"]
    assert json.loads(cli("servers", "add", "mine", *args).out)["cwd"].endswith(f"{os.sep}x")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["x"], "either a COMMAND or a --url"),
        (["x", "--url", "http://x", "--", "y"], "either a COMMAND or a --url"),
        (["a b", "--", "y"], "'a b' is not a valid id"),
        (["", "--", "y"], "not be empty"),
        (["x", "--env", "A", "--", "y"], "--env 'A' is not NAME=VALUE"),
        (["x", "--env", "A=1", "--env", "A=2", "--", "y"], "gives 'A' twice"),
        (["x", "--timeout", "soon", "--", "y"], "'soon' is not a duration"),
        (["x", "--url", "http://x", "--transport", "carrier-pigeon"], "cannot be 'carrier-pigeon'"),
        (["x", "--max-in-flight", "0", "--", "y"], "must be a whole number"),
        (["x", "--env", "A=${nothing}", "--", "y"], "means nothing"),
        (["x", "--no-such-option"], "No such option"),
    ],
)
def test_a_wrong_definition_is_refused_and_nothing_is_kept(cli, home, args, message):
    done = cli("servers", "add", *args)
    assert done.code == 2
    assert message in done.err
    assert not (home / "servers.json").exists()


def test_an_id_is_not_taken_twice_unless_asked(cli):
    assert cli("servers", "add", "x", "--", "one").code == 0
    done = cli("servers", "add", "x", "--", "two")
    assert done.code == 2
    assert "there is a server 'x' already" in done.err
    assert "--replace" in done.err
    assert cli("servers", "add", "x", "--replace", "--", "two").code == 0
    assert json.loads(cli("servers", "show", "x", "--json").out)["command"] == "two"


def test_what_is_not_there_exits_with_2_and_the_nearest_name(cli, minimal):
    for verb in (["show"], ["test"], ["tools"], ["remove"]):
        done = cli("servers", *verb, "mimi")
        assert done.code == 2, verb
        assert "'mimi'" in done.err
    assert "did you mean 'mini'?" in cli("servers", "show", "mimi").err
    assert cli("servers", "call", "mimi", "echo").code == 2


def test_a_broken_file_is_named_and_kept(cli, home):
    home.mkdir()
    (home / "servers.json").write_text("{oops")
    for args in (["list"], ["show", "x"], ["add", "x", "--", "y"], ["remove", "x"], ["test"]):
        done = cli("servers", *args)
        assert done.code == 2, args
        assert "servers.json is not JSON" in done.err
    assert (home / "servers.json").read_text() == "{oops"


def test_a_definition_with_mistakes_is_shown_with_them(cli, registered):
    registered("bad", args=["x"])
    done = cli("servers", "show", "bad", "--json")
    assert done.code == 1
    document = json.loads(done.out)
    assert document["valid"] is False
    assert "'command' is required" in str(document["findings"])
    assert "mistakes" in cli("servers", "list").out


def test_a_secret_that_is_written_out_is_never_shown(cli, registered):
    registered(
        "leaky",
        command="x",
        args=["--token", "hunter2-1"],
        env={"API_KEY": "hunter2-2", "OTHER_KEY": "${secret.MINE}", "API_TOKEN": "${secret.T}"},
        headers={"Authorization": "Bearer hunter2-3"},
    )
    for args in (["list"], ["list", "--json"], ["show", "leaky"], ["show", "leaky", "--json"]):
        done = cli("servers", *args)
        assert "hunter2" not in done.out + done.err
    assert "${secret.T}" in cli("servers", "show", "leaky").out


def test_adding_a_secret_in_clear_says_what_is_better(cli):
    done = cli("servers", "add", "x", "--env", "GITHUB_TOKEN=hunter2-and-more", "--", "y")
    assert "goflow secrets set" in done.err
    assert "hunter2" not in done.err
    done = cli("servers", "add", "z", "--env", "GITHUB_TOKEN=${secret.github}", "--", "y")
    assert "goflow secrets" not in done.err


def test_a_clients_file_is_imported(cli, tmp_path):
    servers = {
        "My box": {"command": "goflow-toolbox", "args": ["--root", "."]},
        "web": {"type": "streamable-http", "url": "https://x", "headers": {"A": "${input:a-b}"}},
        "bad": {"args": []},
        "there": {"command": "y"},
    }
    (tmp_path / "client.json").write_text(json.dumps({"mcpServers": servers}))
    assert cli("servers", "add", "there", "--", "x").code == 0
    done = cli("servers", "import", "client.json", "--json")
    assert done.code == 1  # one has mistakes
    document = json.loads(done.out)
    assert document["added"] == ["My-box", "web"]
    assert [entry["id"] for entry in document["skipped"]] == ["bad", "there"]
    shown = json.loads(cli("servers", "show", "My-box", "--json").out)
    assert os.path.samefile(shown["cwd"], tmp_path)
    shown = json.loads(cli("servers", "show", "web", "--json").out)
    assert shown["headers"] == {"A": "${secret.a_b}"}
    done = cli("servers", "import", "client.json", "--only", "there", "--replace")
    assert done.code == 0
    assert json.loads(cli("servers", "show", "there", "--json").out)["command"] == "y"


def test_an_import_that_cannot_be_read_changes_nothing(cli, tmp_path, home):
    (tmp_path / "client.json").write_text("[]")
    for args in (["none.json"], ["client.json"], ["."]):
        assert cli("servers", "import", *args).code == 2
    (tmp_path / "client.json").write_text('{"mcpServers": {"a": {"command": "x"}}}')
    done = cli("servers", "import", "client.json", "--only", "b")
    assert done.code == 2
    assert "it has a" in done.err
    assert not (home / "servers.json").exists()


# -- launchers -------------------------------------------------------------------------------------


def test_a_launcher_is_kept_as_given_and_the_direct_start_offered(cli):
    done = cli("servers", "add", "time", "--json", "--", "uvx", "mcp-server-time")
    assert json.loads(done.out)["command"] == "uvx"
    assert "uvx would start mcp-server-time" in done.err
    assert "--direct" in done.err
    assert "hundreds of milliseconds" in done.err


def test_direct_starts_the_script_behind_the_launcher(cli, scripts):
    done = cli("servers", "add", "time", "--direct", "--json", "--", "uvx", "mcp-server-time")
    assert json.loads(done.out)["command"] == str(scripts / "mcp-server-time")
    assert "it is started directly" in done.err
    assert json.loads(cli("servers", "test", "time", "--json").out)["ok"] is True


def test_direct_for_what_is_not_installed_is_refused(cli):
    done = cli("servers", "add", "x", "--direct", "--", "uvx", "no-such-package-here")
    assert done.code == 2
    assert "is not installed" in done.err
    assert cli("servers", "add", "x", "--as-given", "--", "uvx", "no-such-package").code == 0


def test_on_a_terminal_the_direct_start_is_asked_for(goflow_command, scripts, tmp_path):
    controller, terminal = pty.openpty()
    command = [*goflow_command, "servers", "add", "time", "--json", "--", "uvx", "mcp-server-time"]
    process = subprocess.Popen(
        command, stdin=terminal, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=tmp_path
    )
    os.close(terminal)
    os.write(controller, b"y\n")
    out, _ = process.communicate(timeout=60)
    os.close(controller)
    assert json.loads(out)["command"] == str(scripts / "mcp-server-time")


# -- live servers ----------------------------------------------------------------------------------


def test_test_connects_lists_and_times(cli, minimal):
    row = json.loads(cli("servers", "test", "mini", "--json").out)
    assert row["ok"] is True
    assert row["server"] == {"name": "minimal", "version": "1.0"}
    assert row["tools"] == ["echo", "add"]
    assert row["connect_seconds"] > 0
    assert row["list_seconds"] > 0
    assert row["error"] is None
    assert "mini: connected in" in cli("servers", "test", "mini").out


def test_test_without_an_id_tries_them_all_and_fails_if_one_does(cli, minimal, registered):
    registered("bad", command="no-such-command-anywhere")
    done = cli("servers", "test", "--json")
    assert done.code == 1
    mini, bad = json.loads(done.out)
    assert (bad["id"], bad["ok"]) == ("bad", False)
    assert bad["error"]["code"] == "connection_error"
    assert mini["ok"] is True
    done = cli("servers", "test")
    assert done.code == 1
    assert "there is no command 'no-such-command-anywhere'" in done.err


def test_a_missing_secret_fails_the_test_of_its_server_only(cli, registered):
    registered("needs", command="x", env={"A": "${secret.GITHUB}"})
    done = cli("servers", "test", "needs", "--json")
    assert done.code == 1
    assert "needs the secret 'GITHUB'" in json.loads(done.out)["error"]["message"]
    assert "goflow secrets set GITHUB" in json.loads(done.out)["error"]["hint"]


def test_tools_are_listed_with_their_schemas_if_asked(cli, minimal):
    done = cli("servers", "tools", "mini")
    assert done.out.splitlines() == [
        "echo(text)  Give the text back.",
        "add(a, b)   Add two numbers.",
    ]
    assert '"required"' in cli("servers", "tools", "mini", "--schema").out
    tools = json.loads(cli("servers", "tools", "mini", "--json").out)
    assert tools[1]["inputSchema"]["required"] == ["a", "b"]


def test_tools_of_a_server_that_is_not_there_are_an_error_as_json_too(cli, registered):
    registered("bad", command="no-such-command-anywhere")
    done = cli("servers", "tools", "bad", "--json")
    assert done.code == 1
    assert json.loads(done.out)["error"]["code"] == "connection_error"


def test_a_tool_is_called_with_arguments_of_the_types_it_takes(cli, minimal):
    assert cli("servers", "call", "mini", "echo", "--arg", "text=12").out == "12\n"
    done = cli("servers", "call", "mini", "add", "--arg", "a=1", "--arg", "b=2.5", "--json")
    document = json.loads(done.out)
    assert document["value"] == {"sum": 3.5}
    assert document["result"]["structuredContent"] == {"sum": 3.5}
    assert document["error"] is None
    assert document["seconds"] > 0
    done = cli("servers", "call", "mini", "add", "--input", '{"a": 1, "b": 5}', "--arg", "b=2")
    assert json.loads(done.out) == {"sum": 3}


def test_arguments_without_their_option_are_answered_with_it(cli, minimal):
    done = cli("servers", "call", "mini", "echo", "text=one two", "there")
    assert done.code == 2
    assert "'text=one two' is one word too many" in done.err
    assert "hint: --arg 'text=one two' --arg NAME=there\n" in done.err


def test_a_call_that_is_refused_says_what_the_tool_takes(cli, registered):
    registered("sdk", command=sys.executable, args=[str(SCRIPTS / "sdk_stdio.py")])
    done = cli("servers", "call", "sdk", "echo", "--arg", "txt=a")
    assert done.code == 1
    assert (
        "hint: the tool has no argument 'txt' (did you mean 'text'?); it is echo(text)" in done.err
    )


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["ecko"], "has no tool 'ecko'"),
        (["echo", "--arg", "text"], "--arg 'text' is not NAME=VALUE"),
        (["add", "--arg", "a=one"], "'one' is not a value of type number"),
        (["echo", "--input", "[1]"], "must be a map"),
        (["echo", "--input", "none.json"], "cannot read none.json"),
        (["echo", "--timeout", "soon"], "'soon' is not a valid float"),
    ],
)
def test_a_wrong_call_exits_with_2(cli, minimal, args, message):
    done = cli("servers", "call", "mini", *args)
    assert done.code == 2
    assert message in done.err


def test_a_call_that_fails_exits_with_1_and_says_why(cli, registered):
    registered("lab", command=LAB[0], args=LAB[1:])
    args = ["--input", '{"key": "k", "failures": 1}']
    done = cli("servers", "call", "lab", "flaky", *args, "--json")
    assert done.code == 1
    document = json.loads(done.out)
    assert document["error"]["code"] == "tool_error"
    assert document["result"]["isError"] is True
    done = cli("servers", "call", "lab", "die", "--json")
    assert done.code == 1
    assert json.loads(done.out)["error"]["code"] == "connection_error"
    done = cli("servers", "call", "lab", "hang", "--timeout", "0.05", "--json")
    assert json.loads(done.out)["error"]["code"] == "timeout"


def test_the_servers_of_a_workflow_count_with_file(cli, write):
    from support.workflows import lab_server, row, tool, workflow

    node = tool("call", "crowd")
    file = write(workflow([node], row("call"), servers=[lab_server()]))
    assert cli("servers", "call", "lab", "crowd").code == 2
    assert cli("servers", "call", "lab", "crowd", "-f", file).out == "1\n"
    assert json.loads(cli("servers", "test", "lab", "-f", file, "--json").out)["ok"] is True


def test_the_projects_servers_count_and_the_users_come_first(cli, tmp_path, minimal):
    servers = {"mini": {"command": "x"}, "box": {"command": "goflow-toolbox"}}
    (tmp_path / ".mcp.json").write_text(json.dumps({"mcpServers": servers}))
    rows = {row["id"]: row for row in json.loads(cli("servers", "list", "--json").out)}
    assert rows["mini"]["target"].endswith("minimal.py")
    assert rows["box"]["file"] == str(tmp_path / ".mcp.json")


def test_stats_show_what_runs_used_servers_for(cli, write, minimal, registered):
    registered("broken", command=sys.executable, args=["-c", ""])
    good = write(
        workflow(
            [
                tool("a", "echo", server="mini", text="x"),
                tool("b", "echo", server="mini", text="y"),
            ],
            ["start a", "a b", "b end"],
            servers=[],
        )
    )
    bad = write(
        workflow([tool("a", "x", server="broken")], ["start a", "a end"], servers=[]), "bad"
    )
    assert "no run has used a server yet" in cli("servers", "stats").err
    assert [cli("run", file).code for file in (good, good, bad)] == [0, 0, 1]
    rows = json.loads(cli("servers", "stats", "--json").out)
    assert [row["id"] for row in rows] == ["mini", "broken"]
    assert [(row["uses"], row["connects"], row["failures"]) for row in rows] == [
        (4, 2, 0),
        (0, 0, 1),
    ]
    assert rows[0]["reuse"] == 0.5
    assert rows[0]["connect_seconds"] >= rows[0]["waited_seconds"]
    assert rows[0]["last_used"] > rows[0]["since"]
    head, line = cli("servers", "stats", "mini").out.splitlines()
    assert head.split()[:3] == ["server", "uses", "reuse"]
    assert line.split()[:3] == ["mini", "4", "50.0%"]


def test_stats_of_a_server_that_was_never_used_are_zero_and_of_none_an_error(cli, minimal):
    (row,) = json.loads(cli("servers", "stats", "mini", "--json").out)
    assert (row["uses"], row["reuse"], row["last_used"]) == (0, 0, None)
    done = cli("servers", "stats", "minni")
    assert done.code == 2
    assert "mini" in done.err


def test_an_interrupted_test_leaves_no_server(goflow_command, registered, mark, marked_processes):
    script = str(SCRIPTS / "faulty.py")
    args = ["-S", "-E", script, "hang at handshake", mark]
    registered("slow", command=sys.executable, args=args)
    process = subprocess.Popen(
        [*goflow_command, "servers", "test", "slow"], stderr=subprocess.PIPE, text=True
    )
    assert wait_until(marked_processes)
    process.send_signal(2)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "verb", ["", "list", "show", "add", "remove", "import", "test", "tools", "call", "stats"]
)
def test_help_shows_examples(cli, verb):
    done = cli("servers", *([verb] if verb else []), "--help")
    assert done.code == 0
    assert "Examples:" in done.out
    assert "goflow servers" in done.out


# -- logging in ------------------------------------------------------------------------------------


def test_a_login_is_kept_used_and_forgotten(goflow_command, cli, registered, keyring_file):
    import re
    import urllib.request

    from support.web import web_server

    env = {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    with web_server("sdk_auth_web", "3600") as web:
        registered("guarded", transport="http", url=web.url)
        refused = json.loads(cli("servers", "test", "guarded", "--json", env=env).out)
        assert "goflow servers login" in refused["error"]["hint"]
        process = subprocess.Popen(
            [*goflow_command, "servers", "login", "guarded", "--no-browser"],
            stderr=subprocess.PIPE, text=True, env={**os.environ, **env},
        )  # fmt: skip
        url = re.search(r"http://\S+", process.stderr.readline()).group()
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(url) as page:
            assert b"close this window" in page.read()
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        assert "logged in to 'guarded'" in err
        assert json.loads(cli("servers", "test", "guarded", "--json", env=env).out)["ok"] is True
        assert cli("servers", "logout", "guarded").code == 0
        assert cli("servers", "logout", "guarded").code == 2
        assert cli("servers", "test", "guarded", env=env).code == 1


def test_a_login_as_a_known_client_takes_its_secret_by_name(cli, registered):
    registered("guarded", transport="http", url="http://127.0.0.1:1/mcp")
    done = cli("servers", "login", "guarded", "--client-secret", "x")
    assert done.code == 2
    assert "--client-id" in done.err
    done = cli("servers", "login", "guarded", "--client-id", "me", "--client-secret", "x")
    assert done.code == 2
    assert "goflow secrets set x" in done.err


def test_a_process_has_no_login(cli, minimal):
    for verb in ("login", "logout"):
        done = cli("servers", verb, "mini")
        assert done.code == 2
        assert "has no login" in done.err

"""``goflow export`` and ``import``: shared without secrets, taken in with care."""

import json
import os
from pathlib import Path

import pytest
from support.leaks import leaks_in
from support.terminal import GOFLOW, Terminal, screen_of
from support.workflows import loop, row, tool, transform, workflow

import goflow
from goflow.cli.export import scrubbed
from goflow.workflow import yaml_text
from goflow.workflow.format import canonical_text

TOKENS = {
    "github": "ghp_0123456789abcdefghijABCDEFGHIJ012345",
    "aws": "AKIAIOSFODNN7EXAMPLE",
    "slack": "xoxb-123456789012-123456789012-AbCdEfGhIjKlMnOpQrStUvWx",
    "stripe": "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0",
    "random": "dGhpc2lzYXZlcnlsb25nMTIzNDU2Nzg5MHJhbmRvbXRleHQ3NDEy",
}


def flow(**parts):
    """A workflow with one tool call, and more."""
    server = {"id": "lab", "command": "python3", **parts.pop("server", {})}
    node = tool("a", "say", output="x", **parts.pop("arguments", {"text": "hi"}))
    return workflow([node], ["start a", "a end"], servers=[server], **parts)


@pytest.fixture
def shared(cli, write, tmp_path):
    """Export a workflow; the text of what came out, and how the command ended."""

    def shared(text, env=None):
        done = cli("export", write(text, "flow.json"), "-o", "shared.yaml", "--json", env=env)
        assert done.code == 0, done
        told = json.loads(done.out)
        return (tmp_path / "shared.yaml").read_text(), told

    return shared


@pytest.mark.parametrize("kind", TOKENS)
@pytest.mark.parametrize(
    "place",
    [
        lambda t: {"server": {"env": {"SOME_KEY": t}}},
        lambda t: {"server": {"args": ["--verbose", f"--token={t}"]}},
        lambda t: {"server": {"args": ["--token", t]}},
        lambda t: {"server": {"env": {"OPTIONS": f"a=1 {t} b=2"}}},
        lambda t: {"arguments": {"text": f"Bearer {t}"}},
        lambda t: {"arguments": {"text": [{"deep": t}]}},
        lambda t: {"variables": [{"name": "key", "type": "string", "default": t}]},
        lambda t: {"description": f"call it with {t}"},
        lambda t: {"metadata": {"note": {"more": t}}},
        lambda t: {"result": {"told": t}},
    ],
    ids=[
        "env",
        "option",
        "argument",
        "inside",
        "value",
        "deep",
        "default",
        "prose",
        "notes",
        "end",
    ],
)
def test_a_secret_is_nowhere_in_what_is_shared(write, kind, place):
    secret = TOKENS[kind]
    found = scrubbed(write(flow(**place(secret)), "flow.json"))
    text = canonical_text(yaml_text.write(found.tree))
    assert not leaks_in(text, secret)
    assert not leaks_in(json.dumps(found), secret)
    assert goflow.validate(text).valid


def test_a_password_in_a_url_and_a_header_are_replaced(shared):
    server = {"id": "web", "transport": "http",
              "url": "https://me:pass-w0rd@example.org/mcp?api_key=abcdefgh12",
              "headers": {"Authorization": "Bearer abc-123-def-456"}}  # fmt: skip
    text, told = shared(
        workflow([tool("a", "t", server="web")], ["start a", "a end"], servers=[server])
    )
    for secret in ("pass-w0rd", "abcdefgh12", "abc-123-def-456"):
        assert secret not in text
    assert "Bearer ${secret.web_authorization}" in text
    assert {each["kind"] for each in told["placeholders"]} == {"secret"}
    assert goflow.validate(text).valid


def test_what_goes_by_the_name_of_a_secret_is_one(shared):
    text, told = shared(flow(server={"env": {"API_TOKEN": "hunter2-is-plain", "MODE": "fast"}}))
    assert "hunter2" not in text
    assert told["placeholders"][0]["name"] == "lab_api_token"
    assert "MODE: fast" in text


def test_secrets_that_are_kept_here_keep_their_name(shared):
    text, told = shared(
        flow(server={"env": {"X": "plain-looking"}}, arguments={"text": "it is plain-looking"}),
        env={"GOFLOW_SECRET_MINE": "plain-looking"},
    )
    assert "plain-looking" not in text
    assert "${secret.mine}" in text
    assert [each["kind"] for each in told["placeholders"]] == ["secret", "input"]


@pytest.mark.parametrize("name", ["x", "item", "item_index", "secret", "input"])
def test_an_input_for_a_secret_has_a_name_that_nothing_else_has(shared, name):
    each = loop("each", [1], ["b"], item="item")
    nodes = [tool("a", "say", output="x", text="hi"), each,
             tool("b", "say", output="y", text={name: TOKENS["github"]})]  # fmt: skip
    text, told = shared(workflow(nodes, row("a", "each")))
    assert told["placeholders"][0]["name"] == f"{name}_2"
    assert goflow.validate(text).valid


@pytest.mark.parametrize(
    "default",
    [{"key": TOKENS["github"]}, f"Bearer {TOKENS['github']}"],
    ids=["in a map", "in text"],
)
def test_a_variable_that_holds_more_than_the_secret_does_not_stand_for_it(shared, default):
    variables = [{"name": "all", "default": default}]
    text, _ = shared(flow(variables=variables, arguments={"text": TOKENS["github"]}))
    assert goflow.load(text).nodes[1].parameters == {"text": "${text}"}


@pytest.mark.parametrize("secret", list(TOKENS.values()), ids=list(TOKENS))
def test_a_secret_in_an_expression_is_refused(cli, write, secret, tmp_path):
    text = workflow([transform("t", f"'{secret}'")], ["start t", "t end"])
    done = cli("export", write(text, "flow.json"), "-o", "shared.yaml")
    assert done.code == 1
    assert "nodes[1].expression holds what looks like" in done.err
    assert secret not in done.err
    assert not (tmp_path / "shared.yaml").exists()


@pytest.mark.parametrize("name", sorted(
    path.name for path in (Path(__file__).parents[2] / "examples").glob("*.yaml")
))  # fmt: skip
def test_an_example_is_shared_as_it_is(cli, name):
    file = Path(__file__).parents[2] / "examples" / name
    done = cli("export", file)
    assert done.code == 0
    assert "in the place of" not in done.err
    assert goflow.load(done.out) == goflow.load(file)


def test_the_home_folder_is_not_named(shared, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path.parent))
    home = str(tmp_path.parent)
    text, told = shared(flow(
        server={"command": f"{home}/bin/serve", "args": [f"{home}/data"], "cwd": str(tmp_path)},
        arguments={"text": f"{home}/notes"},
    ))  # fmt: skip
    assert "command: ~/bin/serve" in text
    assert "${env.HOME}/data" in text
    assert "cwd: ." in text
    assert told["notes"] == [f"nodes[1].parameters.text names a folder of yours: {home}/…"]


def test_a_server_that_only_the_user_knows_is_written_into_it(cli, shared):
    cli("servers", "add", "mine", "--env", "API_TOKEN=abcdefgh-secret", "--", "python3", "-V")
    text, _ = shared(workflow([tool("a", "t", server="mine")], ["start a", "a end"]))
    assert "id: mine" in text
    assert "abcdefgh-secret" not in text


def test_a_workflow_that_runs_others_says_so(cli, write, shared):
    write(workflow([], ["start end"]), "other.json")
    node = {"id": "sub", "type": "workflow", "workflow": "other"}
    _, told = shared(workflow([node], ["start sub", "sub end"]))
    assert told["notes"] == ["it runs the workflow 'other': share that one too"]


def test_wrong_calls_of_export(cli, write, tmp_path):
    file = write(flow(), "flow.json")
    assert cli("export", "nothing.yaml").code == 2
    assert cli("export", file, "--json").code == 2
    (tmp_path / "there.yaml").write_text("precious")
    assert cli("export", file, "-o", "there.yaml").code == 2
    assert (tmp_path / "there.yaml").read_text() == "precious"
    assert cli("export", file, "-o", "there.yaml", "--force").code == 0
    assert cli("export", file, "-o", "no/such/folder.yaml").code == 2


def test_without_the_scanner_nothing_is_shared(cli, write, tmp_path):
    package = tmp_path / "packages" / "detect_secrets"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise ImportError('not here')")
    done = cli("export", write(flow(), "flow.json"), env={"PYTHONPATH": str(package.parent)})
    assert done.code == 2
    assert "pip install 'goflow-mcp[export]'" in done.err
    assert done.out == ""


def test_export_on_a_terminal(write, tmp_path):
    write(flow(server={"env": {"API_TOKEN": TOKENS["github"]}}), "flow.json")
    screen, code = screen_of("export", "flow.json", "-o", "shared.yaml", cwd=tmp_path)
    assert code == 0
    assert "servers[0].env: ${secret.lab_api_token} in the place of" in screen
    assert "shared.yaml: written; goflow import shared.yaml takes it in elsewhere" in screen
    assert TOKENS["github"] not in screen


# -- import --------------------------------------------------------------------------------------


@pytest.fixture
def foreign(tmp_path):
    """A file from elsewhere, in a folder of its own."""
    folder = tmp_path / "downloads"
    folder.mkdir()

    def foreign(text):
        (folder / "shared.yaml").write_text(text)
        return folder / "shared.yaml"

    return foreign


def test_what_was_exported_is_taken_in_and_runs(cli, tmp_path, foreign):
    cli("init", "mine")
    exported = foreign(cli("export", "mine.yaml").out)
    done = cli("import", exported, "-o", "theirs.yaml")
    assert (done.code, done.out) == (0, "theirs.yaml\n")
    assert "it starts goflow-toolbox --root mine-data" in done.err
    assert goflow.run(tmp_path / "theirs.yaml").completed


def test_what_is_missing_is_listed(cli, foreign, tmp_path):
    text = flow(
        server={"command": "no-such-command", "env": {"A": "${secret.a}", "B": "${env.NO_SUCH_B}"}},
        variables=[{"name": "who", "required": True}],
    )
    done = cli("import", foreign(text), "--json")
    assert done.code == 3
    told = json.loads(done.out)
    assert told["file"] == "test.yaml"
    assert [(need["kind"], need["name"], need["there"]) for need in told["needs"]] == [
        ("secret", "a", False), ("environment", "NO_SUCH_B", False),
        ("command", "no-such-command", False),
    ]  # fmt: skip
    assert told["inputs"] == ["who"]
    done = cli("import", tmp_path / "downloads" / "shared.yaml", "--force")
    assert done.code == 3
    assert "missing: the secret a (goflow secrets set a)" in done.err
    assert "each run needs --var who=…" in done.err
    assert cli("import", tmp_path / "test.yaml", "-o", "t2.yaml", env={
        "GOFLOW_SECRET_A": "x", "NO_SUCH_B": "y"}).err.count("missing") == 1  # fmt: skip


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"nodes": []}, "has errors"),
        ({"name": "../../evil"}, None),
        ({"servers": [{"id": "lab", "command": "x", "cwd": "../.."}]}, "reaches out"),
        ({"servers": [{"id": "lab", "command": "x", "cwd": "/etc"}]}, "reaches out"),
    ],
)
def test_hostile_files_write_nothing_elsewhere(cli, foreign, tmp_path, change, told):
    before = {path for path in tmp_path.rglob("*") if "home" not in path.parts}
    file = foreign(json.dumps({**json.loads(flow()), **change}))
    done = cli("import", file)
    new = {path for path in tmp_path.rglob("*") if "home" not in path.parts} - before - {file}
    if told is None:
        assert new == {tmp_path / "evil.yaml"}
        return
    assert done.code == 1
    assert told in done.err
    assert new == set()


@pytest.mark.parametrize("path", ["../secret", "/etc/other", "a/../../b", "C:\\x", "~/x"])
def test_a_workflow_that_runs_one_outside_of_its_folder_is_refused(cli, foreign, tmp_path, path):
    node = {"id": "sub", "type": "workflow", "workflow": path}
    done = cli("import", foreign(workflow([node], ["start sub", "sub end"])))
    assert done.code == 1
    assert not (tmp_path / "test.yaml").exists()


def test_a_file_that_is_too_large_or_a_bomb_is_refused(cli, foreign, tmp_path):
    assert cli("import", foreign("a: " + "x" * (11 << 20))).code == 1
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n"
                                        for i in range(1, 12))  # fmt: skip
    done = cli("import", foreign(bomb))
    assert done.code == 1
    assert "GF111" in done.out


def test_a_link_and_a_file_that_is_there_are_not_written_over(cli, foreign, tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("mine")
    (tmp_path / "test.yaml").symlink_to(precious)
    assert cli("import", foreign(flow())).code == 2
    assert cli("import", foreign(flow()), "--force").code == 2
    assert cli("import", foreign(flow()), "-o", "precious").code == 2
    assert precious.read_text() == "mine"


def test_control_characters_of_a_file_do_not_reach_the_terminal(cli, foreign):
    done = cli("import", foreign(flow(server={"args": ["\u001b[2J\u0007boo"]})))
    assert "boo" in done.err
    assert "\x1b" not in done.err


def test_import_of_nothing_is_a_bad_call(cli):
    assert cli("import", "nothing.yaml").code == 2


def test_import_on_a_terminal_asks_for_secrets_and_keeps_them(tmp_path, foreign, keyring_file):
    file = foreign(flow(server={"env": {"A": "${secret.first}", "B": "${secret.second}"}}))
    with Terminal([GOFLOW, "import", file], cwd=tmp_path) as terminal:
        terminal.wait_for("first .*: ")
        terminal.type("s3cr3t-value")
        terminal.wait_for("second .*: ")
        terminal.type("")
        screen = terminal.finish()
    assert terminal.code == 3
    assert "test.yaml" in screen
    assert "missing: the secret second" in screen
    assert "s3cr3t" not in screen
    assert "s3cr3t-value" in keyring_file.read_text()
    assert os.environ["GOFLOW_HOME"] not in screen

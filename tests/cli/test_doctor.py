"""``goflow doctor``: every kind of problem, with something that is really broken."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.terminal import screen_of
from support.workflows import transform, workflow

import goflow

SIMPLE = workflow([transform("t", "1")], ["start t", "t end"])


@pytest.fixture
def doctor(cli):
    """Run it; what it found by name, and that its exit code says the same."""

    def doctor(*args, **options):
        done = cli("doctor", "--json", *args, **options)
        told = json.loads(done.out)
        problems = [check for check in told["checks"] if check["status"] == "problem"]
        assert told["ok"] is (not problems)
        assert done.code == (1 if problems else 0), done
        assert all(problem["hint"] for problem in problems)
        return {check["name"]: check for check in told["checks"]}

    return doctor


def test_a_fresh_installation_is_fine(doctor, home):
    found = doctor()
    assert found["version"]["detail"].startswith(f"goflow {goflow.__version__}, Python 3.")
    assert found["core"]["status"] == "ok"
    assert found["history"]["detail"] == "nothing kept yet"
    assert found["keyring"]["status"] == "note"
    assert found["node"]["status"] in ("ok", "note")
    assert not home.exists()


def test_stores_that_are_used_are_fine_and_left_as_they_are(cli, doctor, write, home):
    cli("run", "-q", write(SIMPLE))
    before = {file: file.stat().st_mtime_ns for file in home.rglob("*")}
    found = doctor()
    assert found["history"]["detail"].startswith("1 runs, ")
    assert found["private files"]["status"] == "ok"
    assert {file: file.stat().st_mtime_ns for file in home.rglob("*")} == before


def test_a_damaged_history_is_a_problem(cli, doctor, write, home):
    cli("run", "-q", write(SIMPLE))
    with (home / "history.db").open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 8192)
    found = doctor()["history"]
    assert found["status"] == "problem"
    assert "mv " in found["hint"]


def test_a_history_of_a_newer_release_is_a_problem(doctor, home):
    import sqlite3
    from contextlib import closing

    home.mkdir(0o700)
    with closing(sqlite3.connect(home / "history.db")) as database:
        database.execute("PRAGMA user_version = 99")
    (home / "history.db").chmod(0o600)
    assert "newer release" in doctor()["history"]["detail"]


def test_a_cache_that_is_no_database_is_a_problem(doctor, home):
    (home / "cache").mkdir(0o700, parents=True)
    (home / "cache" / "results.db").write_bytes(b"not a database at all" * 100)
    (home / "cache" / "results.db").chmod(0o600)
    found = doctor()["cache"]
    assert found["status"] == "problem"
    assert "cannot be read" in found["detail"]


def test_files_that_others_may_read_are_a_problem(cli, doctor, write, home):
    cli("run", "-q", write(SIMPLE))
    (home / "history.db").chmod(0o644)
    found = doctor()["private files"]
    assert found["status"] == "problem"
    assert found["hint"] == f"chmod 600 {home / 'history.db'}"
    subprocess.run(found["hint"].split(), check=True)
    assert doctor()["private files"]["status"] == "ok"


def test_a_folder_that_cannot_be_written_and_a_disk_without_room_are_problems(doctor):
    found = doctor(env={"GOFLOW_HOME": "/proc/goflow"})
    assert found["folder"]["status"] == "problem"
    assert found["room"]["status"] == "problem"
    assert "0 MiB free" in found["room"]["detail"]


def test_a_file_in_the_place_of_the_folder_is_a_problem(doctor, home):
    home.write_text("")
    assert "is no folder" in doctor()["folder"]["detail"]


def test_a_registry_that_cannot_be_read_is_a_problem(doctor, home):
    home.mkdir(0o700)
    (home / "servers.json").write_text("{")
    (home / "servers.json").chmod(0o600)
    found = doctor()["servers"]
    assert found["status"] == "problem"
    assert "servers.json is not JSON" in found["detail"]


def test_servers_that_cannot_be_started_are_problems(cli, doctor, tmp_path, home):
    (tmp_path / ".mcp.json").write_text(json.dumps({"mcpServers": {
        "gone": {"command": "no-such-command-anywhere"},
        "secretive": {"command": sys.executable, "env": {"KEY": "${input:missing}"}},
        "wrong": {"command": sys.executable, "args": 5},
        "fine": {"command": sys.executable, "args": ["-c", "1"]},
    }}))  # fmt: skip
    found = doctor()
    assert "no command 'no-such-command-anywhere'" in found["server gone"]["detail"]
    assert "the secret 'missing'" in found["server secretive"]["detail"]
    assert "goflow secrets set missing" in found["server secretive"]["hint"]
    assert found["server wrong"]["status"] == "problem"
    assert found["server fine"]["status"] == "ok"


def test_with_servers_they_are_connected(doctor, tmp_path, scripts):
    (tmp_path / ".mcp.json").write_text(json.dumps({"mcpServers": {
        "box": {"command": str(scripts / "goflow-toolbox"), "args": ["--root", "."]},
        "dies": {"command": sys.executable, "args": ["-c", "1"]},
    }}))  # fmt: skip
    found = doctor("--servers")
    assert "reached, " in found["server box"]["detail"]
    assert found["server dies"]["status"] == "problem"


def test_a_secrets_file_that_others_may_read_is_a_problem(doctor, tmp_path):
    file = tmp_path / "secrets"
    file.write_text("A=b\n")
    file.chmod(0o644)
    found = doctor(env={"GOFLOW_SECRETS_FILE": str(file)})["secrets file"]
    assert found["status"] == "problem"
    assert found["hint"] == f"chmod 600 {file}"
    file.chmod(0o600)
    assert doctor(env={"GOFLOW_SECRETS_FILE": str(file)})["secrets file"]["status"] == "ok"


def test_a_keyring_that_does_not_work_is_a_problem(doctor, tmp_path):
    (tmp_path / "broken_keyring.py").write_text(
        "import keyring.backend\n"
        "class Broken(keyring.backend.KeyringBackend):\n"
        "    priority = 1\n"
        "    def get_password(self, service, name): raise OSError('the bus is gone')\n"
        "    def set_password(self, service, name, value): raise OSError('the bus is gone')\n"
    )
    found = doctor(
        env={"PYTHON_KEYRING_BACKEND": "broken_keyring.Broken", "PYTHONPATH": str(tmp_path)}
    )["keyring"]
    assert found["status"] == "problem"
    assert "the bus is gone" in found["detail"]


@pytest.mark.usefixtures("keyring_file")
def test_a_keyring_that_works_is_fine(doctor):
    assert doctor()["keyring"]["status"] == "ok"


def test_a_core_that_is_missing_is_a_problem(tmp_path):
    tree = tmp_path / "tree"
    shutil.copytree(
        Path(goflow.__file__).parent, tree / "goflow",
        ignore=shutil.ignore_patterns("*.so", "*.pyd", "__pycache__", "*.c"),
    )  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "goflow", "doctor", "--json"],
        cwd=tree, env={**os.environ, "PYTHONSAFEPATH": "", "PYTHONPATH": str(tree)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert done.returncode == 1
    assert found["core"]["status"] == "problem"
    assert "does not load" in found["core"]["detail"]


def test_an_unknown_option_is_a_bad_call(cli):
    assert cli("doctor", "--mend").code == 2


def test_on_a_terminal(tmp_path, home):
    home.write_text("")
    screen, code = screen_of("doctor", cwd=tmp_path)
    assert code == 1
    assert "✓ core " in screen
    assert "✗ folder " in screen
    assert "→ move it, or set GOFLOW_HOME" in screen
    assert "1 problem\n" in screen or "problems\n" in screen

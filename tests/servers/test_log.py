"""Server logs: made when there is something to keep, private, capped, and never in the way."""

import os

from goflow.servers.log import LOG_LIMIT, ServerLog, log_path
from goflow.servers.redaction import Redactor


def new_log(server_id="files", secrets=(), pid=7):
    return ServerLog(server_id, Redactor(secrets), pid)


def test_nothing_said_makes_no_file(home):
    log = new_log()
    log.finish_output()
    log.close()
    assert not home.exists()
    assert log.tail() == ""


def test_the_log_is_private_and_appended_to(home):
    for word in (b"one\n", b"two\n"):
        log = new_log()
        log.output(word)
        log.close()
    path = home / "logs" / "files.log"
    assert path == log_path("files")
    lines = path.read_text().splitlines()
    assert [line for line in lines if not line.startswith("[goflow 7] first output at ")] == [
        "one",
        "two",
    ]
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert home.stat().st_mode & 0o777 == 0o700


def test_an_id_never_names_another_folder(home):
    for server_id in ("../../etc/x", "..", "/root/x", "a/b", "", "é"):
        assert log_path(server_id).parent == home / "logs"


def test_the_log_is_rotated_once_and_shared_by_sessions(home):
    first, second = new_log(pid=1), new_log(pid=2)
    for _ in range(30):
        first.output(b"a" * 65535 + b"\n")
        second.output(b"b" * 65535 + b"\n")
    first.close()
    second.close()
    files = sorted((home / "logs").iterdir())
    assert [file.name for file in files] == ["files.log", "files.log.1"]
    for file in files:
        assert file.stat().st_size <= LOG_LIMIT
        assert file.stat().st_mode & 0o777 == 0o600


def test_the_tail_is_the_end_redacted_and_at_most_8_kib():
    log = new_log(secrets=("hunter2",))
    log.output(b"early\n" + b"x" * 20_000 + b"\nhunt")
    assert log.tail().endswith("x")
    log.output(b"er2 \xff late\n")
    assert len(log.tail()) <= 8192
    assert log.tail().endswith("\n*** \ufffd late")
    log.close()


def test_a_note_is_one_short_redacted_line(home):
    log = new_log(secrets=("hunter2",))
    log.note("odd: hunter2 \ud800" + "x" * 1000)
    log.close()
    line = log_path("files").read_text().splitlines()[1]
    assert line.startswith("[goflow 7] odd: *** \\ud800x")
    assert len(line) < 600
    assert log.tail() == ""


def test_a_log_that_cannot_be_written_is_given_up(home):
    home.write_text("a file where the folder should be")
    log = new_log()
    log.output(b"words\n")
    log.output(b"more\n")
    assert log.tail() == "words\nmore"
    log.close()


def test_a_link_in_the_place_of_the_log_is_not_followed(home, tmp_path):
    (home / "logs").mkdir(parents=True)
    target = tmp_path / "precious"
    target.write_text("mine")
    os.symlink(target, home / "logs" / "files.log")
    log = new_log()
    log.output(b"words\n")
    log.close()
    assert target.read_text() == "mine"

"""``goflow cache``: the results that are kept between runs."""

import json
import os
import sqlite3

import pytest

from goflow.results.key import function_key
from goflow.results.results import Results, store_path
from goflow.workflow.model import CachePolicy


@pytest.fixture
def filled(home):
    """A store of ten results, one of them expired."""
    results = Results.open()
    for at in range(10):
        policy = CachePolicy(ttl=1e-9) if at == 0 else CachePolicy()
        key = function_key(function="f", arguments={"at": at})
        results.keep(key, os.urandom(2000).hex(), None, policy=policy, duration=0.5)
    results.close()
    return store_path()


def test_stats_tells_how_much_is_kept(cli, filled):
    done = cli("cache", "stats")
    assert done.code == 0
    assert done.out.startswith(f"{filled}\n10 results in ")
    assert "1 expired" in done.out
    assert "they took 5.0 s to get" in done.out
    told = json.loads(cli("cache", "stats", "--json").out)
    assert told["path"] == str(filled)
    assert (told["entries"], told["expired"], told["blobs"]) == (10, 1, 10)
    assert told["content_bytes"] > 40_000
    assert told["oldest"].endswith("Z")


@pytest.mark.parametrize("verb", ["stats", "clear", "prune", "verify"])
def test_without_a_store_there_is_nothing_and_none_is_made(cli, home, verb):
    options = ["--yes"] if verb == "clear" else []
    done = cli("cache", verb, *options)
    assert done.code == 0
    assert done.err == ""
    assert isinstance(json.loads(cli("cache", verb, "--json", *options).out), dict)
    assert not home.exists()


def test_clear_removes_everything_once_confirmed(cli, filled):
    done = cli("cache", "clear")
    assert done.code == 2
    assert "add --yes" in done.err
    assert cli("cache", "clear", "--json").code == 2
    assert json.loads(cli("cache", "stats", "--json").out)["entries"] == 10
    assert cli("cache", "clear", "--yes").out == "removed 10 results\n"
    assert "no results are kept" in cli("cache", "stats").out
    assert json.loads(cli("cache", "clear", "--yes", "--json").out)["removed"] == 0
    assert filled.stat().st_size < 60_000


def test_prune_removes_what_is_expired_or_too_much(cli, filled):
    assert cli("cache", "prune").out == "removed 1 result\n"
    told = json.loads(cli("cache", "prune", "--max-bytes", "50K", "--json").out)
    assert 1 <= told["removed"] < 9
    left = json.loads(cli("cache", "stats", "--json").out)
    assert left["file_bytes"] <= 50 * 1024
    assert cli("cache", "prune", "--max-age", "1h").out == "removed 0 results\n"
    assert cli("cache", "prune", "--max-bytes", "0").code == 0
    assert json.loads(cli("cache", "stats", "--json").out)["entries"] == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["prune", "--max-bytes", "many"], "--max-bytes 'many' is no size"),
        (["prune", "--max-bytes", "-5"], "is no size"),
        (["prune", "--max-bytes", "nan"], "is no size"),
        (["prune", "--max-bytes", ""], "is no size"),
        (["prune", "--max-bytes", "1e99G"], "is no size"),
        (["prune", "--max-age", "soon"], "--max-age 'soon' is no duration"),
        (["prune", "--nope"], "--nope"),
        (["frobnicate"], "frobnicate"),
    ],
)
def test_a_wrong_call_exits_with_2_and_changes_nothing(cli, filled, options, message):
    done = cli("cache", *options)
    assert done.code == 2
    assert done.out == ""
    assert message in done.err
    assert json.loads(cli("cache", "stats", "--json").out)["entries"] == 10


def test_verify_finds_nothing_wrong_in_a_sound_store(cli, filled):
    done = cli("cache", "verify")
    assert (done.code, done.out) == (0, "10 results, no problems\n")
    told = json.loads(cli("cache", "verify", "--json").out)
    assert told["valid"] is True
    assert told["problems"] == []


def test_verify_names_what_is_wrong_and_exits_with_1(cli, filled):
    connection = sqlite3.connect(filled, isolation_level=None)
    connection.execute("UPDATE blobs SET data = x'00' WHERE hash = (SELECT min(hash) FROM blobs)")
    connection.execute("DELETE FROM blobs WHERE hash = (SELECT max(hash) FROM blobs)")
    connection.close()
    done = cli("cache", "verify")
    assert done.code == 1
    assert "10 results, 2 problems" in done.out
    assert "its blob is missing" in done.out
    told = json.loads(cli("cache", "verify", "--json").out)
    assert told["valid"] is False
    assert len(told["problems"]) == 2


@pytest.mark.parametrize("verb", ["stats", "verify", "prune"])
def test_a_damaged_store_is_moved_aside_with_a_warning(cli, filled, verb):
    filled.write_bytes(b"this is no database" * 1000)
    done = cli("cache", verb)
    assert done.code == 0
    assert "damaged" in done.err
    assert [file for file in filled.parent.iterdir() if "damaged" in file.name]
    assert json.loads(cli("cache", verb, "--json").out)


def test_a_store_of_a_newer_release_is_an_error_that_says_so(cli, filled):
    connection = sqlite3.connect(filled)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    for verb in ("stats", "verify", "prune"):
        done = cli("cache", verb)
        assert done.code == 1
        assert "newer release" in done.err
    assert filled.exists()


def test_the_help_has_examples(cli):
    done = cli("cache", "--help")
    assert done.code == 0
    assert "goflow cache prune --max-bytes 100M" in done.out

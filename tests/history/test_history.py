"""What is kept of runs, and what becomes of a history that is no good: never a lost result."""

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys

import pytest
from support.servers import eventually
from support.workflows import Started, lab_server, loop, row, tool, transform, workflow

import goflow
from goflow.errors import BadCall, HistoryError
from goflow.history import journal as journal_module
from goflow.history import runs as runs_module
from goflow.history import writer
from goflow.history.database import VERSION
from goflow.history.runs import Runs

SIMPLE = workflow([transform("a", "1 + n", output="x")], row("a"), result="${x}",
                  variables=[{"name": "n", "type": "number", "default": 1}])  # fmt: skip


def shown(name="last"):
    with Runs() as runs:
        return runs.show(name)


def listed(**options):
    with Runs() as runs:
        return runs.newest(**options)


def any_run():
    try:
        return listed()
    except HistoryError:
        return []


def test_every_run_is_kept_with_its_inputs_nodes_variables_and_result():
    result = goflow.run(SIMPLE, {"n": 4})
    kept = shown(result.id)
    assert (kept["workflow"], kept["status"], kept["result"]) == ("test", "completed", 5)
    assert kept["inputs"] == {"n": 4}
    assert [(n["id"], n["status"], n["output"]) for n in kept["nodes"]] == [
        ("start", "completed", None), ("a", "completed", 5), ("end", "completed", 5),
    ]  # fmt: skip
    assert kept["variables"] == [{"name": "x", "value": 5, "node": "a", "path": ""}]


def test_attempts_are_kept_with_what_they_were_given():
    retry = {"max_attempts": 2, "on": ["tool_error"], "initial_delay": "1ms"}
    node = tool("a", "flaky", key="k", failures=1, retry=retry)
    goflow.run(workflow([node], row("a")))
    (kept,) = (n for n in shown()["nodes"] if n["id"] == "a")
    assert [one["input"] for one in kept["tries"]] == [{"key": "k", "failures": 1}] * 2
    assert kept["tries"][0]["error"]["code"] == "tool_error"
    assert kept["attempts"] == 2


def test_what_never_ran_is_kept_with_its_reason():
    text = workflow([transform("a", "1 / 0"), transform("b", "1")], row("a", "b"))
    goflow.run(text)
    nodes = {n["id"]: n for n in shown()["nodes"]}
    assert nodes["a"]["error"]["code"] == "transform_error"
    assert (nodes["b"]["status"], nodes["b"]["reason"]) == ("cancelled", "the run was over: failed")


def test_members_are_kept_by_iteration():
    text = workflow([loop("each", [5, 6], ["m"]), transform("m", "item", output="v")], row("each"))
    goflow.run(text)
    members = [(n["path"], n["output"]) for n in shown()["nodes"] if n["id"] == "m"]
    assert members == [("0", 5), ("1", 6)]


def test_runs_are_listed_newest_first():
    ids = [goflow.run(SIMPLE).id for _ in range(3)]
    assert [one["id"] for one in listed()] == ids[::-1]
    assert [one["id"] for one in listed(limit=1)] == ids[-1:]
    assert listed(workflow="other") == []
    assert len(listed(status="completed")) == 3


def test_a_run_is_named_by_its_beginning_or_as_last():
    first, second = goflow.run(SIMPLE), goflow.run(SIMPLE)
    assert shown(first.id[:8])["id"] == first.id
    assert shown("last")["id"] == second.id
    with pytest.raises(BadCall, match="no run 'zzz'"):
        shown("zzz")
    with pytest.raises(BadCall):
        shown("%")


def test_long_values_are_shown_cut(monkeypatch):
    monkeypatch.setattr(runs_module, "SHOWN", 50)
    goflow.run(workflow([transform("a", "join(range(100), '-')", output="x")], row("a")))
    (node,) = (n for n in shown()["nodes"] if n["id"] == "a")
    assert node["output"].endswith("… (291 characters)")


def test_large_values_are_kept_compressed_and_whole(home):
    text = workflow([transform("a", "join(range(100000), '-')", output="x")], row("a"))
    result = goflow.run(text)
    with Runs() as runs:
        replay = runs.replay(runs.kept("last"))
    (done,) = (d for p, d in replay.settled.items() if p.node == "a")
    assert done.output == result.variables["x"]
    assert (home / "history.db").stat().st_size < len(done.output)


def test_many_nodes_and_long_errors_are_kept():
    """What is compressed is whatever is long, not just outputs."""
    names = [f"a_rather_long_name_of_a_node_{i}" for i in range(3000)]
    text = {"content": [{"type": "text", "text": "why? " * 40_000}], "isError": True}
    nodes = [*(transform(name, "1") for name in names), tool("t", "answer", result=text)]
    result = goflow.run(workflow(nodes, row(*names, "t")))
    assert result.status == "failed"
    assert result.warnings == ()
    kept = shown()
    assert kept["error"] == result.error
    assert kept["nodes"][5]["type"] == "transform"


def test_the_history_is_the_users_alone(home):
    goflow.run(SIMPLE)
    for name in ("history.db", "owners.lock"):
        assert stat.S_IMODE((home / name).stat().st_mode) == 0o600


def test_a_secret_is_in_no_byte_of_it(home, monkeypatch):
    secret = "s3cr3t-valü"
    monkeypatch.setenv("TOKEN", secret)
    text = workflow(
        [
            tool("a", "environment", name="TOKEN", output="x"),
            tool("b", "say", text="${x}"),
            loop("each", ["${x}"], ["m"]),
            transform("m", "item", output="w"),
            tool("c", "flaky", key="${x}", failures=1),
        ],
        row("a", "b", "each", "c"),
        servers=[lab_server(env={"TOKEN": "${env.TOKEN}"})],
        result="${x}",
        variables=[{"name": "given"}],
    )
    result = goflow.run(text, {"given": secret})
    assert result.status == "failed"
    for file in home.iterdir():
        if file.is_file():
            for form in (secret.encode(), b"s3cr3t", secret.encode("unicode_escape")):
                assert form not in file.read_bytes(), file


def test_an_input_with_a_secret_is_not_kept_and_resuming_says_so(monkeypatch):
    monkeypatch.setenv("TOKEN", "s3cr3t-value")
    text = workflow(
        [tool("a", "say", text="x"), transform("b", "1 / 0")],
        row("a", "b"),
        servers=[lab_server(env={"TOKEN": "${env.TOKEN}"})],
        variables=[{"name": "given"}],
    )
    goflow.run(text, {"given": "s3cr3t-value"})

    async def main():
        async with goflow.Engine() as engine:
            await engine.resume("last")

    with pytest.raises(HistoryError, match="held a secret"):
        asyncio.run(main())


# -- trouble -----------------------------------------------------------------------------------


def test_a_corrupt_history_is_moved_aside_and_a_new_one_begun(home):
    home.mkdir()
    (home / "history.db").write_bytes(b"this is no database" * 500)
    result = goflow.run(SIMPLE)
    assert result.result == 2
    assert "corrupt" in result.warnings[-1]
    assert len(list(home.glob("history.db.corrupt-*"))) == 1
    assert len(listed()) == 1


def test_a_history_that_is_damaged_inside_costs_no_result(home):
    for _ in range(30):
        goflow.run(SIMPLE)
    connection = sqlite3.connect(home / "history.db")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    with open(home / "history.db", "r+b") as file:
        file.seek(4096)
        file.write(os.urandom((home / "history.db").stat().st_size - 4096))
    assert goflow.run(SIMPLE).result == 2


def test_a_newer_history_is_moved_aside(home):
    goflow.run(SIMPLE)
    connection = sqlite3.connect(home / "history.db")
    connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()
    result = goflow.run(SIMPLE)
    assert result.result == 2
    assert "newer GoFlow" in result.warnings[-1]
    assert len(list(home.glob("history.db.newer-*"))) == 1


def test_an_older_history_is_migrated(home):
    first = goflow.run(SIMPLE)
    connection = sqlite3.connect(home / "history.db")
    connection.execute("ALTER TABLE runs DROP COLUMN statistics")
    connection.execute("PRAGMA user_version = 1")
    connection.close()
    result = goflow.run(SIMPLE)
    assert (result.result, result.warnings) == (2, ())
    assert shown(first.id)["result"] == 2
    assert list(home.glob("history.db.*-*-*")) == []


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX modes")
def test_a_home_that_cannot_be_written_costs_no_result(monkeypatch, tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    monkeypatch.setenv("GOFLOW_HOME", str(file / "below"))
    result = goflow.run(SIMPLE)
    assert result.result == 2
    assert "not kept in the history" in result.warnings[-1]


def test_a_disk_that_fills_up_costs_no_result(monkeypatch):
    def full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(writer.Writer, "_finish", full)
    result = goflow.run(SIMPLE)
    assert result.result == 2
    assert result.warnings == ("this run is not kept in the history: database or disk is full",)


def test_a_disk_that_is_full_ends_no_call_that_waits_for_it(monkeypatch):
    def full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(writer.Writer, "_attempt", full)
    result = goflow.run(workflow([tool("a", "say", text="x", output="x")], row("a"), result="${x}"))
    assert result.result == "x"
    assert "disk is full" in result.warnings[-1]


# -- several at once ---------------------------------------------------------------------------


def test_runs_of_several_processes_share_one_history(tmp_path, scripts):
    file = tmp_path / "flow.json"
    file.write_text(SIMPLE)
    command = [str(scripts / "goflow"), "run", "--quiet", str(file)]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(6)]
    assert [child.communicate()[0] for child in children] == [b"2\n"] * 6
    kept = listed()
    assert len({one["id"] for one in kept}) == 6
    assert {one["status"] for one in kept} == {"completed"}


def test_many_runs_of_one_engine_share_a_writer():
    async def main():
        async with goflow.Engine() as engine:
            return await asyncio.gather(*(engine.run(SIMPLE, {"n": n}) for n in range(50)))

    results = asyncio.run(main())
    assert len(listed(limit=None)) == 50
    for n, result in enumerate(results):
        assert shown(result.id)["result"] == n + 1


def test_a_run_that_goes_on_says_so_and_its_process_is_known_to_live():
    async def main():
        async with goflow.Engine() as engine:
            started = Started("t")
            text = workflow([tool("t", "hang")], row("t"))
            task = asyncio.create_task(engine.run(text, listener=started))
            await started.wait()
            assert await eventually(any_run)
            status = (await asyncio.to_thread(listed))[0]["status"]
            engine.stop()
            await task
            return status

    assert asyncio.run(main()) == "running"
    assert listed()[0]["status"] == "cancelled"


def test_a_run_makes_way_for_a_writer_that_is_behind(monkeypatch):
    monkeypatch.setattr(journal_module, "CROWD", 5)
    text = workflow([loop("each", "${range(30000)}", ["m"]), transform("m", "item")], row("each"))
    assert goflow.run(text).completed


# -- retention ---------------------------------------------------------------------------------


def test_prune_keeps_the_newest():
    ids = [goflow.run(SIMPLE).id for _ in range(5)]
    with Runs() as runs:
        assert runs.prune(keep_days=None, keep_runs=2) == 3
        assert [one["id"] for one in runs.newest()] == ids[:2:-1]


def test_prune_forgets_by_age(home):
    old, new = goflow.run(SIMPLE).id, goflow.run(SIMPLE).id
    connection = sqlite3.connect(home / "history.db", isolation_level=None)
    connection.execute("UPDATE runs SET started_at = started_at - 86400 * 31 WHERE id = ?", (old,))
    with Runs() as runs:
        assert runs.prune(keep_days=30, keep_runs=None) == 1
        assert [one["id"] for one in runs.newest()] == [new]
    for table in ("nodes", "attempts", "definitions"):
        rows = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        assert rows == {"nodes": 3, "attempts": 0, "definitions": 1}[table]
    connection.close()


def test_prune_leaves_what_goes_on():
    async def main():
        async with goflow.Engine() as engine:
            started = Started("t")
            text = workflow([tool("t", "hang")], row("t"))
            task = asyncio.create_task(engine.run(text, listener=started))
            await started.wait()
            assert await eventually(any_run)

            def prune():
                with Runs() as runs:
                    return runs.prune(keep_days=None, keep_runs=0)

            gone = await asyncio.to_thread(prune)
            engine.stop()
            return gone, await task

    gone, result = asyncio.run(main())
    assert gone == 0
    assert listed()[0]["id"] == result.id


def test_old_runs_are_forgotten_by_themselves(monkeypatch):
    monkeypatch.setattr(writer, "_PRUNE_EVERY", 1)
    monkeypatch.setattr(writer, "KEEP_RUNS", 3)
    for _ in range(6):
        goflow.run(SIMPLE)
    assert len(listed()) == 3

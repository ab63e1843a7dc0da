"""The store on disk and what stands in front of it: shared, checked, and never a run's trouble."""

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from support.clock import Clock
from support.deep import rounds
from support.servers import wait_until

from goflow.results.database import StoreUnavailable
from goflow.results.key import function_key, tool_key
from goflow.results.memory import Memory
from goflow.results.results import Hit, Miss, Results, store_path
from goflow.results.sqlite import Store
from goflow.servers.redaction import Redactor
from goflow.workflow.model import CachePolicy

ON = CachePolicy()


@pytest.fixture
def clock():
    return Clock(1_800_000_000.0)


@pytest.fixture
def warnings():
    return []


@pytest.fixture
def opened(clock, warnings, home):
    """Results over the home folder's store, as a new process would open it."""
    made = []

    def opened(**options):
        options.setdefault("memory", Memory())
        results = Results.open(warn=warnings.append, clock=clock, **options)
        made.append(results)
        return results

    yield opened
    for results in made:
        results.close()


def key(at=0, **arguments):
    return function_key(function="f", arguments={"at": at, **arguments})


def keep(results, at=0, value=None, **options):
    options = {"policy": ON, "duration": 1.5, "origin": "flow/node", **options}
    return results.keep(key(at), {"at": at} if value is None else value, None, **options)


# -- keeping and finding -----------------------------------------------------------------------


def test_what_is_kept_is_found_by_the_next_process(opened, clock, warnings):
    first = opened()
    assert first.lookup(key()) == Miss()
    raw = {"content": [{"type": "text", "text": "[1]"}], "isError": False}
    assert first.keep(key(), [1], raw, policy=ON, duration=2.5) is None
    assert first.lookup(key()) == Hit([1], raw, 2.5, 0.0)
    first.close()
    clock.now += 60
    second = opened()
    assert second.lookup(key()) == Hit([1], raw, 2.5, 60.0)
    assert second.lookup(key(1)) == Miss()
    assert warnings == []


def test_what_is_kept_is_found_at_once_by_all_of_the_process(opened, monkeypatch):
    monkeypatch.setattr(Store, "set", lambda *arguments, **named: None)  # as if not written yet
    one, other = opened(memory=None), opened(memory=None)
    keep(one, value={"a": [1]})
    other.lookup(key()).value["a"].append(2)
    assert other.lookup(key()).value == one.lookup(key()).value == {"a": [1]}
    assert opened().lookup(key()) == Miss()


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        -(2**200),
        1.0,
        -0.0,
        1e300,
        "",
        "Grüße 🎼 \x00 \ud800",
        [],
        {},
        {"b": [1, {"c": None}], "a": "x" * 100_000},
        [[[]]],
    ],
)
def test_values_come_back_exactly(opened, value):
    first = opened()
    keep(first, value=[value])
    first.close()
    found = opened().lookup(key()).value
    assert repr(found) == repr([value])


def test_the_caller_may_change_what_he_gave_and_got(opened):
    results = opened()
    value, raw = {"a": [1]}, {"content": []}
    results.keep(key(), value, raw, policy=ON, duration=1)
    value["a"].append(2)
    raw["content"].append(2)
    for _ in range(2):
        hit = results.lookup(key())
        assert (hit.value, hit.raw) == ({"a": [1]}, {"content": []})
        hit.value["a"].append(3)
        hit.raw["content"].append(3)
    results.close()
    assert opened().lookup(key()).value == {"a": [1]}


def test_a_result_lives_as_long_as_its_policy_says(opened, clock):
    results = opened()
    keep(results, policy=CachePolicy(ttl=60))
    clock.now += 59
    assert isinstance(results.lookup(key()), Hit)
    clock.now += 121
    assert results.lookup(key()) == Miss(expired=120.0)
    results.close()
    again = opened()
    assert again.lookup(key()) == Miss(expired=120.0)
    keep(again, value="new", policy=CachePolicy(ttl=60))
    assert again.lookup(key()).value == "new"


def test_what_another_process_kept_anew_is_found_once_the_own_result_is_over(opened, clock):
    results, other = opened(), opened()
    keep(results, value="old", policy=CachePolicy(ttl=60))
    clock.now += 61
    assert results.lookup(key()) == Miss(expired=1.0)
    keep(other, value="new", policy=CachePolicy(ttl=60))
    other.flush()
    assert results.lookup(key()).value == "new"


def test_who_waits_for_what_is_kept_waits_no_longer_than_until_it_is_closed(opened):
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(100):
            results = opened()
            keep(results)
            waiting = [threading.Thread(target=results.flush, daemon=True) for _ in range(3)]
            for thread in waiting:
                thread.start()
            results.close()
            for thread in waiting:
                thread.join(30)
            assert not any(thread.is_alive() for thread in waiting)
    finally:
        sys.setswitchinterval(interval)


def test_what_is_for_one_run_is_not_on_disk(opened):
    results = opened()
    keep(results, policy=CachePolicy(scope="run"))
    assert isinstance(results.lookup(key()), Hit)
    results.close()
    assert opened().lookup(key()) == Miss()


def test_what_must_not_be_kept_is_not(opened):
    results = opened()
    secret = Redactor(("hunter2",))
    assert "secret" in keep(results, value="my hunter2", redactors=[secret])
    assert "at most 5" in keep(results, value="x" * 10, policy=CachePolicy(max_bytes=5))
    assert "no JSON" in keep(results, value=float("nan"))
    assert "no JSON" in keep(results, value=[object()])
    failed = {"content": [], "isError": True}
    assert "failures" in results.keep(key(), 1, failed, policy=ON, duration=1)
    assert results.lookup(key()) == Miss()
    results.close()
    data = b"".join(file.read_bytes() for file in store_path().parent.iterdir())
    assert b"hunter2" not in data


def test_a_secret_in_the_raw_result_alone_keeps_it_out(opened):
    results = opened()
    raw = {"content": [{"type": "text", "text": "token: hunter2"}]}
    reason = results.keep(
        key(), "harmless", raw, policy=ON, duration=1, redactors=[Redactor(("hunter2",))]
    )
    assert "secret" in reason


def test_everything_on_disk_is_the_users_alone(opened, home):
    results = opened()
    keep(results)
    results._store.flush()
    files = list(store_path().parent.iterdir())
    assert len(files) >= 3
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert store_path().parent.stat().st_mode & 0o777 == 0o700
    assert home in store_path().parents


def test_equal_contents_are_stored_once(opened):
    results = opened()
    for at in range(20):
        keep(results, at, value="the same " * 1000)
    results._store.flush()
    stats = results._store.stats()
    assert (stats["entries"], stats["blobs"]) == (20, 1)
    assert stats["content_bytes"] < 10_000
    results.close()
    assert store_path().stat().st_size < 60_000


def test_memory_is_bounded():
    memory = Memory(max_bytes=100_000)
    results = Results(memory=memory)
    for at in range(100):
        keep(results, at, value="x" * 10_000)
    assert 1 <= len(memory) <= 10
    results.close()


# -- single-flight -----------------------------------------------------------------------------


def test_equal_calls_in_flight_run_once(run):
    results = Results()
    calls = []

    async def work():
        calls.append(1)
        await asyncio.sleep(0)
        return [1], {"content": []}

    async def main():
        return await asyncio.gather(*(results.once(key(), work) for _ in range(5)))

    found = run(main())
    assert [(value, raw, shared) for value, raw, shared in found] == [
        ([1], {"content": []}, True)
    ] * 5
    assert len({id(value) for value, _, _ in found}) == 5
    assert len(calls) == 1

    async def alone():
        return await results.once(key(), work)

    assert run(alone()) == ([1], {"content": []}, False)
    assert len(calls) == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # of threads: since 3.12
def test_a_forked_process_does_not_wait_for_what_its_parent_is_doing(run):
    async def child():
        async def work():
            return [2], None

        found = await asyncio.wait_for(Results().once(key(), work), 30)
        os._exit(0 if found == ([2], None, False) else 1)

    async def main():
        begun, over = asyncio.Event(), asyncio.Event()

        async def work():
            begun.set()
            await over.wait()
            return [1], None

        task = asyncio.create_task(Results().once(key(), work))
        await begun.wait()
        pid = await asyncio.to_thread(forked, child)
        _, status = await asyncio.to_thread(os.waitpid, pid, 0)
        over.set()
        await task
        return status

    assert run(main()) == 0


def forked(main):
    """The id of a process that was forked in this thread, and runs ``main`` only."""
    pid = os.fork()
    if pid == 0:
        try:
            asyncio.run(main())
        finally:
            os._exit(2)
    return pid


# -- tools as last seen ------------------------------------------------------------------------

READ = {"name": "read", "inputSchema": {}, "annotations": {"readOnlyHint": True}}
WRITE = {"name": "write", "inputSchema": {}}


def test_tools_are_remembered_so_that_no_server_need_be_started(opened):
    first = opened()
    server = {"command": "x"}
    assert first.seen_tool(server, "read") is None
    assert first.saw_tools(server, [READ, WRITE]) == frozenset()
    assert first.seen_tool(server, "read").read_only
    first.close()
    second = opened()
    seen = second.seen_tool(server, "read")
    assert seen.read_only
    assert not second.seen_tool(server, "write").read_only
    assert second.seen_tool({"command": "y"}, "read") is None
    changed = {**READ, "inputSchema": {"type": "object"}}
    assert second.saw_tools(server, [changed]) == {"read", "write"}
    assert second.seen_tool(server, "read").schema != seen.schema
    assert second.seen_tool(server, "write") is None
    assert second.saw_tools(server, [changed]) == frozenset()


# -- explaining --------------------------------------------------------------------------------


def call(**changes):
    fields = {
        "server": {"command": "x", "env": {}},
        "tool": "read",
        "schema": "1",
        "arguments": {"path": "a", "limit": 1},
    }
    return tool_key(**{**fields, **changes})


def explain(results, key):
    return results.compare(key.family, key.summary())


def test_what_differs_from_the_nearest_earlier_entry_is_named(opened, clock):
    results = opened()
    assert explain(results, call()) == ["no earlier result of this tool is kept"]
    far = call(arguments={"path": "z", "limit": 9}, schema="0")
    for made in (call(), far):
        results.keep(made, 1, None, policy=ON, duration=1, origin="flow/read")
        clock.now += 30
    assert explain(results, call(arguments={"path": "b", "limit": 1})) == [
        'argument \'path\' changed: "a" → "b"'
    ]
    assert explain(results, call(schema="2")) == ["the tool's schema or description changed"]
    assert explain(results, call(tool="write")) == ["no earlier result of this tool is kept"]
    assert explain(Results(), call()) == ["results are not kept on disk"]


# -- bounds ------------------------------------------------------------------------------------


def test_the_store_is_bounded_in_bytes_and_the_least_used_goes_first(opened, clock):
    pick = random.Random(1)
    results = opened(max_bytes=400_000)
    for at in range(100):
        keep(results, at, value=pick.randbytes(5000).hex())
        results._store.flush()
        clock.now += 10
    results.close()
    assert store_path().stat().st_size < 450_000
    again = opened()
    assert isinstance(again.lookup(key(99)), Hit)
    assert again.lookup(key(0)) == Miss()
    assert again._store.verify().problems == []


def test_what_nobody_used_for_a_month_goes(opened, clock):
    results = opened()
    keep(results, 1)
    keep(results, 2)
    results.close()
    clock.now += 20 * 24 * 3600
    results = opened()
    assert isinstance(results.lookup(key(1)), Hit)
    results.close()
    clock.now += 20 * 24 * 3600
    results = opened()
    keep(results, 3)
    results.close()
    results = opened()
    assert isinstance(results.lookup(key(1)), Hit)
    assert results.lookup(key(2)) == Miss()


def test_pruning_removes_what_has_expired(opened, clock):
    results = opened()
    keep(results, 1, policy=CachePolicy(ttl=5))
    keep(results, 2)
    clock.now += 10
    assert results._store.prune() == 1
    assert results._store.stats()["entries"] == 1
    assert results._store.prune(max_age=0.0) == 1
    assert results._store.stats()["blobs"] == 0


# -- trouble -----------------------------------------------------------------------------------


def filled(opened, count=50):
    results = opened()
    for at in range(count):
        keep(results, at, value=[at, "x" * 3000, os.urandom(500).hex()])
    results.close()
    return store_path()


def goes_on(results):
    """The run goes on, whatever the store says."""
    for at in range(60):
        found = results.lookup(key(at))
        assert isinstance(found, Miss) or found.value[0] == at
        keep(results, at, value=[at, "y"])
        assert results.lookup(key(at)).value == [at, "y"]
    explain(results, key(999))
    results.saw_tools({"command": "x"}, [READ])
    results.close()


def garbage(path):
    path.write_bytes(b"this is no database" * 1000)


def truncated(path):
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2 + 100])


def overwritten(path):
    data = bytearray(path.read_bytes())
    data[4096 : 4096 + 40_000] = os.urandom(40_000)
    path.write_bytes(bytes(data))


def of_another_program(path):
    path.unlink()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE x (y)")
    connection.execute("PRAGMA user_version = 1")
    connection.commit()
    connection.close()


@pytest.mark.parametrize("harm", [garbage, truncated, overwritten, of_another_program])
def test_a_damaged_store_is_moved_aside_and_the_run_goes_on(opened, warnings, harm):
    path = filled(opened)
    harm(path)
    goes_on(opened())
    assert warnings
    assert all("damaged" in warning for warning in warnings)
    aside = [file for file in path.parent.iterdir() if "damaged" in file.name]
    assert aside, warnings
    assert str(aside[0]).split("-wal")[0].split("-shm")[0] in warnings[0]
    # The next process begins anew.
    del warnings[:]
    results = opened()
    keep(results, 1, value="new")
    results.close()
    assert opened().lookup(key(1)).value == "new"
    assert warnings == []


def test_an_empty_file_is_a_new_store(opened, warnings):
    path = filled(opened)
    path.write_bytes(b"")
    goes_on(opened())
    assert warnings == []
    assert isinstance(opened().lookup(key(1)), Hit)


def test_a_store_of_a_newer_release_is_left_alone(opened, warnings):
    path = filled(opened)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = path.read_bytes()
    goes_on(opened())
    assert path.read_bytes() == before
    assert len(warnings) == 1
    assert "written by a newer release" in warnings[0]


def test_a_locked_store_is_done_without(opened, warnings, monkeypatch):
    monkeypatch.setattr("goflow.results.database._BUSY", 0.01)
    path = filled(opened)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    results = opened()
    keep(results, 1, value="other")
    results._store.flush()
    assert results.lookup(key(1)).value == "other"
    results.close()
    connection.execute("ROLLBACK")
    connection.close()
    assert len(warnings) == 1
    assert "locked" in warnings[0]
    assert opened().lookup(key(1)).value[0] == 1


def test_a_full_disk_is_done_without(opened, warnings):
    filled(opened)
    results = opened()
    pages = results._store._execute("PRAGMA page_count").fetchone()[0]
    results._store._execute(f"PRAGMA max_page_count = {pages}")
    for at in range(100, 200):
        keep(results, at, value=os.urandom(5000).hex())
    results._store.flush()
    assert len(warnings) == 1
    assert "full" in warnings[0]
    assert isinstance(results.lookup(key(199)), Hit)  # from memory
    results.close()
    again = opened()
    assert isinstance(again.lookup(key(1)), Hit)
    assert again._store.verify().problems == []


def test_a_folder_that_cannot_be_made_is_done_without(warnings, monkeypatch):
    monkeypatch.setenv("GOFLOW_HOME", "/proc/goflow")
    results = Results.open(warn=warnings.append)
    keep(results, 1)
    assert isinstance(results.lookup(key(1)), Hit)
    results.close()
    assert len(warnings) == 1
    assert warnings[0].startswith("results are not kept: /proc/goflow")
    with pytest.raises(StoreUnavailable):
        Store(Path("/proc/goflow/x.db"))


WITHOUT_PRIVILEGES = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--"]
READER = """
import sys
from goflow.results.results import Results
from goflow.results.key import function_key
from goflow.workflow.model import CachePolicy
results = Results.open(warn=print)
key = function_key(function="f", arguments={"at": 1})
found = results.lookup(key)
print("found", type(found).__name__)
results.keep(key, "other", None, policy=CachePolicy(), duration=1)
results.close()
"""


def test_a_store_that_may_only_be_read_is_read_or_done_without(opened):
    path = filled(opened)
    for file in path.parent.iterdir():
        file.chmod(0o400)
    path.parent.chmod(0o500)
    before = path.read_bytes()
    try:
        done = subprocess.run(
            [*WITHOUT_PRIVILEGES, sys.executable, "-c", READER],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
        )
    finally:
        path.parent.chmod(0o700)
        for file in path.parent.iterdir():
            file.chmod(0o600)
    assert done.returncode == 0, done.stderr
    assert "found Hit" in done.stdout or "results are not kept" in done.stdout
    assert path.read_bytes() == before


def test_a_changed_blob_or_row_is_not_believed(opened, warnings):
    path = filled(opened, 4)
    connection = sqlite3.connect(path, isolation_level=None)
    keys = [key(at).digest for at in range(4)]
    connection.execute(
        "UPDATE blobs SET data = x'00', packed = 0 WHERE hash = "
        "(SELECT blob FROM actions WHERE key = ?)",
        (keys[0],),
    )
    connection.execute("UPDATE actions SET stored = stored + 1 WHERE key = ?", (keys[1],))
    connection.execute(
        "DELETE FROM blobs WHERE hash = (SELECT blob FROM actions WHERE key = ?)", (keys[2],)
    )
    connection.close()
    results = opened()
    assert len(results._store.verify().problems) == 3
    for at in range(3):
        assert results.lookup(key(at)) == Miss()
    assert isinstance(results.lookup(key(3)), Hit)
    assert len(warnings) == 3
    results._store.flush()
    assert results._store.verify().problems == []
    assert results._store.stats()["entries"] == 1


# -- processes ---------------------------------------------------------------------------------

WRITER = """
import sys
from goflow.results.results import Results
from goflow.results.key import function_key
from goflow.workflow.model import CachePolicy
begin, end, loop = map(int, sys.argv[1:])
results = Results.open(warn=lambda text: print("WARNING", text, flush=True))
print("ready", flush=True)
policy = CachePolicy()
while True:
    for at in range(begin, end):
        key = function_key(function="f", arguments={"at": at})
        found = results.lookup(key)
        value = {"at": at, "text": "x" * (at % 5000)}
        assert not hasattr(found, "value") or found.value == value, found
        results.keep(key, value, None, policy=policy, duration=0.1)
    if not loop:
        break
results.close()
print("done", flush=True)
"""


def writer(*arguments):
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        cwd="/",
    )


def test_two_processes_share_one_store(opened, warnings):
    processes = [writer(0, 400, 0), writer(200, 600, 0)]
    outputs = [process.communicate(timeout=60)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert outputs == ["ready\ndone\n"] * 2
    results = opened()
    verdict = results._store.verify()
    assert verdict.problems == []
    assert verdict.entries == 600
    for at in range(600):
        assert results.lookup(key(at)).value["at"] == at
    assert warnings == []


def test_kill_9_during_writes_leaves_nothing_wrong(opened, warnings):
    pick = random.Random(9)
    for _ in range(max(3, rounds(60))):
        process = writer(0, 3000, 1)
        assert process.stdout.readline() == "ready\n"
        size = store_path().parent / f"{store_path().name}-wal"
        grown = pick.randrange(1, 400_000)
        assert wait_until(lambda size=size, grown=grown: size.stat().st_size > grown)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        results = opened()
        verdict = results._store.verify()
        assert verdict.problems == []
        assert verdict.unreferenced == 0
        results.close()
    assert verdict.entries > 0
    assert warnings == []


def test_threads_may_share_results(opened, warnings):
    results = opened()
    wrong = []

    def work(seed):
        pick = random.Random(seed)
        for _ in range(100):
            at = pick.randrange(50)
            found = results.lookup(key(at))
            if isinstance(found, Hit) and found.value != {"at": at}:
                wrong.append(found)
            keep(results, at)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert results._store.verify().problems == []
    assert warnings == []


def test_closing_twice_and_asking_afterwards_harm_nothing(opened, warnings):
    results = opened()
    keep(results)
    results.close()
    results.close()
    assert results.lookup(key(5)) == Miss()
    keep(results, 5)
    assert isinstance(results.lookup(key(5)), Hit)
    assert warnings == []

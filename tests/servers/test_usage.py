"""What is kept of the use of servers: counted, decayed, and never in a run's way."""

import json
import subprocess
import sys

import pytest
from support.servers import eventually, faulty, minimal

from goflow.errors import ConnectFailed
from goflow.servers.connections import Connections
from goflow.servers.usage import HALF_LIFE, KEPT, ServerUsage, Usage, UsageFile


@pytest.fixture
def kept(tmp_path):
    """A file, and the time that it goes by."""
    now = [1_000_000.0]
    return UsageFile(tmp_path / "uses.json", clock=lambda: now[0]), now


def uses(**counts):
    return {server: Usage(count) for server, count in counts.items()}


def test_the_most_used_servers_are_named_first(kept):
    file, _ = kept
    file.add(uses(a=2, b=7, c=0))
    file.add(uses(a=3, d=6))
    assert file.most_used(2, ["a", "b", "c", "d"]) == ["b", "d"]
    assert file.most_used(9, ["a", "c", "d", "unknown"]) == ["d", "a"]


def test_uses_are_worth_half_after_a_week(kept):
    file, now = kept
    file.add(uses(old=10))
    now[0] += HALF_LIFE
    file.add(uses(new=6))
    assert file.most_used(2, ["old", "new"]) == ["new", "old"]
    now[0] += 5 * HALF_LIFE
    assert file.most_used(2, ["old", "new"]) == []


def test_counts_are_sums_since_the_first_use(kept):
    file, now = kept
    file.add({"a": Usage(5, 1, 0, 0.25, 0.05)})
    now[0] += 9
    file.add({"a": Usage(5, 1, 2, 0.5, 0.5), "b": Usage(failures=1)})
    a, b = (file.servers()[server] for server in "ab")
    assert a.usage == Usage(10, 2, 2, 0.75, 0.55)
    assert (a.since, a.last) == (1_000_000.0, 1_000_009.0)
    assert a.usage.reuse == 0.8
    assert a.usage.connect_saved == pytest.approx(0.2)
    assert b.usage.reuse == 0
    assert repr(file) == "<UsageFile of 2 servers>"


def test_a_server_is_forgotten_after_a_year(kept):
    file, now = kept
    file.add(uses(old=10))
    now[0] += KEPT / 2
    file.add(uses(new=1))
    now[0] += KEPT / 2
    assert list(file.servers()) == ["new"]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"servers": []}', '{"servers": {"a": 1}}', "\0", '{"uses": {"a": 1}}'],
)
def test_a_file_that_says_nothing_counts_as_empty(kept, tmp_path, text):
    file, _ = kept
    (tmp_path / "uses.json").write_text(text)
    assert file.most_used(3, ["a"]) == []
    file.add(uses(a=1))
    assert file.most_used(3, ["a"]) == ["a"]


def test_counts_that_cannot_be_written_are_let_be(tmp_path):
    (tmp_path / "file").touch()
    UsageFile(tmp_path / "file" / "uses.json").add(uses(a=1))


def test_nothing_used_writes_nothing(kept, tmp_path):
    kept[0].add({"a": Usage()})
    assert list(tmp_path.iterdir()) == []


def test_processes_that_write_at_once_lose_nothing(tmp_path):
    path = tmp_path / "uses.json"
    code = (
        "import pathlib, sys; from goflow.servers.usage import Usage, UsageFile\n"
        "for _ in range(50): UsageFile(pathlib.Path(sys.argv[1])).add({'a': Usage(1)})"
    )
    command = [sys.executable, "-c", code, str(path)]
    writers = [subprocess.Popen(command, cwd=tmp_path) for _ in range(3)]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    assert UsageFile(path).servers()["a"].usage.uses == 150


def test_connections_count_what_happened_with_each_server(run):
    """Uses are leases that were given out, whatever the mode; what failed was no use."""

    async def main():
        connections = Connections()
        shared = minimal(server_id="shared")
        bound = [minimal(server_id=name, mode="run") for name in ("one", "two")]
        broken = faulty("exit at once", server_id="broken")
        for config, count in ((shared, 3), (bound[0], 2), (bound[1], 1)):
            own = connections.for_run()
            for _ in range(count):
                lease, _ = await own.acquire(config)
                own.release(lease)
            own.end()
        with pytest.raises(ConnectFailed):
            await connections.acquire(broken)
        found = connections.usage()
        assert {name: one.uses for name, one in found.items()} == {
            "shared": 3,
            "one": 2,
            "two": 1,
            "broken": 0,
        }
        assert {name: (one.connects, one.failures) for name, one in found.items()} == {
            "shared": (1, 0),
            "one": (1, 0),
            "two": (1, 0),
            "broken": (0, 1),
        }
        assert found["shared"].connect_time >= found["shared"].connect_waited > 0
        assert await eventually(lambda: len(connections.sessions()) == 1)
        await connections.close()

    run(main())


def test_what_is_kept_is_plain_and_private(kept, tmp_path):
    file, _ = kept
    file.add({"a": Usage(1, 1, 0, 0.5, 0.5)})
    path = tmp_path / "uses.json"
    assert path.stat().st_mode & 0o777 == 0o600
    (entry,) = json.loads(path.read_text())["servers"].values()
    assert set(entry) == {*Usage._fields, *ServerUsage._fields[1:]}

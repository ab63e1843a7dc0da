"""A write-ahead log is begun however many open a new file at the same moment."""

import sqlite3
import threading

import pytest

from goflow.wal import use_wal


def connected(path):
    return sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)


def test_who_finds_the_file_busy_waits(tmp_path):
    path = tmp_path / "new.db"
    other, ours = connected(path), connected(path)
    other.execute("BEGIN EXCLUSIVE")
    began = threading.Thread(target=use_wal, args=(ours, 30))
    began.start()
    other.execute("CREATE TABLE t(x)")
    other.execute("COMMIT")
    began.join()
    assert ours.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    other.close()
    ours.close()


def test_who_never_gets_it_says_so(tmp_path):
    path = tmp_path / "new.db"
    other, ours = connected(path), sqlite3.connect(path, timeout=0, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        use_wal(ours, 0)
    other.execute("ROLLBACK")
    other.close()
    ours.close()

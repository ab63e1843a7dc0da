"""The promises of the pool's core that need no event loop."""

import gc
import sys
import threading
import weakref

import pytest

from goflow._core.pool import Pool
from goflow._core.stock import REASONS
from goflow.errors import CircuitOpen, PoolClosed, PoolError


def ready(size=1, key="a", **options):
    """A pool with so many connections, all idle."""
    pool = Pool(max_size=size, **options)
    pool.warm(key, size)
    for slot in pool.decisions()[0]:
        pool.connected(slot, f"connection {slot.number}")
    return pool


def test_a_pool_and_what_it_gives_show_their_state():
    pool = Pool(max_size=2)
    assert repr(pool) == "<Pool 0 keys, 0 open (0 idle)>"
    lease = pool.wait("a", None)
    assert repr(lease) == "<Lease 'a' waiting>"
    (slot,), _, _ = pool.decisions()
    assert repr(slot) == "<Slot 'a' #0 connecting>"
    assert repr(pool) == "<Pool 1 key, 0 open (0 idle), 1 connecting, 1 waiting>"
    pool.connected(slot, "x")
    assert repr(lease) == "<Lease 'a' #0 held>"
    assert repr(slot) == "<Slot 'a' #0 live, 1 in flight>"
    assert repr(pool) == "<Pool 1 key, 1 open (0 idle), 1 in use>"
    pool.retire(slot)
    assert repr(slot) == "<Slot 'a' #0 retired, 1 in flight>"
    pool.checkin(lease)
    assert repr(lease) == "<Lease 'a' #0 released>"
    assert repr(slot) == "<Slot 'a' #0 closed>"
    pool.close()
    assert repr(pool) == "<Pool closed, 1 key, 0 open (0 idle)>"


def test_a_stale_checkin_is_harmless_and_explains_itself():
    pool = ready()
    first = pool.checkout("a")
    assert pool.checkin(first)
    second = pool.checkout("a")
    assert not pool.checkin(first)
    assert second.held
    assert pool.checkout("a") is None, "the stale checkin must not have freed the connection"
    with pytest.raises(PoolError, match=r"<Lease 'a' #0 released> gives no connection: .*back"):
        first.connection  # noqa: B018


def test_a_lease_of_a_connection_that_is_gone_does_not_touch_its_successor():
    pool = ready()
    old = pool.checkout("a")
    pool.retire(old.slot, at_once=True)
    pool.warm("a")
    (slot,), _, _ = pool.decisions()
    pool.connected(slot, "new")
    new = pool.checkout("a")
    assert new.connection == "new"
    assert pool.checkin(old)
    assert pool.checkout("a") is None
    assert new.held


def test_a_lease_is_refused_by_another_pool():
    lease = ready().checkout("a")
    with pytest.raises(ValueError, match="is of another pool"):
        ready().checkin(lease)


def test_calls_go_to_the_least_loaded_connection():
    pool = ready(3, max_in_flight=4)
    leases = [pool.checkout("a") for _ in range(12)]
    loads = [[lease.slot.number for lease in leases[i : i + 3]] for i in range(0, 12, 3)]
    assert [sorted(numbers) for numbers in loads] == [[0, 1, 2]] * 4
    assert pool.checkout("a") is None


def test_an_idle_pool_uses_the_connection_that_was_used_last():
    """So that the others can become idle for long enough to be closed."""
    pool = ready(3)
    first, second = pool.checkout("a"), pool.checkout("a")
    pool.checkin(first)
    pool.checkin(second)
    assert pool.checkout("a").slot is second.slot


def test_waiters_are_served_in_order():
    pool = ready()
    held = pool.checkout("a")
    waiting = [pool.wait("a", number) for number in range(5)]
    assert pool.forget(waiting[1])
    assert not pool.forget(waiting[1])
    served = []
    while pool.checkin(held):
        _, _, settled = pool.decisions()
        if not settled:
            break
        (held,) = settled
        served.append(held.token)
    assert served == [0, 2, 3, 4]


def test_one_connect_serves_all_that_it_can():
    pool = Pool(max_size=10, max_in_flight=10)
    for _ in range(25):
        pool.wait("a", None)
    assert len(pool.decisions()[0]) == 3
    unbounded = Pool(max_size=10, max_in_flight=None)
    for _ in range(25):
        unbounded.wait("a", None)
    assert len(unbounded.decisions()[0]) == 1


def test_a_circuit_that_is_open_says_until_when_and_why():
    now = 0.0
    pool = Pool(breaker_failures=2, breaker_reset=30.0, backoff=0.0, clock=lambda: now)
    for _ in range(2):
        lease = pool.wait("db", None)
        (slot,), _, _ = pool.decisions()
        pool.failed(slot, OSError("no route to host"))
        assert str(lease.error) == "no route to host"
    with pytest.raises(CircuitOpen) as caught:
        pool.wait("db", None)
    assert str(caught.value) == (
        "connecting to 'db' failed 2 times in a row (the last time: OSError: no route to host);"
        " it is tried again in 30 s"
    )
    now = 31.0
    assert not pool.wait("db", None).held
    assert len(pool.decisions()[0]) == 1


def test_a_lease_that_is_held_for_long_is_reported_once_with_its_place():
    now = 0.0
    pool = ready(2, leak_after=10.0, clock=lambda: now)
    leak = pool.checkout("a")
    now = 9.0
    pool.checkout("a")
    assert pool.sweep() == (1.0, [])
    now = 11.0
    due, leaks = pool.sweep()
    assert leaks == [leak]
    assert leak.where.startswith(f"{__file__}:")
    assert due == 8.0
    assert pool.sweep()[1] == []
    assert pool.stats()["leaks"] == 1
    assert pool.holders("a")[0] is leak


def test_closing_fails_waiters_and_closes_the_rest_as_it_comes_back():
    pool = ready()
    held = pool.checkout("a")
    waiting = pool.wait("a", None)
    pool.close()
    _, close, settled = pool.decisions()
    assert settled == [waiting]
    assert close == []
    assert isinstance(waiting.error, PoolClosed)
    pool.checkin(held)
    assert pool.decisions()[1] == [held.slot]
    with pytest.raises(PoolClosed):
        pool.wait("a", None)
    assert pool.checkout("a") is None


def test_every_reason_to_retire_is_counted():
    pool = ready(3)
    pool.retire(pool.checkout("a").slot, "unhealthy", at_once=True)
    pool.retire(pool.checkout("a").slot, at_once=True)
    pool.drain()
    assert pool.stats()["retired"] == {"unhealthy": 1, "broken": 1, "drained": 1}
    assert "lifetime" in REASONS
    with pytest.raises(ValueError, match="tuple"):
        pool.retire(pool.wait("b", None).slot or pool.decisions()[0][-1], "boredom")


@pytest.mark.parametrize(
    "options",
    [{"max_size": 0}, {"max_in_flight": -1}, {"idle_timeout": -1}, {"check_after": float("nan")}],
)
def test_limits_that_cannot_be_are_refused(options):
    (name,) = options
    with pytest.raises(ValueError, match=f"{name} must be"):
        Pool(**options)


def test_a_key_that_misbehaves_breaks_nothing():
    class Key:
        def __init__(self, name):
            self.name = name

        def __hash__(self):
            pool.stats()
            return 1

        def __eq__(self, other):
            pool.is_warm("x")
            if "bad" in (self.name, other.name):
                raise RuntimeError("not comparable")
            return self.name == other.name

    pool = Pool()
    good = Key("good")
    pool.wait(good, None)
    with pytest.raises(RuntimeError, match="not comparable"):
        pool.wait(Key("bad"), None)
    assert pool.stats(good)["waiting"] == 1


def test_a_finalizer_that_uses_the_pool_does_not_hang():
    """The collector may run while the pool works, and finalizers may come back to it."""
    pool = ready(4, max_in_flight=None)
    done = []

    class Cycle:
        def __init__(self):
            self.me = self

        def __del__(self):
            pool.checkin(pool.checkout("a"))
            done.append(1)

    before = gc.get_threshold()
    gc.set_threshold(1)
    try:
        for _ in range(200):
            Cycle()
            lease = pool.wait("a", None)
            pool.warm("b", 3)
            pool.checkin(lease)
            pool.sweep()
            pool.decisions()
    finally:
        gc.set_threshold(*before)
    gc.collect()
    assert len(done) == 200
    assert pool.stats()["in_use"] == 0


def test_a_pool_that_is_dropped_frees_everything():
    class Connection:
        pass

    connection = Connection()
    pool = Pool(leak_after=1.0)
    pool.wait("a", pool.decisions)
    (slot,), _, settled = pool.decisions()
    pool.connected(slot, connection)
    gone = weakref.ref(connection)
    del pool, slot, connection, settled
    gc.collect()
    assert gone() is None


def test_checkouts_from_many_threads_never_share_an_exclusive_connection():
    pool = ready(4)
    busy = [0] * 4
    problems = []
    interval = sys.getswitchinterval()

    def work():
        for _ in range(2000):
            lease = pool.checkout("a")
            if lease is None:
                continue
            number = lease.slot.number
            busy[number] += 1
            if busy[number] != 1:
                problems.append(number)
            busy[number] -= 1
            if not pool.checkin(lease):
                problems.append(lease)

    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert problems == []
    stats = pool.stats()
    assert stats["in_use"] == 0
    assert stats["idle"] == 4
    assert stats["hits"] + stats["misses"] == 16_000


def test_threads_that_do_everything_at_once_leave_consistent_counts():
    pool = Pool(max_size=3, max_in_flight=2, leak_after=0.0)
    stop = threading.Event()

    def owner():
        while not stop.is_set():
            for slot in pool.decisions()[0]:
                if slot.number % 5 == 4:
                    pool.failed(slot, OSError("no"))
                else:
                    pool.connected(slot, slot.number)
            pool.sweep()

    def user():
        for number in range(300):
            key = "ab"[number % 2]
            try:
                lease = pool.wait(key, None)
            except CircuitOpen:
                continue
            if not lease.held and pool.forget(lease):
                continue
            if lease.held:
                if number % 7 == 0:
                    pool.retire(lease.slot)
                pool.checkin(lease)

    carrying = threading.Thread(target=owner)
    users = [threading.Thread(target=user) for _ in range(4)]
    carrying.start()
    for thread in users:
        thread.start()
    for thread in users:
        thread.join()
    stop.set()
    carrying.join()
    pool.close()
    stats = pool.stats()
    assert stats["in_use"] == stats["waiting"] == stats["connecting"] == stats["open"] == 0

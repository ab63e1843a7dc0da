"""The promises of ``goflow.ConnectionPool``, with connections that have nothing to do with MCP."""

import asyncio
import logging
import random
import threading

import pytest
from support.pools import Backend
from support.servers import eventually

import goflow
from goflow.errors import BadCall, PoolClosed, PoolTimeout


def test_the_example_of_the_docstring_works(run):
    async def main():
        backend = Backend()
        async with backend.pool(max_size=4) as pool:
            async with pool.lease("db.example.org") as lease:
                assert lease.connection.key == "db.example.org"
                assert repr(pool) == "<ConnectionPool exclusive, 1 key, 1 open (0 idle), 1 in use>"
            assert repr(pool) == "<ConnectionPool exclusive, 1 key, 1 open (1 idle)>"
        assert repr(pool) == "<ConnectionPool exclusive, closed, 1 key, 0 open (0 idle)>"
        assert backend.open == 0

    run(main())


def test_every_object_shows_its_state(run):
    async def main():
        async with goflow.ConnectionPool(lambda key: "c", max_size=1) as pool:
            leasing = pool.lease("k")
            assert repr(leasing) == "<lease of 'k': None>"
            async with leasing as lease:
                assert repr(lease) == "<Lease 'k' #0 held>"
                assert repr(leasing) == "<lease of 'k': <Lease 'k' #0 held>>"
                assert repr(lease.slot) == "<Slot 'k' #0 live, 1 in flight>"
                assert repr(pool) == "<ConnectionPool exclusive, 1 key, 1 open (0 idle), 1 in use>"
                assert repr(pool._owners) == "<Owners of 1 connections>"
                assert repr(lease.slot.owner) == "<Owner open>"
            assert repr(lease) == "<Lease 'k' #0 released>"
        assert repr(pool) == "<ConnectionPool exclusive, closed, 1 key, 0 open (0 idle)>"
        async with goflow.ConnectionPool(lambda key: "c", mode="run") as pool:
            pool.release(await pool.acquire("k", run="r"))
            assert repr(pool._runs) == "<RunBindings 1 runs, 1 key, 1 open (1 idle)>"

    run(main())


def test_a_function_may_give_the_same_object_more_than_once(run):
    async def main():
        closed = []
        async with goflow.ConnectionPool(lambda key: "same", closed.append, max_size=3) as pool:
            await pool.warm("k", size=3)
            await pool.warm("other")
            assert pool.connections() == ["same"] * 4
        assert closed == ["same"] * 4

    run(main())


def test_plain_functions_connect_and_close(run):
    async def main():
        closed = []
        async with goflow.ConnectionPool(str.upper, closed.append) as pool:
            lease = await pool.acquire("a")
            assert lease.connection == "A"
            pool.release(lease)
        assert closed == ["A"]

    run(main())


def test_a_connection_is_used_again(run):
    async def main():
        backend = Backend()
        async with backend.pool() as pool:
            for _ in range(100):
                async with pool.lease("a"):
                    pass
            stats = pool.stats()
        assert len(backend.made) == 1
        assert (stats.hits, stats.waits, stats.connects) == (99, 1, 1)
        assert stats.reuse == 0.99

    run(main())


def test_connecting_is_single_flight(run):
    async def main():
        backend = Backend(delay=0.01)
        async with backend.pool(mode="multiplex", max_size=4) as pool:
            leases = await asyncio.gather(*(pool.acquire("a") for _ in range(100)))
            assert len({id(lease.connection) for lease in leases}) == 1
            assert len(backend.made) == 1
            for lease in leases:
                pool.release(lease)

    run(main())


def test_spike(run):
    """A burst makes as many connections as it needs and no more than there may be."""

    async def main():
        backend = Backend(delay=0.005)
        async with backend.pool(max_size=5) as pool:

            async def work():
                async with pool.lease("a"):
                    await asyncio.sleep(0.001)

            await asyncio.gather(*(work() for _ in range(3)))
            assert len(backend.made) == 3
            await asyncio.gather(*(work() for _ in range(200)))
            assert len(backend.made) == 5
            assert backend.most_connecting <= 5
            assert pool.stats().waits >= 195

    run(main())


def test_a_waiter_takes_whichever_comes_first(run):
    """A returned connection is not left for a new one that is still on its way."""

    async def main():
        backend = Backend()
        async with backend.pool(max_size=2) as pool:
            first = await pool.acquire("a")
            backend.gate = asyncio.Event()
            waiter = asyncio.create_task(pool.acquire("a"))
            await asyncio.sleep(0)
            assert pool.stats().connecting == 1
            pool.release(first)
            lease = await waiter
            assert lease.connection is backend.made[0]
            backend.gate.set()
            assert await eventually(lambda: pool.stats().idle == 1)
            pool.release(lease)

    run(main())


def test_waiters_are_served_in_order_and_a_cancelled_one_is_passed_over(run):
    async def main():
        backend = Backend()
        served = []
        async with backend.pool(max_size=1) as pool:
            held = await pool.acquire("a")

            async def wait(number):
                async with pool.lease("a"):
                    served.append(number)

            tasks = [asyncio.create_task(wait(number)) for number in range(5)]
            await asyncio.sleep(0)
            tasks[2].cancel()
            await asyncio.sleep(0)
            pool.release(held)
            await asyncio.gather(*tasks, return_exceptions=True)
            assert served == [0, 1, 3, 4]
            assert pool.stats().idle == 1

    run(main())


def test_a_waiter_that_is_cancelled_as_it_is_served_gives_the_connection_back(run):
    async def main():
        async with Backend().pool(max_size=1) as pool:
            held = await pool.acquire("a")
            waiter = asyncio.create_task(pool.acquire("a"))
            await asyncio.sleep(0)
            pool.release(held)
            waiter.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiter
            assert pool.stats().idle == 1
            assert pool.checkin(pool.checkout("a"))

    run(main())


def test_waiting_ends_with_a_clear_pool_timeout(run):
    async def main():
        async with Backend().pool(max_size=1, timeout=0.01, leak_after=60.0) as pool:
            held = await pool.acquire("db")
            with pytest.raises(PoolTimeout) as caught:
                await pool.acquire("db")
            assert str(caught.value) == (
                "no connection to 'db' was free within 0.01 s (1 open (0 idle), 1 in use)"
            )
            assert caught.value.hint.startswith("raise max_size or max_in_flight, or release")
            assert f"the oldest lease was acquired at {__file__}:" in caught.value.hint
            assert caught.value.key == "db"
            assert caught.value.seconds == 0.01
            assert pool.stats().timeouts == 1
            pool.release(held)

    run(main())


def test_checkout_neither_waits_nor_connects(run):
    async def main():
        backend = Backend()
        async with backend.pool(max_size=1) as pool:
            assert pool.checkout("a") is None
            assert backend.connecting == 0
            await pool.warm("a")
            lease = pool.checkout("a")
            assert pool.checkout("a") is None
            assert pool.checkin(lease)
            assert not pool.checkin(lease)

    run(main())


def test_warming_connects_before_anybody_asks(run):
    async def main():
        backend = Backend(delay=0.005)
        async with backend.pool() as pool:
            assert not pool.is_warm("a")
            await pool.warm("a", "b")
            assert pool.is_warm("a")
            assert pool.is_warm("b")
            await pool.warm("a", size=3)
            async with pool.lease("a"):
                pass
            stats = pool.stats()
            assert (stats.connects, stats.waits) == (4, 0)
            assert stats.connect_waited == 0
            assert stats.connect_saved == stats.connect_time

    run(main())


def test_a_failed_warm_up_is_told_to_who_asks(run):
    async def main():
        backend = Backend()
        backend.error = OSError("refused")
        async with backend.pool(backoff=0.0) as pool:
            await pool.warm("a")
            with pytest.raises(OSError, match="refused"):
                await pool.acquire("a")
            backend.error = None
            async with pool.lease("a"):
                pass

    run(main())


# -- modes -----------------------------------------------------------------------------------------


def test_a_multiplexed_connection_has_so_many_leases_and_then_there_are_more(run):
    async def main():
        backend = Backend()
        async with backend.pool(max_size=2, max_in_flight=3) as pool:
            leases = [await pool.acquire("a") for _ in range(6)]
            loads = [lease.slot.number for lease in leases]
            assert sorted(loads) == [0, 0, 0, 1, 1, 1]
            with pytest.raises(PoolTimeout):
                await pool.acquire("a", timeout=0.005)
            for lease in leases:
                pool.release(lease)

    run(main())


def test_a_run_keeps_its_connection_to_itself(run):
    async def main():
        backend = Backend()
        async with backend.pool(mode="run", max_size=1) as pool:
            one = await pool.acquire("a", run="first")
            two = await pool.acquire("a", run="first")
            assert one.connection is two.connection
            pool.release(one)
            pool.release(two)
            other = asyncio.create_task(pool.acquire("a", run="second"))
            await asyncio.sleep(0.01)
            assert not other.done(), "the first run has not ended"
            with pytest.raises(PoolTimeout, match="for run 'third'"):
                await pool.acquire("a", run="third", timeout=0.005)
            pool.end_run("third")
            pool.end_run("first")
            lease = await other
            assert lease.connection is backend.made[1], "what a run did is not for the next"
            assert not backend.made[0].open
            pool.release(lease)
            pool.end_run("second")
            with pytest.raises(BadCall, match="asked with the run"):
                await pool.acquire("a")
        assert backend.open == 0

    run(main())


def test_a_run_whose_connection_broke_gets_another(run):
    async def main():
        backend = Backend()
        async with backend.pool(mode="run", max_size=1) as pool:
            lease = await pool.acquire("a", run=1)
            pool.retire(lease.connection)
            pool.release(lease)
            again = await pool.acquire("a", run=1)
            assert again.connection is backend.made[1]
            pool.discard(again)
            third = await pool.acquire("a", run=1)
            assert third.connection is backend.made[2]
            pool.release(third)
        assert backend.open == 0

    run(main())


@pytest.mark.parametrize(
    "options", [{"mode": "shared"}, {"mode": "exclusive", "max_in_flight": 2}, {"max_size": 0}]
)
def test_options_that_cannot_be_are_refused(options):
    with pytest.raises(ValueError, match=r"max_|mode"):
        goflow.ConnectionPool(str, **options)


# -- time ------------------------------------------------------------------------------------------


def test_idle_connections_are_closed(run):
    async def main():
        backend = Backend()
        async with backend.pool(idle_timeout=0.02) as pool:
            await pool.warm("a", size=3)
            assert await eventually(lambda: backend.open == 0)
            assert pool.stats().retired == {"idle": 3}

    run(main())


def test_old_connections_are_replaced_when_they_are_free(run):
    async def main():
        backend = Backend()
        async with backend.pool(max_lifetime=0.02, idle_timeout=None) as pool:
            lease = await pool.acquire("a")
            assert await eventually(lambda: pool.stats().retired == {"lifetime": 1})
            assert lease.connection.open, "it is in use"
            pool.release(lease)
            assert await eventually(lambda: backend.open == 0)
            async with pool.lease("a") as lease:
                assert lease.connection is backend.made[1]

    run(main())


def test_jitter(run, monkeypatch):
    """Connections made together do not end together."""
    drawn = []

    async def main():
        uniform = random.uniform

        def recorded(a, b):
            drawn.append((a, b))
            return uniform(a, b)

        monkeypatch.setattr(random, "uniform", recorded)
        async with Backend().pool(max_lifetime=600.0) as pool:
            await pool.warm("a", size=5)

    run(main())
    assert drawn == [(0.0, 0.1)] * 5


def test_leaks_are_reported_with_where_they_were_made(run, caplog):
    async def main():
        leaks = []
        async with Backend().pool(leak_after=0.01, on_leak=leaks.append) as pool:
            async with pool.lease("a") as lease:
                assert await eventually(lambda: leaks == [lease])
                assert f"{__file__}:" in lease.where
            assert pool.stats().leaks == 1

    with caplog.at_level(logging.WARNING, "goflow.pool"):
        run(main())
    assert f"acquired at {__file__}:" in caplog.text


# -- the whole -------------------------------------------------------------------------------------


def test_drain_replaces_every_connection(run):
    async def main():
        backend = Backend()
        async with backend.pool(max_size=3) as pool:
            await pool.warm("a", size=2)
            held = await pool.acquire("a")
            draining = asyncio.create_task(pool.drain())
            assert await eventually(lambda: backend.open == 1)
            assert not draining.done()
            async with pool.lease("a") as lease:
                assert lease.connection is backend.made[2]
            pool.release(held)
            await draining
            assert backend.open == 1
            assert pool.stats().retired == {"drained": 2}

    run(main())


def test_resize_closes_what_is_too_much_and_serves_who_waits(run):
    async def main():
        backend = Backend()
        async with backend.pool(max_size=1) as pool:
            held = await pool.acquire("a")
            waiters = [asyncio.create_task(pool.acquire("a")) for _ in range(2)]
            await asyncio.sleep(0)
            pool.resize(3)
            leases = [held, *await asyncio.gather(*waiters)]
            assert backend.open == 3
            pool.release(leases[0])
            pool.resize(1)
            assert await eventually(lambda: backend.open == 2)
            pool.release(leases[1])
            assert await eventually(lambda: backend.open == 1)
            pool.release(leases[2])
            assert pool.stats().retired == {"resized": 2}

    run(main())


def test_limits_can_differ_by_key(run):
    async def main():
        backend = Backend()
        async with backend.pool(max_size=1) as pool:
            pool.resize(2, key="big")
            leases = [await pool.acquire("big"), await pool.acquire("big")]
            leases.append(await pool.acquire("small"))
            with pytest.raises(PoolTimeout):
                await pool.acquire("small", timeout=0.005)
            for lease in leases:
                pool.release(lease)

    run(main())


def test_closing_fails_who_waits_and_gives_up_connecting(run):
    async def main():
        backend = Backend(delay=60.0)
        pool = backend.pool()
        waiter = asyncio.create_task(pool.acquire("a"))
        await asyncio.sleep(0.001)
        await pool.close()
        with pytest.raises(PoolClosed):
            await waiter
        with pytest.raises(PoolClosed):
            await pool.acquire("a")
        assert backend.connecting == 0
        await pool.close()

    run(main())


def test_closing_does_not_wait_for_ever_for_a_lease(run):
    async def main():
        backend = Backend()
        pool = backend.pool()
        lease = await pool.acquire("a")
        await pool.close(timeout=0.01)
        assert not backend.made[0].open
        assert pool.release(lease)

    run(main())


def test_leases_may_be_given_back_from_other_threads(run):
    async def main():
        async with Backend().pool(max_size=2) as pool:
            leases = [await pool.acquire("a"), await pool.acquire("a")]
            waiters = [asyncio.create_task(pool.acquire("a")) for _ in range(2)]
            await asyncio.sleep(0)
            threads = [threading.Thread(target=pool.release, args=(lease,)) for lease in leases]
            for thread in threads:
                thread.start()
            for lease in await asyncio.gather(*waiters):
                pool.release(lease)
            for thread in threads:
                thread.join()
            assert pool.stats().idle == 2

    run(main())


def test_a_pool_belongs_to_one_event_loop():
    pool = Backend().pool()

    async def once():
        async with pool.lease("a"):
            pass
        await pool.close()

    asyncio.run(once())
    with pytest.raises(RuntimeError, match="belongs to another event loop"):
        asyncio.run(once())


def test_a_pool_that_nobody_closed_ends_with_its_loop():
    backend = Backend()

    async def main():
        pool = backend.pool()
        async with pool.lease("a"):
            pass

    asyncio.run(main())
    assert backend.open == 0

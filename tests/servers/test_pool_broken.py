"""A ``goflow.ConnectionPool`` whose connections break, cannot be made or do not close."""

import asyncio
import logging

import pytest
from support.pools import Backend
from support.servers import eventually

import goflow
from goflow.errors import CircuitOpen, ConnectFailed


def test_dead_client(run):
    """Waiters whose tasks died take nothing with them."""

    async def main():
        backend = Backend()
        async with backend.pool(max_size=4) as pool:
            held = [await pool.acquire("a") for _ in range(4)]

            async def client():
                async with pool.lease("a"):
                    await asyncio.sleep(0.001)

            tasks = [asyncio.create_task(client()) for _ in range(10)]
            await asyncio.sleep(0)
            for task in tasks[::2]:
                task.cancel()
            for lease in held:
                pool.release(lease)
            await asyncio.gather(*tasks, return_exceptions=True)
            stats = pool.stats()
            assert (stats.open, stats.idle, stats.in_use, stats.waiting) == (4, 4, 0, 0)

    run(main())


def test_a_discarded_connection_is_closed_and_a_waiter_gets_a_new_one(run):
    async def main():
        backend = Backend()
        async with backend.pool(max_size=1) as pool:
            lease = await pool.acquire("a")
            waiter = asyncio.create_task(pool.acquire("a"))
            await asyncio.sleep(0)
            pool.discard(lease)
            new = await waiter
            assert new.connection is backend.made[1]
            assert not backend.made[0].open
            assert pool.stats().retired == {"broken": 1}
            pool.release(new)

    run(main())


def test_a_connection_that_broke_while_shared_is_closed_with_its_last_lease(run):
    async def main():
        backend = Backend()
        async with backend.pool(max_size=1, max_in_flight=2) as pool:
            one, two = await pool.acquire("a"), await pool.acquire("a")
            pool.discard(one)
            await asyncio.sleep(0)
            assert two.connection.open
            pool.release(two)
            assert await eventually(lambda: not backend.made[0].open)

    run(main())


def test_the_failure_of_connecting_reaches_all_who_wait(run):
    async def main():
        backend = Backend(delay=0.001)
        backend.error = OSError("refused")
        async with backend.pool(max_size=1) as pool:
            waiting = (pool.acquire("a") for _ in range(5))
            errors = await asyncio.gather(*waiting, return_exceptions=True)
            assert [str(error) for error in errors] == ["refused"] * 5
            assert pool.stats().connect_failures == 1

    run(main())


def test_who_can_wait_for_another_connection_does_not_fail_with_a_new_one(run):
    async def main():
        backend = Backend()
        async with backend.pool(max_size=2, backoff=60.0) as pool:
            held = await pool.acquire("a")
            backend.error = OSError("refused")
            waiter = asyncio.create_task(pool.acquire("a"))
            assert await eventually(lambda: pool.stats().connect_failures == 1)
            assert not waiter.done()
            pool.release(held)
            pool.release(await waiter)

    run(main())


def test_backoff(run, monkeypatch):
    """Each failure in a row doubles the delay before the next attempt, less a random part."""
    delays = []

    async def main():
        backend = Backend()
        backend.error = OSError("refused")
        sleep = asyncio.sleep

        async def slept(seconds, *args):
            if seconds:
                delays.append(seconds)
            await sleep(0)

        monkeypatch.setattr(asyncio, "sleep", slept)
        async with backend.pool(
            backoff=1.0, max_backoff=10.0, connect_attempts=6, breaker_failures=None
        ) as pool:
            with pytest.raises(OSError, match="refused"):
                await pool.acquire("a")

    run(main())
    assert len(delays) == 5
    for delay, limit in zip(delays, [1, 2, 4, 8, 10], strict=True):
        assert 0.5 * limit - 0.1 <= delay <= limit


def test_a_circuit_opens_after_failures_in_a_row_and_closes_again(run):
    async def main():
        backend = Backend()
        backend.error = OSError("refused")
        async with backend.pool(backoff=0.0, breaker_failures=2, breaker_reset=0.05) as pool:
            for _ in range(2):
                with pytest.raises(OSError, match="refused"):
                    await pool.acquire("a")
            with pytest.raises(CircuitOpen, match="failed 2 times in a row"):
                await pool.acquire("a")
            assert pool.stats().connect_failures == 2
            backend.error = None

            async def closed():
                try:
                    pool.release(await pool.acquire("a"))
                except CircuitOpen:
                    return False
                return True

            for _ in range(1000):
                if await closed():
                    return
                await asyncio.sleep(0.005)
            pytest.fail("the circuit stays open")

    run(main())


def test_connecting_takes_no_longer_than_its_timeout(run):
    async def main():
        backend = Backend(delay=60.0)
        async with backend.pool(connect_timeout=0.01) as pool:
            with pytest.raises(ConnectFailed, match=r"'a' was not connected within 0.01 s"):
                await pool.acquire("a")
        assert backend.connecting == 0

    run(main())


def test_a_connection_that_was_idle_is_checked_and_replaced(run):
    async def main():
        backend = Backend()
        checked = []

        async def check(connection):
            checked.append(connection.number)
            if connection.healthy is None:
                raise OSError("no answer")
            return connection.healthy

        async with backend.pool(check=check, check_after=0.0) as pool:
            await pool.warm("a", size=2)
            assert pool.checkout("a") is None, "it should be checked first"
            for connection in backend.made:
                connection.healthy = None
            backend.made[0].healthy = False
            async with pool.lease("a") as lease:
                assert lease.connection is backend.made[2]
            assert sorted(checked[:2]) == [0, 1]
            assert pool.stats().retired == {"unhealthy": 2}
            assert not backend.made[0].open

    run(main())


def test_a_connection_that_was_just_used_is_not_checked(run):
    async def main():
        async with Backend().pool(check=lambda connection: 1 / 0, check_after=60.0) as pool:
            for _ in range(3):
                async with pool.lease("a"):
                    pass

    run(main())


def test_a_close_that_fails_is_logged_and_harms_nobody(run, caplog):
    async def main():
        pool = goflow.ConnectionPool(str, lambda connection: 1 / 0)
        async with pool, pool.lease(1):
            pass

    with caplog.at_level(logging.WARNING, "goflow.pool"):
        run(main())
    assert "closing '1' failed" in caplog.text

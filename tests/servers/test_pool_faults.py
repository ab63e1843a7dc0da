"""What the pool does when real servers fail: every call ends, and nothing is left."""

import asyncio
import os
import random
import signal

import pytest
from support.deep import rounds
from support.servers import eventually, faulty, group_exists, minimal, process_exists, text_of

from goflow.errors import ConnectFailed, ConnectionLost, PoolTimeout, ServerTimeout
from goflow.servers.connections import Connections

LOST = (ConnectFailed, ConnectionLost)


async def call(connections, config, tool="echo", *, timeout=None, **arguments):
    lease, left = await connections.acquire(config, timeout)
    try:
        return text_of(await lease.connection.call_tool(tool, arguments, timeout=left))
    finally:
        connections.release(lease)


@pytest.fixture
def connected(run):
    """Run a test with connections of its own."""

    def connected(test):
        async def main():
            connections = Connections()
            try:
                return await test(connections)
            finally:
                await connections.close()

        return run(main())

    return connected


def sessions_of(connections):
    return {session.pid: session for session in connections.sessions()}


def test_spike_makes_as_many_processes_as_it_may_and_no_more(connected):
    config = faulty(mode="exclusive", max_sessions=3)

    async def test(connections):
        pids = await asyncio.gather(*(call(connections, config, "pid") for _ in range(40)))
        stats = connections.pool(config).stats()
        assert 1 <= len(set(pids)) <= 3
        assert stats.open + stats.connecting == 3

    connected(test)


@pytest.mark.parametrize("fault", ["exit at once", "killed at once", "refuse", "garbage and exit"])
def test_a_server_that_cannot_be_connected_fails_all_who_wait_each_with_its_own_error(
    connected, fault
):
    async def test(connections):
        config = faulty(fault)
        calls = (call(connections, config, text="x") for _ in range(5))
        errors = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(error) for error in errors] == [ConnectFailed] * 5
        assert len({id(error) for error in errors}) == 5
        assert errors[0].server == "test"

    connected(test)


def test_a_server_that_keeps_failing_is_left_alone_for_a_while(connected):
    async def test(connections):
        config = faulty("exit at once")
        pool = connections.pool(config)
        for _ in range(5):
            with pytest.raises(ConnectFailed, match="exited with status 3"):
                await call(connections, config)
        with pytest.raises(ConnectFailed, match="server 'test' failed 5 times in a row") as caught:
            await call(connections, config)
        assert "frobnicate" in caught.value.stderr
        assert pool.stats().connect_failures == 5

    connected(test)


def test_a_connecting_that_takes_too_long_for_one_goes_on_for_others(connected):
    async def test(connections):
        config = minimal()
        with pytest.raises(ConnectFailed, match=r"was not connected within 1e-06 s"):
            await call(connections, config, timeout=1e-6)
        assert await call(connections, config, text="x") == "x"
        assert connections.pool(config).stats().connects == 1

    connected(test)


def test_waiting_for_a_turn_is_not_counted_into_the_timeout(connected):
    config = faulty(mode="exclusive")

    async def test(connections):
        slow = asyncio.create_task(call(connections, config, "sleep", seconds=0.2))
        assert await eventually(lambda: connections.pool(config).stats().in_use)
        assert await call(connections, config, text="x", timeout=0.1) == "x"
        await slow

    connected(test)


def test_a_turn_that_never_comes_is_a_pool_timeout(connected, monkeypatch):
    monkeypatch.setattr("goflow.servers.connections.WAIT_TIMEOUT", 0.02)
    config = faulty("hang in call", mode="exclusive")

    async def test(connections):
        await connections.prewarm([config])
        slow = asyncio.create_task(call(connections, config, text="x"))
        assert await eventually(lambda: connections.pool(config).stats().in_use)
        with pytest.raises(PoolTimeout, match=r"was free within 0.02 s") as caught:
            await call(connections, config, text="y")
        assert caught.value.server == "test"
        slow.cancel()

    connected(test)


def test_a_server_that_is_killed_while_idle_is_replaced(connected):
    async def test(connections):
        config = minimal()
        assert await call(connections, config, text="x") == "x"
        (session,) = connections.sessions()
        os.kill(session.pid, signal.SIGKILL)
        await session.wait_closed()
        assert await call(connections, config, text="y") == "y"
        assert connections.pool(config).stats().retired == {"broken": 1}

    connected(test)


def test_a_server_that_is_killed_in_a_call_fails_it_and_who_waits_gets_a_new_one(connected):
    config = faulty(mode="exclusive")

    async def test(connections):
        slow = asyncio.create_task(call(connections, config, "sleep", seconds=60))
        assert await eventually(lambda: connections.pool(config).stats().in_use)
        waiting = [asyncio.create_task(call(connections, config, text=str(i))) for i in range(3)]
        await asyncio.sleep(0)
        (pid,) = sessions_of(connections)
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(ConnectionLost, match="SIGKILL"):
            await slow
        assert await asyncio.gather(*waiting) == ["0", "1", "2"]

    connected(test)


def test_two_timeouts_in_a_row_retire_the_session_and_waiters_get_a_new_one(connected):
    config = faulty("hang for good", mode="exclusive", timeout=0.05)

    async def test(connections):
        for _ in range(2):
            with pytest.raises(ServerTimeout):
                await call(connections, config, text="x")
        (old,) = sessions_of(connections) or (None,)
        waiter = asyncio.create_task(connections.acquire(config))
        lease, _ = await waiter
        assert lease.connection.pid != old
        connections.release(lease)
        assert connections.pool(config).stats().retired == {"broken": 1}

    connected(test)


def test_a_caller_that_dies_gives_its_place_back(connected):
    config = faulty("hang in call", mode="exclusive")

    async def test(connections):
        slow = asyncio.create_task(call(connections, config, text="x"))
        assert await eventually(lambda: connections.pool(config).stats().in_use)
        slow.cancel()
        assert await call(connections, config, "pid")
        assert connections.pool(config).stats().in_use == 0

    connected(test)


def test_a_run_keeps_its_session_and_another_run_gets_its_own(connected):
    config = faulty(mode="run", max_sessions=2)

    async def test(connections):
        one, two = connections.for_run(), connections.for_run()
        pids = []
        for run in (one, two, one, two):
            lease, _ = await run.acquire(config)
            pids.append(lease.connection.pid)
            run.release(lease)
        assert pids[0] == pids[2] != pids[1] == pids[3]
        one.end()
        two.end()
        assert await eventually(lambda: not group_exists(pids[0]) and not group_exists(pids[1]))

    connected(test)


def test_a_third_run_waits_until_a_session_is_free(connected):
    config = faulty(mode="run", max_sessions=1)

    async def test(connections):
        one, two = connections.for_run(), connections.for_run()
        first, _ = await one.acquire(config)
        one.release(first)
        waiting = asyncio.create_task(two.acquire(config, 0.001))
        await asyncio.sleep(0.02)
        assert not waiting.done(), "the timeout is for connecting"
        one.end()
        lease, _ = await waiting
        assert lease.connection.pid != first.slot.connection.pid
        two.release(lease)
        two.end()

    connected(test)


@pytest.mark.parametrize(
    "options",
    [
        {"max_in_flight": 5, "max_sessions": 4},
        {"mode": "exclusive", "max_sessions": 6},
        {},
    ],
    ids=["multiplex", "exclusive", "one session"],
)
@pytest.mark.deep
def test_a_thousand_calls_end_while_servers_are_killed_at_random(connected, options):
    """With a result or an error of the right class, none with another's result."""
    config = minimal(**options)
    calls = max(1000, rounds(20_000))
    rng = random.Random(calls)
    pids = set()

    async def test(connections):
        ends = {"result": 0, "lost": 0}
        numbers = iter(range(calls))

        async def work():
            for number in numbers:
                text = f"call {number}"
                try:
                    assert await call(connections, config, text=text) == text
                    ends["result"] += 1
                except LOST:
                    ends["lost"] += 1
                if rng.random() < 1 / 60:
                    kill()

        def kill():
            alive = sorted(sessions_of(connections))
            if alive:
                pids.add(pid := rng.choice(alive))
                if process_exists(pid):
                    os.kill(pid, signal.SIGKILL)

        await asyncio.gather(*(work() for _ in range(50)))
        stats = connections.pool(config).stats()
        assert sum(ends.values()) == calls
        assert ends["result"] > 0
        assert (stats.in_use, stats.waiting) == (0, 0)
        assert stats.retired.get("broken", 0) <= stats.connects
        return ends

    ends = connected(test)
    assert pids, "nothing was killed"
    assert not any(process_exists(pid) for pid in pids)
    assert sum(ends.values()) == calls

"""What a task waits for: it behaves as asyncio's future does."""

import asyncio
import gc
import weakref

import pytest

from goflow._core.waiter import Waiter


async def outcome(waiter, seen):
    try:
        seen.append(await waiter)
    except BaseException as error:
        seen.append(repr(error))
        raise


def test_a_task_gets_the_value_soon_after_wake(run):
    async def main():
        seen, loop = [], asyncio.get_running_loop()
        waiter = Waiter(loop)
        assert repr(waiter) == "<Waiter pending>"
        task = asyncio.create_task(outcome(waiter, seen))
        await asyncio.sleep(0)
        waiter.settle((1, 2))
        waiter.wake()
        assert seen == []
        await task
        assert seen == [(1, 2)]
        assert repr(waiter) == "<Waiter settled>"

    run(main())


def test_what_is_settled_before_anybody_waits_is_there_at_once(run):
    async def main():
        waiter = Waiter(asyncio.get_running_loop())
        waiter.settle(3)
        waiter.settle(4)
        waiter.wake()
        assert waiter.done()
        assert await waiter == 3

    run(main())


def test_a_cancelled_task_leaves_and_what_comes_later_is_dropped(run):
    async def main():
        seen, loop = [], asyncio.get_running_loop()
        waiter = Waiter(loop)
        task = asyncio.create_task(outcome(waiter, seen))
        await asyncio.sleep(0)
        task.cancel()
        assert waiter.cancelled()
        assert not waiter.cancel()
        waiter.settle(1)
        waiter.wake()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert seen == ["CancelledError()"]
        assert repr(waiter) == "<Waiter cancelled>"

    run(main())


def test_a_task_cancelled_between_settling_and_waking_is_cancelled(run):
    async def main():
        seen, loop = [], asyncio.get_running_loop()
        waiter = Waiter(loop)
        task = asyncio.create_task(outcome(waiter, seen))
        await asyncio.sleep(0)
        waiter.settle(1)
        task.cancel()
        loop.call_soon(waiter.wake)
        with pytest.raises(asyncio.CancelledError):
            await task
        assert seen == ["CancelledError()"]

    run(main())


def test_only_one_task_may_await_it(run):
    async def main():
        seen, loop = [], asyncio.get_running_loop()
        waiter = Waiter(loop)
        first = asyncio.create_task(outcome(waiter, seen))
        second = asyncio.create_task(outcome(waiter, seen))
        with pytest.raises(RuntimeError, match="awaited already"):
            await second
        waiter.settle(1)
        waiter.wake()
        await first
        with pytest.raises(asyncio.InvalidStateError):
            Waiter(loop).result()

    run(main())


def test_a_task_of_another_loop_may_not_await_it(run):
    other = asyncio.new_event_loop()
    try:
        with pytest.raises(RuntimeError, match="different loop"):
            run(outcome(Waiter(other), []))
    finally:
        other.close()


def test_a_waiter_in_a_cycle_is_collected():
    class Kept(Waiter):
        pass

    waiter = Kept(None)
    waiter.settle(waiter)
    gone = weakref.ref(waiter)
    del waiter
    gc.collect()
    assert gone() is None

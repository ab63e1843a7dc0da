"""What a task waits for: it behaves as asyncio's future does, and resumes at once when told to."""

import asyncio
import contextvars
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


def test_resume_runs_the_task_within_the_call_and_its_context(run):
    async def main():
        seen, loop = [], asyncio.get_running_loop()
        place = contextvars.ContextVar("place", default="outside")

        async def work():
            place.set("inside")
            await waiter
            seen.append((place.get(), asyncio.current_task().get_name()))

        def give():
            waiter.settle(None)
            waiter.resume()
            seen.append(place.get())

        waiter = Waiter(loop)
        task = asyncio.create_task(work(), name="worker")
        await asyncio.sleep(0)
        loop.call_soon(give)
        await task
        assert seen == [("inside", "worker"), "outside"]

    run(main())


def test_what_is_settled_before_anybody_waits_is_there_at_once(run):
    async def main():
        waiter = Waiter(asyncio.get_running_loop())
        waiter.settle(3)
        waiter.settle(4)
        waiter.settle_error(ValueError())
        waiter.wake()
        waiter.resume()
        assert waiter.done()
        assert await waiter == 3
        failed = Waiter(asyncio.get_running_loop())
        failed.settle_error(ValueError("no"))
        assert repr(failed) == "<Waiter failed>"
        with pytest.raises(ValueError, match="no"):
            await failed

    run(main())


@pytest.mark.parametrize("way", ["wake", "resume"])
def test_an_error_is_raised_where_the_task_awaits(run, way):
    async def main():
        seen, loop = [], asyncio.get_running_loop()
        waiter = Waiter(loop)
        task = asyncio.create_task(outcome(waiter, seen))
        await asyncio.sleep(0)
        waiter.settle_error(ValueError("no"))
        loop.call_soon(getattr(waiter, way))
        with pytest.raises(ValueError, match="no"):
            await task
        assert seen == ["ValueError('no')"]

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
        waiter.resume()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert seen == ["CancelledError()"]
        assert repr(waiter) == "<Waiter cancelled>"

    run(main())


def test_a_task_cancelled_between_settling_and_resuming_is_cancelled(run):
    async def main():
        seen, loop = [], asyncio.get_running_loop()
        waiter = Waiter(loop)
        task = asyncio.create_task(outcome(waiter, seen))
        await asyncio.sleep(0)
        waiter.settle(1)
        task.cancel()
        loop.call_soon(waiter.resume)
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

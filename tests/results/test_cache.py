"""``goflow.Cache``: computing what is missing once, and the decorator."""

import asyncio
import threading

import pytest

import goflow
from goflow.errors import NotJson


def in_threads(count, work):
    """Run ``work`` in so many threads at once; what each gave or raised."""
    start = threading.Barrier(count)
    results = []

    def run():
        start.wait()
        try:
            results.append(work())
        except Exception as error:
            results.append(error)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


class Slow:
    """A computation that goes on until all who ask for it are waiting."""

    def __init__(self, outcome):
        self.outcome = outcome
        self.calls = 0
        self.go_on = threading.Event()

    def __call__(self):
        self.calls += 1
        self.go_on.wait(10)
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome


def test_hot_methods_are_the_compiled_ones():
    from goflow._core.cache import Cache as Compiled

    cache = goflow.Cache(10)
    assert isinstance(cache, Compiled)
    for name in ("get", "set", "get_result", "set_result"):
        assert getattr(goflow.Cache, name) is getattr(Compiled, name)
    assert not hasattr(cache, "__dict__")
    cache.set("a", 1)
    assert isinstance(cache.stats(), goflow.CacheStats)
    assert repr(cache) == "<Cache s3fifo, 1 of 10 entries>"


def test_what_is_missing_is_computed_and_stored():
    cache = goflow.Cache(10)
    assert cache.get_or_compute("a", lambda: [1]) == [1]
    assert cache.get_or_compute("a", lambda: 1 / 0) == [1]
    assert cache.get_or_compute("none", lambda: None) is None
    assert cache.get_or_compute("none", lambda: 1 / 0) is None


def test_a_failure_is_raised_and_not_stored():
    cache = goflow.Cache(10)
    with pytest.raises(ZeroDivisionError):
        cache.get_or_compute("a", lambda: 1 / 0)
    assert "a" not in cache
    assert cache.get_or_compute("a", lambda: 2) == 2


def test_a_computed_value_has_the_ttl_it_was_given():
    now = [0.0]
    cache = goflow.Cache(10, timer=lambda: now[0])
    cache.get_or_compute("a", lambda: 1, ttl=5)
    now[0] = 5.0
    assert cache.get_or_compute("a", lambda: 2) == 2


@pytest.mark.parametrize("outcome", [[1], ValueError("no")])
def test_threads_that_ask_at_once_share_one_computation(outcome):
    cache, slow = goflow.Cache(10), Slow(outcome)
    flights = cache._flights

    def work():
        if len(flights):
            waiting.release()
        return cache.get_or_compute("a", slow)

    waiting = threading.Semaphore(0)
    leader = threading.Thread(target=lambda: first.extend(in_threads(1, work)))
    first = []
    leader.start()
    while not slow.calls:
        pass
    followers = threading.Thread(target=lambda: first.extend(in_threads(4, work)))
    followers.start()
    for _ in range(4):
        waiting.acquire()
    slow.go_on.set()
    leader.join()
    followers.join()
    assert len(first) == 5
    if isinstance(outcome, Exception):
        assert all(result is outcome for result in first) or slow.calls > 1
    else:
        assert first == [[1]] * 5
        assert slow.calls == 1
        assert len({id(result) for result in first}) == 5, "they share what they may change"
    assert len(flights) == 0


def test_a_computation_that_asks_for_its_own_key_does_not_wait_for_itself():
    cache = goflow.Cache(10)
    assert cache.get_or_compute("a", lambda: cache.get_or_compute("a", lambda: 1) + 1) == 2

    async def inner():
        return 1

    async def outer():
        return await cache.get_or_compute_async("b", inner) + 1

    assert asyncio.run(cache.get_or_compute_async("b", outer)) == 2

    def sync_outer():
        return asyncio.run(cache.get_or_compute_async("c", inner)) + 1

    assert cache.get_or_compute("c", sync_outer) == 2


def test_tasks_that_ask_at_once_share_one_computation(run):
    cache = goflow.Cache(10)
    calls = []

    async def compute():
        calls.append(1)
        await asyncio.sleep(0)
        return {"a": []}

    async def main():
        asks = (cache.get_or_compute_async("a", compute) for _ in range(10))
        return await asyncio.gather(*asks)

    results = run(main())
    assert results == [{"a": []}] * 10
    assert len({id(result["a"]) for result in results}) == 10
    assert len(calls) == 1


def test_when_the_computing_task_is_cancelled_another_takes_its_place(run):
    cache = goflow.Cache(10)
    calls = []

    async def compute():
        calls.append(1)
        await asyncio.sleep(60 if len(calls) == 1 else 0)
        return "done"

    async def main():
        first = asyncio.create_task(cache.get_or_compute_async("a", compute))
        await asyncio.sleep(0)
        others = [asyncio.create_task(cache.get_or_compute_async("a", compute)) for _ in range(3)]
        await asyncio.sleep(0)
        first.cancel()
        results = await asyncio.gather(*others)
        with pytest.raises(asyncio.CancelledError):
            await first
        return results

    assert run(main()) == ["done"] * 3
    assert len(calls) == 2


def test_a_waiting_task_may_be_cancelled_without_harm_to_the_others(run):
    cache = goflow.Cache(10)

    async def main():
        go_on = asyncio.Event()

        async def compute():
            await go_on.wait()
            return 1

        first = asyncio.create_task(cache.get_or_compute_async("a", compute))
        await asyncio.sleep(0)
        others = [asyncio.create_task(cache.get_or_compute_async("a", compute)) for _ in range(2)]
        await asyncio.sleep(0)
        others[0].cancel()
        await asyncio.sleep(0)
        go_on.set()
        assert await first == 1
        assert await others[1] == 1
        with pytest.raises(asyncio.CancelledError):
            await others[0]

    run(main())


def test_a_failure_reaches_all_tasks_that_wait(run):
    cache = goflow.Cache(10)

    async def compute():
        await asyncio.sleep(0)
        raise ValueError("no")

    async def main():
        asks = (cache.get_or_compute_async("a", compute) for _ in range(3))
        return await asyncio.gather(*asks, return_exceptions=True)

    assert [str(error) for error in run(main())] == ["no"] * 3
    assert "a" not in cache


def test_the_decorator_stores_results_by_content():
    cache = goflow.Cache(10)
    calls = []

    @cache.cached()
    def work(a, *, b=None):
        """Docs."""
        calls.append((a, b))
        return [a, b]

    assert work(1, b={"x": [2]}) == [1, {"x": [2]}]
    work(1, b={"x": [2]}).append(3)
    assert work(1, b={"x": [2]}) == [1, {"x": [2]}]
    assert len(calls) == 1
    assert work(1.0) == [1.0, None]
    assert work(True) == [True, None]
    assert len(calls) == 3
    assert work.__doc__ == "Docs."
    assert work.__wrapped__(5) == [5, None]
    with pytest.raises(NotJson, match=r"the arguments of .*work are no JSON values: \$\.args\[0\]"):
        work({1, 2})
    with pytest.raises(NotJson, match="nan"):
        work(float("nan"))


def test_the_decorator_takes_a_key_for_arguments_of_any_kind():
    cache = goflow.Cache(10)
    calls = []

    class Shop:
        def __init__(self, name):
            self.name = name

        @cache.cached(key=lambda self, item: f"{self.name}/{item}")
        def price(self, item):
            calls.append(item)
            return len(item)

    assert Shop("a").price("xyz") == 3
    assert Shop("a").price("xyz") == 3
    assert Shop("b").price("xyz") == 3
    assert calls == ["xyz", "xyz"]


def test_two_functions_never_share_results():
    cache = goflow.Cache(10)
    one = cache.cached()(lambda x: ("one", x))

    def other(x):
        return ("other", x)

    two = cache.cached()(other)
    assert one(1) == ("one", 1)
    assert two(1) == ("other", 1)


def test_the_decorator_works_on_coroutine_functions(run):
    cache = goflow.Cache(10)
    calls = []

    @cache.cached(ttl=60)
    async def work(a):
        calls.append(a)
        await asyncio.sleep(0)
        return {"a": a}

    async def main():
        first = await asyncio.gather(*(work(1) for _ in range(5)))
        return [*first, await work(1), await work(2)]

    assert run(main()) == [{"a": 1}] * 6 + [{"a": 2}]
    assert calls == [1, 2]
    with pytest.raises(NotJson, match="arguments of"):
        run(work(object()))


class Interrupted(goflow.Cache):
    """A cache in which something happens once, right after somebody looked in vain."""

    meanwhile = None

    def _after(self, found):
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()
        return found

    def get(self, key, default=None):
        return self._after(super().get(key, default))

    def get_result(self, node_id, inputs, default=None):
        return self._after(super().get_result(node_id, inputs, default))


def test_what_was_computed_right_after_the_look_up_is_not_computed_again(run):
    calls = []

    def compute():
        calls.append(1)
        return [1]

    async def compute_later():
        return compute()

    cache = Interrupted(10)
    cache.meanwhile = lambda: cache.get_or_compute("a", compute)
    assert cache.get_or_compute("a", compute) == [1]
    cache.meanwhile = lambda: cache.get_or_compute("b", compute)
    assert run(cache.get_or_compute_async("b", compute_later)) == [1]
    cached = cache.cached()(compute)
    cache.meanwhile = cached
    assert cached() == [1]
    cached_later = cache.cached()(compute_later)
    cache.meanwhile = lambda: in_a_thread(lambda: asyncio.run(cached_later()))
    assert run(cached_later()) == [1]
    assert len(calls) == 4


def in_a_thread(work):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

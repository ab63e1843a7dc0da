"""``goflow.Cache``: the compiled cache, with computing what is missing and a decorator."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any, TypeVar, cast

from goflow._core.cache import Cache as CompiledCache
from goflow._core.cache import isolated
from goflow._core.canonical import digest
from goflow._core.store import CacheStats
from goflow.errors import NotJson
from goflow.results.flights import Flights

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Literal

__all__ = ["Cache", "CacheStats"]

T = TypeVar("T")
Function = TypeVar("Function", bound="Callable[..., Any]")
_ABSENT: Any = object()


class Cache(CompiledCache):
    """``Cache(max_entries=None, *, max_bytes=None, ttl=None, policy="s3fifo", timer=None)``.

    A mapping from strings to values, bounded by entries, by estimated bytes, or both. ``ttl`` is
    how many seconds entries live that say nothing else. ``policy`` is ``"s3fifo"``, which scans do
    not flush, or ``"lru"``. ``timer`` gives seconds; without one a monotonic clock is read.

    Values are isolated: what a caller changes in a value that he put in or got out does not change
    the cached one. ``None`` is a value like any other. Every method may be called from any thread;
    all are O(1), amortised, besides copying a value.
    """

    __slots__ = ("__weakref__", "_flights")

    # Hot methods are the compiled class's own: a wrapper would cost more than they do.

    def __init__(
        self,
        max_entries: int | None = None,
        *,
        max_bytes: int | None = None,
        ttl: float | None = None,
        policy: Literal["s3fifo", "lru"] = "s3fifo",
        timer: Callable[[], float] | None = None,
    ) -> None:
        self._flights = Flights()  # the compiled class has read the arguments already

    def get_or_compute(self, key: str, compute: Callable[[], T], ttl: float | None = None) -> T:
        """The value under ``key``; if there is none, ``compute()`` is called and its value stored.

        However many threads ask at once, it is called once. What it raises is raised in all of
        them, and nothing is stored. With ``async def compute``, use `get_or_compute_async`.
        """
        landed = self._flights.landed
        value = self.get(key, _ABSENT)
        if value is not _ABSENT:
            return cast("T", value)

        def work() -> T:
            found = self._again(landed, self.get, key)
            if found is _ABSENT:
                found = compute()
                self.set(key, found, ttl)
            return cast("T", found)

        return cast("T", _own(*self._flights.run(key, work)))

    async def get_or_compute_async(
        self, key: str, compute: Callable[[], Awaitable[T]], ttl: float | None = None
    ) -> T:
        """As `get_or_compute`, awaiting ``compute()``; waiting blocks no event loop."""
        landed = self._flights.landed
        value = self.get(key, _ABSENT)
        if value is not _ABSENT:
            return cast("T", value)

        async def work() -> T:
            found = self._again(landed, self.get, key)
            if found is _ABSENT:
                found = await compute()
                self.set(key, found, ttl)
            return cast("T", found)

        return cast("T", _own(*await self._flights.run_async(key, work)))

    def _again(self, landed: int, look: Callable[..., Any], *at: Any) -> Any:
        """What has been computed since nothing was found, if something was; else not looked for."""
        return _ABSENT if self._flights.landed == landed else look(*at, _ABSENT)

    def cached(
        self, *, ttl: float | None = None, key: Callable[..., str] | None = None
    ) -> Callable[[Function], Function]:
        """A decorator: equal arguments give the stored result, without a call.

        Arguments are compared by content, strictly by type, and must be JSON values; ``key`` makes
        a string of them instead. Works on functions and on coroutine functions. The function itself
        stays reachable as ``__wrapped__``.
        """

        def decorate(function: Function) -> Function:
            name = f"{function.__module__}.{function.__qualname__}"
            if inspect.iscoroutinefunction(function):
                return cast("Function", self._async_wrapper(function, name, ttl, key))
            return cast("Function", self._wrapper(function, name, ttl, key))

        return decorate

    def _wrapper(
        self, function: Callable[..., Any], name: str, ttl: float | None, key: Any
    ) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            inputs = _inputs(key, args, kwargs)
            landed = self._flights.landed
            try:
                found = self.get_result(name, inputs, _ABSENT)
                if found is not _ABSENT:
                    return found
                flight = name, digest(inputs)
            except NotJson as error:
                raise _explained(error, name) from None

            def work() -> Any:
                outputs = self._again(landed, self.get_result, name, inputs)
                if outputs is _ABSENT:
                    outputs = function(*args, **kwargs)
                    self.set_result(name, inputs, outputs, ttl)
                return outputs

            return _own(*self._flights.run(flight, work))

        return wrapper

    def _async_wrapper(
        self, function: Callable[..., Any], name: str, ttl: float | None, key: Any
    ) -> Callable[..., Any]:
        @functools.wraps(function)
        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            inputs = _inputs(key, args, kwargs)
            landed = self._flights.landed
            try:
                found = self.get_result(name, inputs, _ABSENT)
                if found is not _ABSENT:
                    return found
                flight = name, digest(inputs)
            except NotJson as error:
                raise _explained(error, name) from None

            async def work() -> Any:
                outputs = self._again(landed, self.get_result, name, inputs)
                if outputs is _ABSENT:
                    outputs = await function(*args, **kwargs)
                    self.set_result(name, inputs, outputs, ttl)
                return outputs

            return _own(*await self._flights.run_async(flight, work))

        return wrapper


def _own(value: Any, shared: bool) -> Any:
    return isolated(value) if shared else value


def _inputs(key: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return key(*args, **kwargs) if key is not None else {"args": list(args), "kwargs": kwargs}


def _explained(error: NotJson, name: str) -> NotJson:
    return NotJson(
        f"the arguments of {name} are no JSON values: {error.message}",
        path=error.path,
        hint="give cached() a key: a function that makes a string of the arguments",
    )

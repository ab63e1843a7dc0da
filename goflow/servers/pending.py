"""Requests that await their answer, each with a deadline, on one timer."""

from __future__ import annotations

import asyncio  # noqa: TC003 - msgspec looks it up
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PendingRequest", "PendingRequests"]


class PendingRequest(msgspec.Struct, frozen=True):
    """Who waits for an answer, until when (the loop's clock), after how many seconds."""

    waiter: asyncio.Future[Any]
    deadline: float
    seconds: float
    method: str


class PendingRequests:
    """Open requests by id. Their deadlines share one timer, which is set to the earliest.

    An answered request leaves the timer where it is: it then fires once for nothing and moves
    on, which is cheaper than arming and cancelling one for each call.
    """

    __slots__ = ("_expired", "_loop", "_requests", "_timer")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        expired: Callable[[int, PendingRequest], None],
    ) -> None:
        self._loop = loop
        self._expired = expired
        self._requests: dict[int, PendingRequest] = {}
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._requests)

    def add(
        self, request_id: int, method: str, seconds: float, deadline: float | None = None
    ) -> asyncio.Future[Any]:
        """A future for the answer; ``expired`` is called if it is still open after ``seconds``.

        ``deadline`` (the loop's clock) is when these seconds are over, if they began earlier.
        """
        waiter: asyncio.Future[Any] = self._loop.create_future()
        if deadline is None:
            deadline = self._loop.time() + seconds
        self._requests[request_id] = PendingRequest(waiter, deadline, seconds, method)
        timer = self._timer
        if timer is None:
            self._timer = self._loop.call_at(deadline, self._tick)
        elif deadline < timer.when():
            timer.cancel()
            self._timer = self._loop.call_at(deadline, self._tick)
        return waiter

    def take(self, request_id: int) -> PendingRequest | None:
        """Remove and return the request; None when it is not (or no longer) open."""
        return self._requests.pop(request_id, None)

    def take_all(self) -> list[PendingRequest]:
        """Remove and return every request, and stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        requests = list(self._requests.values())
        self._requests.clear()
        return requests

    def _tick(self) -> None:
        self._timer = None
        now = self._loop.time()
        due = [key for key, request in self._requests.items() if request.deadline <= now]
        expired = [(key, self._requests.pop(key)) for key in due]
        if self._requests:
            earliest = min(request.deadline for request in self._requests.values())
            self._timer = self._loop.call_at(earliest, self._tick)
        for key, request in expired:
            self._expired(key, request)

"""How many nodes of a run are in flight at once, and who is next."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Slots"]


class Slots:
    """``limit`` places, given in the order they were asked for.

    Who waits is a callable that takes the place and says whether it still wants it. O(1) each.
    """

    __slots__ = ("_free", "_queue", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._free = limit
        self._queue: deque[Callable[[], bool]] = deque()

    def take(self) -> bool:
        """Take a place now, unless there is none or others wait."""
        if self._free and not self._queue:
            self._free -= 1
            return True
        return False

    def wait(self, granted: Callable[[], bool]) -> None:
        """Call ``granted`` when it is its turn."""
        self._queue.append(granted)

    async def taken(self) -> None:
        """Take a place, when it is our turn."""
        if self.take():
            return
        turn = asyncio.get_running_loop().create_future()

        def granted() -> bool:
            if turn.done():
                return False
            turn.set_result(None)
            return True

        self._queue.append(granted)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give()  # it was granted at the same moment
            raise

    def give(self) -> None:
        """Give a place back, to the next who wants it."""
        while self._queue:
            if self._queue.popleft()():
                return
        self._free += 1

    def __repr__(self) -> str:
        return f"<Slots {self._free} of {self.limit} free, {len(self._queue)} waiting>"

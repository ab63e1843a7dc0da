"""An event loop whose clock jumps to the next timer instead of waiting for it.

What takes hours takes no time, what is later is always later, and a program that stands still is
seen at once. For code that waits for timers and futures only: threads and processes do not know
this clock.
"""

import asyncio
import selectors


class _Selector(selectors.DefaultSelector):
    """Never waits: the time it was to wait is added to ``now``."""

    now = 0.0

    def select(self, timeout=None):
        if timeout is None:
            raise RuntimeError("the program waits for what never comes")
        self.now += max(timeout, 0)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self):
        self._clock = _Selector()
        super().__init__(self._clock)
        # Coarse, so that a timer that is due is due however far the clock has come.
        self._clock_resolution = 2**-12

    def time(self):
        return self._clock.now


def run(coroutine):
    """``asyncio.run`` in virtual time; raises ``RuntimeError`` for a program that stands still."""
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(coroutine)
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.wait(left))
        loop.close()

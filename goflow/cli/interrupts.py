"""Signals that end a run, told to its event loop."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Tell = Callable[[Callable[[], object]], None]

__all__ = ["interrupts"]


@contextmanager
def interrupts() -> Iterator[Tell]:
    """Gives a function which has the running loop call another at each interrupt, from now on.

    Interrupt, termination and hang-up wait for it and for its loop, but those that are ignored, as
    ``nohup`` has it, and a shell for what it runs in the background. What the loop's
    ``add_signal_handler`` does, which loads ``inspect`` to know coroutines: 5 ms of a start. Begun
    before the loop is, else ``asyncio.run`` handles interrupts. Nothing changes on Windows.
    """
    if sys.platform == "win32":
        yield lambda call: None
        return
    numbers = [
        int(number)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(number) is not signal.SIG_IGN
    ]
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)

    def tell(call: Callable[[], object]) -> None:
        def hear() -> None:
            for number in os.read(reader, 4096):
                if number in numbers:
                    call()

        asyncio.get_running_loop().add_reader(reader, hear)

    ringing = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    before = [signal.signal(number, _heard) for number in numbers]
    for number in numbers:
        signal.siginterrupt(number, False)
    try:
        yield tell
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
        signal.set_wakeup_fd(ringing)
        os.close(reader)
        os.close(writer)


def _heard(number: int, frame: object) -> None:
    """What Python calls; the number is in the pipe already."""

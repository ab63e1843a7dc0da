"""Waiting for what must come to its end first, whoever loses patience."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable

__all__ = ["until_done", "within"]

T = TypeVar("T")


async def until_done(work: Awaitable[T]) -> T:
    """What ``work`` gives. Who is cancelled meanwhile, however often, is so when it has ended."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait((task,))
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
    return task.result()


async def within(work: Awaitable[T], seconds: float) -> T:
    """What ``work`` gives; cancelled when that takes longer, which raises ``TimeoutError``.

    As ``asyncio.wait_for``, which before Python 3.12 leaves the work behind when it is cancelled
    while the work is about to end.
    """
    task = asyncio.ensure_future(work)
    # Nobody asks how it ended when the caller is cancelled.
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    late = True
    try:
        await asyncio.wait((task,), timeout=seconds)
        late = not task.done()
    finally:
        task.cancel()
        await until_done(asyncio.wait((task,)))
    if late and task.cancelled():
        raise asyncio.TimeoutError
    return task.result()

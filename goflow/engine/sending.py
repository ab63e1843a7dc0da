"""What accompanies a request of a node: it is written down before it leaves, and heard of after."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goflow.history.journal import RunJournal
    from goflow.servers.handlers import OnProgress

__all__ = ["Sending"]


class Sending:
    """One attempt on its way.

    ``progress``, if any, is told how far the call is. `before` is awaited just before something is
    sent; it returns when the attempt is written down, where it has to be.
    """

    __slots__ = ("_begins", "_journal", "progress")

    def __init__(self, progress: OnProgress | None = None) -> None:
        self.progress = progress
        self._journal: RunJournal | None = None
        self._begins: tuple[str, Sequence[int], int, Any] | None = None

    def note(
        self, journal: RunJournal, node: str, path: Sequence[int], attempt: int, given: Any
    ) -> None:
        """Have the attempt written down before anything is sent."""
        self._journal = journal
        self._begins = (node, path, attempt, given)

    async def before(self) -> None:
        """Wait until the attempt is written down; at once when it is, or need not be."""
        if self._begins is not None and self._journal is not None:
            (node, path, attempt, given), self._begins = self._begins, None
            self._journal.attempt(node, path, attempt, time.time(), False, given)
            await self._journal.flushed()

    @property
    def waits(self) -> bool:
        """Whether `before` has something to wait for."""
        return self._begins is not None

    def __repr__(self) -> str:
        return f"<Sending{', to be written down' if self.waits else ''}>"

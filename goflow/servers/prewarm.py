"""Which servers are worth connecting before anybody asks: how often each was used lately."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from goflow.home import home_folder, private_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

__all__ = ["UseCounts"]

# After so many seconds without a use, a count is half of what it was.
HALF_LIFE = 7 * 24 * 3600.0
# A count below this has said all it had to say.
_FORGOTTEN = 0.01


class UseCounts:
    """Uses of servers by id, each worth half as much every week; kept in ``uses.json``.

    A file that cannot be read counts as empty and one that cannot be written is let be: it only
    says what to warm. Two processes that write at once may lose one's counts.
    """

    def __init__(self, path: Path | None = None, *, clock: Callable[[], float] = time.time) -> None:
        """``path`` is GoFlow's own by default; ``clock`` gives Unix times."""
        self._path = path
        self._clock = clock

    def most_used(self, count: int, among: Iterable[str]) -> list[str]:
        """The ids among those given that were used most, the most used first."""
        counts = self._read()
        used = [server for server in dict.fromkeys(among) if counts.get(server, 0.0) >= 1.0]
        return sorted(used, key=lambda server: -counts[server])[:count]

    def add(self, uses: Mapping[str, int]) -> None:
        """Count more uses, and write them down."""
        import json  # noqa: PLC0415 - at the end of an engine, when something was used

        if not any(uses.values()):
            return
        counts = self._read()
        for server, count in uses.items():
            counts[server] = counts.get(server, 0.0) + count
        kept = {server: round(count, 3) for server, count in counts.items() if count > _FORGOTTEN}
        text = json.dumps({"at": self._clock(), "uses": kept})
        try:
            path = self._path or private_folder("") / "uses.json"
            other = path.with_name(f"{path.name}.{os.getpid()}")
            descriptor = os.open(other, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with open(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            os.replace(other, path)
        except OSError:
            pass

    def _read(self) -> dict[str, float]:
        """The counts as they are worth now."""
        import json  # noqa: PLC0415 - see `add`

        path = self._path or home_folder() / "uses.json"
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
            age = max(0.0, self._clock() - float(stored["at"]))
            worth = 0.5 ** (age / HALF_LIFE)
            return {str(server): float(n) * worth for server, n in stored["uses"].items()}
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return {}

    def __repr__(self) -> str:
        return f"<UseCounts of {len(self._read())} servers>"

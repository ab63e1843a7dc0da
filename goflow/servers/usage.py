"""What servers were used for, kept between processes: how often, and what connecting has cost."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from goflow.home import home_folder, only_writer, write_private

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

__all__ = ["ServerUsage", "Usage", "UsageFile"]

# After so many seconds without a use, what is used lately counts half of what it did.
HALF_LIFE = 7 * 24 * 3600.0
# Seconds after which a server that was not used is forgotten.
KEPT = 365 * 24 * 3600.0


class Usage(NamedTuple):
    """What happened with one server's sessions; times are sums, in seconds.

    ``uses`` leases were given out, ``connects`` sessions connected and ``failures`` attempts to
    connect failed. ``connect_time`` was spent connecting; during ``connect_waited`` of it a call
    waited.
    """

    uses: int = 0
    connects: int = 0
    failures: int = 0
    connect_time: float = 0.0
    connect_waited: float = 0.0

    @property
    def connect_saved(self) -> float:
        """Seconds of connecting that no call waited for."""
        return max(0.0, self.connect_time - self.connect_waited)

    @property
    def reuse(self) -> float:
        """The part of the uses that needed no new session, from 0 to 1; 0 without uses."""
        return max(0.0, 1.0 - self.connects / self.uses) if self.uses else 0.0

    def __add__(self, other: Usage) -> Usage:  # type: ignore[override]  # it is no longer tuple
        return Usage(
            self.uses + other.uses,
            self.connects + other.connects,
            self.failures + other.failures,
            self.connect_time + other.connect_time,
            self.connect_waited + other.connect_waited,
        )

    def __bool__(self) -> bool:
        return any(self)


class ServerUsage(NamedTuple):
    """All that is kept of one server.

    ``lately`` are its uses, each worth half as much every week; ``since`` and ``last`` are Unix
    times: of the first use that is counted, and of the last.
    """

    usage: Usage = Usage()
    lately: float = 0.0
    since: float = 0.0
    last: float = 0.0


class UsageFile:
    """What servers were used for, by id, in ``uses.json``; other processes write there too.

    A file that cannot be read counts as empty and one that cannot be written is let be: it says
    what to warm and what people ask, and no run depends on it.
    """

    def __init__(self, path: Path | None = None, *, clock: Callable[[], float] = time.time) -> None:
        """``path`` is GoFlow's own by default; ``clock`` gives Unix times."""
        self._given = path
        self._clock = clock

    @property
    def _path(self) -> Path:
        return self._given or home_folder() / "uses.json"

    def servers(self) -> dict[str, ServerUsage]:
        """What is kept, by server."""
        now = self._clock()
        try:
            kept = msgspec.json.decode(self._path.read_bytes())["servers"]
            found = {str(server): _read(entry, now) for server, entry in kept.items()}
        except (
            OSError,
            ValueError,
            TypeError,
            KeyError,
            AttributeError,
            RecursionError,
            msgspec.DecodeError,
        ):
            return {}
        return {server: one for server, one in found.items() if one.last > now - KEPT}

    def most_used(self, count: int, among: Iterable[str]) -> list[str]:
        """The ids among those given that were used most lately, the most used first."""
        lately = {server: one.lately for server, one in self.servers().items()}
        used = [server for server in dict.fromkeys(among) if lately.get(server, 0.0) >= 1.0]
        return sorted(used, key=lambda server: -lately[server])[:count]

    def add(self, usage: Mapping[str, Usage]) -> None:
        """Count what happened with servers, and write it down."""
        if not any(usage.values()):
            return
        try:
            with only_writer(self._path):
                now = self._clock()
                kept = self.servers()
                for server, more in usage.items():
                    if more:
                        before = kept.get(server, ServerUsage(since=now))
                        kept[server] = ServerUsage(
                            before.usage + more, before.lately + more.uses, before.since, now
                        )
                entries = {name: _entry(one) for name, one in kept.items()}
                data = msgspec.json.encode({"servers": entries})
                write_private(self._path, data, durable=False)
        except OSError:
            pass

    def __repr__(self) -> str:
        return f"<UsageFile of {len(self.servers())} servers>"


def _entry(one: ServerUsage) -> dict[str, Any]:
    rest = {"lately": round(one.lately, 3), "since": one.since, "last": one.last}
    return {**{name: round(n, 6) for name, n in one.usage._asdict().items()}, **rest}


def _read(entry: Mapping[str, Any], now: float) -> ServerUsage:
    """An entry as it is worth now; raises KeyError, TypeError or ValueError for none."""
    last = float(entry["last"])
    worth = 0.5 ** (max(0.0, now - last) / HALF_LIFE)
    uses, connects, failures = (int(entry[name]) for name in Usage._fields[:3])
    usage = Usage(
        uses, connects, failures, float(entry["connect_time"]), float(entry["connect_waited"])
    )
    return ServerUsage(usage, float(entry["lately"]) * worth, float(entry["since"]), last)

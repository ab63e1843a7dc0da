"""What an engine asks: is there a result for this work, keep this one, and why was there none."""

from __future__ import annotations

import math
import os
import time
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakValueDictionary

from goflow._core.cache import isolated
from goflow._core.canonical import digest
from goflow.results.flights import Flights
from goflow.results.key import difference, distance, server_identity, tool_schema
from goflow.results.memory import Kept, Memory
from goflow.results.policy import refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping
    from pathlib import Path

    from goflow.results.key import ResultKey
    from goflow.results.sqlite import Store
    from goflow.servers.config import ServerConfig
    from goflow.servers.redaction import Redactor
    from goflow.workflow.model import CachePolicy

__all__ = ["FILE", "Hit", "Miss", "Results", "SeenTool", "ago", "store_path"]

FILE = "results.db"
_KEY_FILE = "key"
_FLIGHTS = Flights()  # of the whole process
_MEMORIES: WeakValueDictionary[Path, Memory] = WeakValueDictionary()  # likewise, by their store


def store_path() -> Path:
    """Where the store is: ``cache/results.db`` in GoFlow's home folder; it may not exist."""
    from goflow.home import home_folder  # noqa: PLC0415 - platformdirs may be loaded

    return home_folder() / "cache" / FILE


class Hit(NamedTuple):
    """A kept result; ``saved`` is the seconds that getting it took once, ``age`` those since."""

    value: Any
    raw: dict[str, Any] | None
    saved: float
    age: float


class Miss(NamedTuple):
    """No result; ``expired`` is how many seconds ago there was one, None if there was none."""

    expired: float | None = None


class SeenTool(NamedTuple):
    """What a server was last seen to say of a tool; ``schema`` as `tool_schema` gives it."""

    schema: str
    read_only: bool


class Results:
    """Kept results: those of this process in memory, in front of those on disk, if there is a disk.

    `lookup`, `keep`, `compare` and the rest never raise for what is wrong with the store: it is
    told through ``warn``, once, kept in ``warnings``, and everything goes on without it. Any thread
    may call; looking up something on disk takes some tens of microseconds, keeping leaves the
    writing to a thread.
    """

    def __init__(
        self,
        store: Store | None = None,
        *,
        memory: Memory | None = None,
        key: bytes = b"",
        clock: Callable[[], float] = time.time,
        warnings: list[str] | None = None,
    ) -> None:
        self.key = key
        self.warnings = [] if warnings is None else warnings
        self._store = store
        self._memory = Memory() if memory is None else memory
        self._clock = clock
        self._seen: dict[bytes, dict[str, tuple[str, bool]]] = {}  # by server identity
        self._identities: dict[ServerConfig, dict[str, Any]] = {}

    @classmethod
    def open(
        cls,
        *,
        warn: Callable[[str], None] = lambda text: None,
        clock: Callable[[], float] = time.time,
        max_bytes: int | None = None,
        memory: Memory | None = None,
    ) -> Results:
        """With the store in GoFlow's home folder, or with memory alone when that cannot be used.

        ``memory`` is before the store; if it is not given, one that this process has for the store:
        what one keeps the others find at once.
        """
        from goflow.results.database import StoreUnavailable  # noqa: PLC0415
        from goflow.results.sqlite import DISK_BYTES, Store  # noqa: PLC0415

        path = store_path()
        warnings: list[str] = []

        def told(text: str) -> None:
            warnings.append(text)
            warn(text)

        try:
            store = Store(path, max_bytes=max_bytes or DISK_BYTES, clock=clock, warn=told)
        except StoreUnavailable as error:
            told(f"results are not kept: {error}")
            return cls(key=os.urandom(32), clock=clock, warnings=warnings)
        key = _secret_key(path.with_name(_KEY_FILE))
        if memory is None:
            memory = _MEMORIES.setdefault(path, Memory())
        return cls(store, memory=memory, key=key, clock=clock, warnings=warnings)

    # -- asking -------------------------------------------------------------------------------

    def lookup(self, key: ResultKey) -> Hit | Miss:
        """The result of work with this key, the caller's own to change."""
        found = self.lookup_again(key)
        if isinstance(found, Hit) or self._store is None:
            return found
        kept = self._store.get(key.digest)  # also where another process kept it anew
        if kept is None:
            return found
        self._memory.set(key.digest, kept)
        return self._found(kept)

    def lookup_again(self, key: ResultKey) -> Hit | Miss:
        """What `lookup` gives by now for a key that it found nothing for: kept in this process."""
        return self._found(self._memory.get(key.digest))

    def _found(self, kept: Kept | None) -> Hit | Miss:
        if kept is None:
            return Miss()
        now = self._clock()
        if kept.expires is not None and kept.expires <= now:
            return Miss(now - kept.expires)
        return Hit(kept.value, kept.raw, kept.duration, max(0.0, now - kept.stored))

    def keep(
        self,
        key: ResultKey,
        value: Any,
        raw: dict[str, Any] | None,
        *,
        policy: CachePolicy,
        duration: float,
        origin: str = "",
        redactors: Iterable[Redactor] = (),
    ) -> str | None:
        """Keep a result as its policy says; why it was not kept, or None.

        ``raw`` is the tool's raw result, ``duration`` the seconds the work took, ``origin`` says
        whose it is (``workflow/node``), ``redactors`` know the secrets. What has the scope of a run
        stays in memory.
        """
        from goflow.results.sqlite import encode  # noqa: PLC0415 - loads sqlite3 and json

        try:
            content = encode(value, raw)
        except ValueError as error:
            return f"it is no JSON value: {error}"
        reason = refusal(content, raw, policy, redactors)
        if reason is not None:
            return reason
        now = self._clock()
        expires = None if policy.ttl is None else now + policy.ttl
        kept = Kept(value, raw, now, expires, duration)
        self._memory.set(key.digest, kept)
        if self._store is not None and policy.scope != "run":
            self._store.set(key, content, kept, origin=origin)
        return None

    async def once(
        self,
        key: ResultKey,
        work: Callable[[], Awaitable[tuple[Any, dict[str, Any] | None]]],
        *,
        apart: Hashable = None,
    ) -> tuple[Any, dict[str, Any] | None, bool]:
        """The value and raw result of ``await work()``, of which one runs at a time for a key.

        One in the whole process, but for callers with another ``apart``. The third item says
        whether others got the same; each has a copy of its own then. A failure is raised in all of
        them; when the one that works is cancelled, another takes its place.
        """
        (value, raw), shared = await _FLIGHTS.run_async((key.digest, apart), work)
        if shared:
            return isolated(value), isolated(raw), True
        return value, raw, False

    def may_have(self, family: bytes) -> bool:
        """Whether any result of this family of keys can be found; True when nobody knows."""
        return self._store is None or self._store.has_family(family)

    # -- servers ------------------------------------------------------------------------------

    def identity(self, config: ServerConfig) -> dict[str, Any]:
        """The `server_identity` of a configuration, worked out once."""
        found = self._identities.get(config)
        if found is None:
            found = self._identities[config] = server_identity(config, self.key)
        return found

    def seen_tool(self, server: Mapping[str, Any], tool: str) -> SeenTool | None:
        """What the server of an identity was last seen to say of a tool: no need to start it."""
        told = self._tools(digest(dict(server))).get(tool)
        return None if told is None else SeenTool(*told)

    def saw_tools(
        self, server: Mapping[str, Any], tools: Iterable[Mapping[str, Any]]
    ) -> frozenset[str]:
        """Remember what a server says of its tools; the names of those that changed or are gone.

        To be called at each connect: keys that were made from what was seen before are stale for
        these tools.
        """
        now = {}
        for tool in tools:
            annotations = tool.get("annotations")
            read_only = isinstance(annotations, dict) and annotations.get("readOnlyHint") is True
            now[str(tool.get("name"))] = (tool_schema(tool), read_only)
        identity = digest(dict(server))
        before = self._tools(identity)
        self._seen[identity] = now
        if before != now and self._store is not None:
            self._store.set_tools(identity, now)
        return frozenset(name for name, told in before.items() if now.get(name) != told)

    def _tools(self, identity: bytes) -> dict[str, tuple[str, bool]]:
        tools = self._seen.get(identity)
        if tools is None:
            tools = {} if self._store is None else self._store.tools(identity)
            self._seen[identity] = tools
        return tools

    # -- explaining ---------------------------------------------------------------------------

    def compare(
        self,
        family: bytes,
        parts: Mapping[str, list[str]],
        origin: str = "",
        before: float = math.inf,
    ) -> list[str]:
        """What differs from the nearest entry that was kept before a Unix time, in words.

        ``parts`` are a key's `summary`. The nearest is that with the fewest changed arguments, then
        the fewest changed parts, of the same node (``origin``) if there is one.
        """
        if self._store is None:
            return ["results are not kept on disk"]
        self._store.flush()
        found = self._store.nearest(family, origin, before)
        own = [entry for entry in found if entry.origin == origin] or found
        if not own:
            return ["no earlier result of this tool is kept"]
        closest = min(own, key=lambda entry: distance(entry.summary, parts))
        return difference(closest.summary, parts) or ["the earlier result is not kept any more"]

    # -- ending -------------------------------------------------------------------------------

    def flush(self) -> None:
        """Wait until all that was kept is written."""
        if self._store is not None:
            self._store.flush()

    def close(self) -> None:
        """Write what is still to be written. Idempotent."""
        if self._store is not None:
            self._store.close()


def _secret_key(path: Path) -> bytes:
    """This machine's key for hashes of secrets; made when it is not there.

    When it cannot be kept it is one for this process: results are not found again then.
    """
    key = os.urandom(32)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Under another name first, so that nobody reads half of it.
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(key)
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            os.unlink(draft)
        found = path.read_bytes()
    except OSError:
        return key
    return found if len(found) == 32 else key


def ago(seconds: float) -> str:
    """A length of time in words: ``90 s``, ``3 min``, ``5 h``, ``2 days``."""
    for unit, size in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"

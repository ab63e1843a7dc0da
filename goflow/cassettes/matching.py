"""Which recorded call answers a call, and why none does."""

from __future__ import annotations

import json
import re
from collections import defaultdict, deque
from typing import TYPE_CHECKING, Any

from goflow.expressions.functions import nearest
from goflow.servers.redaction import MARK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goflow.cassettes.cassette import Call

__all__ = ["Shelf"]


class Shelf:
    """Recorded calls by server, tool and arguments; equal ones are taken in their order."""

    def __init__(self, calls: list[Call]) -> None:
        self._calls = calls
        self._used: set[int] = set()
        self._exact: defaultdict[str, deque[int]] = defaultdict(deque)
        self._hiding: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        for i, call in enumerate(calls):
            arguments = call.get("arguments", {})
            self._exact[_key(call["server"], call["tool"], arguments)].append(i)
            if MARK in _text(arguments):
                self._hiding[call["server"], call["tool"]].append(i)

    def take(self, server: str, tool: str, arguments: dict[str, Any]) -> Call | None:
        """The next call that was recorded with these arguments; ``***`` stands for any text."""
        waiting = self._exact.get(_key(server, tool, arguments), deque())
        while waiting:
            found = waiting.popleft()
            if found not in self._used:
                self._used.add(found)
                return self._calls[found]
        for found in self._hiding.get((server, tool), ()):
            recorded = self._calls[found].get("arguments", {})
            if found not in self._used and _fits(recorded, arguments):
                self._used.add(found)
                return self._calls[found]
        return None

    def why_not(self, server: str, tool: str, arguments: dict[str, Any]) -> tuple[str, str]:
        """What to tell of a call that was not recorded: a message and a hint."""
        called = f"{server}.{tool} {_text(arguments)}"
        same = [call for call in self._calls if call["server"] == server and call["tool"] == tool]
        equal = [call for call in same if _fits(call.get("arguments", {}), arguments)]
        if equal:
            times = f"{len(equal)} time{'s' * (len(equal) > 1)}"
            return (
                f"the cassette has no more answers to {called}: it was recorded {times}",
                "record it again if the workflow really calls it more often",
            )
        if not same:
            tools = dict.fromkeys(c["tool"] for c in self._calls if c["server"] == server)
            hint = nearest(tool, tools) or f"recorded were {', '.join(tools) or 'no calls of it'}"
            return f"the cassette has no call of {server}.{tool}", hint
        left = [call for i, call in enumerate(self._calls) if call in same and i not in self._used]
        differences = [
            (list(_differences(call.get("arguments", {}), arguments, "")), call)
            for call in left or same
        ]
        closest, call = min(
            differences, key=lambda pair: (len(pair[0]), _distance(pair[1], arguments))
        )
        shown = "; ".join(closest[:3]) + ("; …" if len(closest) > 3 else "")
        return (
            f"the cassette has no call of {called}",
            f"the nearest is {server}.{tool} {_text(call.get('arguments', {}))}: {shown}",
        )

    def unused(self) -> list[str]:
        """The calls that were not taken."""
        return [
            f"{call['server']}.{call['tool']} {_text(call.get('arguments', {}))}"
            for i, call in enumerate(self._calls)
            if i not in self._used
        ]


def _key(server: str, tool: str, arguments: dict[str, Any]) -> str:
    # JSON tells 1 from 1.0 and from true, as tools may.
    return json.dumps([server, tool, arguments], sort_keys=True)


def _text(arguments: Any, limit: int = 200) -> str:
    text = json.dumps(arguments, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _fits(recorded: Any, given: Any) -> bool:
    if isinstance(recorded, dict) and isinstance(given, dict):
        return recorded.keys() == given.keys() and all(
            _fits(recorded[key], given[key]) for key in recorded
        )
    if isinstance(recorded, list) and isinstance(given, list):
        return len(recorded) == len(given) and all(map(_fits, recorded, given))
    if isinstance(recorded, str) and isinstance(given, str) and MARK in recorded:
        pattern = ".*".join(map(re.escape, recorded.split(MARK)))
        return re.fullmatch(pattern, given, re.DOTALL) is not None
    return type(recorded) is type(given) and bool(recorded == given)


def _differences(recorded: Any, given: Any, path: str) -> Iterator[str]:
    """What is another in two values, one text each."""
    if isinstance(recorded, dict) and isinstance(given, dict):
        for key in dict.fromkeys((*recorded, *given)):
            place = f"{path}.{key}" if path else key
            if key not in given:
                yield f"{place} is missing now (recorded {_text(recorded[key], 60)})"
            elif key not in recorded:
                yield f"{place} is new ({_text(given[key], 60)})"
            else:
                yield from _differences(recorded[key], given[key], place)
    elif isinstance(recorded, list) and isinstance(given, list) and len(recorded) == len(given):
        for i, (one, other) in enumerate(zip(recorded, given, strict=True)):
            yield from _differences(one, other, f"{path}[{i}]")
    elif not _fits(recorded, given):
        yield f"{path} is {_text(given, 60)}, recorded was {_text(recorded, 60)}"


def _distance(call: Call, arguments: dict[str, Any]) -> float:
    from difflib import SequenceMatcher  # noqa: PLC0415 - only errors need it

    one, other = _text(call.get("arguments", {}), 1000), _text(arguments, 1000)
    return -SequenceMatcher(None, one, other, autojunk=False).ratio()

"""Which values of a server's definition are secrets by the name that they go by."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["sensitive_values"]

_NAMES = re.compile(
    r"token|secret|passw|credential|authorization|(api|access|auth|private).?key", re.I
)
# Shorter texts under such a name are hardly secrets, and hiding them would hide much else.
_TELLING = 8
_QUERY = re.compile(r"[?&]([^=&#]+)=([^&#]*)")


def sensitive_values(
    named: Iterable[Mapping[str, str]], args: Iterable[str] = (), url: str = ""
) -> list[str]:
    """The values of ``named`` whose names speak of a secret, and those among ``args`` and ``url``.

    ``Bearer TOKEN`` gives the token too.
    """
    found: list[str] = []
    for name, value in _pairs(named, args, url):
        if _NAMES.search(name) and len(value) >= _TELLING:
            found.append(value)
            _, blank, token = value.partition(" ")
            if blank and len(token) >= _TELLING:
                found.append(token)
    return found


def _pairs(
    named: Iterable[Mapping[str, str]], args: Iterable[str], url: str
) -> Iterator[tuple[str, str]]:
    for each in named:
        yield from each.items()
    option = ""
    for arg in args:
        name, equals, value = arg.partition("=")
        if arg.startswith("-") and equals:
            yield name, value
        elif option and not arg.startswith("-"):
            yield option, arg
        option = arg if arg.startswith("-") and not equals else ""
    for name, value in _QUERY.findall(url):
        yield name, value

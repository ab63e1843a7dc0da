"""Which parts of a text look like secrets, by the rules of detect-secrets.

The package (its maintained fork ``bc-detect-secrets``) brings a pattern for each service's tokens.
Its entropy measure is applied to long words with digits only: in a workflow, names are long too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from goflow.errors import BadCall

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Scanner"]

_WORD = re.compile(r"[A-Za-z0-9+/=_-]{20,}")
_HEX = re.compile(r"[0-9a-fA-F]{20,}")
_FILLED = re.compile(r"\$\{[^}]*\}")
# Bits a character, as detect-secrets has them by default.
_HEX_LIMIT, _BASE64_LIMIT = 3.0, 4.5


class Scanner:
    """Finds what looks like a secret, and the values of ``known`` ones.

    Raises ``BadCall`` when the scanner's package is not installed.
    """

    def __init__(self, known: Iterable[str] = ()) -> None:
        try:
            from detect_secrets.core.plugins import util  # noqa: PLC0415 - few share
            from detect_secrets.plugins.high_entropy_strings import (  # noqa: PLC0415
                Base64HighEntropyString,
            )
        except ImportError:
            raise BadCall(
                "sharing needs the rules of a secret scanner, which is not installed",
                hint="pip install 'goflow-mcp[export]'",
            ) from None
        self._known = [value for value in known if len(value) >= 4]
        self._rules: list[tuple[str, re.Pattern[str], int]] = []
        for name, kind in util.get_mapping_from_secret_type_to_class().items():
            for pattern in getattr(kind, "denylist", ()):
                # What is around a password in a URL is none.
                group = 1 if name.startswith("Basic Auth") else 0
                self._rules.append((name, pattern, group))
        self._entropy: Any = Base64HighEntropyString(limit=_BASE64_LIMIT)

    def find(self, text: str) -> dict[str, str]:
        """Each part of ``text`` that looks like a secret, and what it looks like."""
        found = dict.fromkeys((v for v in self._known if v in text), "a secret that is kept here")
        for name, pattern, group in self._rules:
            for match in pattern.finditer(text):
                secret = match.group(group)
                if secret and not _FILLED.fullmatch(secret):
                    found.setdefault(secret, name)
        for word in _WORD.findall(_FILLED.sub(" ", text)):
            if not any(word in each or each in word for each in found) and self._is_random(word):
                found[word] = "a random text"
        return found

    def _is_random(self, word: str) -> bool:
        if not any(character.isdigit() for character in word):
            return False
        limit = _HEX_LIMIT if _HEX.fullmatch(word) else _BASE64_LIMIT
        return bool(self._entropy.calculate_shannon_entropy(word) > limit)

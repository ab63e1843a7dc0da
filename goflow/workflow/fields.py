"""Reading one map of a file: typed fields by any of their names, every mistake a finding."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from goflow.expressions.functions import nearest, nearest_name
from goflow.expressions.values import kind
from goflow.workflow.diagnostics import Finding, Path, dotted
from goflow.workflow.model import NAME, RESERVED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from goflow.errors import ExpressionError
    from goflow.workflow.document import Document

__all__ = ["LARGEST", "MISSING", "Fields", "Findings", "duration", "text_item"]

MISSING: Any = object()
"""Stands for a key that is not there, where null would be a value."""

_DURATION = re.compile(
    r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?(?:(\d+)ms)?"
)
_UNITS = (3600.0, 60.0, 1.0, 0.001)
LARGEST = 1e9
"""Largest number that a setting can be."""
_LONGEST = 10 * 365 * 86400.0


class Findings:
    """Collects findings, each placed in the document when there is one."""

    __slots__ = ("document", "found")

    def __init__(self, document: Document | None) -> None:
        self.document = document
        self.found: list[Finding] = []

    def add(
        self,
        code: str,
        message: str,
        path: Path,
        *,
        hint: str | None = None,
        severity: str = "error",
        key: bool = False,
        word: tuple[str, int] | None = None,
    ) -> None:
        """Record a finding at ``path``, in canonical keys or the file's own.

        ``key`` points at the key instead of its value.
        ``word`` is a word in the value, with its offset, to point at.
        """
        line: int | None = None
        column: int | None = None
        path = self.spelled(path)
        if self.document and word:
            line, column = self.document.locate_word(path, *word)
        elif self.document:
            line, column = self.document.locate(path, key=key)
        self.found.append(Finding(code, severity, message, dotted(path), line, column, hint))

    def spelled(self, path: Path) -> Path:
        """``path`` with the keys that the file uses for canonical ones."""
        other = self.document.spelled if self.document else None
        if not other:
            return path
        return tuple(other.get(path[: i + 1], part) for i, part in enumerate(path))

    def reads_as_list(self, path: Path) -> bool:
        """Whether a list stands at ``path``, or nobody knows; what else does is told already."""
        return self.document is None or isinstance(self._value(path), list)

    def _value(self, path: Path) -> Any:
        value: Any = self.document.tree if self.document else None
        for part in path:
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                return None
        return value

    def expression(self, error: ExpressionError, path: Path) -> None:
        """Record a syntax error at its place in the text."""
        line: int | None = None
        column: int | None = None
        hint = error.hint
        path = self.spelled(path)
        if self.document:
            line, column = self.document.locate_text(path, error.source, error.position)
            if hint is None and self.document.cut_off(path):
                hint = "in YAML ' #' begins a comment: put the text in quotes"
        self.found.append(
            Finding("GF301", "error", error.message, dotted(path), line, column, hint)
        )


class Fields:
    """One map at ``path``; every key that nobody asks for is reported by ``finish``."""

    __slots__ = ("_asked", "_data", "_missing", "_readable", "findings", "path")

    def __init__(self, data: Any, path: Path, findings: Findings, what: str) -> None:
        self._asked: set[str] = set()
        self._missing: dict[str, Finding] | None = None
        self.findings = findings
        self.path = path
        self._readable = isinstance(data, dict)
        if not self._readable:
            findings.add("GF104", f"{what} must be a map, not {_a(data)}", path)
            data = {}
        self._data: dict[str, Any] = data

    def __contains__(self, key: str) -> bool:
        return key in self._data

    def take(self, *names: str) -> tuple[Any, Path]:
        """The value under the first of ``names`` that is there, or ``MISSING``, and its path."""
        key = self._key(names)
        value = MISSING if key is None else self._data[key]
        return value, (*self.path, names[0] if key is None else key)

    def _key(self, names: tuple[str, ...]) -> str | None:
        """The first of ``names`` that is there; a second one is a finding."""
        self._asked.update(names)
        data = self._data
        if len(names) == 1:
            return names[0] if names[0] in data else None
        present = [name for name in names if name in data]
        if present and present[0] != names[0] and self.findings.document:
            self.findings.document.spelled[(*self.path, names[0])] = present[0]
        for extra in present[1:]:
            self.findings.add(
                "GF102",
                f"{present[0]!r} and {extra!r} are two names of one key",
                (*self.path, extra),
                hint=f"keep {names[0]!r}",
                key=True,
            )
        return present[0] if present else None

    def place(self, *names: str) -> Path:
        """The path of the first of ``names`` that is there."""
        return (*self.path, next((name for name in names if name in self._data), names[0]))

    def typed(
        self,
        kinds: str | tuple[str, ...],
        *names: str,
        required: bool = False,
        default: Any = None,
        hint: str | None = None,
    ) -> Any:
        """A value of one of the JSON ``kinds``, or ``default`` with a finding."""
        key = self._key(names)
        if key is None:
            if required:
                self.missing(names[0])
            return default
        value = self._data[key]
        if value is None and not required:
            return default
        found = kind(value)
        if found == kinds or (type(kinds) is tuple and found in kinds):
            return value
        wanted = kinds if isinstance(kinds, str) else " or ".join(kinds)
        self.findings.add(
            "GF104",
            f"{key!r} must be {_article(wanted)}, not {_a(value)}",
            (*self.path, key),
            hint=_shape_hint(value, kinds) or hint,
        )
        return default

    def text(
        self,
        *names: str,
        required: bool = False,
        default: str | None = None,
        hint: str | None = None,
    ) -> Any:
        """A string; one that is required is not empty. ``hint`` is for a list or map."""
        value = self.typed("string", *names, required=required, default=default, hint=hint)
        if required and value == "":
            self._empty(names)
        return value

    def missing(self, name: str) -> None:
        """Report a key that is required and not there, once for a map that is none."""
        if self._readable:
            self.findings.add("GF103", f"{name!r} is required here", self.path)
            self._missing = {**(self._missing or {}), name: self.findings.found[-1]}

    def _empty(self, names: tuple[str, ...]) -> None:
        """Report a text without characters, unless it is the default."""
        for key in names:
            if self._data.get(key) == "":
                self.findings.add("GF106", f"{key!r} must not be empty", (*self.path, key))

    def condition(self, *names: str, required: bool = False) -> str | None:
        """An expression's text; a bare YAML ``true`` or ``false`` counts as its text."""
        value: str | bool | None = self.typed(("string", "boolean"), *names, required=required)
        if value == "":
            self._empty(names)
        return str(value).lower() if isinstance(value, bool) else value

    def word(self, pattern: str, *names: str, required: bool = False, hint: str) -> str | None:
        """A string that matches ``pattern`` as a whole."""
        value: str | None = self.text(*names, required=required)
        if value is not None and not re.fullmatch(pattern, value):
            path = self.place(*names)
            self.findings.add("GF106", f"{value!r} is not a valid {path[-1]}", path, hint=hint)
            return None
        return value

    def variable(self, *names: str, required: bool = False, default: Any = None) -> Any:
        """The name of a variable."""
        hint = "a variable's name: letters, digits and underscores, no digit first"
        name = self.word(NAME, *names, required=required, hint=hint)
        if name in RESERVED:
            path = self.place(*names)
            self.findings.add("GF106", f"{name!r} is a reserved word", path)
        return default if name is None else name

    def one_of(
        self,
        choices: Iterable[str],
        *names: str,
        default: str,
        aliases: Mapping[str, str] | None = None,
        meant: Mapping[str, str] | None = None,
    ) -> str:
        """A string out of ``choices``; ``aliases`` are other spellings of some, ``meant`` words
        that are none, and what is probably meant by them.
        """
        value: str = self.text(*names, default=default)
        value = (aliases or {}).get(value, value)
        if value not in choices:
            path = self.place(*names)
            known = ", ".join(choices)
            self.findings.add(
                "GF106",
                f"{path[-1]!r} cannot be {value!r}: it is one of {known}",
                path,
                hint=f"write {meant[value]!r}"
                if meant and value in meant
                else nearest(value, choices),
            )
            return default
        return str(value)

    def flag(self, *names: str, default: bool = False) -> bool:
        """A boolean."""
        return bool(self.typed("boolean", *names, default=default))

    def number(
        self, *names: str, default: Any = None, least: float = 0, whole: bool = False
    ) -> Any:
        """A number of at least ``least``; ``whole`` asks for an integer."""
        value = self.typed("number", *names, default=default)
        if value is not default and (
            not least <= value <= LARGEST or (whole and type(value) is not int)
        ):
            path = self.place(*names)
            wanted = f"{'a whole' if whole else 'a'} number of "
            wanted += f"at most {LARGEST:,.0f}" if value > LARGEST else f"at least {least:g}"
            self.findings.add("GF106", f"{path[-1]!r} must be {wanted}, not {value}", path)
            return default
        return value

    def duration(self, *names: str, default: float | None = None) -> Any:
        """A duration in seconds."""
        value = self.typed(("string", "number"), *names, default=default)
        if value is default:
            return default
        seconds = duration(value)
        if seconds is None:
            path = self.place(*names)
            self.findings.add(
                "GF106",
                f"{value!r} is not a duration",
                path,
                hint='durations read like "250ms", "1.5s", "2m", "1h30m", or are seconds',
            )
            return default
        return seconds

    def timeout(self, *names: str, default: float | None = None) -> Any:
        """A duration in seconds after which something is given up."""
        seconds = self.duration(*names, default=default)
        if seconds == 0:
            self.findings.add(
                "GF505",
                f"a {names[0]!r} of 0 is over before anything is done",
                self.place(*names),
                hint="leave it out, or say how long it may take",
                severity="warning",
            )
        return seconds

    def texts(self, *names: str) -> dict[str, str]:
        """A map of strings; a number would lose its spelling, so it is a finding."""
        value = self.typed("object", *names, default={})
        path = self.place(*names)
        for key, item in value.items():
            if not isinstance(item, str):
                self.findings.add(
                    "GF104",
                    f"{key!r} must be a string, not {_a(item)}",
                    (*path, key),
                    hint="put it in quotes",
                )
        return {key: item for key, item in value.items() if isinstance(item, str)}

    def listed(self, *names: str, required: bool = False) -> list[tuple[Any, Path]]:
        """The items of a list with their paths."""
        value = self.typed("array", *names, required=required, default=[])
        path = self.place(*names)
        return [(item, (*path, i)) for i, item in enumerate(value)]

    def each(
        self, read: Callable[[Any, Path, Findings], Any], *names: str, required: bool = False
    ) -> Any:
        """``read`` applied to each item of a list; items read as None are left out."""
        items = (
            read(item, path, self.findings) for item, path in self.listed(*names, required=required)
        )
        return tuple(item for item in items if item is not None)

    def finish(self) -> None:
        """Report the keys that nobody asked for; a description and a label are welcome anywhere."""
        self._asked.update(("description", "label"))
        for key in self._data.keys() - self._asked:
            if self._missing and self._is_meant(key, self._missing):
                continue
            self.findings.add(
                "GF105",
                f"the key {key!r} is not known here and has no effect",
                (*self.path, key),
                hint=nearest(key, self._asked),
                severity="warning",
                key=True,
            )

    def _is_meant(self, key: str, missing: dict[str, Finding]) -> bool:
        """Whether a key that is not known is probably one that is missing: told as one mistake."""
        meant = nearest_name(key, missing)
        if meant is None:
            return False
        self.findings.found.remove(missing.pop(meant))
        self.findings.add(
            "GF103",
            f"{meant!r} is required here, and the key {key!r} is not known",
            (*self.path, key),
            hint=f"did you mean {meant!r}?",
            key=True,
        )
        return True


def text_item(value: Any, path: Path, findings: Findings) -> str | None:
    """An item of a list of strings."""
    if isinstance(value, str):
        return value
    findings.add("GF104", f"this must be a string, not {_a(value)}", path, hint=_quote_hint(value))
    return None


def _shape_hint(value: Any, kinds: str | tuple[str, ...]) -> str | None:
    """How ``value`` could be written for one of ``kinds``."""
    if kinds == "array":
        if isinstance(value, dict):
            return "write a list: each item begins with '- '"
        return f"write [{value}]" if isinstance(value, str) and len(value) < 40 else None
    return _quote_hint(value) if kinds == "string" else None


def _quote_hint(value: Any) -> str | None:
    return "put it in quotes" if _scalar(value) else None


def duration(value: Any) -> float | None:
    """Seconds of ``"1m30s"``, ``"250ms"`` or a number; None for what is no duration."""
    if kind(value) == "number":
        return float(value) if 0 <= value <= _LONGEST else None
    match = _DURATION.fullmatch(value) if isinstance(value, str) and value else None
    if match is None:
        return None
    seconds = sum(
        float(part) * unit for part, unit in zip(match.groups(), _UNITS, strict=True) if part
    )
    return seconds if seconds <= _LONGEST else None


def _scalar(value: Any) -> bool:
    return kind(value) in ("number", "boolean")


def _a(value: Any) -> str:
    return _article(kind(value))


def _article(name: str) -> str:
    if name == "null":
        return name
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"

"""One file: its text, the plain values it holds, and where in the text a value stands.

Positions cost nothing until somebody asks for one: then the text is composed again, with marks.
"""

from __future__ import annotations

import re
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

import yaml
from yaml.parser import ParserError
from yaml.scanner import ScannerError

from goflow.errors import BadCall
from goflow.workflow import yaml12
from goflow.workflow.diagnostics import Finding, Path, Report

if TYPE_CHECKING:
    from goflow.workflow.indentation import Misplaced

__all__ = ["MAX_FILE", "Document", "Unreadable"]

MAX_FILE = 10 * 1024 * 1024
"""Largest file that is read, in bytes."""
_LONGEST_NAME = 255  # characters that a file's path has, if that is what it is


class Unreadable(Exception):
    """What is no document at all; ``finding`` says why."""

    def __init__(self, finding: Finding, file: str | None = None) -> None:
        super().__init__(finding.message)
        self.finding = finding
        self.file = file
        self.text = ""
        """The text, if it is one."""

    @property
    def report(self) -> Report:
        """The finding, in its file."""
        return Report([self.finding], file=self.file, text=self.text)


class Document:
    """One file's text and the values it holds.

    Equal to every other document, and to none: where a workflow was written is no part of it.
    """

    __slots__ = ("_root", "file", "notes", "spelled", "text", "tree")

    filled = False
    """Whether ``text`` is that of a template, and the values are those that it was filled with."""

    def __init__(self, text: str, file: str | None = None) -> None:
        """Raises ``Unreadable`` for text that is neither YAML nor JSON."""
        self.file = file
        self.text = text
        self.notes: tuple[Finding, ...] = ()
        """What was found while the model was read, and did not keep it from being read."""
        self.spelled: dict[Path, str] = {}
        """By path, the key that stands there instead of the canonical one, its last part."""
        self._root: Any = None
        try:
            if not text.isascii():
                _encodable(text)
            self.tree = _parse(text)
        except Unreadable as error:
            error.file, error.text = file, text
            raise

    @classmethod
    def read(cls, file: FilePath) -> Document:
        """The document in ``file``; raises ``BadCall`` when it cannot be read."""
        try:
            with file.open("rb") as stream:
                data = stream.read(MAX_FILE + 1)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            name, hint = str(file), _hint(file)
            if len(name) > _LONGEST_NAME:  # most likely what was meant is the text itself
                name, hint = f"{name[:60]}…", "a text of one line is taken for the name of a file"
            raise BadCall(f"cannot read {name}: {reason}", hint=hint) from None
        if len(data) > MAX_FILE:
            problem = _problem("GF111", f"the file is larger than {MAX_FILE >> 20} MiB")
            raise Unreadable(problem, str(file))
        try:
            return cls(data.decode("utf-8-sig"), str(file))
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            problem = _problem("GF101", "the file is not UTF-8 text", line)
            raise Unreadable(problem, str(file)) from None

    @property
    def folder(self) -> FilePath | None:
        """The folder of the file, None for a text."""
        return FilePath(self.file).resolve().parent if self.file else None

    def locate(self, path: Path, *, key: bool = False) -> tuple[int | None, int | None]:
        """Line and column, from 1, of the value at ``path`` (or of its key).

        A path that does not exist gives the place of its deepest part that does.
        """
        found = self._marks(path, key)
        return (None, None) if found is None else found[0]

    def locate_word(self, path: Path, word: str, near: int) -> tuple[int | None, int | None]:
        """Line and column of ``word`` in the scalar at ``path``: the one at offset ``near``, if
        it stands there as it is in the value, else the first, else the scalar's own place.
        """
        marks = self._marks(path, False)
        if marks is None:
            return None, None
        place, start, end = marks
        raw = self.text[start:end]
        pattern = re.escape(word)
        if word[:1].isalnum():
            pattern = rf"(?<!\w){pattern}(?!\w)"
        places = [found.start() for found in re.finditer(pattern, raw)]
        if not places:
            return place
        quoted = raw[:1] in "\"'"
        at = start + min(places, key=lambda found: (found != near + quoted, found))
        return self.text.count("\n", 0, at) + 1, at - self.text.rfind("\n", 0, at)

    def _marks(self, path: Path, key: bool) -> tuple[tuple[int, int], int, int] | None:
        """Place, first and last index of the value at ``path``; None where nobody knows."""
        if self._root is None:
            try:
                self._root = yaml.compose(self.text, yaml.CSafeLoader) or "nothing"
            except yaml.YAMLError:
                self._root = "unknown"
        if self._root == "nothing":
            return (1, 1), 0, 0
        if self._root == "unknown":
            return None
        node, mark = self._root, self._root.start_mark
        for depth, part in enumerate(path):
            found = _child(node, part)
            if found is None:
                break
            key_node, node = found
            scalar = isinstance(node, yaml.ScalarNode) or not isinstance(part, str)
            last = depth == len(path) - 1
            mark = node.start_mark if scalar and not (key and last) else key_node.start_mark
        place = mark.line + 1, mark.column + 1
        return place, node.start_mark.index, node.end_mark.index

    def locate_text(self, path: Path, text: str, at: int) -> tuple[int | None, int | None]:
        """Line and column of the character ``at`` of ``text``, which is (part of) the scalar at
        ``path``; the scalar's own place where escapes or folding make it another text in the file.
        """
        marks = self._marks(path, False)
        if marks is None:
            return None, None
        place, start, end = marks
        before = text[:at]
        row = text.split("\n")[before.count("\n")]
        found = self.text.find(row, start, end) if row else -1
        if found < 0:
            return place
        found += at - (before.rfind("\n") + 1)
        return self.text.count("\n", 0, found) + 1, found - self.text.rfind("\n", 0, found)

    def cut_off(self, path: Path) -> bool:
        """Whether a comment begins right after the scalar at ``path``, which has no quotes."""
        marks = self._marks(path, False)
        if marks is None or self.text[marks[1] : marks[1] + 1] in ("", '"', "'", "|", ">"):
            return False
        return re.match(r"[ \t]+#", self.text[marks[2] : marks[2] + 100]) is not None

    def __eq__(self, other: object) -> bool:
        return other is None or isinstance(other, Document)

    def __hash__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return f"<Document {self.file or 'text'}>"


def _parse(text: str) -> Any:
    if text.lstrip().startswith("{"):
        return _parse_json(text)
    try:
        return yaml12.parse(text)
    except yaml.YAMLError as error:
        raise Unreadable(_yaml_problem(error, text)) from None


def _yaml_problem(error: yaml.YAMLError, text: str) -> Finding:
    mark = getattr(error, "problem_mark", None)
    line, column = (mark.line + 1, mark.column + 1) if mark else (None, None)
    message = getattr(error, "problem", None) or str(error)
    if isinstance(error, yaml12.DuplicateKey):
        return _problem("GF102", message, line, column, "keep one of them")
    if isinstance(error, yaml12.TooLarge):
        return _problem("GF111", message, line, column)
    lines = text.splitlines()
    hint = None
    by_parser = isinstance(error, (ParserError, ScannerError))
    if by_parser and line is not None and line <= len(lines):
        found = _indentation(lines, line - 1, message)
        if found is not None:
            line, column = found.line + 1, found.column + 1
            others = "the other items of its list" if found.item else "the keys beside it"
            hint = f"this line begins in column {column}, {others} in {found.wanted + 1}"
        else:
            hint = _mistake(lines, line - 1, message)
    about = "this is not YAML: " if by_parser else ""
    return _problem("GF101", f"{about}{message}", line, column, hint)


def _indentation(lines: list[str], at: int, message: str) -> Misplaced | None:
    """A line that begins in a wrong column, at the place where the parser gave up or just above."""
    if not message.startswith(("did not find expected", "mapping values are not allowed")):
        return None
    from goflow.workflow.indentation import misplaced  # noqa: PLC0415 - only for a mistake

    found = misplaced(lines, at)
    if found is None or any(line.strip() for line in lines[found.line + 1 : at]):
        return None
    return found


def _mistake(lines: list[str], at: int, message: str) -> str:
    """What is likely wrong in the line ``at``, where the parser gave up, or the one before."""
    if "\t" in lines[at][: len(lines[at]) - len(lines[at].lstrip())]:
        return "YAML is indented with spaces, not tabs"
    if "unknown escape" in message:
        return "inside \"…\" a backslash begins an escape: use '…', and '$${' for a literal '${'"
    if "mapping values are not allowed" in message:
        return "quote a text that contains ': '"
    quoting = _quoting_hint(lines[max(0, at - 1) : at + 1])
    if quoting is not None:
        return quoting
    before = next((line for line in reversed(lines[:at]) if line.strip()), "")
    # The first key of an item stands after its dash.
    blanks = " " if lines[at].lstrip().startswith("- ") else " -"
    here, above = (len(line) - len(line.lstrip(blanks)) for line in (lines[at], before))
    if "did not find expected" in message and 0 < abs(here - above) < 2:
        return f"this line begins in column {here + 1}, the one above in {above + 1}"
    return "look for a quote or bracket that was not closed, here or above"


def _quoting_hint(lines: list[str]) -> str | None:
    for line in lines:
        value = line.partition(":")[2].strip() or line.strip(" -")
        if "${" in line and not re.search("""['"].*\\$\\{""", line):
            return "quote a text that holds '${…}'"
        if value.startswith("{{"):
            return "quote a text that begins with '{{'"
        if value[:1] in tuple("@%`"):
            return f"quote a text that begins with {value[0]!r}"
        if re.match(r"\[[^\]]*\]\s*[^\s,}\]#]|\{[^}]*\}\s*[^\s,}\]#]", value):
            return f"quote a text that begins with {value[0]!r}"
    return None


def _parse_json(text: str) -> Any:
    import json  # noqa: PLC0415 - most files are YAML

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) != len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise Unreadable(_problem("GF102", f"the key {twice!r} is written twice"))
        return result

    try:
        tree = json.loads(
            text, object_pairs_hook=unique, parse_int=_json_integer, parse_constant=_not_json
        )
        if "\\ud" in text or "\\uD" in text:
            _encodable(json.dumps(tree, ensure_ascii=False))
        return _bounded(tree)
    except json.JSONDecodeError as error:
        # Flow-style YAML also begins with a brace.
        try:
            return yaml12.parse(text)
        except yaml.YAMLError:
            finding = _problem("GF101", f"this is not JSON: {error.msg}", error.lineno, error.colno)
            raise Unreadable(finding) from None
    except RecursionError:
        raise Unreadable(_TOO_DEEP) from None
    except ValueError as error:
        raise Unreadable(_problem("GF101", f"this is not JSON: {error}")) from None


def _encodable(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Unreadable(_problem("GF101", "the text has half of a surrogate pair")) from None


def _json_integer(text: str) -> int:
    if len(text) > 78:
        raise ValueError("an integer has at most 256 bits")
    return int(text)


def _not_json(text: str) -> Any:
    raise ValueError(f"{text} is no JSON value")


def _bounded(tree: Any) -> Any:
    """``tree``, if it nests no deeper than YAML may."""
    level, depth = [tree], 0
    while level:
        depth += 1
        if depth > yaml12.MAX_DEPTH:
            raise Unreadable(_TOO_DEEP)
        level = [
            item
            for value in level
            if isinstance(value, (dict, list))
            for item in (value.values() if isinstance(value, dict) else value)
        ]
    return tree


def _child(node: Any, part: str | int) -> tuple[Any, Any] | None:
    """Key and value nodes of a part of ``node``; an item of a list is its own key."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == part:
                return key, value
    elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part]
    return None


def _problem(
    code: str,
    message: str,
    line: int | None = None,
    column: int | None = None,
    hint: str | None = None,
) -> Finding:
    return Finding(code, "error", message, "", line, column, hint)


_TOO_DEEP = _problem("GF111", f"the values nest deeper than {yaml12.MAX_DEPTH} levels")


def _hint(file: FilePath) -> str | None:
    from goflow.expressions.functions import nearest  # noqa: PLC0415 - only errors need it

    try:
        return nearest(file.name, [entry.name for entry in file.parent.iterdir()])
    except OSError:
        return None

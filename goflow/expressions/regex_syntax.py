"""RE2's syntax of regular expressions, rewritten for the engine.

The engine is Rust's, which is linear as well but reads some things otherwise: ``\\d`` is of all
scripts, brackets hold sets, flags of its own. What has two meanings is written out as RE2 reads it,
what RE2 refuses is refused. Groups are not kept apart: a pattern only says yes or no.
"""

from __future__ import annotations

import re

from goflow.expressions.regex import PatternError

__all__ = ["rewritten"]

MAX_SIZE = 20_000
"""Largest program, in about the engine's states."""
_MAX_REPEAT = 1000
_WIDE = 16  # states for a class of characters beyond ASCII
_PROPERTY = 400
_ASCII = {"d": "0-9", "w": "0-9A-Za-z_", "s": r"\t\n\f\r\x20"}
_CONTROL = {"a": 7, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}
_ANCHORS = {"A": r"\A", "z": r"\z", "b": r"(?-u:\b)", "B": r"(?-u:\B)"}

_CHARACTER = (
    r"\\x(?:(?P<hex2>[0-9A-Fa-f]{2})|\{(?P<hex>[0-9A-Fa-f]{1,8})\})"
    r"|\\(?P<octal>0[0-7]{0,2}|[1-7][0-7]{1,2})"
    r"|\\(?P<property>[pP])(?:(?P<short>[A-Z])|\{(?P<negated>\^?)(?P<name>\w+)\})"
    r"|\\(?P<escaped>.)"
)
_TOKEN = re.compile(
    r"\\Q(?P<quoted>.*?)(?:\\E|\Z)|" + _CHARACTER
    + r"|\((?:\?(?:P?<\w+>|(?P<flags>[imsU]*(?:-[imsU]+)?)(?P<end>[:)])))?"
    r"|\{(?P<low>\d+)(?P<comma>,?)(?P<high>\d*)\}|(?P<plain>.)",
    re.DOTALL,
)  # fmt: skip
_LONE = re.compile(_CHARACTER + r"|(?P<plain>.)", re.DOTALL)
_IN_CLASS = re.compile(r"(?P<posix>\[:\^?[a-z]+:\])|" + _CHARACTER + r"|(?P<plain>.)", re.DOTALL)


def rewritten(pattern: str) -> tuple[str, int]:
    """The pattern for the engine, and about how many states it has; linear in the pattern.

    Raises ``PatternError``; the engine finds the mistakes that are mistakes for both.
    """
    if not _is_unicode(pattern):
        raise PatternError("half of a surrogate pair in the pattern")
    out: list[str] = []
    sizes = [0]  # of each open group, so far
    atom = 0  # size of what a repetition would repeat
    repeated = False  # whether a repetition was read just before
    at = 0
    while at < len(pattern):
        if pattern[at] == "[":
            text, atom, at = _bracket(pattern, at)
            repeated = False
            out.append(text)
            sizes[-1] += atom
            continue
        token = _TOKEN.match(pattern, at)
        assert token is not None  # anything is at least plain
        start, at = at, token.end()
        char = token["plain"]
        times = _times(token)
        if times is not None:
            lazy = pattern.startswith("?", at)
            if repeated:
                raise PatternError(f"a repetition of a repetition: {token[0]}")
            at += lazy
            repeated = True
            sizes[-1] += atom * (times - 1)
            out.append(token[0] + "?" * lazy)
        else:
            repeated = False
            if token[0][0] == "(":
                if pattern.startswith("(?", start) and token[0] == "(":
                    raise PatternError(f"there is no group {pattern[start : start + 3]}")
                flags = token["flags"] or ""
                if token["end"] == ")":
                    out.append(f"(?{flags})" if flags else "(?:)")
                    atom = 0
                else:
                    out.append(f"(?{flags}:")
                    sizes.append(0)
            elif char == ")":
                out.append(char)
                if len(sizes) > 1:
                    atom = sizes.pop()
                    sizes[-1] += atom
            elif char is not None and char in ".^$|":
                out.append(char)
                atom = _WIDE if char == "." else 1
                sizes[-1] += atom
            else:
                text, atom, size = _atom(token)
                out.append(text)
                sizes[-1] += size
        if sizes[-1] > MAX_SIZE:
            raise PatternError("it is too large")
    return "".join(out), 1 + sum(sizes)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _times(token: re.Match[str]) -> int | None:
    """How often a repetition repeats, for its size; None when the token is none."""
    if token["plain"] in ("*", "+", "?"):
        return 1
    if token["low"] is None:
        return None
    times = max(int(token["low"][:5]), int(token["high"][:5] or 0))
    if times > _MAX_REPEAT:
        raise PatternError(f"more than {_MAX_REPEAT} repetitions: {token[0]}")
    return times


def _atom(token: re.Match[str]) -> tuple[str, int, int]:
    """What a token outside of brackets is, the size of its last character, and of all."""
    if token["quoted"] is not None:
        text = token["quoted"]
        size = len(text.encode())
        return "".join(map(_literal, text)), len(text[-1:].encode()), size
    escaped = token["escaped"]
    if escaped is not None and escaped in _ANCHORS:
        return _ANCHORS[escaped], 1, 1
    if escaped is not None and escaped.lower() in _ASCII:
        text = _ASCII[escaped.lower()]
        return (f"[^{text}]", _WIDE, _WIDE) if escaped.isupper() else (f"[{text}]", 1, 1)
    text, size = _character(token)
    return text, size, size


def _character(token: re.Match[str]) -> tuple[str, int]:
    """One character or one property, inside or outside of brackets, and its size."""
    if token["property"]:
        kind, name = token["property"], token["short"] or token["name"]
        if token["negated"]:
            kind = "P" if kind == "p" else "p"
        return f"\\{kind}{{{name}}}", _PROPERTY
    code = token["hex2"] or token["hex"]
    if code:
        return f"\\x{{{code}}}", 4
    if token["octal"]:
        return f"\\x{{{int(token['octal'], 8):x}}}", 1
    escaped = token["escaped"]
    if escaped is None:
        char = token["plain"]
    elif escaped in _CONTROL:
        char = chr(_CONTROL[escaped])
    elif not escaped.isascii() or escaped.isalnum():
        raise PatternError(f"invalid escape sequence: \\{escaped}")
    else:
        char = escaped
    if char == "\\" and escaped is None:
        raise PatternError("it ends with a backslash")
    return _literal(char), len(char.encode())


def _literal(char: str) -> str:
    """A character that means nothing but itself, anywhere."""
    return char if not char.isascii() or char.isalnum() else f"\\x{{{ord(char):x}}}"


def _bracket(pattern: str, start: int) -> tuple[str, int, int]:
    """A class in brackets, its size, and where it ends; the engine knows sets, RE2 does not."""
    at = start + 1
    out = ["["]
    size = 1
    if pattern.startswith("^", at):
        out.append("^")
        size = _WIDE
        at += 1
    first = True
    while at < len(pattern) and (first or pattern[at] != "]"):
        first = False
        token = _IN_CLASS.match(pattern, at)
        assert token is not None  # anything is at least plain
        at = token.end()
        escaped = token["escaped"]
        if token["posix"]:
            out.append(token["posix"])
        elif escaped is not None and escaped.lower() in _ASCII:
            text = _ASCII[escaped.lower()]
            out.append(f"[^{text}]" if escaped.isupper() else text)
            size = max(size, _WIDE if escaped.isupper() else 1)
        elif token["property"]:
            text, own = _character(token)
            out.append(text)
            size += own
        else:
            text, own = _character(token)
            if pattern.startswith("-", at) and not pattern.startswith("-]", at):
                end = _LONE.match(pattern, at + 1)
                if end is None or end["property"]:
                    raise PatternError("a range of characters has no end")
                at = end.end()
                last, other = _character(end)
                text, own = f"{text}-{last}", max(own, other)
            out.append(text)
            size = max(size, _WIDE if own > 1 else 1)
    if at >= len(pattern):
        raise PatternError("missing closing ]")
    return "".join([*out, "]"]), size, at + 1

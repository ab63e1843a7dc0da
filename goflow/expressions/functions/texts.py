"""Functions of texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goflow.expressions.budget import TEXT, bytes_of
from goflow.expressions.functions.registry import as_list, as_text, function, need, utf8
from goflow.expressions.values import EvalError
from goflow.expressions.written import text

if TYPE_CHECKING:
    from collections.abc import Callable

    from goflow.expressions.budget import Budget

__all__: list[str] = []


@function("upper(text)")
def _upper(budget: Budget, value: Any) -> str:
    """Text in upper case."""
    return _cased(budget, value, str.upper)


@function("lower(text)")
def _lower(budget: Budget, value: Any) -> str:
    """Text in lower case."""
    return _cased(budget, value, str.lower)


@function("capitalize(text)")
def _capitalize(budget: Budget, value: Any) -> str:
    """Text with its first letter in upper case, the rest unchanged."""
    return _cased(budget, value, lambda value: value[:1].upper() + value[1:])


def _cased(budget: Budget, value: Any, convert: Callable[[str], str]) -> str:
    budget.text(as_text(value))
    result = convert(value)
    budget.build(4 * max(0, len(result) - len(value)))  # "ß" is "SS" in upper case
    return result


@function("trim(text)")
def _trim(budget: Budget, value: Any) -> str:
    """Text without blanks at either end."""
    if as_text(value)[:1].isspace() or value[-1:].isspace():
        budget.text(value)
    return value.strip()  # type: ignore[no-any-return]


@function("length(value)", "len")
def _length(value: Any) -> int:
    """Characters of a string, elements of an array, entries of an object."""
    return len(need(value, "string", "array", "object"))


@function("split(text, separator)")
def _split(budget: Budget, value: Any, separator: Any) -> list[str]:
    """The parts of a text between separators; an empty separator splits characters."""
    budget.scan(as_text(value), as_text(separator))
    count = value.count(separator) + 1 if separator else len(value)
    budget.elements(count)
    budget.build(TEXT * count + bytes_of(value))
    return value.split(separator) if separator else list(value)


@function("join(list, separator)")
def _join(budget: Budget, items: Any, separator: Any = "") -> str:
    """The elements as text, with a separator between them."""
    budget.elements(len(as_list(items)))
    budget.text(as_text(separator), len(items))
    parts = []
    for item in items:
        part = text(item, budget)
        budget.build(bytes_of(part))
        parts.append(part)
    return str(separator).join(parts)


@function("replace(text, old, new)")
def _replace(budget: Budget, value: Any, old: Any, new: Any) -> str:
    """Text with every occurrence of old replaced by new."""
    budget.scan(as_text(value), as_text(old))
    count = value.count(old)
    width = 1 if value.isascii() and as_text(new).isascii() else 4
    budget.build(TEXT + width * (len(value) + count * max(0, len(as_text(new)) - len(old))))
    return value.replace(old, new)  # type: ignore[no-any-return]


@function("base64(text)")
def _base64(budget: Budget, value: Any) -> str:
    """The UTF-8 bytes of a text in base64."""
    from base64 import b64encode  # noqa: PLC0415

    budget.text(as_text(value), 2)
    return b64encode(utf8(value)).decode()


@function("unbase64(text)")
def _unbase64(budget: Budget, value: Any) -> str:
    """The text whose UTF-8 bytes are given in base64."""
    from base64 import b64decode  # noqa: PLC0415

    budget.text(as_text(value))
    try:
        return b64decode(value, validate=True).decode()
    except ValueError:
        raise EvalError("this is not UTF-8 text in base64") from None


@function("uuid()", pure=False)
def _uuid(budget: Budget) -> str:
    """A random UUID (version 4)."""
    from uuid import uuid4  # noqa: PLC0415

    budget.visit(4)
    budget.build(TEXT + 36)
    return str(uuid4())

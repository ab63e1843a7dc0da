"""Every function of the language. To add one: write it here under ``@function``, with a docstring.

A function takes and returns JSON values and raises ``EvalError`` (the caller adds the position).
``@function("signature", …)`` says how people see it:

* ``budget=True``: it loops or builds, so it takes the evaluation's ``Budget`` first;
* ``pure=False``: its answer changes between calls (such nodes are never cached).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeVar

from goflow.expressions.values import Budget, EvalError, equal, exact, kind, text

__all__ = ["ELEMENT_FUNCTIONS", "FUNCTIONS", "LAZY_FUNCTIONS", "Function", "nearest"]

F = TypeVar("F", bound=Callable[..., Any])


class Function(NamedTuple):
    """``least`` and ``most`` bound its arguments; ``most`` is None for any number."""

    name: str
    signature: str
    call: Callable[..., Any]
    least: int
    most: int | None
    budget: bool
    pure: bool

    @property
    def help(self) -> str:
        """One line for people."""
        return (self.call.__doc__ or "").strip()

    def takes(self, count: int) -> bool:
        """Whether it can be called with ``count`` arguments."""
        return self.least <= count and (self.most is None or count <= self.most)


FUNCTIONS: dict[str, Function] = {}
ELEMENT_FUNCTIONS = frozenset({"map", "filter", "any", "all", "count", "sort", "unique", "find"})
"""Functions whose further arguments are evaluated once per element, with ``#`` for it."""
LAZY_FUNCTIONS = frozenset({"if", "default"})
"""Functions that the compiler turns into a choice, so that they evaluate only what they need."""


def function(signature: str, *, budget: bool = False, pure: bool = True) -> Callable[[F], F]:
    """Register the decorated callable under the name that ``signature`` begins with."""
    name = signature.partition("(")[0]

    def register(call: F) -> F:
        code = call.__code__
        arguments = code.co_argcount - budget
        least = arguments - len(call.__defaults__ or ())
        most = None if code.co_flags & 0x04 else arguments
        FUNCTIONS[name] = Function(name, signature, call, least, most, budget, pure)
        return call

    return register


def nearest(name: str, known: Iterable[str]) -> str | None:
    """``did you mean …?`` for the known name most like ``name``, or None."""
    from difflib import get_close_matches  # noqa: PLC0415 - only errors need it

    candidates = list(known)
    if len(candidates) > 100:
        # Comparing with each of thousands would take longer than everything else.
        candidates = [
            other
            for other in candidates
            if other[:1] == name[:1] and abs(len(other) - len(name)) < 3
        ][:100]
    close = get_close_matches(name, candidates, n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else None


def _need(value: Any, *kinds: str) -> Any:
    if kind(value) not in kinds:
        raise EvalError(f"expected {' or '.join(kinds)}, got {kind(value)}")
    return value


def _list(value: Any) -> list[Any]:
    return _need(value, "array")  # type: ignore[no-any-return]


def _string(value: Any) -> str:
    return _need(value, "string")  # type: ignore[no-any-return]


def _integer(value: Any) -> int:
    if type(value) is float and value.is_integer():
        return int(value)
    if type(value) is not int:
        raise EvalError(f"expected a whole number, got {kind(value)}")
    return value


# -- strings -----------------------------------------------------------------------------------


@function("upper(text)", budget=True)
def _upper(budget: Budget, value: Any) -> str:
    """Text in upper case."""
    budget.build(len(_string(value)))
    return _string(value).upper()


@function("lower(text)", budget=True)
def _lower(budget: Budget, value: Any) -> str:
    """Text in lower case."""
    budget.build(len(_string(value)))
    return _string(value).lower()


@function("trim(text)")
def _trim(value: Any) -> str:
    """Text without blanks at either end."""
    return _string(value).strip()


@function("capitalize(text)", budget=True)
def _capitalize(budget: Budget, value: Any) -> str:
    """Text with its first letter in upper case, the rest unchanged."""
    budget.build(len(_string(value)))
    return str(value[:1].upper() + value[1:])


@function("length(value)")
def _length(value: Any) -> int:
    """Characters of a string, elements of an array, entries of an object."""
    return len(_need(value, "string", "array", "object"))


@function("split(text, separator)", budget=True)
def _split(budget: Budget, value: Any, separator: Any) -> list[str]:
    """The parts of a text between separators; an empty separator splits characters."""
    if not _string(separator):
        budget.elements(len(_string(value)))
        return list(value)
    budget.elements(_string(value).count(separator) + 1)
    budget.build(len(value))
    return value.split(separator)  # type: ignore[no-any-return]


@function("join(list, separator)", budget=True)
def _join(budget: Budget, items: Any, separator: Any = "") -> str:
    """The elements as text, with a separator between them."""
    budget.visit(len(_list(items)))
    parts = [text(item) for item in items]
    budget.build(sum(map(len, parts)) + len(_string(separator)) * len(parts))
    return str(separator).join(parts)


@function("replace(text, old, new)", budget=True)
def _replace(budget: Budget, value: Any, old: Any, new: Any) -> str:
    """Text with every occurrence of old replaced by new."""
    count = _string(value).count(_string(old))
    budget.build(len(value) + count * max(0, len(_string(new)) - len(old)))
    return value.replace(old, new)  # type: ignore[no-any-return]


@function("string(value)", budget=True)
def _to_string(budget: Budget, value: Any) -> str:
    """The value as text, as in interpolation."""
    result = text(value)
    if result is not value:
        budget.build(len(result))
    return result


@function("formatNumber(number, decimals)")
def _format_number(value: Any, decimals: Any = 2) -> str:
    """A number with a fixed count of decimals and commas between thousands."""
    places = _integer(decimals)
    if not 0 <= places <= 20:
        raise EvalError("decimals must be from 0 to 20")
    return f"{_need(value, 'number'):,.{places}f}"


@function("base64(text)", budget=True)
def _base64(budget: Budget, value: Any) -> str:
    """The UTF-8 bytes of a text in base64."""
    from base64 import b64encode  # noqa: PLC0415

    budget.build(2 * len(_string(value)))
    return b64encode(_utf8(value)).decode()


@function("unbase64(text)", budget=True)
def _unbase64(budget: Budget, value: Any) -> str:
    """The text whose UTF-8 bytes are given in base64."""
    from base64 import b64decode  # noqa: PLC0415

    budget.build(len(_string(value)))
    try:
        return b64decode(value, validate=True).decode()
    except ValueError:
        raise EvalError("this is not UTF-8 text in base64") from None


def _utf8(value: str) -> bytes:
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise EvalError("the text has half of a surrogate pair") from None


# -- numbers -----------------------------------------------------------------------------------


def _numbers(values: Any) -> list[Any]:
    for value in _list(values):
        _need(value, "number")
    return values  # type: ignore[no-any-return]


@function("sum(list)", budget=True)
def _sum(budget: Budget, values: Any) -> int | float:
    """The sum of a list of numbers; 0 for none."""
    budget.visit(len(_list(values)))
    return exact(sum(_numbers(values)))


def _extreme(budget: Budget, pick: Callable[[Any], Any], values: tuple[Any, ...]) -> Any:
    items = values[0] if len(values) == 1 and type(values[0]) is list else values
    budget.visit(len(items))
    kinds = {kind(item) for item in items}
    if not items:
        return None
    if kinds not in ({"number"}, {"string"}):
        raise EvalError(f"expected numbers or strings, got {' and '.join(sorted(kinds))}")
    return pick(items)


@function("min(list) or min(a, b, …)", budget=True)
def _min(budget: Budget, *values: Any) -> Any:
    """The smallest number or string; null for none."""
    return _extreme(budget, min, values)


@function("max(list) or max(a, b, …)", budget=True)
def _max(budget: Budget, *values: Any) -> Any:
    """The largest number or string; null for none."""
    return _extreme(budget, max, values)


@function("avg(list)", budget=True)
def _avg(budget: Budget, values: Any) -> float | None:
    """The mean of a list of numbers; null for none."""
    budget.visit(len(_list(values)))
    return exact(sum(_numbers(values)) / len(values)) if values else None


@function("round(number, decimals)")
def _round(value: Any, decimals: Any = 0) -> int | float:
    """The nearest number with so many decimals, halves to even; an integer when decimals is 0."""
    places = _integer(decimals)
    if not -300 <= places <= 300:
        raise EvalError("decimals must be from -300 to 300")
    if not places:
        return _whole(round, value)
    return round(_need(value, "number"), places)  # type: ignore[no-any-return]


def _whole(convert: Callable[[Any], int], value: Any) -> int:
    if type(value) is float and not math.isfinite(value):
        raise EvalError("this number is not finite")
    return int(exact(convert(_need(value, "number"))))


@function("abs(number)")
def _abs(value: Any) -> int | float:
    """The number without its sign."""
    return abs(_need(value, "number"))  # type: ignore[no-any-return]


@function("floor(number)")
def _floor(value: Any) -> int:
    """The largest integer not above the number."""
    return _whole(math.floor, value)


@function("ceil(number)")
def _ceil(value: Any) -> int:
    """The smallest integer not below the number."""
    return _whole(math.ceil, value)


@function("int(value)")
def _int(value: Any) -> int:
    """A number cut to an integer, a string read as one, a boolean as 0 or 1."""
    if type(value) is bool:
        return int(value)
    if type(value) is str:
        if len(value) > 100:
            raise EvalError("this text is too long to be an integer")
        try:
            return int(exact(int(value.strip())))
        except ValueError:
            raise EvalError(f"{value!r} is not an integer") from None
    return _whole(math.trunc, value)


@function("float(value)")
def _float(value: Any) -> float:
    """A number as a float, a string read as one."""
    try:
        return float(_need(value, "number", "string"))
    except (ValueError, OverflowError):
        raise EvalError(f"{str(value)[:40]!r} is not a number") from None


@function("bool(value)")
def _bool(value: Any) -> bool:
    """Whether the value is truthy; the strings "false", "no", "off" and "0" are not."""
    if type(value) is str:
        return value.strip().lower() not in ("", "false", "no", "off", "0")
    return bool(value)


# -- lists -------------------------------------------------------------------------------------

Each = Callable[[Any], Any]


@function("map(list, expression)", budget=True)
def _map(budget: Budget, items: Any, each: Each) -> list[Any]:
    """The expression's value for each element."""
    budget.elements(len(_list(items)))
    return [each(item) for item in items]


@function("filter(list, condition)", budget=True)
def _filter(budget: Budget, items: Any, each: Each) -> list[Any]:
    """The elements for which the condition is truthy."""
    budget.elements(len(_list(items)))
    return [item for item in items if each(item)]


@function("find(list, condition)", budget=True)
def _find(budget: Budget, items: Any, each: Each) -> Any:
    """The first element for which the condition is truthy, or null."""
    budget.visit(len(_list(items)))
    return next((item for item in items if each(item)), None)


@function("any(list, condition)", budget=True)
def _any(budget: Budget, items: Any, each: Each = bool) -> bool:
    """Whether the condition is truthy for an element."""
    budget.visit(len(_list(items)))
    return any(each(item) for item in items)


@function("all(list, condition)", budget=True)
def _all(budget: Budget, items: Any, each: Each = bool) -> bool:
    """Whether the condition is truthy for every element."""
    budget.visit(len(_list(items)))
    return all(each(item) for item in items)


@function("count(list, condition)", budget=True)
def _count(budget: Budget, items: Any, each: Each | None = None) -> int:
    """How many elements there are, or for how many the condition is truthy."""
    budget.visit(len(_list(items)))
    return len(items) if each is None else sum(1 for item in items if each(item))


@function("sort(list, key)", budget=True)
def _sort(budget: Budget, items: Any, each: Each | None = None) -> list[Any]:
    """The elements in ascending order of the key: all numbers or all strings. Stable."""
    budget.elements(len(_list(items)) * max(1, len(items).bit_length()))
    keys = items if each is None else [each(item) for item in items]
    kinds = {kind(key) for key in keys}
    if len(kinds) > 1 or not kinds <= {"number", "string"}:
        raise EvalError(f"only numbers or strings can be sorted, got {' and '.join(sorted(kinds))}")
    return [items[i] for i in sorted(range(len(items)), key=keys.__getitem__)]


@function("unique(list, key)", budget=True)
def _unique(budget: Budget, items: Any, each: Each | None = None) -> list[Any]:
    """The first element for each different key."""
    budget.elements(len(_list(items)))
    seen: dict[Any, list[Any]] = {}
    result = []
    for item in items:
        key = item if each is None else each(item)
        # Numbers equal by value share a bucket; containers share one by size and are compared.
        scalar = not isinstance(key, (list, dict))
        mark = (kind(key), key if scalar else len(key))
        bucket = seen.setdefault(mark, [])
        if scalar and bucket:
            continue
        budget.visit(len(bucket))
        if not any(equal(key, other) for other in bucket):
            bucket.append(key)
            result.append(item)
    return result


@function("first(list)")
def _first(items: Any) -> Any:
    """The first element, or null."""
    return _list(items)[0] if items else None


@function("last(list)")
def _last(items: Any) -> Any:
    """The last element, or null."""
    return _list(items)[-1] if items else None


@function("reverse(list)", budget=True)
def _reverse(budget: Budget, items: Any) -> list[Any]:
    """The elements from last to first."""
    budget.elements(len(_list(items)))
    return items[::-1]  # type: ignore[no-any-return]


@function("flatten(list)", budget=True)
def _flatten(budget: Budget, items: Any) -> list[Any]:
    """The elements of the lists in a list; elements that are no lists stay."""
    result: list[Any] = []
    for item in _list(items):
        part = item if type(item) is list else [item]
        budget.elements(len(part) + 1)
        result.extend(part)
    return result


@function("range(start, stop, step)", budget=True)
def _range(budget: Budget, start: Any, stop: Any = None, step: Any = 1) -> list[int]:
    """The integers from start up to, not including, stop; range(n) starts at 0."""
    first, last = (0, _integer(start)) if stop is None else (_integer(start), _integer(stop))
    stride = _integer(step)
    if not stride:
        raise EvalError("the step cannot be 0")
    # len(range) overflows beyond 64 bits, so the count is computed.
    count = max(0, -((first - last) // stride) if stride > 0 else -((last - first) // -stride))
    budget.visit(count)
    budget.build(36 * count)
    return list(range(first, last, stride))


# -- objects -----------------------------------------------------------------------------------


@function("keys(object)", budget=True)
def _keys(budget: Budget, value: Any) -> list[str]:
    """The keys of an object, in order."""
    budget.elements(len(_need(value, "object")))
    return list(value)


@function("values(object)", budget=True)
def _values(budget: Budget, value: Any) -> list[Any]:
    """The values of an object, in order."""
    budget.elements(len(_need(value, "object")))
    return list(value.values())


@function("entries(object)", budget=True)
def _entries(budget: Budget, value: Any) -> list[dict[str, Any]]:
    """The entries of an object, each as {"key": …, "value": …}."""
    budget.visit(len(_need(value, "object")))
    budget.build(240 * len(value))
    return [{"key": key, "value": item} for key, item in value.items()]


@function("merge(object, …)", budget=True)
def _merge(budget: Budget, *objects: Any) -> dict[str, Any]:
    """One object with the entries of all; later ones win."""
    result: dict[str, Any] = {}
    for value in objects:
        budget.visit(len(_need(value, "object")))
        budget.build(100 * len(value))
        result.update(value)
    return result


# -- any value ---------------------------------------------------------------------------------


@function("type(value)")
def _type(value: Any) -> str:
    """The JSON type: string, number, boolean, null, array or object."""
    return kind(value)


@function("default(value, other)")
def _default(value: Any, other: Any) -> Any:
    """The value, or the other one when it is null."""
    return other if value is None else value


@function("if(condition, then, else)")
def _if(condition: Any, then: Any, other: Any = None) -> Any:
    """The second argument when the first is truthy, else the third (or null)."""
    return then if condition else other


@function("toJSON(value)", budget=True)
def _to_json(budget: Budget, value: Any) -> str:
    """The value as compact JSON text."""
    import msgspec  # noqa: PLC0415

    try:
        result = msgspec.json.encode(value).decode()
    except (msgspec.MsgspecError, TypeError, RecursionError, OverflowError) as error:
        raise EvalError(f"this value has no JSON text: {error}") from None
    budget.build(len(result))
    return result


@function("fromJSON(text)", budget=True)
def _from_json(budget: Budget, value: Any) -> Any:
    """The value that a JSON text holds."""
    import msgspec  # noqa: PLC0415

    budget.build(4 * len(_string(value)))
    try:
        return msgspec.json.decode(_utf8(value))
    except (msgspec.MsgspecError, RecursionError) as error:
        raise EvalError(f"this is not JSON: {error}") from None


# -- time and identity -------------------------------------------------------------------------


@function("now()", pure=False)
def _now() -> str:
    """The time in UTC, as RFC 3339 text."""
    from datetime import datetime, timezone  # noqa: PLC0415

    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@function("formatDate(date, format)")
def _format_date(value: Any, pattern: Any = "%Y-%m-%d") -> str:
    """An RFC 3339 text or a Unix time in seconds, written by a strftime pattern, in UTC."""
    from datetime import datetime, timezone  # noqa: PLC0415

    if len(_string(pattern)) > 200:
        raise EvalError("the pattern is longer than 200 characters")
    try:
        if kind(value) == "number":
            date = datetime.fromtimestamp(value, timezone.utc)
        else:
            # Python 3.10 does not read a final Z.
            date = datetime.fromisoformat(_string(value).strip().replace("Z", "+00:00"))
        return date.strftime(pattern)
    except (ValueError, OverflowError, OSError):
        raise EvalError(
            f"{str(value)[:40]!r} is not a date, or {pattern!r} not a pattern"
        ) from None


@function("uuid()", pure=False)
def _uuid() -> str:
    """A random UUID (version 4)."""
    from uuid import uuid4  # noqa: PLC0415

    return str(uuid4())


# -- paths -------------------------------------------------------------------------------------


@function("path.basename(path)")
def _basename(value: Any) -> str:
    """What follows the last slash."""
    return _string(value).rpartition("/")[2]


@function("path.dirname(path)")
def _dirname(value: Any) -> str:
    """What precedes the last slash."""
    head, slash, _ = _string(value).rpartition("/")
    return head or slash


@function("path.ext(path)")
def _ext(value: Any) -> str:
    """The extension with its dot, or nothing."""
    name = _string(value).rpartition("/")[2]
    stem, dot, extension = name.rpartition(".")
    return dot + extension if stem.strip(".") else ""


@function("path.join(part, …)", budget=True)
def _path_join(budget: Budget, *parts: Any) -> str:
    """The parts with one slash between them; a part that begins with a slash starts over."""
    result = ""
    for part in parts:
        budget.build(len(result) + len(_string(part)) + 1)
        if part.startswith("/") or not result:
            result = part
        else:
            result += part if result.endswith("/") else f"/{part}"
    return result


for alias, name in (("len", "length"), ("tojson", "toJSON"), ("fromjson", "fromJSON")):
    FUNCTIONS[alias] = FUNCTIONS[name]

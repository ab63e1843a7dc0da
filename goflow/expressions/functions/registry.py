"""What a function of the language is, the table of all, and the checks of arguments they share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeVar

from goflow.expressions.values import EvalError, kind

__all__ = [
    "FUNCTIONS",
    "Each",
    "Function",
    "as_integer",
    "as_list",
    "as_text",
    "function",
    "nearest",
    "nearest_name",
    "need",
    "utf8",
]

F = TypeVar("F", bound=Callable[..., Any])
Each = Callable[[Any], Any]
"""An argument that is evaluated for one element: called with it, it gives the value."""

_KINDS = {
    "str": "string",
    "int": "number",
    "float": "number",
    "bool": "boolean",
    "list": "array",
    "dict": "object",
    "None": "null",
}


class Function(NamedTuple):
    """``least`` and ``most`` bound its arguments; ``most`` is None for any number.

    ``budget`` when it takes the evaluation's budget first, ``per_element`` when its second argument
    is evaluated for each element, ``kinds`` the types it may return, empty when it may be any.
    """

    name: str
    signature: str
    call: Callable[..., Any]
    least: int
    most: int | None
    budget: bool
    per_element: bool
    pure: bool
    kinds: frozenset[str]

    @property
    def help(self) -> str:
        """One line for people."""
        return (self.call.__doc__ or "").strip()

    def takes(self, count: int) -> bool:
        """Whether it can be called with ``count`` arguments."""
        return self.least <= count and (self.most is None or count <= self.most)


FUNCTIONS: dict[str, Function] = {}


def function(signature: str, *aliases: str, pure: bool = True) -> Callable[[F], F]:
    """Register the decorated callable under the name that ``signature`` begins with.

    The rest is read from the callable: its docstring is the help, its defaults and ``*`` say how
    many arguments it takes, a first parameter ``budget`` asks for the budget, a second one ``each``
    for an expression per element, and what it returns is known by its annotation.
    """
    name = signature.partition("(")[0]

    def register(call: F) -> F:
        code = call.__code__
        parameters = code.co_varnames[: code.co_argcount]
        budget = parameters[:1] == ("budget",)
        arguments = len(parameters) - budget
        made = Function(
            name=name,
            signature=signature,
            call=call,
            least=arguments - len(call.__defaults__ or ()),
            most=None if code.co_flags & 0x04 else arguments,
            budget=budget,
            per_element="each" in parameters,
            pure=pure,
            kinds=_returned(call.__annotations__["return"]),
        )
        FUNCTIONS.update(dict.fromkeys((name, *aliases), made))
        return call

    return register


def _returned(annotation: str) -> frozenset[str]:
    """The JSON types in an annotation, which is text in this package; none for ``Any``."""
    names = [part.partition("[")[0].strip() for part in annotation.split("|")]
    return frozenset(_KINDS[name] for name in names) if "Any" not in names else frozenset()


def nearest(name: str, known: Iterable[str]) -> str | None:
    """``did you mean …?`` for the known name most like ``name``, or None."""
    close = nearest_name(name, known)
    return None if close is None else f"did you mean {close!r}?"


def nearest_name(name: str, known: Iterable[str]) -> str | None:
    """The known name most like ``name``, if one is like it."""
    from difflib import get_close_matches  # noqa: PLC0415 - only errors need it

    candidates = list(known)
    if len(candidates) > 100:
        # Comparing with each of thousands would take longer than everything else.
        candidates = [
            other
            for other in candidates
            if other[:1] == name[:1] and abs(len(other) - len(name)) < 3
        ][:100]
    return next(iter(get_close_matches(name, candidates, n=1, cutoff=0.6)), None)


def need(value: Any, *kinds: str) -> Any:
    """``value``, if it is of one of these types; raises ``EvalError`` otherwise."""
    if kind(value) not in kinds:
        raise EvalError(f"expected {' or '.join(kinds)}, got {kind(value)}")
    return value


def as_list(value: Any) -> list[Any]:
    """``value``, if it is a list."""
    return need(value, "array")  # type: ignore[no-any-return]


def as_text(value: Any) -> str:
    """``value``, if it is a text."""
    return need(value, "string")  # type: ignore[no-any-return]


def as_integer(value: Any) -> int:
    """``value``, if it is a whole number."""
    if type(value) is float and value.is_integer():
        return int(value)
    if type(value) is not int:
        raise EvalError(f"expected a whole number, got {kind(value)}")
    return value


def utf8(value: str) -> bytes:
    """The bytes of a text; raises ``EvalError`` when it is none that can be written."""
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise EvalError("the text has half of a surrogate pair") from None

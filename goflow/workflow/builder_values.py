"""Values of a workflow that is being built: expressions that Python code can compose."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from goflow.errors import BadCall
from goflow.expressions.values import not_json

__all__ = ["Value", "plain", "source_of"]


class Value:
    """An expression of the workflow; ``source`` is its text.

    In an f-string it is ``${source}``; as an argument by itself it keeps its type. Operators,
    ``[…]`` and ``apply`` make further expressions. It has no truth: that is known in a run.
    """

    def __init__(self, source: str) -> None:
        self.source = source

    def apply(self, function: str, *arguments: Any) -> Value:
        """``function(self, arguments…)``, one of ``goflow functions``."""
        return Value(f"{function}({', '.join(map(source_of, (self, *arguments)))})")

    def is_in(self, other: Any) -> Value:
        """Whether the list, map or text ``other`` holds it."""
        return self._binary("in", other)

    def contains(self, other: Any) -> Value:
        """Whether it holds ``other``."""
        return self._binary("contains", other)

    def default(self, other: Any) -> Value:
        """Itself, or ``other`` where it is null."""
        return self._binary("??", other)

    def _binary(self, sign: str, other: Any) -> Value:
        return Value(f"({self.source} {sign} {source_of(other)})")

    def _reversed(self, sign: str, other: Any) -> Value:
        return Value(f"({source_of(other)} {sign} {self.source})")

    def __getitem__(self, key: Any) -> Value:
        if isinstance(key, slice):
            if key.step is not None:
                raise BadCall("a slice of a workflow's value has no step")
            ends = ["" if end is None else source_of(end) for end in (key.start, key.stop)]
            return Value(f"{self.source}[{':'.join(ends)}]")
        return Value(f"{self.source}[{source_of(key)}]")

    def __eq__(self, other: object) -> Value:  # type: ignore[override]
        return self._binary("==", other)

    def __ne__(self, other: object) -> Value:  # type: ignore[override]
        return self._binary("!=", other)

    __hash__ = None  # type: ignore[assignment]

    def __lt__(self, other: Any) -> Value:
        return self._binary("<", other)

    def __le__(self, other: Any) -> Value:
        return self._binary("<=", other)

    def __gt__(self, other: Any) -> Value:
        return self._binary(">", other)

    def __ge__(self, other: Any) -> Value:
        return self._binary(">=", other)

    def __add__(self, other: Any) -> Value:
        return self._binary("+", other)

    def __radd__(self, other: Any) -> Value:
        return self._reversed("+", other)

    def __sub__(self, other: Any) -> Value:
        return self._binary("-", other)

    def __rsub__(self, other: Any) -> Value:
        return self._reversed("-", other)

    def __mul__(self, other: Any) -> Value:
        return self._binary("*", other)

    def __rmul__(self, other: Any) -> Value:
        return self._reversed("*", other)

    def __truediv__(self, other: Any) -> Value:
        return self._binary("/", other)

    def __rtruediv__(self, other: Any) -> Value:
        return self._reversed("/", other)

    def __mod__(self, other: Any) -> Value:
        return self._binary("%", other)

    def __and__(self, other: Any) -> Value:
        return self._binary("and", other)

    def __or__(self, other: Any) -> Value:
        return self._binary("or", other)

    def __invert__(self) -> Value:
        return Value(f"(not {self.source})")

    def __neg__(self) -> Value:
        return Value(f"(-{self.source})")

    def __bool__(self) -> NoReturn:
        raise BadCall(
            f"whether {self.source} holds is known in a run, not while the workflow is built",
            hint="with wf.when(…): decides in the run; & | ~ are and, or, not",
        )

    def __iter__(self) -> NoReturn:
        raise BadCall(
            f"what {self.source} holds is known in a run, not while the workflow is built",
            hint="with wf.loop(…) as item: goes over it in the run",
        )

    def __str__(self) -> str:
        return f"${{{self.source}}}"

    def __format__(self, spec: str) -> str:
        if spec:
            raise BadCall(
                "a workflow's value takes no format", hint="use .apply('formatNumber', 2)"
            )
        return str(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.source}>"


def source_of(value: Any) -> str:
    """The text of an expression that gives ``value``, a ``Value`` or any JSON value."""
    if isinstance(value, Value):
        return value.source
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(source_of, value))}]"
    if isinstance(value, dict):
        pairs = (f"{json.dumps(key)}: {source_of(item)}" for key, item in value.items())
        return f"{{{', '.join(pairs)}}}"
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise BadCall(f"{value!r} is no value of a workflow: {error}") from None


def plain(value: Any) -> Any:
    """``value`` as a file would hold it: each ``Value`` in it is its ``${…}``."""
    if isinstance(value, Value):
        return str(value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    problem = not_json(value)
    if problem:
        raise BadCall(f"{value!r} is no value of a workflow: {problem}")
    return value

"""What types expressions have where that is known: operations that always fail, tests decided.

Types flow from literals, operators and functions, and from variables that are declared with a type
and never written by a node. Everything else may be anything, and is never the cause of a finding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from goflow.expressions import syntax
from goflow.expressions.functions import FUNCTIONS
from goflow.workflow.model import ConditionNode, LoopNode, Node, ParallelNode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goflow.expressions.syntax import Expr
    from goflow.workflow.diagnostics import Path
    from goflow.workflow.fields import Findings
    from goflow.workflow.model import Variable
    from goflow.workflow.reads import Read
    from goflow.workflow.structure import Structure

__all__ = ["Types"]

Kinds = frozenset[str]
"""The JSON types that a value may have."""

ANY: Kinds = frozenset(("null", "boolean", "number", "string", "array", "object"))
BOOLEAN: Kinds = frozenset(("boolean",))
NUMBER: Kinds = frozenset(("number",))
STRING: Kinds = frozenset(("string",))
ARRAY: Kinds = frozenset(("array",))
OBJECT: Kinds = frozenset(("object",))
NULL: Kinds = frozenset(("null",))

_COMPARED = frozenset(("<", "<=", ">", ">="))
_ARITHMETIC = frozenset(("-", "*", "/", "%", "**"))
_TESTS = frozenset(
    ("==", "!=", "<", "<=", ">", ">=", "in", "contains", "startsWith", "endsWith", "matches")
)


class Types:
    """The types of a workflow's variables, and what they mean for its expressions."""

    def __init__(
        self,
        structure: Structure,
        declared: Mapping[str, Variable],
        writers: Mapping[str, list[str]],
    ) -> None:
        nodes = structure.nodes
        anything = {
            name
            for name, ids in writers.items()
            for writer in ids
            if type(nodes[writer]) not in _WRITTEN or nodes[writer].on_error != "fail"
        }
        anything |= {name for name, variable in declared.items() if variable.type == "any"}
        self._known: dict[str, Kinds] = {}
        for name in (declared.keys() | writers.keys()) - anything:
            kinds = NULL  # an input may be null
            if name in declared:
                kinds |= {declared[name].type}
            for writer in writers.get(name, ()):
                kinds |= _WRITTEN[type(nodes[writer])]
            self._known[name] = kinds

    def check(self, read: Read, base: Path, items: set[str], findings: Findings) -> None:
        """Add what is certain to go wrong in one expression, wherever it would be evaluated."""
        known = self._known
        names = read.facts.names
        kinds = tuple([ANY if name in items else known.get(name, ANY) for name, _ in names])
        for one in _mistakes(read, kinds):
            findings.add(
                one.code,
                one.message,
                (*base, *read.within),
                severity=one.severity,
                word=(one.word, read.inside + one.at) if one.word else None,
            )


class _Mistake(msgspec.Struct, frozen=True):
    """What an operation does wrong, and the word that is to blame with its place in the source."""

    code: str
    severity: str
    message: str
    word: str | None
    at: int


_KEPT = 4096
_known: dict[tuple[int, tuple[Kinds, ...]], tuple[Expr, list[_Mistake]]] = {}
"""The mistakes of trees, by their identity and what types the names have that they read."""


def _mistakes(read: Read, kinds: tuple[Kinds, ...]) -> list[_Mistake]:
    """The mistakes of an expression whose names have these types, in their order."""
    known = _known.get((id(read.tree), kinds))
    if known is not None:
        return known[1]
    inference = _Inference(
        {name: types for (name, _), types in zip(read.facts.names, kinds, strict=True)}
    )
    inference.kinds(read.tree)
    if len(_known) >= _KEPT:
        _known.clear()
    _known[id(read.tree), kinds] = (read.tree, inference.mistakes)
    return inference.mistakes


_WRITTEN: dict[type[Node], Kinds] = {
    ConditionNode: BOOLEAN,
    LoopNode: OBJECT,
    ParallelNode: OBJECT,
}
"""What nodes write whose type says it; others may write anything."""
_LITERALS = {
    bool: BOOLEAN,
    int: NUMBER,
    float: NUMBER,
    str: STRING,
    type(None): NULL,
}
_MADE = {syntax.ListOf: ARRAY, syntax.Project: ARRAY, syntax.MapOf: OBJECT}


class _Inference:
    """One walk through a tree; ``kinds`` gives the types of a node and notes the mistakes."""

    def __init__(self, known: Mapping[str, Kinds]) -> None:
        self._known = known
        self.mistakes: list[_Mistake] = []

    def kinds(self, node: Expr) -> Kinds:
        if isinstance(node, syntax.Name):
            return self._known.get(node.name, ANY)
        if isinstance(node, syntax.Literal):
            return _LITERALS[type(node.value)]
        if isinstance(node, syntax.Binary):
            return self._binary(node, self.kinds(node.left), self.kinds(node.right))
        if isinstance(node, syntax.Member):
            return self._member(node, self.kinds(node.target))
        below = [self.kinds(child) for child in syntax.children(node)]
        if isinstance(node, syntax.Call):
            return FUNCTIONS[node.function].kinds or ANY
        if isinstance(node, syntax.Unary):
            if node.operator == "not":
                return BOOLEAN
            if not below[0] & NUMBER:
                self._fails(node, f"cannot negate {_names(below[0])}")
            return NUMBER
        if isinstance(node, syntax.Choice):
            return below[1] | below[2]
        return _MADE.get(type(node), ANY)

    def _member(self, node: syntax.Member, target: Kinds) -> Kinds:
        if not target & OBJECT and not (node.safe and target & NULL):
            # Null is not said of it: what has another type is probably there.
            self._fails(node, f"{_names(target - NULL or NULL)} has no member {node.key!r}")
        return ANY

    def _binary(self, node: syntax.Binary, left: Kinds, right: Kinds) -> Kinds:
        sign = node.operator
        if sign in ("and", "or"):
            return left | right
        if sign == "??":
            return (left - NULL) | right
        if sign in ("==", "!="):
            if not left & right:
                self._decided(node, left, right)
        elif sign in _COMPARED:
            if not left & right & (NUMBER | STRING):
                self._fails(node, f"cannot compare {_names(left)} {sign} {_names(right)}")
        elif sign in ("startsWith", "endsWith", "matches"):
            if not (left & STRING and right & STRING):
                self._fails(
                    node, f"{sign} needs two strings, got {_names(left)} and {_names(right)}"
                )
        elif sign in ("in", "contains", "not in"):
            self._membership(node, *((left, right) if sign != "contains" else (right, left)))
        elif sign == "+":
            both = left & right & (NUMBER | STRING | ARRAY)
            if not both:
                self._fails(node, f"cannot add {_names(left)} and {_names(right)}")
            return both or ANY
        elif sign in _ARITHMETIC:
            if not (left & NUMBER and right & NUMBER):
                self._fails(node, f"cannot compute {_names(left)} {sign} {_names(right)}")
            return NUMBER
        return BOOLEAN if sign in _TESTS else ANY

    def _membership(self, node: syntax.Binary, item: Kinds, holder: Kinds) -> None:
        text = item & STRING and holder & (STRING | OBJECT)
        if not (holder & ARRAY or text):
            self._fails(node, f"cannot look for {_names(item)} in {_names(holder)}")

    def _fails(self, node: Expr, message: str) -> None:
        self._add("GF307", "error", f"this always fails: {message}", node)

    def _decided(self, node: syntax.Binary, left: Kinds, right: Kinds) -> None:
        result = "false" if node.operator == "==" else "true"
        message = f"this is always {result}: {_names(left)} never equals {_names(right)}"
        self._add("GF308", "warning", message, node)

    def _add(self, code: str, severity: str, message: str, node: Expr) -> None:
        word = getattr(node, "operator", None) or getattr(node, "key", None)
        self.mistakes.append(_Mistake(code, severity, message, word, node.at))


def _names(kinds: Kinds) -> str:
    order = ("string", "number", "boolean", "array", "object", "null")
    words = [name if name == "null" else f"{'an' if name[0] in 'ao' else 'a'} {name}"
             for name in order if name in kinds]  # fmt: skip
    return " or ".join(words)

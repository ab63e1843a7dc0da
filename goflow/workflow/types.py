"""What types expressions have where that is known: operations that always fail, tests decided.

Types flow from literals, operators and functions, and from variables that are declared with a type
and never written by a node. Everything else may be anything, and is never the cause of a finding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from goflow.expressions import syntax
from goflow.expressions.functions import FUNCTIONS
from goflow.workflow.model import ConditionNode, LoopNode, ParallelNode

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
        self._known: dict[str, Kinds] = {}
        for name in declared.keys() | writers.keys():
            kinds = self._variable(structure, declared.get(name), writers.get(name, []))
            if kinds != ANY:
                self._known[name] = kinds

    @staticmethod
    def _variable(structure: Structure, variable: Variable | None, writers: list[str]) -> Kinds:
        kinds: Kinds = NULL
        if variable is not None:
            if variable.type == "any":
                return ANY
            kinds = NULL | {variable.type}  # an input may be null
        for writer in writers:
            node = structure.nodes[writer]
            if node.on_error != "fail":
                return ANY
            if isinstance(node, ConditionNode):
                kinds |= BOOLEAN
            elif isinstance(node, (LoopNode, ParallelNode)):
                kinds |= OBJECT
            else:
                return ANY
        return kinds

    def check(self, read: Read, base: Path, items: set[str], findings: Findings) -> None:
        """Add what is certain to go wrong in one expression, wherever it would be evaluated."""
        _Inference(self._known, items, read, base, findings).kinds(read.tree)


_LITERALS = {
    bool: BOOLEAN,
    int: NUMBER,
    float: NUMBER,
    str: STRING,
    type(None): NULL,
}
_MADE = {syntax.ListOf: ARRAY, syntax.Project: ARRAY, syntax.MapOf: OBJECT}


class _Inference:
    """One walk through a tree; ``kinds`` gives the types of a node and reports on the way."""

    def __init__(
        self,
        known: Mapping[str, Kinds],
        items: set[str],
        read: Read,
        base: Path,
        findings: Findings,
    ) -> None:
        self._known = known
        self._items = items
        self._read = read
        self._base = base
        self._findings = findings

    def kinds(self, node: Expr) -> Kinds:
        if isinstance(node, syntax.Name):
            return ANY if node.name in self._items else self._known.get(node.name, ANY)
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
        self._add("GF307", node, f"this always fails: {message}", "error")

    def _decided(self, node: syntax.Binary, left: Kinds, right: Kinds) -> None:
        result = "false" if node.operator == "==" else "true"
        self._add(
            "GF308",
            node,
            f"this is always {result}: {_names(left)} never equals {_names(right)}",
            "warning",
        )

    def _add(self, code: str, node: Expr, message: str, severity: str) -> None:
        named = getattr(node, "operator", None) or getattr(node, "key", None)
        word = (named, self._read.inside + node.at) if named else None
        self._findings.add(
            code, message, (*self._base, *self._read.within), severity=severity, word=word
        )


def _names(kinds: Kinds) -> str:
    order = ("string", "number", "boolean", "array", "object", "null")
    words = [name if name == "null" else f"{'an' if name[0] in 'ao' else 'a'} {name}"
             for name in order if name in kinds]  # fmt: skip
    return " or ".join(words)

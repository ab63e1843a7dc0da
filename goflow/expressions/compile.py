"""Syntax tree to closures: each node becomes a function of the environment, once, at load.

The environment is a plain dict: variables by name, the reserved names (``nodes``, ``run``,
``inputs``, ``input``), ``$`` for the input, and while they are in use ``#`` (the element of the
innermost ``map`` and friends), ``*`` (the element of ``[*]``) and ``%`` (the budget).
``env[RAW]`` maps a variable's name to the raw tool result it came from.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from goflow.errors import ExpressionError
from goflow.expressions import grammar, syntax
from goflow.expressions.budget import ENTRY, LIST, MAP, Budget
from goflow.expressions.functions import FUNCTIONS
from goflow.expressions.jsonpath import JSONPath
from goflow.expressions.operators import BUDGET, COMPARISONS, SEARCHES, Env, Run, binary
from goflow.expressions.values import (
    UNCOMPUTABLE,
    EvalError,
    View,
    a_kind,
    exact,
    uncomputable,
)
from goflow.expressions.written import size_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from goflow.expressions.syntax import Expr

__all__ = [
    "ELEMENT",
    "INPUT",
    "RAW",
    "RAW_KEYS",
    "Env",
    "Expression",
    "Run",
    "budgeted",
    "compile_tree",
    "find",
    "raw_of",
]

_NOTHING: Any = object()
ELEMENT, INPUT, RAW, PROJECTED = "#", "$", "&", "*"
RAW_KEYS = frozenset({"content", "structuredContent", "isError"})
"""Members that a tool's value is asked for in files written for raw results."""

_NUMERIC = frozenset((int, float))


class Expression:
    """An expression: ``evaluate(env)`` gives its value.

    ``run`` is the bare closure for callers that handle ``EvalError`` themselves. It is made when it
    is first asked for: a validator reads trees only.
    """

    __slots__ = ("_strict", "run", "source", "tree")

    def __init__(self, source: str, tree: Expr, strict: bool) -> None:
        self.source = source
        self.tree = tree
        self._strict = strict

    def __getattr__(self, name: str) -> Run:
        if name != "run":
            raise AttributeError(name)
        self.run: Run = compile_tree(self.tree, self._strict)
        return self.run

    @staticmethod
    @lru_cache(maxsize=4096)
    def of(source: str, strict: bool = False) -> Expression:
        """The expression of a text; raises ``ExpressionError`` with the place of its mistake."""
        return Expression(source, grammar.parse(source), strict)

    def evaluate(self, env: Env) -> Any:
        """Its value in ``env``; raises ``ExpressionError`` with the place that failed."""
        try:
            return self.run(env)
        except EvalError as error:
            raise self.error(error) from None
        except UNCOMPUTABLE as error:
            raise self.error(uncomputable(error)) from None

    def error(self, error: EvalError) -> ExpressionError:
        """``error`` as the public class, with source and position."""
        return ExpressionError(
            f"{error.message} (in {self.source.strip()!r}, character {(error.at or 0) + 1})",
            source=self.source,
            position=error.at or 0,
            hint=error.hint,
        )

    def __repr__(self) -> str:
        return f"<Expression {self.source!r}>"


def compile_tree(tree: Expr, strict: bool = False) -> Run:
    """The closure of a whole tree.

    When its work may be more than a few steps, it pays from the budget of the evaluation that goes
    on, or from one of its own.
    """
    compiler = _Compiler(strict)
    run = compiler.compile(tree)
    if not compiler.pays:
        return run
    return budgeted(_measured(run) if _multiplies(tree) else run)


def _measured(run: Run) -> Run:
    """``run``, its value refused when it is too long written out: it may hold one value often."""

    def measured(env: Env) -> Any:
        value = run(env)
        if type(value) is list or type(value) is dict:
            size_of(value, Budget())
        return value

    return measured


def _multiplies(tree: Expr) -> bool:
    """Whether the value may hold a list or map in more places than the variables do.

    A few such steps after one another would make values that no memory could hold written out.
    """
    names = list(_flows(tree))
    return len(set(names)) < len(names)


def _flows(node: Expr) -> Iterator[str]:
    """The names whose values may be part of the node's, once for each place; some twice."""
    below: tuple[Expr, ...] = syntax.children(node)
    if isinstance(node, syntax.Name):
        yield node.name
    elif isinstance(node, syntax.Path) and not JSONPath.of(node.text).simple:
        yield from ("$", "$")
    elif isinstance(node, syntax.Call):
        function = FUNCTIONS[node.function]
        if function.kinds and function.kinds.isdisjoint(("array", "object")):
            return
        if function.name == "map" and len(below) > 1:
            for name in _flows(below[1]):
                # An element has its own place in each value; anything else is in all of them.
                yield from (f"#{node.at}",) if name == ELEMENT else (name, name)
        for part in below[:1] if function.per_element else below:
            yield from _flows(part)
    elif isinstance(node, syntax.Binary):
        if node.operator in ("+", "and", "or", "??"):
            yield from (name for part in below for name in _flows(part))
    elif isinstance(node, (syntax.Choice, syntax.Index, syntax.Slice, syntax.Project)):
        for part in below[1:] if isinstance(node, syntax.Choice) else below[:1]:
            yield from _flows(part)
    elif not isinstance(node, syntax.Unary):
        yield from (name for part in below for name in _flows(part))


def budgeted(run: Run) -> Run:
    """``run`` with a budget: the one of the evaluation that goes on, if there is one."""

    def with_budget(env: Env) -> Any:
        if env.get(BUDGET) is not None:
            return run(env)
        env[BUDGET] = Budget()
        try:
            return run(env)
        finally:
            env[BUDGET] = None

    return with_budget


_PAYING = frozenset(
    (
        syntax.Call,
        syntax.Project,
        syntax.Path,
        syntax.Slice,
        syntax.ListOf,
        syntax.MapOf,
    )
)


def _pays(node: Expr) -> bool:
    """Whether a node's own work may be more than a few steps."""
    if not isinstance(node, syntax.Binary):
        return type(node) in _PAYING
    sign = node.operator
    return sign == "+" or sign in SEARCHES or (sign in COMPARISONS and not _short(node))


def _short(node: syntax.Binary) -> bool:
    """Whether one side is a literal, which is short."""
    return isinstance(node.left, syntax.Literal) or isinstance(node.right, syntax.Literal)


def _weight(body: Expr) -> int:
    """Steps that evaluating ``body`` takes beyond one: it may have thousands of operators."""
    return sum(4 if isinstance(node, syntax.Call) else 1 for node in syntax.walk(body)) >> 3


class _Compiler:
    """One method a kind of node, ``_<class>``; each returns the node's closure."""

    __slots__ = ("_strict", "pays")

    def __init__(self, strict: bool) -> None:
        self._strict = strict
        self.pays = False
        """Whether the work of a node so far may be more than a few steps."""

    def compile(self, node: Expr) -> Run:
        self.pays = self.pays or _pays(node)
        run: Run = getattr(self, f"_{type(node).__name__.lower()}")(node)
        return run

    def _literal(self, node: syntax.Literal) -> Run:
        value = node.value
        return lambda env: value

    def _name(self, node: syntax.Name) -> Run:
        name, at = node.name, node.at

        def run(env: Env) -> Any:
            try:
                return env[name]
            except KeyError:
                raise _unknown(name, at, env) from None

        return run

    # -- access --------------------------------------------------------------------------------

    def _member(self, node: syntax.Member) -> Run:
        key, at, safe, strict = node.key, node.at, node.safe, self._strict
        target = self.compile(node.target)
        raw = _raw_source(node)

        def run(env: Env) -> Any:
            value = target(env)
            if type(value) is dict:
                if key in value:
                    return value[key]
            elif isinstance(value, View):
                try:
                    return value.member(key)
                except KeyError as error:
                    raise EvalError(str(error.args[0]), at) from None
            if raw is not None:
                original = raw(env)
                if original is not None:
                    return original.get(key)
            if type(value) is not dict and not (safe and value is None):
                raise _no_member(value, key, at)
            if strict and not safe:
                raise EvalError(f"there is no {key!r} here", at)
            return None

        return run

    def _index(self, node: syntax.Index) -> Run:
        target, index, at, strict = (
            self.compile(node.target),
            self.compile(node.index),
            node.at,
            self._strict,
        )

        def run(env: Env) -> Any:
            value, key = target(env), index(env)
            if type(value) is list and type(key) is int:
                if -len(value) <= key < len(value):
                    return value[key]
            elif type(value) is dict and type(key) is str:
                if key in value:
                    return value[key]
            elif isinstance(value, View) and type(key) is str:
                try:
                    return value.member(key)
                except KeyError as error:
                    raise EvalError(str(error.args[0]), at) from None
            else:
                raise EvalError(f"cannot index {a_kind(value)} with {a_kind(key)}", at)
            if strict:
                raise EvalError(f"there is no [{key!r}] here", at)
            return None

        return run

    def _slice(self, node: syntax.Slice) -> Run:
        target, at = self.compile(node.target), node.at
        start = self.compile(node.start) if node.start is not None else None
        stop = self.compile(node.stop) if node.stop is not None else None

        def run(env: Env) -> Any:
            value = target(env)
            ends = (start and start(env), stop and stop(env))
            if type(value) not in (list, str):
                raise EvalError(f"cannot slice {a_kind(value)}", at)
            if any(end is not None and type(end) is not int for end in ends):
                raise EvalError("the ends of a slice are whole numbers", at)
            part = slice(*ends)
            width = 8 if type(value) is list else 1 if value.isascii() else 4
            env[BUDGET].build(LIST + width * len(range(*part.indices(len(value)))))
            return value[part]

        return run

    def _project(self, node: syntax.Project) -> Run:
        target, tail, at = self.compile(node.target), self.compile(node.tail), node.at
        weight = 1 + _weight(node.tail)

        def run(env: Env) -> Any:
            items = target(env)
            if type(items) is dict:
                items = list(items.values())
            if type(items) is not list:
                raise EvalError(f"[*] needs an array or object, got {a_kind(items)}", at)
            env[BUDGET].visit(weight * len(items))
            env[BUDGET].build(LIST + 8 * len(items))
            return _each(env, PROJECTED, lambda each: [each(item) for item in items], tail)

        return run

    def _path(self, node: syntax.Path) -> Run:
        target, at, path = self.compile(node.target), node.at, JSONPath.of(node.text)

        def run(env: Env) -> Any:
            try:
                return find(path, target(env), env)
            except EvalError as error:
                error.at = at if error.at is None else error.at
                raise

        return run

    # -- operators -----------------------------------------------------------------------------

    def _unary(self, node: syntax.Unary) -> Run:
        operand, at = self.compile(node.operand), node.at
        if node.operator == "not":
            return lambda env: not operand(env)

        def negate(env: Env) -> Any:
            value = operand(env)
            if type(value) not in _NUMERIC:
                raise EvalError(f"cannot negate {a_kind(value)}", at)
            return -value

        return negate

    def _binary(self, node: syntax.Binary) -> Run:
        left, right = self.compile(node.left), self.compile(node.right)
        return binary(node.operator, left, right, node.at, short=_short(node))

    def _choice(self, node: syntax.Choice) -> Run:
        test, then, other = map(self.compile, (node.test, node.then, node.other))
        return lambda env: then(env) if test(env) else other(env)

    # -- calls and literals --------------------------------------------------------------------

    def _call(self, node: syntax.Call) -> Run:
        function = FUNCTIONS[node.function]
        call, at, budget = function.call, node.at, function.budget
        arguments = tuple(map(self.compile, node.arguments))
        if function.name == "default":
            value, other = arguments
            return lambda env: other(env) if (got := value(env)) is None else got
        if function.name == "if":
            test, then = arguments[:2]
            otherwise = arguments[2] if len(arguments) > 2 else lambda env: None
            return lambda env: then(env) if test(env) else otherwise(env)
        if function.per_element and len(arguments) > 1:
            return self._element_call(node, *arguments)

        def run(env: Env) -> Any:
            values = [argument(env) for argument in arguments]
            if budget:
                values.insert(0, env[BUDGET])
            try:
                result = call(*values)
                # No function makes a number that the language does not have.
                return exact(result) if type(result) in _NUMERIC else result
            except EvalError as error:
                if error.at is None:
                    error.at = at
                    error.message = f"{function.name}: {error.message}"
                raise

        return run

    def _element_call(self, node: syntax.Call, items: Run, body: Run) -> Run:
        call, name, at = FUNCTIONS[node.function].call, node.function, node.at
        weight = _weight(node.arguments[1])

        def run(env: Env) -> Any:
            budget, values = env[BUDGET], items(env)
            try:
                if weight and type(values) is list:
                    budget.visit(weight * len(values))
                return _each(env, ELEMENT, lambda each: call(budget, values, each), body)
            except EvalError as error:
                if error.at is None:
                    error.at = at
                    error.message = f"{name}: {error.message}"
                raise

        return run

    def _listof(self, node: syntax.ListOf) -> Run:
        items = tuple(map(self.compile, node.items))
        size = LIST + 8 * len(items)

        def run(env: Env) -> Any:
            env[BUDGET].build(size)
            return [item(env) for item in items]

        return run

    def _mapof(self, node: syntax.MapOf) -> Run:
        items = tuple((key, self.compile(value)) for key, value in node.items)
        size = MAP + ENTRY * len(items)

        def run(env: Env) -> Any:
            env[BUDGET].build(size)
            return {key: value(env) for key, value in items}

        return run


def _each(env: Env, name: str, use: Callable[[Run], Any], body: Run) -> Any:
    """``use`` called with a function that evaluates ``body`` with ``name`` bound to an element."""
    outer = env.get(name, _NOTHING)

    def each(item: Any) -> Any:
        env[name] = item
        return body(env)

    try:
        return use(each)
    finally:
        if outer is _NOTHING:
            env.pop(name, None)
        else:
            env[name] = outer


def find(path: JSONPath, root: Any, env: Env) -> Any:
    """``path`` applied to the input; a member of a raw result is looked for there when missing."""
    first = path.first
    if first in RAW_KEYS and not (type(root) is dict and first in root):
        raw = env.get(RAW, {}).get(INPUT)
        root = root if raw is None else raw
    return path.find(root, env.get(BUDGET))


def _raw_source(node: syntax.Member) -> Callable[[Env], Any] | None:
    """Where to look when a tool's value has no such member: its raw result, if one is in reach."""
    return raw_of(node.target) if node.key in RAW_KEYS else None


def raw_of(tree: Expr) -> Run | None:
    """Where to find the raw tool result behind ``name`` or ``nodes.id.output``; None for the rest.

    The function gives None when the value did not come from a tool.
    """
    if isinstance(tree, syntax.Name):
        name = tree.name
        return lambda env: env.get(RAW, {}).get(name)
    if isinstance(tree, syntax.Member) and tree.key == "output":
        inner = tree.target
        if (
            isinstance(inner, syntax.Member)
            and isinstance(inner.target, syntax.Name)
            and inner.target.name == "nodes"
        ):
            node_id = inner.key
            return lambda env: env["nodes"].raw(node_id)
    return None


def _no_member(value: Any, key: str, at: int) -> EvalError:
    hint = None
    if value is None:
        hint = f"'?.{key}' gives null when its left side is null"
    elif type(value) is list:
        hint = f"'[0].{key}' takes it of one element, '[*].{key}' of all"
    elif type(value) is str:
        hint = "fromJSON(…) reads JSON text"
    return EvalError(f"{a_kind(value)} has no member {key!r}", at, hint)


def _unknown(name: str, at: int, env: Env) -> EvalError:
    from goflow.expressions.functions import nearest  # noqa: PLC0415

    if name == ELEMENT:
        return EvalError(
            "'#' and '.field' stand for an element, inside map, filter and friends", at
        )
    if name in (INPUT, "input"):
        return EvalError(f"{name!r} is the input of a transform; there is none here", at)
    known = [key for key in env if key.isidentifier()]
    return EvalError(f"there is no variable {name!r}", at, nearest(name, known))

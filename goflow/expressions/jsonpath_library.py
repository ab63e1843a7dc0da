"""Paths with wildcards, slices, descendants and filters, through the library python-jsonpath.

Parsed strictly by RFC 9535, with the operator ``contains`` added. Equality is that of expressions,
regular expressions run in linear time, and every node that is visited or tested is paid for.
"""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Any

from jsonpath import JSONPath as LibraryPath
from jsonpath import JSONPathEnvironment, JSONPathMatch
from jsonpath.exceptions import JSONPathError, JSONPathRecursionError, JSONPathSyntaxError
from jsonpath.filter import (
    UNDEFINED,
    BaseExpression,
    IntegerLiteral,
    RelativeFilterQuery,
    RootFilterQuery,
    StringLiteral,
)
from jsonpath.function_extensions import ExpressionType, FilterFunction
from jsonpath.lex import Lexer
from jsonpath.match import NodeList
from jsonpath.parse import Parser
from jsonpath.segments import (
    JSONPathChildSegment,
    JSONPathRecursiveDescentSegment,
    JSONPathSegment,
)
from jsonpath.selectors import FilterContext, SliceSelector
from jsonpath.token import (
    TOKEN_CONTAINS,
    TOKEN_FUNCTION,
    TOKEN_SELF,
    TOKEN_SINGLE_QUOTE_STRING,
    Token,
)

from goflow.errors import ExpressionError
from goflow.expressions.budget import Budget
from goflow.expressions.jsonpath import NAME
from goflow.expressions.regex import PatternError, compile_pattern, found
from goflow.expressions.values import EvalError, equal

if TYPE_CHECKING:
    from collections.abc import Iterable
    from re import Pattern

    from jsonpath.stream import TokenStream


__all__ = ["Query"]

_MAX_NUMBER = 77
_NOTHING = object()
_TOKEN_NAME = re.compile(r"'?TOKEN_([A-Z_]+)'?")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)|[\x00-\x1f]", re.DOTALL)
_ESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_ESCAPES = "bfnrt/\\"
_IN_CLASS = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\.", re.DOTALL)


class _Work(threading.local):
    """The budget of the evaluation that goes on in this thread."""

    def __init__(self) -> None:
        self.budget = Budget()

    def visit(self, count: int = 1) -> None:
        self.budget.visit(count)


_WORK = _Work()


class Query:
    """A compiled path of any kind.

    Raises ``ExpressionError`` for a mistake. ``find`` gives a value or None when the path can match
    one thing only, else a list.
    """

    __slots__ = ("_path", "_singular")

    def __init__(self, source: str) -> None:
        try:
            path = _environment().compile(source)
        except JSONPathError as error:
            at = error.token.index if error.token is not None else 0
            message = _TOKEN_NAME.sub(lambda m: m[1].lower().replace("_", " "), str(error.args[0]))
            raise ExpressionError(f"{message} (JSONPath)", source=source, position=at) from None
        except (RecursionError, OverflowError, ValueError) as error:
            raise ExpressionError(f"this JSONPath cannot be read: {error}", source=source) from None
        assert isinstance(path, LibraryPath)
        self._path = path
        self._singular = path.singular_query()

    def find(self, root: Any, budget: Budget) -> Any:
        """What the path selects of ``root``; raises ``EvalError`` when it takes too much."""
        outer, _WORK.budget = _WORK.budget, budget
        try:
            values = [node.obj for node in _nodes(self._path, root)]
        except JSONPathError as error:
            raise EvalError(f"{error.args[0]} (JSONPath)") from None
        except RecursionError:
            raise EvalError("the value nests too deeply for this JSONPath") from None
        finally:
            _WORK.budget = outer
        if self._singular:
            return values[0] if values else None
        budget.build(8 * len(values))
        return values


class _Node(JSONPathMatch):
    """A value on the way, without the text of its location, which nobody reads."""

    __slots__ = ()

    def __init__(self, obj: Any, root: Any) -> None:
        self.obj = obj
        self.root = root

    def new_child(self, obj: object, key: int | str) -> JSONPathMatch:
        _WORK.visit()
        return _Node(obj, self.root)

    def add_child(self, *children: JSONPathMatch) -> None:
        pass

    def filter_context(self) -> dict[str, Any]:
        return {}


def _nodes(path: LibraryPath, root: Any) -> Iterable[JSONPathMatch]:
    nodes: Iterable[JSONPathMatch] = [_Node(root, root)]
    for segment in path.segments:
        nodes = segment.resolve(nodes)
    return nodes


class _Relative(RelativeFilterQuery):
    """``@…``, a list of nodes for scalars too, so that ``?@`` asks for existence."""

    __slots__ = ()

    def evaluate(self, context: FilterContext) -> object:
        nodes: Iterable[JSONPathMatch] = [_Node(context.current, context.root)]
        for segment in self.path.segments:
            nodes = segment.resolve(nodes)
        return NodeList(nodes)


class _Root(RootFilterQuery):
    """``$…`` inside a filter."""

    __slots__ = ()

    def evaluate(self, context: FilterContext) -> object:
        return NodeList(_nodes(self.path, context.root))


class _Child(JSONPathChildSegment):
    """``.name`` and ``[…]``: each selector is tried on each node."""

    __slots__ = ()

    def resolve(self, nodes: Iterable[JSONPathMatch]) -> Iterable[JSONPathMatch]:
        for node in nodes:
            _WORK.visit(len(self.selectors) - 1)
            for selector in self.selectors:
                yield from selector.resolve(node)


class _Descent(JSONPathRecursiveDescentSegment):
    """``..``: its selectors are tried on every list and map below a node; scalars are passed by."""

    __slots__ = ()

    def _visit(self, node: JSONPathMatch, depth: int = 1) -> Iterable[JSONPathMatch]:
        if depth > _Environment.max_recursion_depth:
            raise JSONPathRecursionError("recursion limit exceeded", token=self.token)
        _WORK.visit(len(self.selectors))
        yield node
        value: Any = node.obj
        if type(value) in (dict, list):
            below = value.values() if type(value) is dict else value
            _WORK.visit(len(value) >> 2)
            for item in below:
                if type(item) in (dict, list):
                    yield from self._visit(_Node(item, node.root), depth + 1)


class _Slice(SliceSelector):
    """A slice of an array; a string is none."""

    __slots__ = ()

    def resolve(self, node: JSONPathMatch) -> Iterable[JSONPathMatch]:
        return super().resolve(node) if type(node.obj) is list else ()


class _Lexer(Lexer):
    key_pattern = NAME

    def compile_strict_rules(self) -> Pattern[str]:
        rules = super().compile_strict_rules()
        added = rf"(?P<{TOKEN_CONTAINS}>contains\b(?!\())|(?P<{TOKEN_FUNCTION}>"
        return re.compile(rules.pattern.replace(f"(?P<{TOKEN_FUNCTION}>", added, 1), re.DOTALL)


class _Parser(Parser):
    COMPARISON_OPERATORS = Parser.COMPARISON_OPERATORS | {"contains"}

    def parse_query(self, stream: TokenStream) -> Iterable[JSONPathSegment]:
        for segment in super().parse_query(stream):
            kind = _Child if isinstance(segment, JSONPathChildSegment) else _Descent
            yield kind(env=self.env, token=segment.token, selectors=segment.selectors)

    def parse_relative_query(self, stream: TokenStream) -> BaseExpression:
        stream.eat(TOKEN_SELF)
        return _Relative(LibraryPath(env=self.env, segments=self.parse_query(stream)))

    def parse_absolute_query(self, stream: TokenStream) -> BaseExpression:
        stream.next()
        return _Root(LibraryPath(env=self.env, segments=self.parse_query(stream)))

    def parse_integer_literal(self, stream: TokenStream) -> BaseExpression:
        token = stream.current()
        if len(token.value) > _MAX_NUMBER:
            raise JSONPathSyntaxError("this number is too long", token=token)
        literal = super().parse_integer_literal(stream)
        # The library goes through a float; whole numbers stay exact here.
        exact = token.value.lstrip("-").isdigit()
        return IntegerLiteral(value=int(token.value)) if exact else literal

    def _decode_string_literal(self, token: Token) -> str:
        # The library refuses control characters that are written as an escape, which are allowed.
        quote = "'" if token.kind == TOKEN_SINGLE_QUOTE_STRING else '"'

        def replace(match: re.Match[str]) -> str:
            escape = match[1]
            if escape is None or (len(escape) == 1 and escape not in _ESCAPES + quote):
                raise JSONPathSyntaxError("invalid character or escape in a string", token=token)
            if len(escape) > 1:
                return chr(int(escape[1:], 16))
            return _ESCAPED.get(escape, escape)

        text = _ESCAPE.sub(replace, token.value)
        try:
            return text.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            raise JSONPathSyntaxError("half of a surrogate pair", token=token) from None

    def parse_slice(self, stream: TokenStream) -> SliceSelector:
        read = super().parse_slice(stream)
        ends = read.slice
        return _Slice(
            env=self.env, token=read.token, start=ends.start, stop=ends.stop, step=ends.step
        )

    def parse_function_extension(self, stream: TokenStream) -> BaseExpression:
        token = stream.current()
        call = super().parse_function_extension(stream)
        if token.value in ("match", "search"):
            pattern = call.children()[1]
            try:
                # Without an engine even a pattern that is known later is a mistake now.
                literal = pattern.value if isinstance(pattern, StringLiteral) else ""
                compile_pattern(_translated(literal))
            except PatternError as error:
                raise JSONPathSyntaxError(str(error), token=token) from None
        return call


class _Regex(FilterFunction):
    """``match`` and ``search``: false for what is no text or no pattern, as the RFC has it."""

    def __init__(self, *, whole: bool) -> None:
        self._whole = whole

    @property
    def arg_types(self) -> list[ExpressionType]:
        return [ExpressionType.VALUE, ExpressionType.VALUE]

    @property
    def return_type(self) -> ExpressionType:
        return ExpressionType.LOGICAL

    def __call__(self, value: object, pattern: object) -> bool:
        if type(value) is not str or type(pattern) is not str:
            return False
        try:
            return found(_translated(pattern), value, _WORK.budget, whole=self._whole)
        except PatternError:
            return False


def _translated(pattern: str) -> str:
    """An RFC 9485 pattern in RE2's syntax: its dot is neither line feed nor carriage return."""
    return _IN_CLASS.sub(lambda m: r"[^\n\r]" if m.group() == "." else m.group(), pattern)


class _Environment(JSONPathEnvironment):
    lexer_class = _Lexer
    parser_class = _Parser
    max_recursion_depth = 200

    def setup_function_extensions(self) -> None:
        super().setup_function_extensions()
        self.function_extensions["match"] = _Regex(whole=True)
        self.function_extensions["search"] = _Regex(whole=False)

    def is_truthy(self, obj: object) -> bool:
        _WORK.visit()
        return len(obj) > 0 if isinstance(obj, NodeList) else obj is True

    def compare(self, left: object, operator: str, right: object) -> bool:
        if operator == "&&":
            return self.is_truthy(left) and self.is_truthy(right)
        if operator == "||":
            return self.is_truthy(left) or self.is_truthy(right)
        _WORK.visit()
        a, b = _value(left), _value(right)
        if a is _NOTHING or b is _NOTHING:
            return a is b if operator in ("==", "<=", ">=") else operator == "!=" and a is not b
        if operator == "contains":
            return _contains(a, b)
        if operator == "==":
            return equal(a, b, _WORK.budget)
        if operator == "!=":
            return not equal(a, b, _WORK.budget)
        return _ordered(a, operator, b)


def _value(operand: object) -> Any:
    if isinstance(operand, NodeList):
        return operand[0].obj if len(operand) == 1 else _NOTHING
    return _NOTHING if operand is UNDEFINED else operand


def _contains(holder: Any, item: Any) -> bool:
    if type(holder) is list:
        _WORK.visit(len(holder))
        return any(equal(item, other, _WORK.budget) for other in holder)
    if type(item) is not str:
        return False
    if type(holder) is str:
        _WORK.budget.scan(holder, item)
        return item in holder
    return type(holder) is dict and item in holder


def _ordered(a: Any, operator: str, b: Any) -> bool:
    if type(a) is str:
        _WORK.budget.scan(a)
    numbers = type(a) in (int, float) and type(b) in (int, float)
    if not numbers and not (type(a) is str and type(b) is str):
        return operator in ("<=", ">=") and equal(a, b, _WORK.budget)
    if operator == "<":
        return bool(a < b)
    if operator == ">":
        return bool(a > b)
    return bool(a <= b) if operator == "<=" else bool(a >= b)


_made: list[_Environment] = []


def _environment() -> _Environment:
    if not _made:
        _made.append(_Environment(strict=True))
    return _made[0]

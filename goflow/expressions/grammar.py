"""Text to syntax tree: a lexer of one regular expression and a Pratt parser over its tokens.

Precedence, loosest first: ``|`` · ``? :`` · ``??`` · ``|| or`` · ``&& and`` · ``! not`` ·
comparisons (no chaining) · ``+ -`` · ``* / %`` · unary ``-`` · ``**`` · postfix. After V. Pratt,
"Top down operator precedence" (POPL 1973).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NoReturn

import msgspec

from goflow.errors import ExpressionError
from goflow.expressions import syntax
from goflow.expressions.functions import ELEMENT_FUNCTIONS, FUNCTIONS, nearest
from goflow.expressions.jsonpath import JSONPath, path_end
from goflow.expressions.regex import PatternError, compile_pattern

if TYPE_CHECKING:
    from goflow.expressions.syntax import Expr

__all__ = ["MAX_DEPTH", "MAX_SOURCE", "parse", "parse_embedded"]

MAX_SOURCE = 8 * 1024
"""Longest source of one expression, in characters."""
MAX_DEPTH = 64
"""Deepest nesting of one expression."""

PIPE, CHOICE, COALESCE, OR, AND, NOT, COMPARE, SUM, PRODUCT, NEGATE, POWER = range(1, 12)

INFIX = {
    "|": PIPE,
    "?": CHOICE,
    "??": COALESCE,
    "||": OR,
    "or": OR,
    "&&": AND,
    "and": AND,
    "+": SUM,
    "-": SUM,
    "*": PRODUCT,
    "/": PRODUCT,
    "%": PRODUCT,
    "**": POWER,
} | dict.fromkeys(
    (
        *("==", "!=", "<", "<=", ">", ">=", "in", "not"),
        *("contains", "startsWith", "endsWith", "matches"),
    ),
    COMPARE,
)
CANONICAL = {"||": "or", "&&": "and"}
CONSTANTS = {"true": True, "false": False, "null": None, "nil": None}
VIEWS = {
    "nodes": "it has one member for each node: nodes.id.output",
    "run": "it has the members id, workflow and started_at",
}
WORDS_NEVER_NAMES = frozenset({"and", "or", "not", "in"})

_MEANT = {
    "AND": "write 'and' or '&&'",
    "OR": "write 'or' or '||'",
    "NOT": "write 'not' or '!'",
    "is": "compare with '=='",
    "then": "write condition ? one : other",
    "if": "write if(condition, one, other)",
}
"""What is meant by words of other languages where they cannot stand."""

_TOKEN = re.compile(
    r"""
    [ \t\r\n]*(?:
    (?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)
  | (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*|\#|\$(?!\{))
  | (?P<sign>\?\.(?=[A-Za-z_])|\$\{|\*\*|\?\?|\|\||&&|==|!=|<=|>=|[-+*/%<>!?:|.,()\[\]{}])
  | (?P<end>\Z)
    )""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"} | {c: c for c in "\"'\\/"}


class Token(msgspec.Struct, frozen=True):
    """``kind`` is number, string, name, sign or end; ``text`` is the source of it."""

    kind: str
    text: str
    at: int


@lru_cache(maxsize=4096)
def parse(source: str) -> Expr:
    """The tree of a whole expression.

    Raises ``ExpressionError`` with the position of the first character that cannot be right.
    """
    parser = _Parser(source, 0)
    tree = parser.expression(0)
    if parser.token.kind != "end":
        parser.unexpected("the expression ends before this")
    return tree


def parse_embedded(source: str, start: int) -> tuple[Expr, int]:
    """The tree of ``${…}`` whose inside begins at ``start``, and the offset after its ``}``.

    Positions in the tree and in errors count from the beginning of ``source``.
    """
    parser = _Parser(source, start, closing=1)
    tree = parser.expression(0)
    if parser.token.text != "}" or parser.token.kind != "sign":
        parser.unexpected("expected '}' to close '${'")
    return tree, parser.token.at + 1


class _Parser:
    """One token of look-ahead over the source; ``token`` is the next one, not yet taken."""

    __slots__ = ("_depth", "_elements", "_limit", "_next", "_source", "token")

    def __init__(self, source: str, start: int, closing: int = 0) -> None:
        self._source = source
        self._next = start
        self._limit = start + MAX_SOURCE + closing
        self._depth = 0
        self._elements = 0  # calls around that evaluate this for an element
        self.token = self._lex()

    # -- tokens --------------------------------------------------------------------------------

    def _lex(self) -> Token:
        match = _TOKEN.match(self._source, self._next)
        if match is None:
            self._bad_character()
        self._next = match.end()
        if self._next > self._limit:
            self._too_long()
        kind = match.lastgroup
        assert kind is not None
        return Token(kind, match[kind], match.start(kind))

    def _too_long(self) -> NoReturn:
        self._fail(f"an expression is at most {MAX_SOURCE} characters long", self._limit)

    def _bad_character(self) -> NoReturn:
        rest = self._source[self._next :]
        at = len(self._source) - len(rest.lstrip(" \t\r\n"))
        character = self._source[at]
        if character in "\"'":
            self._fail("this string is not closed", at)
        hint = {
            "=": "compare with '=='",
            "&": "write '&&' or 'and'",
            "`": "strings are quoted with \" or '",
        }.get(character)
        self._fail(f"unexpected character {character!r}", at, hint)

    def _advance(self) -> Token:
        taken = self.token
        self.token = self._lex()
        return taken

    def _is(self, text: str) -> bool:
        return self.token.text == text and self.token.kind in ("sign", "name")

    def _take(self, text: str) -> bool:
        if self._is(text):
            self._advance()
            return True
        return False

    def _expect(self, text: str, why: str) -> None:
        if not self._take(text):
            self.unexpected(f"expected {text!r} {why}")

    def _fail(self, message: str, at: int, hint: str | None = None) -> NoReturn:
        raise ExpressionError(message, source=self._source, position=at, hint=hint)

    def unexpected(self, why: str) -> NoReturn:
        """Raise for the token that came instead of what ``why`` asks for."""
        token = self.token
        found = "the end" if token.kind == "end" else repr(token.text)
        self._fail(f"{why}, found {found}", token.at, _MEANT.get(token.text))

    # -- expressions ---------------------------------------------------------------------------

    def expression(self, floor: int) -> Expr:
        """Parse what binds tighter than ``floor``."""
        outside = self._depth
        self._deeper()
        left = self._prefix()
        compared = False
        while self.token.kind in ("sign", "name"):
            operator = self.token.text
            power = INFIX.get(operator, 0)
            if power <= floor:
                break
            if power == COMPARE:
                if compared:
                    self._fail("comparisons do not chain", self.token.at, "join them with 'and'")
                compared = True
            elif power < COMPARE:
                compared = False
            # A chain of operators makes a tree as deep as it is long.
            self._deeper()
            left = self._infix(left, power)
        self._depth = outside
        return left

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self._fail(f"nested deeper than {MAX_DEPTH} levels", self.token.at)

    def _infix(self, left: Expr, power: int) -> Expr:
        taken = self._advance()
        operator = taken.text
        if power == PIPE:
            return self._pipe(left)
        if power == CHOICE:
            then = self.expression(PIPE)
            self._expect(":", "between the two results of '?'")
            return syntax.Choice(taken.at, left, then, self.expression(CHOICE - 1))
        if operator == "not":
            self._expect("in", "after 'not'")
            right = self.expression(COMPARE)
            return syntax.Unary(taken.at, "not", syntax.Binary(taken.at, "in", left, right))
        # A right-associative operator takes its own kind on its right side, where a sign may stand.
        right = self.expression(NEGATE - 1 if power == POWER else power)
        if operator == "matches":
            self._pattern(right)
        return syntax.Binary(taken.at, CANONICAL.get(operator, operator), left, right)

    def _pattern(self, tree: Expr) -> None:
        """A pattern that is written out is tried now, not when it is first used."""
        if isinstance(tree, syntax.Literal) and isinstance(tree.value, str):
            try:
                compile_pattern(tree.value)
            except PatternError as error:
                self._fail(str(error), tree.at)

    def _pipe(self, left: Expr) -> Expr:
        token = self.token
        if token.kind != "name":
            self.unexpected("expected a function after '|'")
        self._advance()
        name = token.text
        if self._is(".") and name == "path":
            self._advance()
            name = f"path.{self._advance().text}"
        if self._take("("):
            return self._call(name, token.at, (left,))
        self._known_function(name, token.at)
        return syntax.Call(token.at, name, (left,))

    def _prefix(self) -> Expr:
        token = self._advance()
        text = token.text
        if token.kind == "number":
            return self._postfix(syntax.Literal(token.at, self._number(token)))
        if token.kind == "string":
            return self._postfix(syntax.Literal(token.at, self._string(token)))
        if text in ("!", "not"):
            return syntax.Unary(token.at, "not", self.expression(NOT - 1))
        if text == "-":
            return syntax.Unary(token.at, "-", self.expression(NEGATE - 1))
        if token.kind == "name":
            return self._postfix(self._name(token))
        if text in ("(", "${"):
            inner = self.expression(0)
            self._expect(")" if text == "(" else "}", f"to close {text!r}")
            return self._postfix(inner)
        if text == "[":
            return self._postfix(syntax.ListOf(token.at, self._items("]")))
        if text == "{":
            return self._postfix(self._map(token.at))
        if text == "." and self.token.kind == "name":
            key = self._advance()
            element = self._element(token.at)
            return self._postfix(syntax.Member(key.at, element, key.text, False))
        self.token = token
        self.unexpected("expected a value")

    def _element(self, at: int) -> Expr:
        if not self._elements:
            self._fail("'#' and '.field' stand for an element, inside map, filter and friends", at)
        return syntax.Name(at, "#")

    def _name(self, token: Token) -> Expr:
        name = token.text
        if name == "#":
            return self._element(token.at)
        if self._is("("):
            self._advance()
            return self._call(name, token.at, ())
        if name in CONSTANTS:
            return syntax.Literal(token.at, CONSTANTS[name])
        if name in WORDS_NEVER_NAMES:
            self._fail(f"expected a value, found {name!r}", token.at)
        if name in VIEWS and not (self._is(".") or self._is("?.") or self._is("[")):
            self._fail(f"{name!r} is no value by itself", token.at, VIEWS[name])
        if name == "$" and self._source.startswith((".", "["), token.at + 1):
            return self._path(token.at)
        return syntax.Name(token.at, name)

    def _path(self, at: int) -> Expr:
        """A JSONPath is one token, which ends where its grammar ends."""
        end = path_end(self._source, at)
        if end > self._limit:
            self._too_long()
        text = self._source[at:end]
        try:
            JSONPath.of(text)
        except ExpressionError as error:
            self._fail(error.message, at + error.position, error.hint)
        self._next = end
        self.token = self._lex()
        return syntax.Path(at, syntax.Name(at, "$"), text)

    def _postfix(self, target: Expr) -> Expr:
        outside = self._depth
        while self.token.kind == "sign" and self.token.text in (".", "?.", "["):
            at = self.token.at
            self._deeper()
            if self.token.text in (".", "?."):
                safe = self._advance().text == "?."
                if self.token.kind != "name" or self.token.text in ("#", "$"):
                    self._no_name(target)
                key = self._advance()
                if self._is("("):
                    target = self._dotted_call(target, key)
                else:
                    target = syntax.Member(key.at, target, key.text, safe)
            else:
                self._advance()
                if self._take("*"):
                    self._expect("]", "after '[*'")
                    # The rest of the chain belongs to each element, so it is parsed in here.
                    target = syntax.Project(at, target, self._postfix(syntax.Name(at, "*")))
                else:
                    target = self._subscript(target, at)
        self._depth = outside
        return target

    def _no_name(self, target: Expr) -> NoReturn:
        if isinstance(target, syntax.Path) and target.text == "$" and self._is("["):
            self._fail("expected a name after '.', found '['", self.token.at, "write '$['")
        self.unexpected("expected a name after '.'")

    def _subscript(self, target: Expr, at: int) -> Expr:
        start = None if self._is(":") else self.expression(0)
        if self._take(":"):
            stop = None if self._is("]") else self.expression(0)
            self._expect("]", "to close '['")
            return syntax.Slice(at, target, start, stop)
        self._expect("]", "to close '['")
        assert start is not None
        if isinstance(start, syntax.Literal) and isinstance(start.value, str):
            return syntax.Member(at, target, start.value, False)
        return syntax.Index(at, target, start)

    def _dotted_call(self, target: Expr, key: Token) -> Expr:
        if isinstance(target, syntax.Name):
            name = f"{target.name}.{key.text}"
            if name in FUNCTIONS:
                self._advance()
                return self._call(name, target.at, ())
        self._fail(
            f"values have no methods: '.{key.text}(' cannot be called",
            key.at,
            f"write {key.text}(value) or value | {key.text}" if key.text in FUNCTIONS else None,
        )

    def _call(self, name: str, at: int, first: tuple[Expr, ...]) -> Expr:
        self._known_function(name, at)
        per_element = name in ELEMENT_FUNCTIONS
        arguments = [*first, *self._items(")", per_element, len(first))]
        if per_element:
            # A field's name in quotes stands for that field of the element.
            for i, argument in enumerate(arguments[1:], 1):
                if isinstance(argument, syntax.Literal) and isinstance(argument.value, str):
                    element = syntax.Name(argument.at, "#")
                    arguments[i] = syntax.Member(argument.at, element, argument.value, False)
        function = FUNCTIONS[name]
        if not function.takes(len(arguments)):
            self._fail(f"{function.signature} was given {len(arguments)} arguments", at)
        return syntax.Call(at, name, tuple(arguments))

    def _known_function(self, name: str, at: int) -> None:
        if name not in FUNCTIONS:
            self._fail(f"there is no function {name!r}", at, nearest(name, FUNCTIONS))

    def _items(self, close: str, per_element: bool = False, first: int = 0) -> tuple[Expr, ...]:
        """The items of a list; with ``per_element`` all but the very first see an element."""
        items: list[Expr] = []
        while not self._is(close):
            inside = per_element and bool(first or items)
            self._elements += inside
            items.append(self.expression(0))
            self._elements -= inside
            if not self._take(","):
                break
        self._expect(close, "to close the list")
        return tuple(items)

    def _map(self, at: int) -> Expr:
        items: list[tuple[str, Expr]] = []
        while not self._is("}"):
            if self.token.kind != "string":
                self.unexpected("expected a key in quotes")
            key = self._string(self._advance())
            self._expect(":", "after a key")
            items.append((key, self.expression(0)))
            if not self._take(","):
                break
        self._expect("}", "to close the map")
        return syntax.MapOf(at, tuple(items))

    # -- literals ------------------------------------------------------------------------------

    def _number(self, token: Token) -> int | float:
        if self.token.kind == "name" and self.token.at == token.at + len(token.text):
            self._fail(
                f"a name cannot begin with a digit: {token.text + self.token.text!r}", token.at
            )
        if token.text.isdigit():
            if len(token.text) > 77 or int(token.text).bit_length() > 256:
                self._fail("integers have at most 256 bits", token.at)
            return int(token.text)
        value = float(token.text)
        if value in (float("inf"), float("-inf")):
            self._fail("this number is too large", token.at)
        return value

    def _string(self, token: Token) -> str:
        body = token.text[1:-1]
        if "\\" not in body:
            return body

        def replace(match: re.Match[str]) -> str:
            escape = match.group(1)
            if len(escape) > 1:
                return chr(int(escape[1:], 16))
            if escape not in _ESCAPES:
                self._fail(f"unknown escape '\\{escape}'", token.at + 1 + match.start())
            return _ESCAPES[escape]

        text = _ESCAPE.sub(replace, body)
        # \ud83d\ude00 is one character in JSON; a half of a pair is none.
        try:
            return text.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            self._fail("half of a surrogate pair", token.at)

"""A plain oracle of the expression language: trees as tuples, evaluated by the rules as written.

``render`` writes a tree with as few parentheses as the precedence table asks for, so that a parser
that got a level wrong gives another value.
"""

import json
import math

LEVEL = {
    "?:": 2,
    "??": 3,
    "or": 4,
    "and": 5,
    "not": 6,
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">=", "in", "contains", "startsWith"), 7),
    "+": 8,
    "-": 8,
    "*": 9,
    "/": 9,
    "%": 9,
    "neg": 10,
    "**": 11,
    "atom": 12,
}


class Wrong(Exception):
    """The rules give this expression no value."""


def level(node):
    return LEVEL.get(node[0], LEVEL["atom"])


def render(node, floor=0):
    """The text of a tree, in parentheses when it binds no tighter than ``floor``."""
    text = _text(node)
    return f"({text})" if level(node) <= floor else text


def _text(node):
    kind, *parts = node
    if kind == "lit":
        return _literal(parts[0])
    if kind == "name":
        return parts[0]
    if kind == "list":
        return "[" + ", ".join(render(part) for part in parts) + "]"
    if kind == "map":
        return "{" + ", ".join(f"{json.dumps(k)}: {render(v)}" for k, v in parts) + "}"
    if kind == "member":
        return f"{render(parts[0], 11)}{'?' if parts[2] else ''}.{parts[1]}"
    if kind == "index":
        return f"{render(parts[0], 11)}[{render(parts[1])}]"
    if kind == "call":
        return f"{parts[0]}({', '.join(render(part) for part in parts[1:])})"
    if kind == "not":
        return f"not {render(parts[0], 5)}"
    if kind == "neg":
        return f"-{render(parts[0], 9)}"
    if kind == "?:":
        return f"{render(parts[0], 2)} ? {render(parts[1], 1)} : {render(parts[2], 1)}"
    own = level(node)
    if kind == "**":
        return f"{render(parts[0], 11)} ** {render(parts[1], 9)}"
    # A comparison does not chain on either side; the other operators lean to the left.
    left = own if own == 7 else own - 1
    return f"{render(parts[0], left)} {kind} {render(parts[1], own)}"


def _literal(value):
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value)
    return repr(value)


def kind(value):
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    return {str: "string", list: "array", dict: "object"}[type(value)]


def same(a, b):
    """JSON equality: the same type, numbers by value."""
    if kind(a) != kind(b):
        return False
    if kind(a) == "array":
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if kind(a) == "object":
        return set(a) == set(b) and all(same(a[k], b[k]) for k in a)
    return a == b


def value(node, env):
    """The value of a tree; raises ``Wrong`` where the rules give none."""
    kind_, *parts = node
    if kind_ == "lit":
        return parts[0]
    if kind_ == "name":
        return env[parts[0]]
    if kind_ == "list":
        return [value(part, env) for part in parts]
    if kind_ == "map":
        return {key: value(part, env) for key, part in parts}
    if kind_ == "not":
        return not value(parts[0], env)
    if kind_ == "and":
        left = value(parts[0], env)
        return value(parts[1], env) if left else left
    if kind_ == "or":
        left = value(parts[0], env)
        return left or value(parts[1], env)
    if kind_ == "??":
        left = value(parts[0], env)
        return value(parts[1], env) if left is None else left
    if kind_ == "?:":
        return value(parts[1] if value(parts[0], env) else parts[2], env)
    if kind_ == "member":
        return _member(value(parts[0], env), parts[1], parts[2])
    if kind_ == "call":
        return _call(parts[0], [value(part, env) for part in parts[1:]])
    operands = [value(part, env) for part in parts]
    if kind_ == "neg":
        return -_number(operands[0])
    if kind_ == "index":
        return _index(*operands)
    return _binary(kind_, *operands)


def _number(operand):
    if kind(operand) != "number":
        raise Wrong
    return operand


def _bounded(result):
    if isinstance(result, complex) or (isinstance(result, int) and abs(result) >= 2**256):
        raise Wrong
    if isinstance(result, float) and not math.isfinite(result):
        raise Wrong
    return result


def _member(target, key, safe):
    if kind(target) == "object":
        return target.get(key)
    if target is None and safe:
        return None
    raise Wrong


def _index(target, key):
    if kind(target) == "array" and type(key) is int:
        return target[key] if -len(target) <= key < len(target) else None
    if kind(target) == "object" and kind(key) == "string":
        return target.get(key)
    raise Wrong


def _call(name, arguments):
    (argument,) = arguments
    if name == "length" and kind(argument) in ("string", "array", "object"):
        return len(argument)
    if name == "type":
        return kind(argument)
    raise Wrong


def _binary(sign, a, b):
    if sign == "==":
        return same(a, b)
    if sign == "!=":
        return not same(a, b)
    if sign in ("<", "<=", ">", ">="):
        if kind(a) != kind(b) or kind(a) not in ("number", "string"):
            raise Wrong
        return {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[sign]
    if sign in ("in", "contains"):
        item, holder = (a, b) if sign == "in" else (b, a)
        if kind(holder) == "array":
            return any(same(item, other) for other in holder)
        if kind(holder) in ("object", "string") and kind(item) == "string":
            return item in holder
        raise Wrong
    if sign == "startsWith":
        if kind(a) != "string" or kind(b) != "string":
            raise Wrong
        return a[: len(b)] == b
    if sign == "+" and kind(a) == kind(b) and kind(a) in ("string", "array"):
        return a + b
    _number(a), _number(b)
    if sign == "**" and isinstance(a, int) and isinstance(b, int) and abs(a) > 1 and b > 256:
        raise Wrong
    try:
        result = {
            "+": lambda: a + b,
            "-": lambda: a - b,
            "*": lambda: a * b,
            "/": lambda: a / b,
            "%": lambda: a % b,
            "**": lambda: a**b,
        }[sign]()
    except (ZeroDivisionError, OverflowError):
        raise Wrong from None
    return _bounded(result)

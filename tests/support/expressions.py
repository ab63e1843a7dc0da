"""Random expressions as the oracle's trees, mostly well typed, so that most have a value."""

KEYS = ("x", "y", "or", "in_")
WORDS = ("", "x", "xy", "é", 'q"\\', "${a}", "\n")
NUMBERS = (0, 1, 2, 3, 5, 7, 0.5, 2.0, 1e300, 2**200)
ENVIRONMENT = {
    "n": 3,
    "m": -2.5,
    "s": "xyz",
    "t": True,
    "z": None,
    "l": [1, "x", [2.0], None],
    "o": {"x": {"y": 4}, "y": [1, 2], "or": "word"},
}
NAMES = {"number": "nm", "string": "s", "boolean": "t", "array": "l", "object": "o", "null": "z"}
KINDS = tuple(NAMES)


class Maker:
    """Makes trees from a ``random.Random``; one in ten operands is of any kind at all."""

    def __init__(self, random):
        self.random = random
        self.pick = random.choice

    def tree(self, kind, depth):
        """A tree that most likely has a value of that kind."""
        if self.random.random() < 0.1:
            kind = self.pick(KINDS)
        if depth == 0 or self.random.random() < 0.15:
            return self.leaf(kind)
        if self.random.random() < 0.15:
            return self.choice(kind, depth - 1)
        return getattr(self, f"_{kind}")(depth - 1)

    def leaf(self, kind):
        if self.random.random() < 0.5:
            return ("name", self.pick(NAMES[kind]))
        return {
            "number": lambda: ("lit", self.pick(NUMBERS)),
            "string": lambda: ("lit", self.pick(WORDS)),
            "boolean": lambda: ("lit", self.pick((True, False))),
            "array": lambda: ("list", ("lit", 1), ("lit", "x")),
            "object": lambda: ("map", ("x", ("lit", 2))),
            "null": lambda: ("lit", None),
        }[kind]()

    def choice(self, kind, depth):
        left, right = self.tree(kind, depth), self.tree(kind, depth)
        sign = self.pick(("?:", "??", "or", "and"))
        return (sign, *([self.tree("boolean", depth)] if sign == "?:" else []), left, right)

    def _number(self, depth):
        if self.random.random() < 0.15:
            return ("neg", self.tree("number", depth))
        if self.random.random() < 0.15:
            return ("call", "length", self.tree(self.pick(("string", "array", "object")), depth))
        sign = self.pick(("+", "-", "*", "/", "%", "**", "+", "-", "*"))
        return (sign, self.tree("number", depth), self.tree("number", depth))

    def _string(self, depth):
        if self.random.random() < 0.2:
            return ("call", "type", self.tree(self.pick(KINDS), depth))
        return ("+", self.tree("string", depth), self.tree("string", depth))

    def _boolean(self, depth):
        sign = self.pick(("not", "<", "<=", ">", ">=", "==", "!=", "in", "contains", "startsWith"))
        if sign == "not":
            return ("not", self.tree(self.pick(KINDS), depth))
        if sign == "startsWith":
            return (sign, self.tree("string", depth), self.tree("string", depth))
        if sign in ("in", "contains"):
            holder = self.tree(self.pick(("array", "string", "object")), depth)
            item = self.tree(self.pick(("string", "number")), depth)
            return (sign, item, holder) if sign == "in" else (sign, holder, item)
        kind = self.pick(("number", "number", "string")) if sign in "<=>=" else self.pick(KINDS)
        return (sign, self.tree(kind, depth), self.tree(kind, depth))

    def _array(self, depth):
        if self.random.random() < 0.4:
            return ("+", self.tree("array", depth), self.tree("array", depth))
        count = self.random.randrange(3)
        return ("list", *(self.tree(self.pick(KINDS), depth) for _ in range(count)))

    def _object(self, depth):
        keys = self.random.sample(KEYS, self.random.randrange(3))
        return ("map", *((key, self.tree(self.pick(KINDS), depth)) for key in keys))

    def _null(self, depth):
        if self.random.random() < 0.5:
            key = ("lit", self.pick((0, -1, 2, 9)))
            return ("index", self.tree("array", depth), key)
        target = self.tree(self.pick(("object", "object", "null")), depth)
        return ("member", target, self.pick(("x", "y")), self.random.random() < 0.5)

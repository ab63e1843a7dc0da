"""JSON values, and what is none: hash, equality, canonical bytes, copies, frozen forms, sizes.

Each is compared with the plain twin; laws tie them to each other. Values of subclasses, keys with
an equality of their own, cycles and any depth come up too.
"""

import enum
import math
import struct
from collections import OrderedDict

from fuzz.choices import Choices
from reference import value as reference

from goflow._core.canonical import canonical, digest
from goflow._core.copies import copy, freeze, nests_deeper, size
from goflow._core.value import same, structural_hash
from goflow.errors import NotJson

LONGEST = 600
DICTIONARY = (b"\xff\xff\xff\xff\xff\xff\xff\x7f", b"\0\0\0\0\0\0\xf0\x7f", b"\0\xd8", b"\x1e\x61")
SEEDS = (
    *(bytes([kind, *range(1, 40)]) for kind in range(18)),
    b"",
    bytes([10, 3, 4, 5, 6, 7, 8, 9, 10]),
    bytes([11, 3, 1, 65, 2, 0, 1, 66, 2, 4, 11, 2, 1, 67, 2, 1, 1, 68, 2, 2]),
)
DEEPEST = 500
PLAIN = 100  # levels to which the twin, which recurses, is asked


class Text(str):
    """Equal to itself alone."""

    def __hash__(self):
        return 7

    def __eq__(self, other):
        return self is other

    def __str__(self):
        return "something else"


class Number(enum.IntEnum):
    BIG = 2**70
    ONE = 1


class Real(float):
    pass


class Items(list):
    pass


class Map(dict):
    pass


class Maker:
    """Makes values by ``choices``; ``json`` says whether every part is JSON, in memory at least."""

    def __init__(self, choices):
        self.choices = choices
        self.json = True
        self.parts = []

    def value(self, depth=0):
        pick = self.choices
        kind = pick.below(18)
        if kind >= 10 and (depth > 12 or not pick.more()):
            kind = 0
        if kind < 3:
            return (None, True, False)[kind]
        if kind < 10:
            return self.leaf(kind)
        if kind < 15:
            return self.container(kind, depth)
        if kind == 15:
            return self.chain(pick.below(DEEPEST + 20), depth)
        if kind == 16:  # a part that is already there, perhaps one that this is in: a cycle
            return pick.choice(self.parts) if self.parts else None
        return self.stranger()

    def leaf(self, kind):
        pick = self.choices
        if kind == 3:
            return pick.below(256) - 128
        if kind == 4:
            return int.from_bytes(pick.raw(pick.below(40)), "little", signed=True)
        if kind == 5:
            return struct.unpack("<d", pick.raw(8).ljust(8, b"\0"))[0]
        if kind == 6:
            return pick.text(40)
        if kind == 7:
            return pick.choice((2**63, -(2**63), 2**64, 0.0, -0.0, math.inf, math.nan, ""))
        if kind == 8:
            return pick.choice((Text("a"), Number.ONE, Number.BIG, Real(1.5), Text("\ud800")))
        return pick.text()

    def container(self, kind, depth):
        pick = self.choices
        result = {10: [], 11: {}, 12: Items(), 13: Map(), 14: OrderedDict()}[kind]
        self.parts.append(result)
        for _ in range(pick.below(8) if kind != 11 else pick.below(40)):
            if isinstance(result, list):
                result.append(self.value(depth + 1))
            else:
                key, part = pick.text(), self.value(depth + 1)
                if key not in map(str.__str__, result):  # which JSON cannot have twice
                    result[Text(key) if pick.below(16) == 1 else key] = part
        return result

    def chain(self, levels, depth):
        inner = self.value(depth + 1)
        for _ in range(levels):
            inner = [inner]
        return inner

    def stranger(self):
        self.json = False
        return self.choices.choice(((1,), b"x", {1}, {2: 3}, {None: 1}, object(), 1j, bytearray()))


def check(data):
    """The laws and the comparisons, on two values that ``data`` makes."""
    maker = Maker(Choices(data))
    a = maker.value()
    b = maker.value()
    for value in (a, b):
        depth = depth_of(value)
        if _is_refused(value) or depth > PLAIN:
            _check_extreme(value, _is_refused(value) or depth > DEEPEST)
            return
    for value in (a, b):
        _check_one(value)
    _check_two(a, b)


# -- the twin's view ---------------------------------------------------------------------------


def depth_of(value):
    """How many lists and maps are inside of each other; infinite for what never ends."""
    deepest, above, done = 0, set(), {}
    stack = [(value, False)]
    while stack:
        item, leaving = stack.pop()
        if not isinstance(item, list | dict):
            continue
        inner = list(item.values()) if isinstance(item, dict) else item
        if leaving:
            above.discard(id(item))
            done[id(item)] = 1 + max((done.get(id(part), 0) for part in inner), default=0)
            deepest = done[id(item)]
        elif id(item) in above:
            return math.inf
        elif id(item) not in done:
            above.add(id(item))
            stack += [(item, True), *((part, False) for part in inner)]
    return deepest


def _is_refused(value):
    """Whether any part is nothing that JSON has; cycles are fine here."""
    stack, seen = [value], set()
    while stack:
        item = stack.pop()
        if isinstance(item, list | dict):
            if id(item) in seen:
                continue
            seen.add(id(item))
            if isinstance(item, dict) and not all(isinstance(key, str) for key in item):
                return True
            stack += item.values() if isinstance(item, dict) else item
        elif not isinstance(item, str | int | float | None):
            return True
    return False


def exact(value):
    """The same value of JSON's own classes."""
    if isinstance(value, dict):
        return {str.__str__(key)[:]: exact(part) for key, part in value.items()}
    if isinstance(value, list):
        return [exact(part) for part in value]
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bool) or value is None:
        return value
    return int.__int__(value) if isinstance(value, int) else float.__float__(value)


# -- the checks --------------------------------------------------------------------------------


def _answer(ask):
    """What it gives; NotJson itself when it refuses with a message."""
    try:
        return ask()
    except NotJson as error:
        assert str(error)
        return NotJson


def _check_extreme(value, refused):
    """Values that the twin cannot take: too deep, endless, no JSON."""
    for ask in (structural_hash, copy, freeze, canonical, digest):
        answer = _answer(lambda ask=ask: ask(value))
        if refused:
            assert answer is NotJson, ask
        elif ask is not canonical and ask is not digest:  # which take no infinities
            assert answer is not NotJson, ask
    equal = _answer(lambda: same(value, value))
    assert equal is (NotJson if refused else True)


def _check_one(value):
    plain = exact(value)
    try:
        expected = reference.canonical(plain)
    except ValueError:  # not finite, or half of a surrogate pair
        assert _answer(lambda: canonical(value)) is NotJson
        assert _answer(lambda: digest(value)) is NotJson
    else:
        assert canonical(value) == expected
        assert digest(value) == reference.digest(plain)
    copied = copy(value)
    assert reference.same(exact(copied), plain)
    assert repr(copied) == repr(plain)  # of exact classes, keys in order
    assert not {*map(id, reference.parts(copied))} & {*map(id, reference.parts(value))}
    assert same(copied, value)
    assert structural_hash(copied) == structural_hash(value)
    assert reference.same(_thawed(freeze(value)), plain)
    true, estimate = reference.memory(plain), size(plain)
    assert true / 2 - 64 <= estimate <= true * 2 + 64
    depth = depth_of(value)
    assert not nests_deeper(value, depth)
    assert depth == 0 or nests_deeper(value, depth - 1)


def _thawed(frozen):
    if isinstance(frozen, tuple):
        return [_thawed(item) for item in frozen]
    if hasattr(frozen, "items"):
        return {key: _thawed(item) for key, item in frozen.items()}
    return frozen


def _check_two(a, b):
    equal = reference.same(exact(a), exact(b))
    assert same(a, b) is equal
    assert same(b, a) is equal
    if equal:
        assert structural_hash(a) == structural_hash(b)
    bytes_of_both = [_answer(lambda value=value: canonical(value)) for value in (a, b)]
    if NotJson not in bytes_of_both:
        assert (bytes_of_both[0] == bytes_of_both[1]) is equal
    for at in range(3):
        other = copy(a)
        parts = list(reference.parts(other))
        if at >= len(parts):
            break
        part = parts[-1 - at]
        if isinstance(part, dict):
            items = list(part.items())
            part.clear()
            part.update(reversed(items))
            assert same(a, other)
            assert structural_hash(a) == structural_hash(other)
            part["one more"] = part.get("one more") is None
        else:
            part.append(None)
        assert not same(a, other)

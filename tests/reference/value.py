"""Canonical bytes, digest, equality and copies of JSON values, in plain Python and hashlib."""

import hashlib
import math
import struct


def length(number):
    """LEB128."""
    groups = []
    while True:
        number, group = number >> 7, number & 127
        groups.append(group | 128 if number else group)
        if not number:
            return bytes(groups)


def canonical(value):
    if value is None:
        return b"n"
    if value is True:
        return b"t"
    if value is False:
        return b"f"
    if isinstance(value, int):
        data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
        return b"i" + length(len(data)) + data
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(value)
        return b"d" + struct.pack("<d", value)
    if isinstance(value, str):
        data = value.encode()
        return b"s" + length(len(data)) + data
    if isinstance(value, list):
        return b"l" + length(len(value)) + b"".join(map(canonical, value))
    if isinstance(value, dict):
        pairs = sorted((key.encode(), item) for key, item in value.items())
        return (
            b"m"
            + length(len(pairs))
            + b"".join(length(len(key)) + key + canonical(item) for key, item in pairs)
        )
    raise ValueError(value)


def digest(value):
    return hashlib.blake2b(canonical(value), digest_size=32, person=b"goflow value v1\0").digest()


def same(a, b):
    if isinstance(a, dict):
        return (
            isinstance(b, dict)
            and a.keys() == b.keys()
            and all(same(item, b[key]) for key, item in a.items())
        )
    if isinstance(a, list):
        return (
            isinstance(b, list)
            and len(a) == len(b)
            and all(same(x, y) for x, y in zip(a, b, strict=True))
        )
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return struct.pack("<d", a) == struct.pack("<d", b)
    return a == b


def parts(value):
    """Every list and map of a value, itself included."""
    if isinstance(value, (dict, list)):
        yield value
        for item in value.values() if isinstance(value, dict) else value:
            yield from parts(item)


def memory(value):
    """What ``sys.getsizeof`` says of all the parts, small integers and constants not counted."""
    import sys

    if value is None or isinstance(value, bool):
        return 0
    result = sys.getsizeof(value)
    if isinstance(value, dict):
        return result + sum(memory(key) + memory(item) for key, item in value.items())
    if isinstance(value, list):
        return result + sum(map(memory, value))
    return result

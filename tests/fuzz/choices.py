"""Decisions out of bytes: what a fuzzer mutates becomes a graph, a value, an expression."""


class Choices:
    """Picks by the bytes of an input, in order; zeros when they are used up.

    A decision takes whole bytes, so that a changed byte changes one decision. It has the methods of
    ``random.Random`` that ``support.expressions.Maker`` asks.
    """

    def __init__(self, data):
        self._data = data
        self._at = 0

    def more(self):
        """Whether any bytes are left."""
        return self._at < len(self._data)

    def raw(self, size):
        """The next bytes, fewer at the end."""
        self._at += size
        return self._data[self._at - size : self._at]

    def below(self, limit):
        """A number from 0 to ``limit - 1``: of one byte, or of two for limits above 256."""
        return int.from_bytes(self.raw(1 if limit <= 256 else 2), "little") % limit

    def choice(self, options):
        return options[self.below(len(options))]

    def random(self):
        return self.below(256) / 256

    def randrange(self, limit):
        return self.below(limit)

    def sample(self, options, count):
        rest = list(options)
        return [rest.pop(self.below(len(rest))) for _ in range(count)]

    def text(self, most=12):
        """Some characters, of one, two or four bytes each; halves of surrogate pairs too."""
        data = self.raw(self.below(most + 1))
        width = self.below(8)
        if width == 0:
            return data.decode("utf-16-le", "surrogatepass") if len(data) % 2 == 0 else ""
        if width == 1:
            return "".join(chr(0x1F300 + byte) for byte in data)
        return data.decode("latin-1")

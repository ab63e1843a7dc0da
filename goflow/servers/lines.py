"""Lines out of a byte stream that arrives in pieces."""

from __future__ import annotations

__all__ = ["LINE_LIMIT", "LineBuffer", "LineTooLong"]

# Bytes of one line: a server that sends more has lost its way, or will take our memory.
LINE_LIMIT = 64 << 20


class LineTooLong(Exception):
    """A line reached the limit without ending."""


class LineBuffer:
    """Splits pieces into lines; an unfinished one is a list of pieces, joined once.

    (Joining as they come would be quadratic in the length of a line.)
    """

    __slots__ = ("_limit", "_pieces", "_size")

    def __init__(self, limit: int = LINE_LIMIT) -> None:
        self._pieces: list[bytes] = []
        self._size = 0
        self._limit = limit

    def feed(self, piece: bytes) -> list[bytes]:
        """The lines that this piece completes, without their newline.

        Raises LineTooLong when the unfinished rest exceeds the limit.
        """
        lines = piece.split(b"\n")
        rest = lines.pop()
        if self._pieces and lines:
            self._pieces.append(lines[0])
            lines[0] = b"".join(self._pieces)
            self._pieces.clear()
            self._size = 0
        if rest:
            self._pieces.append(rest)
            self._size += len(rest)
            if self._size > self._limit:
                self._pieces.clear()
                raise LineTooLong
        return lines

    def finish(self) -> bytes:
        """The unfinished line when the stream ends; empty if there is none."""
        rest = b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        return rest

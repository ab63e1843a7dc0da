"""Lines out of pieces: however a stream is cut, the lines are the same."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goflow.servers.lines import LineBuffer, LineTooLong


@given(st.lists(st.binary(max_size=8).map(lambda b: b.replace(b"a", b"\n")), max_size=20))
def test_lines_do_not_depend_on_how_the_stream_is_cut(pieces):
    buffer = LineBuffer()
    lines = [line for piece in pieces for line in buffer.feed(piece)]
    assert [*lines, buffer.finish()] == b"".join(pieces).split(b"\n")


def test_a_line_over_the_limit_is_refused_and_forgotten():
    buffer = LineBuffer(limit=10)
    assert buffer.feed(b"12345\n12345") == [b"12345"]
    assert buffer.feed(b"67890") == []
    with pytest.raises(LineTooLong):
        buffer.feed(b"1")
    assert buffer.finish() == b""


def test_a_long_line_takes_linear_time():
    def seconds(pieces):
        buffer = LineBuffer(limit=1 << 40)
        begun = time.perf_counter()
        for _ in range(pieces):
            buffer.feed(b"x" * 4096)
        (line,) = buffer.feed(b"\n")
        assert len(line) == pieces * 4096
        return time.perf_counter() - begun

    short, long = (min(seconds(pieces) for _ in range(5)) for pieces in (250, 4000))
    assert long < short * 16 * 4  # quadratic would be 16 times that

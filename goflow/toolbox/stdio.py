"""Standard input and output: lines in, lines out, and a quiet end."""

from __future__ import annotations

import os
import signal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import BinaryIO

LONGEST_LINE = 256 << 20
BUFFER = 1 << 16  # What a pipe holds.


def serve(answer: Callable[[bytes], bytes | None], too_long: bytes) -> int:
    """Answer each line of standard input until it ends; gives the exit code.

    A line of more than `LONGEST_LINE` bytes is not kept, and answered with `too_long`.

    SIGTERM and a reader that went away are ordinary ends; Ctrl-C gives 130, as it does in a shell.
    """
    signal.signal(signal.SIGTERM, _leave)
    try:
        # A client may share an end of a pipe that it made non-blocking: no data is not the end.
        os.set_blocking(0, True)
        os.set_blocking(1, True)
        with open(0, "rb", buffering=BUFFER, closefd=False) as lines:
            _serve_lines(lines, answer, too_long)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 0
    except OSError as error:  # Standard input or output is closed, or is not a stream.
        print(f"goflow-toolbox: {error}", file=sys.stderr)
        return 1
    return 0


def _serve_lines(lines: BinaryIO, answer: Callable[[bytes], bytes | None], too_long: bytes) -> None:
    while line := lines.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
            while (rest := lines.readline(BUFFER)) and not rest.endswith(b"\n"):
                pass
            _write(too_long)
        elif line.strip():
            reply = answer(line)
            if reply is not None:
                _write(reply)


def _write(data: bytes) -> None:
    # Past `sys.stdout`, which would be flushed once more at exit and complain of a broken pipe.
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(1, rest) :]


def _leave(signum: int, frame: FrameType | None) -> None:
    raise SystemExit(0)

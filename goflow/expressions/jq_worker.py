"""The program of the process that runs jq: it reads requests, writes answers, and may be killed.

Run as a script by ``jq_client``, isolated and without site; it imports nothing of GoFlow. A frame
is a length of 8 bytes, big-endian, and that many bytes. A request is two frames: the JSON of
``{program, arguments, limit}``, with or without ``compile_only``, and the JSON text of the input.
An answer is one: ``V`` and a JSON array of the results, or ``C``, ``R`` or ``M`` (does not compile,
failed, no memory) and a message.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from typing import Any, BinaryIO

HEADER = 8
READY = b"ready"
NO_MEMORY = 77
"""How it exits when not even the input finds room."""


def main(folder: str, memory: int) -> None:
    """Answer requests until the input ends. ``folder`` is where the package jq is installed."""
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    os.close(nowhere)
    sys.path.append(folder)
    import jq  # noqa: PLC0415 - it is found only now

    jq.compile(".").input_text("null").text()
    os.environ.clear()
    _confine(memory)
    _send(answers, READY)
    while (head := _receive(requests)) is not None:
        text = _receive(requests)
        if text is None:
            return
        request = json.loads(head)
        # If whoever asked is gone, nobody else would end a program that loops.
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, min(request["limit"], 1e6) + 2)
        answer = _answer(jq, request, text.decode())
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0)
        _send(answers, answer)


def _confine(memory: int) -> None:
    """Limit the memory, and open no file from now on: a jq program could import some."""
    time.localtime()
    try:
        import resource  # noqa: PLC0415 - not on every platform
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
    if sys.platform != "darwin":
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


def _answer(jq: Any, request: dict[str, Any], text: str) -> bytes:
    try:
        try:
            program = jq.compile(request["program"], args=request["arguments"])
        except ValueError as error:
            return b"C" + str(error).encode("utf-8", "replace")
        if request.get("compile_only"):
            return b"V[]"
        results: str = program.input_text(text).text()
        # Results are one a line, and JSON text has no line break of its own.
        return b"V[" + results.replace("\n", ",").encode() + b"]"
    except MemoryError:
        return b"M"
    except Exception as error:
        return b"R" + str(error).encode("utf-8", "replace")


def _receive(source: BinaryIO) -> bytes | None:
    head = source.read(HEADER)
    if len(head) < HEADER:
        return None
    size = int.from_bytes(head, "big")
    body = source.read(size)
    return body if len(body) == size else None


def _send(target: BinaryIO, body: bytes) -> None:
    target.write(len(body).to_bytes(HEADER, "big"))
    target.write(body)
    target.flush()


if __name__ == "__main__":
    try:
        main(sys.argv[1], int(sys.argv[2]))
    except MemoryError:
        os._exit(NO_MEMORY)

"""The worker process that runs jq, as its user sees it.

libjq in our own process could hang it, end it, and read its environment; in a child it is stopped.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
import weakref
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from goflow.errors import TransformFailed

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["LIMIT", "MEMORY", "JqWorker"]

LIMIT = 5.0
"""Seconds that one evaluation may take unless its node says otherwise."""
MEMORY = 1 << 30
"""Bytes of address space that the worker may use."""
_START = 30.0
_HEADER = 8
_NO_MEMORY = 77
_CHUNK = 1 << 20
_SCRIPT = Path(__file__).with_name("jq_worker.py")


class _Late(Exception):
    """The time is over."""


class _Gone(Exception):
    """The worker closed its end."""


class JqWorker:
    """A warm worker; ``ask`` blocks, so it is for a thread. One question at a time.

    The process ends with ``close``, when the object is dropped, when the interpreter exits, and by
    itself when its input ends or an evaluation takes too long. Raises ``TransformFailed`` when it
    cannot be started.
    """

    def __init__(self, *, memory: int = MEMORY) -> None:
        spec = find_spec("jq")
        if spec is None or spec.origin is None:
            raise TransformFailed("jq needs the package jq, which is not installed here")
        self._memory = memory
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_SCRIPT), os.path.dirname(spec.origin), str(memory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ},
            cwd=os.path.abspath(os.sep),
            start_new_session=True,
        )
        self._finalizer = weakref.finalize(self, _end, self._process)
        self._started = False

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return self._finalizer.alive and self._process.poll() is None

    def ask(
        self, program: str, arguments: dict[str, Any], text: bytes, limit: float = LIMIT
    ) -> list[Any]:
        """The results of ``program`` on the JSON ``text``, within ``limit`` seconds.

        Raises ``TransformFailed``. After a failure that is not the program's own error the worker
        is closed.
        """
        request = {"program": program, "arguments": arguments, "limit": limit}
        return self._read(self._exchange(msgspec.json.encode(request), text, limit))

    def mistake(self, program: str, names: Iterable[str]) -> str | None:
        """Why ``program``, with variables of these names, does not compile, or None when it does.

        Raises ``TransformFailed`` when the worker cannot say.
        """
        request = {
            "program": program,
            "arguments": dict.fromkeys(names),
            "limit": LIMIT,
            "compile_only": True,
        }
        answer = self._exchange(msgspec.json.encode(request), b"null", LIMIT)
        return _message(answer[1:]) if answer[:1] == b"C" else None

    def _exchange(self, head: bytes, text: bytes, limit: float) -> bytes:
        try:
            if not self._started:
                self._receive(time.monotonic() + _START)
                self._started = True
            deadline = time.monotonic() + limit
            self._send(head, text, deadline)
            return self._receive(deadline)
        except _Late:
            self.close()
            raise TransformFailed(
                f"jq took longer than its limit of {limit:g} s",
                hint="'timeout' on the node is another limit",
            ) from None
        except (_Gone, OSError):
            raise TransformFailed(self._why_gone()) from None
        except BaseException:
            self.close()
            raise

    def kill(self) -> None:
        """End the process now; a question that waits in another thread fails."""
        self._process.kill()

    def close(self) -> None:
        """End and reap the process and close its pipes."""
        self._finalizer()

    # -- answers -------------------------------------------------------------------------------

    def _read(self, answer: bytes) -> list[Any]:
        kind, body = answer[:1], answer[1:]
        if kind == b"V":
            try:
                results: list[Any] = msgspec.json.decode(body)
            except (msgspec.DecodeError, RecursionError) as error:
                raise TransformFailed(f"the result of jq is no JSON value: {error}") from None
            return results
        if kind == b"M":
            self.close()
            raise TransformFailed(self._no_memory())
        message = _message(body)
        if kind == b"C":
            raise TransformFailed(f"jq: the program does not compile: {message}")
        raise TransformFailed(f"jq: {message}")

    def _why_gone(self) -> str:
        # It has closed its end, so it is ending; libjq aborts where memory is not to be had.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)
        code = self._process.poll()
        self.close()
        if code in (-signal.SIGABRT, _NO_MEMORY):
            return self._no_memory()
        how = f"was killed by signal {-code}" if code and code < 0 else f"ended with code {code}"
        return f"the jq worker {how}"

    def _no_memory(self) -> str:
        return f"jq needed more memory than its limit of {self._memory >> 20} MiB"

    # -- frames --------------------------------------------------------------------------------

    def _send(self, head: bytes, text: bytes, deadline: float) -> None:
        assert self._process.stdin is not None
        target = self._process.stdin.fileno()
        os.set_blocking(target, False)
        for part in (_size(head), head, _size(text), text):
            left = memoryview(part)
            while left:
                self._wait(target, selectors.EVENT_WRITE, deadline)
                with contextlib.suppress(BlockingIOError):
                    left = left[os.write(target, left[:_CHUNK]) :]

    def _receive(self, deadline: float) -> bytes:
        size = int.from_bytes(self._read_exactly(_HEADER, deadline), "big")
        return self._read_exactly(size, deadline)

    def _read_exactly(self, count: int, deadline: float) -> bytes:
        assert self._process.stdout is not None
        source = self._process.stdout.fileno()
        pieces = bytearray()
        while len(pieces) < count:
            self._wait(source, selectors.EVENT_READ, deadline)
            piece = os.read(source, min(count - len(pieces), _CHUNK))
            if not piece:
                raise _Gone
            pieces += piece
        return bytes(pieces)

    def _wait(self, descriptor: int, event: int, deadline: float) -> None:
        # poll needs no descriptor of its own, and none is too large for it.
        with selectors.PollSelector() as selector:
            selector.register(descriptor, event)
            if not selector.select(max(0.0, deadline - time.monotonic())):
                raise _Late

    def __repr__(self) -> str:
        return f"<JqWorker {self.pid}{'' if self.alive else ', ended'}>"


def _message(body: bytes) -> str:
    """What jq says, without its own prefixes."""
    message = body.decode("utf-8", "replace").strip()
    lines = [line for line in message.splitlines() if line.strip() != "jq: 1 compile error"]
    return "\n".join(lines).strip().removeprefix("jq: ").removeprefix("error: ")


def _size(body: bytes) -> bytes:
    return len(body).to_bytes(_HEADER, "big")


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError):
        process.kill()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(2.0)

"""A small client for the tests: one server process, one request at a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

# Root may do anything; without these it may do what files' modes say, like everybody.
WITHOUT_PRIVILEGES = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--"]
STATELESS = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "tests", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


def command(*arguments: str) -> list[str]:
    """The console script of this environment."""
    return [str(Path(sys.executable).parent / "goflow-toolbox"), *arguments]


class Client:
    """A toolbox process, for `with`; leaving closes its input and waits for its end."""

    def __init__(self, *arguments: str, cwd: Path | None = None, privileged: bool = True) -> None:
        prefix = WITHOUT_PRIVILEGES if not privileged and os.geteuid() == 0 else []
        self.process = subprocess.Popen(
            [*prefix, *command(*arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
        )
        self._last_id = 0

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exception: object) -> None:
        if self.process.poll() is None and exception[0] is not None:
            self.process.kill()
        _, errors = self.process.communicate()
        if exception[0] is None:
            assert (self.process.returncode, errors) == (0, b"")

    def send(self, line: bytes) -> None:
        assert self.process.stdin
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def receive_line(self) -> bytes:
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line.endswith(b"\n"), "the server ended"
        return line

    def receive(self) -> Any:
        return json.loads(self.receive_line())

    def exchange(self, message: object) -> Any:
        self.send(json.dumps(message).encode())
        return self.receive()

    def request(self, method: str, **params: Any) -> Any:
        """The answer's result, or its error as it is."""
        self._last_id += 1
        request = {"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": params}
        answer = self.exchange(request)
        assert (answer["jsonrpc"], answer["id"]) == ("2.0", self._last_id)
        return answer["result"] if "result" in answer else answer["error"]

    def result(self, tool: str, /, **arguments: Any) -> Any:
        """The raw result of a tool call."""
        return self.request("tools/call", name=tool, arguments=arguments)

    def call(self, tool: str, /, **arguments: Any) -> Any:
        """What a tool gives: its structured content, or its text."""
        result = self.result(tool, **arguments)
        assert result["isError"] is False, result
        (block,) = result["content"]
        if "structuredContent" not in result:
            return block["text"]
        assert json.loads(block["text"]) == result["structuredContent"]
        return result["structuredContent"]

    def failure(self, tool: str, /, **arguments: Any) -> str:
        """The message of a tool call that must fail."""
        result = self.result(tool, **arguments)
        assert result.get("isError") is True, result
        assert "structuredContent" not in result
        (block,) = result["content"]
        assert "Traceback" not in block["text"]
        text: str = block["text"]
        return text

"""The least stdio server: it writes the time of its first tool call to the file in ``STAMP``.

Run it as ``python -S -E server.py STAMP``. The clock is the machine's, the same in every process.
"""

import sys
from json import dumps, loads
from time import monotonic_ns


def answer(message):
    if message["method"] == "initialize":
        return {
            "protocolVersion": message["params"]["protocolVersion"],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "stamp", "version": "1"},
        }
    if message["method"] == "tools/call":
        with open(sys.argv[1], "w") as file:
            file.write(str(arrived))
        return {"content": [{"type": "text", "text": "ok"}]}
    return {"tools": [{"name": "stamp", "inputSchema": {"type": "object"}}]}


for line in sys.stdin:
    arrived = monotonic_ns()
    request = loads(line)
    if "id" in request:
        reply = {"jsonrpc": "2.0", "id": request["id"], "result": answer(request)}
        sys.stdout.write(dumps(reply) + "\n")
        sys.stdout.flush()

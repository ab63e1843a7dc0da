"""An MCP server whose calls leave a line in a file: what was done, and how often, can be counted.

``ledger.py FILE``; standard library only. ``append`` has effects, ``repeat`` is marked idempotent,
``count`` read-only. Each takes a moment before and after it writes: it can be cut off there.
"""

import json
import os
import sys
import time

MOMENT = 0.004
TOOLS = {
    "append": {},
    "repeat": {"idempotentHint": True},
    "count": {"readOnlyHint": True},
}


def write(line):
    fd = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(fd, line.encode() + b"\n")
    os.close(fd)


def call(name, arguments):
    time.sleep(MOMENT)
    if name == "count":
        with open(sys.argv[1], "a+") as file:
            file.seek(0)
            value = str(len(file.readlines()))
    else:
        value = arguments["line"]
        write(value)
    time.sleep(MOMENT)
    return {"content": [{"type": "text", "text": value}], "isError": False}


def answer(method, params):
    if method == "initialize":
        return {
            "protocolVersion": params["protocolVersion"],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "ledger", "version": "1"},
        }
    if method == "tools/list":
        schema = {"type": "object"}
        return {
            "tools": [
                {"name": name, "inputSchema": schema, "annotations": annotations}
                for name, annotations in TOOLS.items()
            ]
        }
    return call(params["name"], params.get("arguments") or {}) if method == "tools/call" else {}


for text in sys.stdin:
    message = json.loads(text)
    if "id" in message:
        result = answer(message["method"], message.get("params") or {})
        reply = {"jsonrpc": "2.0", "id": message["id"], "result": result}
        try:
            print(json.dumps(reply), flush=True)
        except BrokenPipeError:
            break

"""An MCP server that writes down each start and each call, for counting them across processes.

``counted.py FILE [SILENT]``; standard library only. ``FILE.says`` is what it says of its tools
beside their names: it can change between two starts. With ``SILENT`` it lists no tools.
"""

import json
import os
import sys
from pathlib import Path

LOG = Path(sys.argv[1])
READ_ONLY = ("read", "fail", "large", "token", "unlisted")


def note(line):
    fd = os.open(LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(fd, line.encode() + b"\n")
    os.close(fd)


def described():
    says = Path(f"{LOG}.says")
    more = json.loads(says.read_text()) if says.exists() else {}
    tools = []
    for name in ("read", "write", "fail", "large", "token"):
        tool = {"name": name, "inputSchema": {"type": "object"}, **more.get(name, {})}
        if name in READ_ONLY:
            tool.setdefault("annotations", {"readOnlyHint": True})
        tools.append(tool)
    return tools


def call(name, arguments):
    note(f"{name} {json.dumps(arguments, sort_keys=True)}")
    if name == "large":
        value = "x" * arguments["size"]
    elif name == "token":
        value = f"the token is {os.environ['TOKEN']}"
    else:
        value = arguments.get("text", "")
    return {"content": [{"type": "text", "text": value}], "isError": name == "fail"}


def answer(method, params):
    if method == "initialize":
        return {
            "protocolVersion": params["protocolVersion"],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "counted", "version": "1"},
        }
    if method == "tools/list" and "SILENT" not in sys.argv:
        return {"tools": described()}
    if method == "tools/call":
        return call(params["name"], params.get("arguments") or {})
    return {} if method == "ping" else None


note("start")
for text in sys.stdin:
    message = json.loads(text)
    if "id" in message:
        result = answer(message["method"], message.get("params") or {})
        reply = {"jsonrpc": "2.0", "id": message["id"]}
        if result is None:
            reply["error"] = {"code": -32601, "message": "Method not found"}
        else:
            reply["result"] = result
        print(json.dumps(reply), flush=True)

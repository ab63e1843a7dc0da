"""An MCP server for engine tests: its tools show how, when and how often they were called.

Standard library only; it reads all that has arrived before it answers, so calls are in flight
together when the client sends them together. With an argument, a FIFO, it waits until that is
opened for writing before it reads anything at all.
"""

import json
import os
import sys

TOOLS = {
    "meet": "Answer once `count` calls of meet are waiting, all at the same time.",
    "crowd": "How many calls had arrived, unanswered, when this one was answered.",
    "say": "Remember a text, and give it back.",
    "said": "Every text that say was given, in order.",
    "answer": "Answer with `result`, as it is.",
    "flaky": "Fail the first `failures` calls with this `key`.",
    "keep": "The type and value of `content`.",
    "large": "A text of `size` characters.",
    "hang": "Never answer.",
    "hang_once": "Never answer unless the file `mark` exists; create it.",
    "die": "Exit without an answer.",
    "die_once": "Exit without an answer unless the file `mark` exists; create it.",
    "die_once_read": "The same, marked as read-only.",
    "steps": "Tell of `count` steps, then answer.",
    "log": "Log `data`, then answer.",
    "environment": "The value of the environment variable `name`.",
}
STRING = {"type": "object", "properties": {"content": {"type": "string"}}}

waiting = []
said = []
failures = {}


def send(request_id, result):
    message = {"jsonrpc": "2.0", "id": request_id, "result": result}
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def text(value, *, error=False):
    content = value if isinstance(value, str) else json.dumps(value)
    return {"content": [{"type": "text", "text": content}], "isError": error}


def tool(name):
    described = {"name": name, "description": TOOLS[name], "inputSchema": {"type": "object"}}
    if name == "keep":
        described["inputSchema"] = STRING
    if name == "die_once_read":
        described["annotations"] = {"readOnlyHint": True}
    return described


def notify(method, params):
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", "method": method, "params": params}) + "\n")
    sys.stdout.flush()


def call(request_id, name, arguments, pending, token):
    if name == "meet":
        waiting.append(request_id)
        if len(waiting) >= arguments["count"]:
            for waiter in waiting:
                send(waiter, text("met"))
            waiting.clear()
    elif name == "crowd":
        send(request_id, text(str(pending)))
    elif name == "say":
        said.append(arguments["text"])
        send(request_id, text(arguments["text"]))
    elif name == "said":
        send(request_id, {"content": [], "structuredContent": {"result": said}})
    elif name == "answer":
        send(request_id, arguments["result"])
    elif name == "flaky":
        key = arguments["key"]
        failures[key] = failures.get(key, 0) + 1
        failed = failures[key] <= arguments["failures"]
        send(request_id, text(f"call {failures[key]}", error=failed))
    elif name == "keep":
        content = arguments["content"]
        send(request_id, text([type(content).__name__, content]))
    elif name == "large":
        send(request_id, text("x" * arguments["size"]))
    elif name == "steps":
        for step in range(1, arguments["count"] + 1 if token is not None else 1):
            message = f"{arguments.get('label', 'step')} {step}"
            far = {"progress": step, "total": arguments["count"], "message": message}
            notify("notifications/progress", {"progressToken": token, **far})
        send(request_id, text("told" if token is not None else "nobody listens"))
    elif name == "log":
        notify("notifications/message", {"level": "warning", "data": arguments["data"]})
        send(request_id, text("logged"))
    elif name == "environment":
        send(request_id, text(os.environ.get(arguments["name"], "unset")))
    elif name == "hang_once":
        if os.path.exists(arguments["mark"]):
            send(request_id, text("answered"))
        else:
            open(arguments["mark"], "w").close()
    elif name == "die":
        print("the lab burns", file=sys.stderr, flush=True)
        os._exit(9)
    elif name in ("die_once", "die_once_read"):
        if not os.path.exists(arguments["mark"]):
            with open(arguments["mark"], "w"):
                os._exit(9)
        send(request_id, text("survived"))
    elif name != "hang":
        send(request_id, text(f"Unknown tool: {name}", error=True))


def arrived():
    """Every message that has arrived; waits for the first."""
    os.set_blocking(0, True)
    data = os.read(0, 1 << 20)
    os.set_blocking(0, False)
    while data and not data.endswith(b"\n"):
        os.set_blocking(0, True)
        data += os.read(0, 1 << 20)
    return [json.loads(line) for line in data.splitlines()]


def main():
    if len(sys.argv) > 1:
        with open(sys.argv[1]):
            pass
    while messages := arrived():
        calls = [m for m in messages if m.get("method") == "tools/call"]
        for message in messages:
            method, request_id = message.get("method"), message.get("id")
            if method == "initialize":
                version = message["params"]["protocolVersion"]
                info = {"name": "lab", "version": "1"}
                result = {
                    "protocolVersion": version,
                    "capabilities": {"tools": {}},
                    "serverInfo": info,
                }
                send(request_id, result)
            elif method == "tools/list":
                send(request_id, {"tools": [tool(name) for name in TOOLS]})
            elif method == "ping":
                send(request_id, {})
            elif method == "tools/call":
                params = message["params"]
                token = (params.get("_meta") or {}).get("progressToken")
                call(request_id, params["name"], params.get("arguments") or {}, len(calls), token)
            elif request_id is not None:
                error = {"code": -32601, "message": f"Method not found: {method}"}
                answer = {"jsonrpc": "2.0", "id": request_id, "error": error}
                sys.stdout.write(json.dumps(answer) + "\n")
                sys.stdout.flush()


main()

"""An MCP server that misbehaves in one way, named by its first argument.

Standard library only. Without a fault in its way it serves a few tools: ``echo``, ``sleep``
(``seconds``), ``pid``, ``heard`` (the notifications received so far), ``big`` (``size`` bytes).
"""

import json
import os
import signal
import subprocess
import sys
import time

FAULT = sys.argv[1] if len(sys.argv) > 1 else "none"
ARGUMENT = sys.argv[2] if len(sys.argv) > 2 else ""

out = sys.stdout.buffer
heard = []


def write(data):
    out.write(data)
    out.flush()


def send(message):
    write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")


def text_result(value, *, error=False):
    text = value if isinstance(value, str) else json.dumps(value)
    return {"content": [{"type": "text", "text": text}], "isError": error}


def incoming():
    for line in sys.stdin.buffer:
        yield json.loads(line)


def initialize_result(params):
    version = ARGUMENT if FAULT == "version" else params["protocolVersion"]
    return {
        "protocolVersion": version,
        "capabilities": {"tools": {}},
        "serverInfo": {"name": "faulty", "version": "1"},
    }


def before_handshake():
    if FAULT == "exit at once":
        print("missing module: frobnicate", file=sys.stderr)
        sys.exit(3)
    if FAULT == "killed at once":
        os.kill(os.getpid(), signal.SIGKILL)
    if FAULT == "hang at handshake":
        print("waiting for a licence", file=sys.stderr, flush=True)
        time.sleep(600)
    if FAULT == "only garbage":
        write(b"Welcome to the server!\nType help.\n")
        time.sleep(600)
    if FAULT == "garbage and exit":
        write(b"Usage: server [options]\n")
        sys.exit(2)
    if FAULT == "garbage then proper":
        write(b"Starting up...\n\n{not json}\n[1, 2]\n")
    if FAULT == "invalid utf-8":
        write(b'\xff\xfe\n{"jsonrpc":"2.0","method":"\xff"}\n')
    if FAULT == "ignore SIGTERM":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if FAULT == "grandchild":
        # It inherits our pipes, does not read them, and would outlive us.
        code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
        child = subprocess.Popen([sys.executable, "-S", "-c", code])
        with open(ARGUMENT, "w") as file:
            file.write(str(child.pid))
    if FAULT == "chatty stderr":
        for number in range(20_000):
            print(f"line {number}: " + "x" * 80, file=sys.stderr)
    if FAULT == "split secret":
        sys.stderr.write("token is hunt")
        sys.stderr.flush()
        time.sleep(0.05)
        sys.stderr.write("er2-and-more, thanks\n")
        sys.stderr.flush()


def call_tool(request_id, name, arguments):
    """The result of a call, or None when it was answered here (or never will be)."""
    if FAULT == "exit mid-call":
        print("out of cheese", file=sys.stderr, flush=True)
        os._exit(7)
    if FAULT == "killed mid-call":
        os.kill(os.getpid(), signal.SIGSEGV)
    if FAULT == "close output mid-call":
        os.close(1)
        time.sleep(600)
    if FAULT == "answer and exit":
        send({"id": request_id, "result": text_result("last words")})
        os._exit(0)
    if FAULT == "answer without newline":
        write(json.dumps({"jsonrpc": "2.0", "id": request_id, "result": {}}).encode())
        os._exit(0)
    if FAULT == "hang in call" and name == "echo":
        return None
    if FAULT == "hang for good":
        time.sleep(600)
    if FAULT == "unknown id":
        send({"id": 999_999, "result": text_result("who asked?")})
        send({"id": "abc", "result": {}})
        send({"id": None, "error": {"code": -32700, "message": "Parse error"}})
    if FAULT == "duplicate":
        send({"id": request_id, "result": text_result(arguments)})
        send({"id": request_id, "result": text_result("again")})
        return None
    if FAULT == "string id":
        send({"id": str(request_id), "result": text_result("as text")})
        return None
    if FAULT == "server ping":
        send({"id": "ping-1", "method": "ping"})
        send({"id": 2, "method": "roots/list"})
        send({"method": "notifications/message", "params": {"level": "info", "data": "hi"}})
        answers = [next(messages), next(messages)]
        return text_result(answers)
    if FAULT == "odd progress":
        token = {"progressToken": request_id}
        for progress in (
            {"progress": "half", **token},
            {"progress": 0.5, "total": "all", "message": 5, **token},
            {"progress": 1, "progressToken": "other"},
            {"progress": True, **token},
            {"progress": 1, "total": 2, "message": "half", **token},
            [],
        ):
            send({"method": "notifications/progress", "params": progress})
        send({"id": request_id, "result": text_result(arguments["text"])})
        send({"method": "notifications/progress", "params": {"progress": 9, **token}})
        return None
    if FAULT == "tools changed":
        send({"method": "notifications/tools/list_changed"})
    if FAULT == "takes back":
        send({"id": "q", "method": "elicitation/create", "params": {}})
        send({"method": "notifications/cancelled", "params": {"requestId": "other"}})
        send({"method": "ping", "id": "wait"})
        next(messages)
        send({"method": "notifications/cancelled", "params": {"requestId": "q"}})
    if FAULT == "flood":
        for number in range(20):
            send({"id": number, "method": "elicitation/create", "params": {}})
        return text_result([next(messages) for _ in range(4)])
    if FAULT == "reject":
        error = {"code": -32602, "message": "text is hunter2", "data": {"key": ["hunter2"]}}
        send({"id": request_id, "error": error})
        return None
    if FAULT == "tool error":
        return text_result("no such file", error=True)
    if FAULT == "nan":
        write(b'{"jsonrpc":"2.0","id":%d,"result":{"content":[],"x":NaN}}\n' % request_id)
        return None
    if FAULT == "result is no object":
        send({"id": request_id, "result": [1]})
        return None
    if FAULT == "long line":
        for _ in range(70):
            write(b"x" * (1 << 20))
        time.sleep(600)
    if FAULT == "batch":
        batch = [{"jsonrpc": "2.0", "id": request_id, "result": text_result("in a batch")}]
        write(json.dumps(batch).encode() + b"\n")
        return None
    if FAULT == "write before reading":
        # More than a pipe holds, before the rest of a large request is read.
        for _ in range(64):
            send({"method": "notifications/message", "params": {"data": "x" * 65536}})
        return text_result(len(arguments["text"]))

    if name == "echo":
        return text_result(arguments["text"])
    if name == "sleep":
        time.sleep(arguments["seconds"])
        return text_result("slept")
    if name == "pid":
        return text_result(os.getpid())
    if name == "heard":
        return text_result(heard)
    if name == "length":
        return text_result(len(arguments["text"]))
    if name == "big":
        return text_result("x" * arguments["size"])
    if name == "environment":
        return text_result({"cwd": os.getcwd(), "env": dict(os.environ)})
    return text_result(f"Unknown tool: {name}", error=True)


def list_tools(params):
    number = int((params or {}).get("cursor", 0))
    page = {"tools": [{"name": f"tool-{number}", "inputSchema": {"type": "object"}}]}
    if FAULT == "endless pages":
        page["nextCursor"] = "1"
    elif number < 2:
        page["nextCursor"] = str(number + 1)
    return page


def main():
    held = []
    for message in messages:
        method, request_id, params = message.get("method"), message.get("id"), message.get("params")
        if request_id is None:
            heard.append({"method": method, "params": params})
            if FAULT == "exit after initialize":
                print("goodbye", file=sys.stderr, flush=True)
                sys.exit(4)
            if FAULT == "close input":
                os.close(0)
                print("not listening", file=sys.stderr, flush=True)
                time.sleep(600)
            continue
        if method == "initialize":
            if FAULT == "refuse":
                send({"id": request_id, "error": {"code": -32000, "message": "not today"}})
                continue
            if FAULT == "no version":
                send({"id": request_id, "result": {}})
                continue
            send({"id": request_id, "result": initialize_result(params)})
            if FAULT == "exit after answering":
                sys.exit(5)
        elif method == "tools/list":
            if FAULT == "hang in list":
                continue
            send({"id": request_id, "result": list_tools(params)})
        elif method == "ping":
            send({"id": request_id, "result": {}})
        elif method == "tools/call":
            arguments = params.get("arguments") or {}
            if FAULT == "out of order":
                held.append((request_id, arguments["text"]))
                if len(held) == 3:
                    for held_id, text in reversed(held):
                        send({"id": held_id, "result": text_result(text)})
                    held.clear()
                continue
            result = call_tool(request_id, params["name"], arguments)
            if result is not None:
                send({"id": request_id, "result": result})
        else:
            send({"id": request_id, "error": {"code": -32601, "message": "Method not found"}})
    if FAULT == "ignore SIGTERM":
        time.sleep(600)
    if FAULT == "flush at the end":
        write(b"x" * (4 << 20))


before_handshake()
messages = incoming()
main()

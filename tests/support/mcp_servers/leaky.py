"""An MCP server that tells its secret, the variable KEY, in every way it can.

Standard library only. Its one tool, ``tell``, takes ``how``.
"""

import json
import os
import sys
import time

KEY = os.environ.get("KEY", "") or sys.argv[-1]


def send(message):
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def text(value, **more):
    return {"content": [{"type": "text", "text": value}], "isError": False, **more}


def answer(request_id, how):
    if how == "text":
        send({"id": request_id, "result": text(f"the key is {KEY}")})
    elif how == "json":
        send({"id": request_id, "result": text(json.dumps({"key": [KEY], KEY: 1}))})
    elif how == "structured":
        send({"id": request_id, "result": text("x", structuredContent={"deep": {"key": KEY}})})
    elif how == "number":
        send({"id": request_id, "result": text("5", structuredContent={"result": KEY})})
    elif how == "error":
        send({"id": request_id, "result": text(f"bad key {KEY}", isError=True)})
    elif how == "reject":
        error = {"code": -32001, "message": f"no {KEY}", "data": {"key": KEY}}
        send({"id": request_id, "error": error})
    elif how == "stderr":
        print(f"key={KEY} " + json.dumps({"key": KEY}), file=sys.stderr, flush=True)
        send({"id": request_id, "result": text("done")})
    elif how == "garbage":
        sys.stdout.write(f"debug: {KEY}\n")
        send({"id": request_id, "result": text("done")})
    elif how == "log":
        message = {"level": "info", "logger": KEY, "data": {"key": KEY}}
        send({"method": "notifications/message", "params": message})
        send({"id": request_id, "result": text("done")})
    elif how == "unasked":
        send({"id": 999, "result": {KEY: KEY}})
        send({"id": request_id, "result": text("done")})
    elif how == "not a result":
        send({"id": request_id, "result": text("x", content=KEY)})
    elif how == "die":
        print(f"panic: {KEY}", file=sys.stderr, flush=True)
        os._exit(3)
    elif how == "hang":
        print(f"waiting with {KEY}", file=sys.stderr, flush=True)
        time.sleep(600)


if "usage" in sys.argv:
    sys.exit(f"usage: {KEY}")
if "version" in sys.argv:
    greeting = json.loads(sys.stdin.readline())
    send({"id": greeting["id"], "error": {"code": -32601, "message": KEY}})
    greeting = json.loads(sys.stdin.readline())
    send({"id": greeting["id"], "result": {"protocolVersion": KEY}})
for line in sys.stdin:
    message = json.loads(line)
    method, request_id = message.get("method"), message.get("id")
    if method == "initialize":
        result = {
            "protocolVersion": message["params"]["protocolVersion"],
            "capabilities": {"tools": {}, "experimental": {KEY: {}}},
            "serverInfo": {"name": KEY, "version": KEY},
        }
        send({"id": request_id, "result": result})
    elif method == "tools/list":
        schema = {"type": "object", "properties": {"how": {"type": "string", "default": KEY}}}
        tool = {"name": "tell", "description": f"Tells {KEY}.", "inputSchema": schema}
        send({"id": request_id, "result": {"tools": [tool]}})
    elif method == "tools/call":
        answer(request_id, message["params"]["arguments"]["how"])
    elif request_id is not None:
        send({"id": request_id, "error": {"code": -32601, "message": f"{method}: {KEY}"}})

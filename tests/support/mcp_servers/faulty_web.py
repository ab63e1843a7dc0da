"""An MCP server over HTTP with one fault: ``python -S -E faulty_web.py FAULT``.

Standard library only. It listens on a free port of 127.0.0.1 and prints its URL (Streamable HTTP;
``/sse`` beside it is the older transport) on one line. FAULT is one of the words below, or a
number: the HTTP status of every answer, or after "call " that of a tool call. Tools: ``echo``, and
``heard`` (what was received).
"""

import contextlib
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FAULT = sys.argv[1] if len(sys.argv) > 1 else "none"
SESSION = "session-1"
heard = []
for_ever = threading.Event()

TOOL = {"description": "x", "inputSchema": {"type": "object"}, "vendorField": {"a": None}}
PAGES = {
    None: (["echo", "heard"], "2"),
    "2": (["third"], "3"),
    "3": (["fourth"], "2" if FAULT == "pages without end" else None),
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    events = None  # the event stream of the older transport

    def log_message(self, *_):
        pass

    def do_GET(self):
        if self.path != "/sse":
            return self.send(405)
        if FAULT == "hang":
            for_ever.wait()
        if FAULT.isdecimal():
            return self.send(int(FAULT))
        Handler.events = self
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.event("endpoint", b"/messages?session_id=1")
        for_ever.wait()

    def do_DELETE(self):
        if FAULT == "hang at goodbye":
            for_ever.wait()
        self.send(200)

    def do_POST(self):
        if FAULT.startswith("redirect ") and self.path == "/mcp":
            self.rfile.read(int(self.headers["Content-Length"]))
            _, status, target = FAULT.split()
            return self.send(int(status), headers={"Location": target})
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        heard.append(message)
        method = message.get("method")
        if FAULT == "hang" or (FAULT == "hang later" and method.startswith("tools/")):
            for_ever.wait()
        if FAULT.isdecimal():
            return self.send(int(FAULT), b"<p>not you", "text/html")
        if "id" not in message:
            return self.send(202)
        answer = getattr(self, "on_" + method.replace("/", "_"))
        return answer(message["id"], message.get("params", {}))

    def on_initialize(self, request_id, _):
        if FAULT == "no initialize":
            return self.refuse(request_id, -32601, "no such method", 404)
        if FAULT == "reject initialize":
            return self.refuse(request_id, -32602, self.headers.get("x-key", "no"))
        version = "1999-01-01" if FAULT == "old" else "2025-06-18"
        info = {"name": "faulty", "version": "1", "vendorField": [None]}
        if FAULT == "not json at all":
            return self.send(200, b"<p>welcome", "text/html")
        return self.answer(
            request_id,
            {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": info},
            {"Mcp-Session-Id": SESSION},
        )

    def on_server_discover(self, request_id, _):
        if FAULT != "no initialize" and not FAULT.startswith("listen "):
            return self.refuse(request_id, -32601, "no such method", 404)
        return self.answer(
            request_id,
            {
                "resultType": "complete",
                "supportedVersions": ["2026-07-28"],
                "capabilities": {"tools": {"listChanged": FAULT != "no initialize"}},
                "ttlMs": 0,
                "cacheScope": "private",
                "_meta": {"io.modelcontextprotocol/serverInfo": {"name": "new", "version": "2"}},
            },
        )

    def on_subscriptions_listen(self, request_id, params):
        """The first is answered with the fault, the others as they should."""
        first = [message.get("method") for message in heard].count("subscriptions/listen") == 1
        if FAULT.endswith(" 503") and first:
            return self.send(503)
        if FAULT.endswith(" 403"):
            return self.send(403)
        if FAULT.endswith(" rejected"):
            return self.refuse(request_id, -32601, "no such method")
        honored = {} if FAULT.endswith(" in vain") else params["notifications"]
        self.stream()
        ids = {"io.modelcontextprotocol/subscriptionId": request_id}
        for name in ("subscriptions/acknowledged", "tools/list_changed"):
            message = {"method": f"notifications/{name}", "params": {"_meta": ids}}
            if name.startswith("sub"):
                message["params"]["notifications"] = honored
            self.event("message", json.dumps({"jsonrpc": "2.0", **message}).encode())
            self.wfile.flush()
        if FAULT.endswith(" cut") and first:
            return self.connection.shutdown(2)
        return for_ever.wait()

    def on_ping(self, request_id, _):
        self.answer(request_id, {})

    def on_tools_list(self, request_id, params):
        names, cursor = PAGES[params.get("cursor")]
        result = {"tools": [{"name": name, **TOOL} for name in names]}
        if cursor:
            result["nextCursor"] = cursor
        self.answer(request_id, result)

    def on_tools_call(self, request_id, params):
        arguments = params.get("arguments") or {}
        if params["name"] == "heard":
            text = json.dumps(heard)
        else:
            text = str(arguments.get("text"))
            if self.fault_in_call(request_id):
                return None
        result = {
            "content": [{"type": "text", "text": text, "vendorField": None}],
            "structuredContent": {"a": None, "text": text},
        }
        if self.headers.get("MCP-Protocol-Version") == "2026-07-28":
            result["resultType"] = "complete"
            if text == "ask me":
                result = {"resultType": "input_required", "requestState": "s"}
        return self.answer(request_id, result)

    def fault_in_call(self, request_id):
        """Whether this fault took the place of the answer."""
        if FAULT == "call hang":
            for_ever.wait()
        elif FAULT == "call refuses the session":
            self.refuse(None, -32000, "no valid session", 400)
        elif FAULT == "call error with status":
            error = {"code": -32602, "message": "no text"}
            body = json.dumps({"jsonrpc": "2.0", "id": request_id, "error": error})
            self.send(400, body.encode())
        elif FAULT.startswith("call ") and FAULT[5:].isdecimal():
            self.send(int(FAULT[5:]), b"<p>no", "text/html")
        elif FAULT.startswith("call 429 after "):
            self.send(429, headers={"Retry-After": FAULT[15:]})
        elif FAULT == "call endless events":
            self.stream()
            with contextlib.suppress(OSError):
                while True:
                    self.event("message", b'{"jsonrpc":"2.0","method":"notifications/x"}')
                    time.sleep(0.001)
        elif FAULT == "call endless event":
            self.stream()
            with contextlib.suppress(OSError):
                for _ in range(80):
                    self.wfile.write(b"data: " + b"x" * (1 << 20) + b"\n")
                for_ever.wait()
        elif FAULT == "call endless body":
            self.send(200, length=1 << 40)
            with contextlib.suppress(OSError):
                while True:
                    self.wfile.write(b" " * (1 << 20))
        elif FAULT == "call not json":
            self.reply(b'{"jsonrpc":"2.0","id":%d,"result":' % request_id)
        elif FAULT == "call not utf-8":
            line = b'{"jsonrpc":"2.0","id":%d,"result":{"content":[{"type":"text","text":"\xff"}]}}'
            self.reply(line % request_id)
        elif FAULT == "call no result":
            self.answer(request_id, {"content": "text"})
        elif FAULT == "call half":
            self.send(200, b'{"jsonrpc":', length=100)
            self.close_connection = True
        elif FAULT == "call cut":
            self.send(200, b": no answer\n\n", "text/event-stream")
        elif FAULT == "call drop":
            self.close_connection = True
        elif FAULT == "call secret":
            self.refuse(request_id, -32001, f"bad key {self.headers['x-key']}", data=[SESSION])
        elif FAULT == "call end of events":
            Handler.events.connection.shutdown(2)
        else:
            return False
        return True

    def refuse(self, request_id, code, message, status=200, data=None):
        error = {"code": code, "message": message, "data": data}
        body = json.dumps({"jsonrpc": "2.0", "id": request_id, "error": error}).encode()
        self.reply(body, status)

    def answer(self, request_id, result, headers=None):
        body = json.dumps({"jsonrpc": "2.0", "id": request_id, "result": result}).encode()
        self.reply(body, headers=headers)

    def reply(self, body, status=200, headers=None):
        if self.path.startswith("/messages"):
            self.send(202)
            Handler.events.event("message", body)
        else:
            self.send(status, body, headers=headers)

    def stream(self):
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()

    def event(self, kind, data):
        self.wfile.write(b"event: %b\ndata: %b\n\n" % (kind.encode(), data))

    def send(self, status, body=b"", kind="application/json", *, length=None, headers=None):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length or len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(f"http://127.0.0.1:{server.server_address[1]}/mcp", flush=True)
server.serve_forever()

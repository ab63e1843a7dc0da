"""An MCP server of one era, or with its own idea of both; KIND is its first argument.

``old`` rejects ``server/discover``; ``old and silent`` never answers what it does not know, ``old
and fragile`` exits when it meets it, ``old and slow`` reads its first line late and is silent too;
``agrees to all`` gives an empty result to anything unknown. ``new`` knows no ``initialize``;
``both`` speaks both; ``other`` only versions that nobody speaks; ``new, then old`` is old when
FILE, the second argument, is there. Standard library only. ``heard`` gives back all that was
received, ``ask`` wants input (in the newer era), ``ask for ever`` never has enough.
"""

import json
import os
import sys
import time

KIND = sys.argv[1]
if KIND == "new, then old":
    KIND = "old" if os.path.exists(sys.argv[2]) else "new"
OLD = KIND.startswith("old") or KIND in ("both", "agrees to all")
NEW = KIND in ("new", "both", "other")
VERSION = "io.modelcontextprotocol/protocolVersion"
heard = []


def send(message):
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def text(value):
    content = value if isinstance(value, str) else json.dumps(value)
    return {"content": [{"type": "text", "text": content}], "isError": False}


def call(params):
    name = params["name"]
    if name == "heard":
        return text(heard)
    answers = params.get("inputResponses")
    if name == "ask for ever" or (name == "ask" and not answers):
        request = {"method": "elicitation/create", "params": {"message": "Who?"}}
        return {
            "resultType": "input_required",
            "inputRequests": {"who": request},
            "requestState": "state",
        }
    if name == "ask":
        return text([answers, params["requestState"]])
    if name == "odd type":
        return {"resultType": "strange"}
    if name == "ask for nothing":
        return {"resultType": "input_required"}
    return text(params["arguments"])


def answer(method, params, request_id):
    """The result, or an error's code and message, or None for silence."""
    stateless = VERSION in (params.get("_meta") or {})
    if method == "server/discover" and NEW:
        versions = ["2031-01-01"] if KIND == "other" else ["2026-07-28"]
        meta = {"io.modelcontextprotocol/serverInfo": {"name": "eras", "version": "2"}}
        tools = {"listChanged": True}
        return {"supportedVersions": versions, "capabilities": {"tools": tools}, "_meta": meta}
    if method == "initialize" and OLD:
        info = {"name": "eras", "version": "1"}
        version = params["protocolVersion"]
        return {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": info}
    if method == "initialize" and KIND == "new":
        return (-32022, "only 2026-07-28")
    if method == "tools/call" and stateless is NEW:
        return call(params)
    if method == "tools/list" and stateless is NEW:
        return {"tools": []}
    if method == "subscriptions/listen" and NEW:
        ids = {"io.modelcontextprotocol/subscriptionId": request_id}
        for name in ("subscriptions/acknowledged", "tools/list_changed"):
            send({"method": f"notifications/{name}", "params": {"_meta": ids}})
        return None
    if KIND == "old and fragile":
        sys.exit(70)
    if KIND in ("old and silent", "old and slow"):
        return None
    if KIND == "agrees to all":
        return {}
    return (-32601, f"Method not found: {method}")


if KIND == "old and slow":
    time.sleep(0.3)
for line in sys.stdin:
    message = json.loads(line)
    heard.append(message)
    if "id" not in message or "method" not in message:
        continue
    result = answer(message["method"], message.get("params") or {}, message["id"])
    if isinstance(result, tuple):
        send({"id": message["id"], "error": {"code": result[0], "message": result[1]}})
    elif result is not None:
        send({"id": message["id"], "result": result})
